package mutation

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"

	"waggle/test/mutation/mutant"
	"waggle/test/mutation/switches"
)

// mutated are the packages that are, and sourceTests those whose tests run them.
var (
	mutated     = []string{"internal/match", "internal/handler", "internal/protocol"}
	sourceTests = []string{"internal/match", "internal/handler", "internal/protocol", "test/invariants"}
)

// sources mutates the packages.
func (w *workshop) sources(ctx context.Context) ([]Break, error) {
	return w.mutate(ctx, mutated, sourceTests)
}

func (w *workshop) mutate(ctx context.Context, folders, testFolders []string) ([]Break, error) {
	packages, err := mutant.Load(ctx, w.Root, dotted(folders)...)
	if err != nil {
		return nil, err
	}
	var breaks []Break
	var tests suite
	texts := make(map[string]string)
	for next, i := 1, 0; i < len(packages); i++ {
		mutants, sources := packages[i].Mutate(next)
		next += len(mutants)
		for name, text := range sources {
			texts[name] = text
		}
		for _, m := range mutants {
			file, err := filepath.Rel(w.Root, m.File)
			if err != nil {
				return nil, err
			}
			if file = filepath.ToSlash(file); !strings.Contains(file, w.File) {
				continue
			}
			number := strconv.Itoa(m.Number)
			breaks = append(breaks, Break{File: file, Line: m.Line, In: m.In, Code: m.Code, Change: m.Change,
				prepare: func(context.Context) (suite, []string, error) {
					return tests.reaching(number), []string{mutantOn(number)}, nil
				}})
		}
	}
	if len(breaks) == 0 {
		return nil, nil
	}
	if tests, err = w.compile(ctx, "tests", texts, testFolders); err != nil {
		return nil, err
	}
	tests, err = w.watch(ctx, tests, mutantOn(switches.Watch))
	return breaks, err
}

// dotted are folders as the go command takes them.
func dotted(folders []string) []string {
	var all []string
	for _, f := range folders {
		all = append(all, "./"+f)
	}
	return all
}
