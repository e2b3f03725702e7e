package layout

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waggle/test/kit"
)

// release runs build/release.sh with releases at this URL.
func release(t *testing.T, releases string, args ...string) (output string, ok bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "build/release.sh", args...)
	c.Dir = absolute(".")
	c.Env = append(os.Environ(), "RELEASES="+releases)
	out, err := c.CombinedOutput()
	return string(out), err == nil
}

// `make deploy RELEASE=…` fetches all functions of a good release, and none of another.
func TestTheFunctionsOfAReleaseAreFetched(t *testing.T) {
	for _, command := range []string{"zip", "unzip", "curl"} {
		kit.Command(t, command, command)
	}
	built, packed := t.TempDir(), t.TempDir()
	functions, err := os.ReadDir(absolute("functions"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		dir := filepath.Join(built, f.Name())
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("the program "+f.Name()), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if output, ok := release(t, "", "pack", "arm64", built, packed); !ok {
		t.Fatal(output)
	}
	files := map[string][]byte{}
	var sums bytes.Buffer
	for _, f := range functions {
		name := f.Name() + "-arm64.zip"
		if files[name], err = os.ReadFile(filepath.Join(packed, name)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	good := sums.String()
	for name, test := range map[string]struct {
		version, sums string
		without       string // a file that is not there
		want          string // of the output; "" if it is fetched
	}{
		"as it was":             {"v1.2.3", good, "", ""},
		"another sum":           {"v1.2.3", strings.Replace(good, fmt.Sprintf("%x", sha256.Sum256(files["match-arm64.zip"])), strings.Repeat("0", 64), 1), "", "match-arm64.zip is not what SHA256SUMS of v1.2.3 says"},
		"a sum missing":         {"v1.2.3", strings.ReplaceAll(good, "connect-arm64.zip", "other.zip"), "", "does not name connect-arm64.zip"},
		"a function missing":    {"v1.2.3", good, "location-arm64.zip", "location-arm64.zip could not be fetched: is there a release v1.2.3?"},
		"no such release":       {"v1.2.4", good, "", "is there a release v1.2.4?"},
		"no version":            {"../v1", good, "", "RELEASE is a version such as v1.2.3"},
		"sums that are no sums": {"v1.2.3", "<html>", "", "does not name authorizer-arm64.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				file, ok := strings.CutPrefix(r.URL.Path, "/download/v1.2.3/")
				switch content := files[file]; {
				case ok && file == "SHA256SUMS":
					fmt.Fprint(w, test.sums)
				case ok && content != nil && file != test.without:
					_, _ = w.Write(content) // the client sees
				default:
					http.NotFound(w, r)
				}
			}))
			defer server.Close()
			dist := t.TempDir()
			output, ok := release(t, server.URL+"/download", "fetch", test.version, "arm64", dist)
			if ok != (test.want == "") || !strings.Contains(output, test.want) {
				t.Errorf("got ok %v, %q, want %q", ok, output, test.want)
			}
			for _, f := range functions {
				place := filepath.Join(dist, f.Name(), "bootstrap")
				got, err := os.ReadFile(place)
				if !ok {
					if err == nil {
						t.Errorf("%s was taken from a release that is not good", f.Name())
					}
					continue
				}
				if info, statErr := os.Stat(place); err != nil || statErr != nil || string(got) != "the program "+f.Name() || info.Mode().Perm()&0o111 == 0 {
					t.Errorf("%s: got %q, %v, %v", f.Name(), got, err, statErr)
				}
			}
		})
	}
}

func TestTheReleaseWorkflowPublishesWhatIsFetched(t *testing.T) {
	text := string(read(t, ".github/workflows/release.yml"))
	for _, want := range []string{"make build release ARCH=arm64", "make build release ARCH=amd64", "build/release.sh tools bin/release", "SHA256SUMS", "ubuntu", "macos"} {
		if !strings.Contains(text, want) {
			t.Errorf(".github/workflows/release.yml lacks %q: add it", want)
		}
	}
}
