package mutation

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"waggle/test/mutation/active"
	"waggle/test/mutation/golang"
)

// mutated are the packages that are mutated, and sourceTests those whose tests run them.
var (
	mutated     = []string{"internal/match", "internal/handler", "internal/protocol"}
	sourceTests = []string{"internal/match", "internal/handler", "internal/protocol", "test/invariants"}
)

// sources returns the mutants of the packages.
func (r *runner) sources(ctx context.Context) ([]Mutant, error) {
	return r.mutate(ctx, mutated, sourceTests)
}

func (r *runner) mutate(ctx context.Context, folders, testFolders []string) ([]Mutant, error) {
	packages, err := golang.Load(ctx, r.Root, dotted(folders)...)
	if err != nil {
		return nil, err
	}
	var all []Mutant
	var tests suite
	texts := make(map[string]string)
	for next, i := 1, 0; i < len(packages); i++ {
		mutants, sources := packages[i].Mutate(next)
		next += len(mutants)
		for name, text := range sources {
			texts[name] = text
		}
		for _, m := range mutants {
			file, err := filepath.Rel(r.Root, m.File)
			if err != nil {
				return nil, err
			}
			if file = filepath.ToSlash(file); !strings.Contains(file, r.File) {
				continue
			}
			number := strconv.Itoa(m.Number)
			all = append(all, Mutant{File: file, Line: m.Line, In: m.In, Code: m.Code, Change: m.Change,
				prepare: func(context.Context) (suite, []string, error) {
					return tests.affectedBy(number), []string{withMutant(number)}, nil
				}})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	if tests, err = r.compile(ctx, "tests", texts, testFolders); err != nil {
		return nil, err
	}
	tests, err = r.observe(ctx, tests, withMutant(active.Observe))
	return all, err
}

// dotted returns folders in the form that the go command takes.
func dotted(folders []string) []string {
	var all []string
	for _, f := range folders {
		all = append(all, "./"+f)
	}
	return all
}
