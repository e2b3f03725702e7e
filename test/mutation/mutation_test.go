package mutation

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// The sample is mutated, compiled and tested as the real packages are.
func TestAMutantThatSurvivesIsReported(t *testing.T) {
	base, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	const folder = "test/mutation/testdata/sample"
	var out strings.Builder
	r := &runner{Options: Options{Root: base, Workers: 2, Out: &out}, dir: t.TempDir(), kind: Go}
	mutants, err := r.mutate(t.Context(), []string{folder}, []string{folder})
	if err != nil {
		t.Fatal(err)
	}
	rows := []equivalent{{folder + "/sample.go", "Untested", "n + 1", "- for +", "it is as good"}}
	if err := markEquivalent(rows, mutants, true); err != nil {
		t.Fatal(err)
	}
	err = r.finish(t.Context(), mutants)
	if err == nil || !strings.Contains(err.Error(), "66.7 % of the mutants were caught, want 80 %") {
		t.Errorf("got %v", err)
	}
	got := regexp.MustCompile(` \(\d+\.\d s\)`).ReplaceAllString(strings.ReplaceAll(out.String(), folder+"/", ""), "")
	want := `sample.go:6: Grade: score > 50: always true → caught by TestGrade/bad
sample.go:6: Grade: score > 50: always false → caught by TestGrade/good
sample.go:6: Grade: score > 50: >= for > → SURVIVED: it changes no value in any test
sample.go:13: Untested: n + 1: - for + → equivalent: it is as good
go: 4 mutants, 2 caught, 1 survived, 1 equivalent: 66.7 %
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A shell script stands for the test.
func TestTheOutcomeOfATestIsUnderstood(t *testing.T) {
	for name, c := range map[string]struct{ script, where, status string }{
		"passes":    {"echo ok", "", ""},
		"fails":     {"echo '--- FAIL: TestX (0.00s)'; echo '    --- FAIL: TestX/embedded (0.00s)'; echo '    --- FAIL: TestX/server (0.00s)'; exit 1", "TestX/embedded", failed},
		"panics":    {"echo 'panic: at the disco'; exit 2", "TestX", failed},
		"hangs":     {"while :; do :; done", "TestX", timedOut},
		"settings":  {`[ "$WAGGLE_MUTANT" = 7 ] && [ -z "$PATH$WAGGLE_SOAK" ]`, "", ""},
		"programs":  {"redis-server --version", "TestX", failed},
		"arguments": {`[ "$*" = "-test.run ^TestX$ -test.failfast -test.timeout 0" ]`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WAGGLE_SOAK", "1")
			binary := filepath.Join(t.TempDir(), "x.test")
			if err := os.WriteFile(binary, []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			limit := time.Minute
			if c.status == timedOut {
				limit = 100 * time.Millisecond
			}
			o, err := (&test{binary: binary, dir: ".", name: "TestX"}).run(t.Context(), limit, []string{withMutant("7")}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if o.status != c.status || o.status != passed && o.where != c.where {
				t.Errorf("got %+v, want %s %s", o, c.where, c.status)
			}
		})
	}
}

// A test that fails only now and then does not show that it catches a mutant.
func TestATestThatFailsByChanceIsLeftOut(t *testing.T) {
	write := func(name, script string) *test {
		binary := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(binary, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return &test{binary: binary, dir: filepath.Dir(binary), name: name}
	}
	chance := write("Once", `[ -e again ] || { : > again; exit 1; }`)
	if o, err := (suite{chance, write("Really", "exit 1")}).catch(t.Context(), time.Minute); o.where != "Really" || o.status != failed || err != nil {
		t.Errorf("got %+v, %v, want the test that fails again", o, err)
	}
	var out strings.Builder
	r := &runner{Options: Options{Workers: 1, Out: &out}}
	steady := write("Steady", "echo 'mutant:7t;'")
	got, err := r.observe(t.Context(), suite{steady, write("Chance", `[ -e again ] || { : > again; exit 1; }`)})
	if err != nil || len(got) != 1 || got[0] != steady || !steady.affected["7t"] {
		t.Errorf("got %v, %v", got, err)
	}
	if want := "Chance is left out: without a mutant it failed, and then it passed\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
	out.Reset()
	got, err = r.observe(t.Context(), suite{write("Fails", "echo why; exit 1")})
	if want := "Fails is left out: without a mutant it failed\nwhy\n\n"; err != nil || len(got) > 0 || out.String() != want {
		t.Errorf("got %v, %v, %q, want %q", got, err, &out, want)
	}
	if err := r.report(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "1 tests fail without a mutant") {
		t.Errorf("got %v, though a test fails without a mutant", err)
	}
}

// A slow test with many parts is split: each part runs alone, on any cache.
func TestAPartOfASlowTestRunsAlone(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "x.test")
	script := `#!/bin/sh
case $2 in
*part*) n=${2##*_}; echo "mutant:${n%?};" ;;
esac
echo "=== RUN   TestX"
echo "=== RUN   TestX/embedded"
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "=== RUN   TestX/embedded/part_$n"; done
`
	if err := os.WriteFile(binary, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &runner{Options: Options{Workers: 2, Out: &strings.Builder{}}}
	observed, err := r.observe(t.Context(), suite{{binary: binary, dir: ".", name: "TestX"}, {binary: binary, dir: ".", name: "TestY"}})
	if err != nil || len(observed) != 2 || len(observed[0].parts) != 20 {
		t.Fatalf("got %v, %v, want two tests with 20 parts", observed, err)
	}
	observed[0].took, observed[1].took = 6*time.Second, time.Second // only the first is slow
	got, err := r.split(t.Context(), observed)
	if err != nil || len(got) != 21 {
		t.Fatalf("got %d tests, %v, want one and 20 parts", len(got), err)
	}
	if seven := got.affectedBy("7"); len(seven) != 1 || seven[0].name != "TestX/embedded/part_7" || seven[0].pattern() != "^TestX$//^part_7$" {
		t.Errorf("mutant 7 affects %v, want the part 7", seven)
	}
	if whole := got.whole(); len(whole) != 2 || !slices.Contains(whole, observed[0]) || !slices.Contains(whole, observed[1]) {
		t.Errorf("got %v in whole, want the two tests", whole)
	}
}

// The reports of mutants come in pieces, among other output.
func TestReportedMutantsAreTakenOutOfTheOutput(t *testing.T) {
	var mutants []string
	o := output{affected: func(mutant string) { mutants = append(mutants, mutant) }}
	for _, piece := range []string{"=== RUN mutant:7", "t;\nmutant:8;\nTestX\n", "mutant:9f;\n", strings.Repeat("x", 1<<17) + "\nthe end\n"} {
		if n, err := o.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	if diff := cmp.Diff([]string{"7t", "8", "9f"}, mutants); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := string(o.tail); len(text) != 1<<16 || !strings.HasSuffix(text, "x\nthe end\n") {
		t.Errorf("got %d bytes that end in %q", len(text), text[len(text)-10:])
	}
}

// The numbers go on from one file to the next, and every script with a condition is
// observed.
func TestEveryConditionHasANumberOfItsOwn(t *testing.T) {
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
	edits := observedScripts(all)
	for i, s := range all {
		if edits[i].Old != s.source || (edits[i].New == s.source) != (len(s.conditions) == 0) {
			t.Errorf("%s is not observed", s.name)
		}
	}
}

func TestEveryPlantedFaultHasOnePlace(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range faults() {
		text, err := os.ReadFile(filepath.Join(root, f.file))
		if err != nil {
			t.Error(err)
			continue
		}
		if n := strings.Count(string(text), f.old); n != 1 {
			t.Errorf("%s: %s has this text %d times, want once: bring it up to date in faults.go\n%s", f.name, f.file, n, f.old)
		}
		if f.old == f.new || names[f.name] {
			t.Errorf("%s: it changes nothing, or its name is taken", f.name)
		}
		names[f.name] = true
	}
}

func TestTheTableOfEquivalentsStaysShortAndTrue(t *testing.T) {
	if n := len(equivalents()); n > 30 {
		t.Errorf("got %d rows, want at most 30: write a test, or delete the code", n)
	}
	mutants := []Mutant{{File: "a.lua", Code: "x", Change: "always true"}, {File: "a.lua", Code: "x", Change: "always false"}}
	rows := []equivalent{{"a.lua", "", "x", "always false", "because"}, {"b.go", "f", "y", "left out", "because"}}
	if err := markEquivalent(withEnding(rows, ".lua"), mutants, true); err != nil {
		t.Error(err)
	}
	if mutants[0].Equivalent != "" || mutants[1].Equivalent != "because" {
		t.Errorf("got %+v", mutants)
	}
	if err := markEquivalent(rows, mutants, true); err == nil || !strings.Contains(err.Error(), "b.go: f: y: left out") {
		t.Errorf("a row without a mutant: got %v", err)
	}
	if err := markEquivalent(rows, mutants, false); err != nil {
		t.Errorf("when only some files are mutated: %v", err)
	}
}

func TestACaughtMutantIsNotEquivalent(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	r := &runner{Options: Options{Workers: 1, Out: &out}, kind: Lua}
	err := r.report(t.Context(), []Mutant{{File: "a.lua", Equivalent: "because", prepare: func(context.Context) (suite, []string, error) {
		return suite{{binary: binary, dir: ".", name: "TestX"}}, nil, nil
	}}})
	if err == nil || !strings.Contains(err.Error(), "equivalent.go") {
		t.Errorf("got %v", err)
	}
}

func TestAtLeastOneTestRunsWithinTheBudget(t *testing.T) {
	s := suite{{took: 4 * time.Second}, {took: 6 * time.Second}, {took: 7 * time.Second}}
	for budget, want := range map[time.Duration]int{10 * time.Second: 2, 9 * time.Second: 1, time.Second: 1, 0: 3, time.Minute: 3} {
		if got := len(s.within(budget)); got != want {
			t.Errorf("%v: got %d tests, want %d", budget, got, want)
		}
	}
	if got := len(suite(nil).within(time.Second)); got != 0 {
		t.Errorf("got %d of no tests", got)
	}
}

// A test on a real server may catch a mutant of a script that survives on the embedded
// cache.
func TestMutantsOfScriptsAreTestedOnRealServersToo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "x.test")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n[ -z \"$PATH\" ]\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	x := suite{{binary: binary, dir: ".", name: "TestX"}}
	for _, c := range []struct {
		kind                string
		affected, elsewhere suite
		want                string
	}{{Lua, x, nil, "caught by TestX on a real server"}, {Lua, nil, x, "caught by TestX on a real server"}, {Go, x, nil, "SURVIVED"}} {
		var out strings.Builder
		r := &runner{Options: Options{Workers: 1, Out: &out}, kind: c.kind, elsewhere: c.elsewhere}
		_ = r.report(t.Context(), []Mutant{{File: "a", prepare: func(context.Context) (suite, []string, error) { return c.affected, nil, nil }}})
		if !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: got %q, want %s", c.kind, &out, c.want)
		}
	}
}
