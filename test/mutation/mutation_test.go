package mutation

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// The sample is mutated, compiled and tested as the real packages are.
func TestWhatNobodyMissesIsReported(t *testing.T) {
	base, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	const folder = "test/mutation/testdata/sample"
	var out strings.Builder
	w := &workshop{Options: Options{Root: base, Workers: 2, Out: &out}, dir: t.TempDir(), part: Sources}
	breaks, err := w.mutate(t.Context(), []string{folder}, []string{folder})
	if err != nil {
		t.Fatal(err)
	}
	rows := []row{{folder + "/sample.go", "Untested", "n + 1", "- for +", "it is as good"}}
	if err := excuse(rows, breaks, true); err != nil {
		t.Fatal(err)
	}
	err = w.finish(t.Context(), breaks)
	if err == nil || !strings.Contains(err.Error(), "66.7 % of what was broken was missed by a test, want 80 %") {
		t.Errorf("got %v", err)
	}
	got := regexp.MustCompile(` \(\d+\.\d s\)`).ReplaceAllString(strings.ReplaceAll(out.String(), folder+"/", ""), "")
	want := `sample.go:6: Grade: score > 50: always true → TestGrade/bad fails
sample.go:6: Grade: score > 50: always false → TestGrade/good fails
sample.go:6: Grade: score > 50: >= for > → NOBODY MISSES IT: in no test does it make a difference
sample.go:13: Untested: n + 1: - for + → nothing to miss: it is as good
go: 4 broken, 2 missed by a test, 1 by none, 1 where there is nothing to miss: 66.7 %
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What a test prints and how it ends is understood; here a script is the test.
func TestHowATestEnds(t *testing.T) {
	for name, c := range map[string]struct{ script, where, how string }{
		"passes":    {"echo ok", "", ""},
		"fails":     {"echo '--- FAIL: TestX (0.00s)'; echo '    --- FAIL: TestX/embedded (0.00s)'; echo '    --- FAIL: TestX/server (0.00s)'; exit 1", "TestX/embedded", fails},
		"panics":    {"echo 'panic: at the disco'; exit 2", "TestX", fails},
		"hangs":     {"while :; do :; done", "TestX", hangs},
		"settings":  {`[ "$WAGGLE_GUARD" = 7 ] && [ -z "$PATH$WAGGLE_SOAK" ]`, "", ""},
		"programs":  {"redis-server --version", "TestX", fails},
		"arguments": {`[ "$*" = "-test.run ^TestX$ -test.failfast -test.timeout 0" ]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WAGGLE_SOAK", "1")
			binary := filepath.Join(t.TempDir(), "x.test")
			if err := os.WriteFile(binary, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			limit := time.Minute
			if c.how == hangs {
				limit = 100 * time.Millisecond
			}
			v, err := (&test{binary: binary, dir: ".", name: "TestX"}).run(t.Context(), limit, []string{mutantOn("7")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if v.how != c.how || v.how != passes && v.where != c.where {
				t.Errorf("got %+v, want %s %s", v, c.where, c.how)
			}
		})
	}
}

// A test that now fails and now passes says nothing of what is broken.
func TestWhatFailsByChanceIsLeftOut(t *testing.T) {
	write := func(name, script string) *test {
		binary := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(binary, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return &test{binary: binary, dir: filepath.Dir(binary), name: name}
	}
	chance := write("Once", `[ -e again ] || { : > again; exit 1; }`)
	if v, err := (suite{chance, write("Really", "exit 1")}).find(t.Context(), time.Minute); v.where != "Really" || v.how != fails || err != nil {
		t.Errorf("got %+v, %v, want the test that fails again", v, err)
	}
	var out strings.Builder
	w := &workshop{Options: Options{Workers: 1, Out: &out}}
	steady := write("Steady", "echo 'guard:7t;'")
	got, err := w.watch(t.Context(), suite{steady, write("Chance", `[ -e again ] || { : > again; exit 1; }`)})
	if err != nil || len(got) != 1 || got[0] != steady || !steady.reaches["7t"] {
		t.Errorf("got %v, %v", got, err)
	}
	if want := "Chance is left out: with nothing broken it failed, and then it passed\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
	out.Reset()
	got, err = w.watch(t.Context(), suite{write("Fails", "echo why; exit 1")})
	if want := "Fails is left out: it fails with nothing broken\nwhy\n\n"; err != nil || len(got) > 0 || out.String() != want {
		t.Errorf("got %v, %v, %q, want %q", got, err, &out, want)
	}
	if err := w.report(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "1 tests were left out") {
		t.Errorf("got %v, though a test fails with nothing broken", err)
	}
}

// Marks come in pieces, and within what else is printed.
func TestMarksAreTakenOutOfTheOutput(t *testing.T) {
	var marks []string
	o := output{mark: func(mark string) { marks = append(marks, mark) }}
	for _, piece := range []string{"=== RUN guard:7", "t;\nguard:8;\nTestX\n", "guard:9f;\n", strings.Repeat("x", 1<<17) + "\nthe end\n"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	if diff := cmp.Diff([]string{"7t", "8", "9f"}, marks); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := string(o.tail); len(text) != 1<<16 || !strings.HasSuffix(text, "x\nthe end\n") {
		t.Errorf("got %d bytes that end in %q", len(text), text[len(text)-10:])
	}
}

// Every condition has a number of its own, whatever file it is in, and each script is
// watched.
func TestScriptsAreNumberedThroughout(t *testing.T) {
	all, err := readScripts(root)
	if err != nil {
		t.Fatal(err)
	}
	next := 1
	for _, s := range all {
		if s.first != next {
			t.Errorf("%s: got %d for its first condition, want %d", s.name, s.first, next)
		}
		next += len(s.conditions)
	}
	if next < 300 {
		t.Errorf("got %d conditions in %d files: too few", next-1, len(all))
	}
	edits := watchedScripts(all)
	for i, s := range all {
		if edits[i].Old != s.source || (edits[i].New == s.source) != (len(s.conditions) == 0) {
			t.Errorf("%s is not watched", s.name)
		}
	}
}

func TestEachBugHasItsPlace(t *testing.T) {
	names := make(map[string]bool)
	for _, b := range bugs() {
		text, err := os.ReadFile(filepath.Join(root, b.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if n := strings.Count(string(text), b.old); n != 1 {
			t.Errorf("%s: %s has this %d times, want once:\n%s", b.name, b.file, n, b.old)
		}
		if b.old == b.new || names[b.name] {
			t.Errorf("%s: it is no bug, or one for the second time", b.name)
		}
		names[b.name] = true
	}
}

func TestNothingStaysShortAndTrue(t *testing.T) {
	if n := len(nothing()); n > 30 {
		t.Errorf("got %d rows, want at most 30: what nobody misses wants a test, or can go", n)
	}
	breaks := []Break{{File: "a.lua", Code: "x", Change: "always true"}, {File: "a.lua", Code: "x", Change: "always false"}}
	rows := []row{{"a.lua", "", "x", "always false", "because"}, {"b.go", "f", "y", "left out", "because"}}
	if err := excuse(of(rows, ".lua"), breaks, true); err != nil {
		t.Error(err)
	}
	if breaks[0].Nothing != "" || breaks[1].Nothing != "because" {
		t.Errorf("got %+v", breaks)
	}
	if err := excuse(rows, breaks, true); err == nil || !strings.Contains(err.Error(), "b.go: f: y: left out") {
		t.Errorf("a row that excuses nothing: got %v", err)
	}
	if err := excuse(rows, breaks, false); err != nil {
		t.Errorf("where only some files are broken: %v", err)
	}
}

// A row for what a test does miss is wrong.
func TestWhatIsMissedIsNotNothing(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	w := &workshop{Options: Options{Workers: 1, Out: &out}, part: Scripts}
	err := w.report(t.Context(), []Break{{File: "a.lua", Nothing: "because", prepare: func(context.Context) (suite, []string, error) {
		return suite{{binary: binary, dir: ".", name: "TestX"}}, nil, nil
	}}})
	if err == nil || !strings.Contains(err.Error(), "nothing.go") {
		t.Errorf("got %v", err)
	}
}

// Who is patient for ten seconds tries what fits, the quickest first, and one in any case.
func TestPatience(t *testing.T) {
	s := suite{{took: 4 * time.Second}, {took: 6 * time.Second}, {took: 7 * time.Second}}
	for patience, want := range map[time.Duration]int{10 * time.Second: 2, 9 * time.Second: 1, time.Second: 1, 0: 3, time.Minute: 3} {
		if got := len(s.within(patience)); got != want {
			t.Errorf("%v: got %d tests, want %d", patience, got, want)
		}
	}
	if got := len(suite(nil).within(time.Second)); got != 0 {
		t.Errorf("got %d of no tests", got)
	}
}

// What no test on the embedded cache misses in a script, one on a real server may.
func TestScriptsAreTriedOnRealServersToo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n[ -z \"$PATH\" ]\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for part, want := range map[string]string{Scripts: "TestX fails on a real server", Sources: "NOBODY MISSES IT"} {
		var out strings.Builder
		w := &workshop{Options: Options{Workers: 1, Out: &out}, part: part}
		_ = w.report(t.Context(), []Break{{File: "a", prepare: func(context.Context) (suite, []string, error) {
			return suite{{binary: binary, dir: ".", name: "TestX"}}, nil, nil
		}}})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %q, want %s", part, &out, want)
		}
	}
}
