package golang

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The sample prints something else with each mutant, and the same as ever with none.
func TestEachMutantChangesWhatTheSamplePrints(t *testing.T) {
	packages, err := Load(t.Context(), ".", "./testdata/sample")
	if err != nil {
		t.Fatal(err)
	}
	mutants, sources := packages[0].Mutate(100)
	var list strings.Builder
	for i, m := range mutants {
		if m.Number != 100+i {
			t.Errorf("got number %d, want %d", m.Number, 100+i)
		}
		fmt.Fprintf(&list, "%s:%d %s: %s: %s\n", filepath.Base(m.File), m.Line, m.In, m.Code, m.Change)
	}
	golden := filepath.Join("testdata", "mutants.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), list.String()); diff != "" {
		t.Errorf("%s (-want +got)\n%s", golden, diff)
	}

	mutated := build(t, sources)
	original := prints(t, build(t, nil), "")
	if got := prints(t, mutated, ""); got != original {
		t.Errorf("without an active mutant: got\n%swant\n%s", got, original)
	}
	observed := prints(t, mutated, "observe")
	printed := regexp.MustCompile(`mutant:(\d+);\n`)
	var differ []int
	for _, found := range printed.FindAllStringSubmatch(observed, -1) {
		number, _ := strconv.Atoi(found[1])
		differ = append(differ, number)
	}
	if got := printed.ReplaceAllString(observed, ""); got != original {
		t.Errorf("when observed: got\n%swant\n%s", got, original)
	}
	for _, m := range mutants {
		if prints(t, mutated, strconv.Itoa(m.Number)) == original {
			t.Errorf("line %d: %s: %s: the sample prints the same", m.Line, m.Code, m.Change)
		}
		if !slices.Contains(differ, m.Number) {
			t.Errorf("line %d: %s: %s: no change of a value was reported", m.Line, m.Code, m.Change)
		}
	}
}

func build(t *testing.T, sources map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for name, text := range sources {
		replace[name] = filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(replace[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "sample")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "./testdata/sample").CombinedOutput()
	if err != nil {
		for name, text := range sources {
			t.Logf("%s:\n%s", name, text)
		}
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func prints(t *testing.T, program, setting string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, program)
	c.Env = append(os.Environ(), "WAGGLE_MUTANT="+setting)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		return out.String() + err.Error()
	}
	return out.String()
}
