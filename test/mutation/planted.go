package mutation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waggle/test/mutation/active"
)

// plantedTests are the packages whose tests must catch the planted faults.
var plantedTests = []string{"internal/match", "internal/handler", "internal/app", "internal/telemetry", "internal/protocol", "internal/store", "test/invariants"}

// planted returns the planted faults as mutants.
func (r *runner) planted(ctx context.Context) ([]Mutant, error) {
	var mutants []Mutant
	var tests suite
	for i, f := range faults() {
		if !strings.Contains(f.file, r.File) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.Root, f.file))
		if err != nil {
			return nil, err
		}
		source := string(text)
		before, after, found := strings.Cut(source, f.old)
		if !found {
			return nil, fmt.Errorf("%s has no place for the planted fault %q: bring its old text in test/mutation/faults.go up to date", f.file, f.name)
		}
		mutated := before + f.new + after
		place := filepath.Join(r.dir, fmt.Sprint("fault", i))
		one := Mutant{File: f.file, Line: 1 + strings.Count(before, "\n"), Code: f.name, Change: "planted fault"}
		if filepath.Ext(f.file) == ".lua" {
			one.prepare = func(context.Context) (suite, []string, error) {
				return tests, []string{withScripts(place)}, active.WriteEdits(place, []active.Edit{{Old: source, New: mutated}})
			}
		} else {
			one.prepare = func(ctx context.Context) (suite, []string, error) {
				texts := map[string]string{filepath.Join(r.Root, f.file): mutated}
				compiled, err := r.compile(ctx, filepath.Base(place), texts, plantedTests)
				return tests.matching(compiled), nil, err
			}
		}
		mutants = append(mutants, one)
	}
	if len(mutants) == 0 {
		return nil, nil
	}
	var err error
	if tests, err = r.compile(ctx, "tests", nil, plantedTests); err != nil {
		return nil, err
	}
	tests, err = r.observe(ctx, tests)
	return mutants, err
}
