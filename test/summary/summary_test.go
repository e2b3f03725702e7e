package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each row is a module, made for the test, that go test runs.
func TestTheSummaryOfARealRun(t *testing.T) {
	tests := []struct {
		name, code string
		ok         bool
		last       string   // the last line
		shown      []string // in the lines before
		hidden     []string
	}{
		{
			name: "all pass",
			code: `func TestA(t *testing.T) { t.Log("quiet") }
				func TestB(t *testing.T) { t.Run("one", func(t *testing.T) {}); t.Run("two", func(t *testing.T) {}) }`,
			ok: true, last: "3 passed, 0 skipped", shown: []string{"ok  \tsample"}, hidden: []string{"quiet", "PASS"},
		},
		{
			name: "skips",
			code: `func TestA(t *testing.T) { t.Skip("install redis-server") }
				func TestB(t *testing.T) { t.Run("one", func(t *testing.T) { t.Skipf("install %s", "node") }); t.Run("two", func(t *testing.T) {}) }
				func TestC(t *testing.T) { t.Skip("install redis-server") }`,
			ok: true, last: "1 passed, 3 skipped: install node, redis-server", shown: []string{"ok  \tsample"},
		},
		{
			name: "a skip that names nothing",
			code: `func TestA(t *testing.T) { t.Skip("not today") }`,
			ok:   true, last: "0 passed, 1 skipped", shown: []string{"skipped TestA", "not today"},
		},
		{
			name: "a failure",
			code: `func TestA(t *testing.T) { t.Log("before it"); t.Error("got 1, want 2") }
				func TestB(t *testing.T) { t.Log("quiet") }
				func TestC(t *testing.T) { t.Run("one", func(t *testing.T) { t.Error("got 3, want 4") }); t.Run("two", func(t *testing.T) {}) }
				func TestD(t *testing.T) { t.Skip("install node") }`,
			last:  "2 passed, 2 failed, 1 skipped: install node",
			shown: []string{"--- FAIL: TestA", "before it", "got 1, want 2", "--- FAIL: TestC/one", "got 3, want 4", "FAIL\tsample"}, hidden: []string{"quiet"},
		},
		{
			name: "a panic",
			code: `func TestA(t *testing.T) {}
				func TestB(t *testing.T) { t.Log("about to"); panic("dropped the honey") }`,
			last: "1 passed, 1 failed, 0 skipped", shown: []string{"about to", "dropped the honey", "FAIL\tsample"},
		},
		{
			name: "an exit",
			code: `func TestA(t *testing.T) { println("bye"); os.Exit(3) }`,
			last: "0 passed, 1 failed, 0 skipped", shown: []string{"bye", "FAIL\tsample"}, hidden: []string{"=== RUN"},
		},
		{
			name: "it does not build",
			code: `func TestA(t *testing.T) { undefined() }`,
			last: "0 passed, 1 failed, 0 skipped", shown: []string{"undefined: undefined", "[build failed]"},
		},
		{
			name: "notes",
			code: `func TestA(t *testing.T) { t.Log("quiet"); t.Log("note: 12 of 12 cells"); t.Log("one more note: quiet too") }
				func TestB(t *testing.T) { t.Run("one", func(t *testing.T) { t.Log("note: 3 bees") }); t.Logf("note: %d bees", 3); println("note: a bare line") }`,
			ok: true, last: "2 passed, 0 skipped", shown: []string{"ok  \tsample", "\nnote: 12 of 12 cells\nnote: 3 bees"},
			hidden: []string{"quiet", "one more", "bare", "3 bees\nnote"},
		},
		{
			name: "a note of a test that fails",
			code: `func TestA(t *testing.T) { t.Log("note: 3 bees"); t.Error("got 1, want 2") }`,
			last: "0 passed, 1 failed, 0 skipped", shown: []string{"note: 3 bees", "got 1, want 2"}, hidden: []string{"\nnote: 3 bees"},
		},
		{
			name: "it fails outside the tests",
			code: `func TestA(t *testing.T) {}
				func TestMain(m *testing.M) { m.Run(); os.Stdout.WriteString("left something behind\n"); os.Exit(1) }`,
			last: "1 passed, 1 failed, 0 skipped", shown: []string{"left something behind"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			ok, err := summarize(strings.NewReader(goTest(t, test.code)), &out, true)
			if err != nil {
				t.Fatal(err)
			}
			rest, last := lastLine(out.String())
			if ok != test.ok || last != test.last {
				t.Errorf("got %v and %q, want %v and %q; all of it:\n%s", ok, last, test.ok, test.last, out.String())
			}
			for _, text := range test.shown {
				if !strings.Contains(rest, text) {
					t.Errorf("got no %q in:\n%s", text, rest)
				}
			}
			for _, text := range test.hidden {
				if strings.Contains(rest, text) {
					t.Errorf("got %q in:\n%s", text, rest)
				}
			}
		})
	}
}

// goTest returns what `go test -json` prints for a package of that code.
func goTest(t *testing.T, code string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":         "module sample\n\ngo 1.26\n",
		"sample.go":      "package sample\n",
		"sample_test.go": "package sample\n\nimport (\n\"os\"\n\"testing\"\n)\n\nvar _ = os.Exit\n\n" + code + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "go", "test", "-json", "-vet=off", "./...")
	command.Dir = dir
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	out, err := command.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("go test: %v", err)
	}
	return string(out)
}

func TestASkippedTestFailsWhereNoneMayBeSkipped(t *testing.T) {
	for code, want := range map[string]bool{
		`func TestA(t *testing.T) {}`:                      true,
		`func TestA(t *testing.T) { t.Skip("not today") }`: false,
	} {
		var out strings.Builder
		if ok, err := summarize(strings.NewReader(goTest(t, code)), &out, false); ok != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", code, ok, err, want)
		}
	}
}

func TestATestStillRunningAtTheEndHasFailed(t *testing.T) {
	events := `{"Action":"start","Package":"sample"}
{"Action":"run","Package":"sample","Test":"TestA"}
{"Action":"output","Package":"sample","Test":"TestA","Output":"still going\n"}
`
	var out strings.Builder
	ok, err := summarize(strings.NewReader(events), &out, true)
	if err != nil {
		t.Fatal(err)
	}
	rest, last := lastLine(out.String())
	if want := "0 passed, 1 failed, 0 skipped"; ok || last != want || !strings.Contains(rest, "still going") {
		t.Errorf("got %v and %q after %q, want a failure", ok, last, rest)
	}
}

func TestInputWithoutEventsIsAnError(t *testing.T) {
	for _, in := range []string{"", "no Go files\n"} {
		var out strings.Builder
		if ok, err := summarize(strings.NewReader(in), &out, true); ok || err == nil {
			t.Errorf("%q: got %v, %v, want an error", in, ok, err)
		}
		if out.String() != in {
			t.Errorf("%q: got %q, want it shown as it is", in, out.String())
		}
	}
}

func TestAVeryLongLineIsShownWhole(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	events := fmt.Sprintf(`{"Action":"output","Package":"p","Test":"TestA","Output":%q}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}
`, long)
	var out strings.Builder
	if ok, err := summarize(strings.NewReader(events), &out, true); ok || err != nil || !strings.Contains(out.String(), long) {
		t.Errorf("got %v, %v and %d bytes, want a failure shown whole", ok, err, out.Len())
	}
}

func lastLine(text string) (rest, last string) {
	text = strings.TrimSuffix(text, "\n")
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		return text[:i], text[i+1:]
	}
	return "", text
}
