package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"waggle/internal/topology"
	"waggle/test/kit"
)

// A checkout is a copy of this tree, in which make runs.
type checkout struct{ dir string }

func copyTree(t *testing.T) checkout {
	t.Helper()
	c := checkout{t.TempDir()}
	out, err := exec.CommandContext(t.Context(), kit.Command(t, "git", "git"), "-C", "..", "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		kit.Missing(t, "git, and a clone of the repository")
	}
	for _, name := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		info, err := os.Stat(filepath.Join("..", name))
		if err != nil {
			continue // deleted, but not yet committed
		}
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		c.write(t, name, string(text), info.Mode())
	}
	return c
}

func (c checkout) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	place := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// command is one that runs there, without the credentials and settings of this machine.
func (c checkout) command(t *testing.T, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = c.dir
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); !strings.HasPrefix(name, "AWS_") && !strings.HasPrefix(name, "CDK") && !strings.HasPrefix(name, "MAKE") && name != "SETTINGS" {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.org", "GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.org")
	return cmd
}

func (c checkout) run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := c.command(t, name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A deployed function is what the template has of it.
type deployed struct{ asset, description string }

// synth runs make synth, and returns the functions by name, and the output Version.
func (c checkout) synth(t *testing.T) (map[string]deployed, string) {
	t.Helper()
	c.run(t, "make", "synth", "ARCH="+runtime.GOARCH, `CDKFLAGS=-c audience=flag -c 'tags=team=a b'`)
	text, err := os.ReadFile(filepath.Join(c.dir, "bin/cdk.out/Places.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				Description string
				Code        struct{ S3Key string }
			}
		}
		Outputs struct{ Version struct{ Value string } }
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	all := map[string]deployed{}
	for _, r := range template.Resources {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(r.Properties.Description, "Waggle: "), ",")
		all[name] = deployed{r.Properties.Code.S3Key, r.Properties.Description}
	}
	if !strings.Contains(string(text), `"Value": "a b"`) { // a flag whose value has a space
		t.Error("no resource has the tag of the flag")
	}
	if !strings.Contains(string(text), `"WAGGLE_AUDIENCE": "flag"`) || !strings.Contains(string(text), `"WAGGLE_ISSUER": "https://issuer.example"`) {
		t.Error("a flag does not come before the file, or the file is not read")
	}
	return all, template.Outputs.Version.Value
}

// make synth builds first: a function that has changed in the checkout is another one in the
// template, and the template says which commit it is.
func TestTheTemplateHasWhatTheCheckoutSays(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	kit.Command(t, "make", "make")
	c := copyTree(t)
	modules, err := filepath.Abs("node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, ".bin/cdk")); err != nil {
		kit.Missing(t, "the CDK's command line (npm ci --prefix infra)")
	}
	if err := os.Symlink(modules, filepath.Join(c.dir, "infra/node_modules")); err != nil {
		t.Fatal(err)
	}
	// They are as new as the list of them, so that npm does not fetch them anew.
	if err := os.Chtimes(filepath.Join(c.dir, "infra/package-lock.json"), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	c.write(t, "infra/settings.json", `{"stack": "Places", "issuer": "https://issuer.example", "audience": "file", "consent": "required"}`, 0o600)
	c.write(t, "bin/cdk.out/Other.template.json", "{}", 0o600)

	before, version := c.synth(t)
	if len(before) != len(topology.Functions()) || version != "unknown" {
		t.Fatalf("got %d functions of version %q: %+v", len(before), version, before)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "bin/cdk.out/Other.template.json")); err == nil {
		t.Error("the template of another stack is still there")
	}

	main := filepath.Join(c.dir, "functions/location/main.go")
	text, err := os.ReadFile(main)
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "functions/location/main.go", string(text)+"\nfunc init() { println(\"changed\") }\n", 0o600)
	after, _ := c.synth(t)
	for name := range before {
		if changed := before[name].asset != after[name].asset; changed != (name == "location") {
			t.Errorf("%s: changed %v", name, changed)
		}
	}

	c.write(t, ".gitignore", "/bin/\n/dist/\nnode_modules\n", 0o600)
	c.run(t, "git", "init", "-q")
	c.run(t, "git", "add", ".")
	c.run(t, "git", "commit", "-qm", "All")
	commit := c.run(t, "git", "rev-parse", "HEAD")[:12]
	committed, version := c.synth(t)
	if !strings.HasSuffix(version, commit) || committed["match"].description != "Waggle: match, "+version {
		t.Errorf("got version %q and %q, want the commit %s", version, committed["match"].description, commit)
	}

	// With credentials the app looks at the stack that exists. It has another kind of cache.
	commandLine(t, `{"Stacks":[{"StackStatus":"CREATE_COMPLETE","Outputs":[{"OutputKey":"Fixed","OutputValue":"cache=cluster"}]}]}`, "{}")
	app := c.command(t, "bin/infra")
	app.Path = filepath.Join(c.dir, "bin/infra")
	app.Env = append(app.Env, "ARCH="+runtime.GOARCH, "CDK_DEFAULT_ACCOUNT=123456789012", "CDK_DEFAULT_REGION=eu-west-1", "CDK_OUTDIR="+t.TempDir())
	if out, err := app.CombinedOutput(); err == nil || !strings.Contains(string(out), "the stack Places has cache=cluster, and these settings mean cache=public") {
		t.Errorf("a change of the cache's kind: got %v, %s", err, out)
	}

	// To destroy takes neither built functions, nor a C compiler, nor settings other than the name.
	if err := os.Remove(filepath.Join(c.dir, "infra/node_modules")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dist", "infra/settings.json"} {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c.write(t, "infra/node_modules/.package-lock.json", "{}", 0o600)
	c.write(t, "infra/node_modules/.bin/cdk", "#!/bin/sh\necho \"$@\" >args\nCDK_CONTEXT_JSON='{\"stack\":\"Two\"}' CDK_OUTDIR=$PWD/bin/cdk.out exec bin/infra\n", 0o700)
	c.run(t, "make", "destroy", "CGO_ENABLED=0", "CDKFLAGS=-c stack=Two") // as Go sets it where it finds no compiler
	args, err := os.ReadFile(filepath.Join(c.dir, "args"))
	if err != nil || !strings.HasPrefix(string(args), "destroy -c stack=Two ") {
		t.Errorf("got %s, %v", args, err)
	}
	templates, err := filepath.Glob(filepath.Join(c.dir, "bin/cdk.out/*.template.json"))
	if err != nil || len(templates) != 1 || filepath.Base(templates[0]) != "Two.template.json" {
		t.Errorf("got %v, %v", templates, err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "dist")); err == nil {
		t.Error("the functions were built")
	}
}
