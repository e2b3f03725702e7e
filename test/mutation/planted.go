package mutation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waggle/test/mutation/broken"
)

// plantedTests are the packages whose tests have to find what is planted.
var plantedTests = []string{"internal/match", "internal/handler", "internal/protocol", "internal/store", "test/invariants"}

// planted plants one bug after the other.
func (w *workshop) planted(ctx context.Context) ([]Break, error) {
	var breaks []Break
	var tests suite
	for i, b := range bugs() {
		if !strings.Contains(b.file, w.File) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(w.Root, b.file))
		if err != nil {
			return nil, err
		}
		source := string(text)
		before, after, found := strings.Cut(source, b.old)
		if !found {
			return nil, fmt.Errorf("%s: there is no place for the bug %q", b.file, b.name)
		}
		infected := before + b.new + after
		place := filepath.Join(w.dir, fmt.Sprint("bug", i))
		one := Break{File: b.file, Line: 1 + strings.Count(before, "\n"), Code: b.name, Change: "planted"}
		if filepath.Ext(b.file) == ".lua" {
			one.prepare = func(context.Context) (suite, []string, error) {
				return tests, []string{scriptsIn(place)}, broken.Write(place, []broken.Edit{{Old: source, New: infected}})
			}
		} else {
			one.prepare = func(ctx context.Context) (suite, []string, error) {
				texts := map[string]string{filepath.Join(w.Root, b.file): infected}
				compiled, err := w.compile(ctx, filepath.Base(place), texts, plantedTests)
				return tests.as(compiled), nil, err
			}
		}
		breaks = append(breaks, one)
	}
	if len(breaks) == 0 {
		return nil, nil
	}
	var err error
	if tests, err = w.compile(ctx, "tests", nil, plantedTests); err != nil {
		return nil, err
	}
	tests, err = w.watch(ctx, tests)
	return breaks, err
}
