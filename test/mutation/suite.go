package mutation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A suite is the tests of some packages, compiled.
type suite []*test

// A test is one of a package, with all that is below it.
type test struct {
	binary string
	dir    string // of its package, where it runs
	name   string
	took   time.Duration // of processor time
	// reaches are the marks of what would make a difference to it.
	reaches map[string]bool
}

// compile compiles the tests of packages, given by their folders below the root, into a
// folder of that name. Files may have another text than theirs.
func (w *workshop) compile(ctx context.Context, name string, texts map[string]string, packages []string) (suite, error) {
	packages = slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return !strings.Contains(p, w.Tests) })
	if len(packages) == 0 {
		return nil, fmt.Errorf("none of the packages that test it has %q in its name", w.Tests)
	}
	out := filepath.Join(w.dir, name)
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	overlay, err := overlay(out, texts)
	if err != nil {
		return nil, err
	}
	arguments := []string{"test", "-c", "-overlay", overlay, "-o", out + string(filepath.Separator)}
	for _, p := range packages {
		arguments = append(arguments, "./"+p)
	}
	build := exec.CommandContext(ctx, "go", arguments...)
	build.Dir = w.Root
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go test -c: %w\n%s", err, text)
	}
	var all suite
	for _, p := range packages {
		binary := filepath.Join(out, filepath.Base(p)+".test")
		if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
			continue // it has no tests
		}
		list := exec.CommandContext(ctx, binary, "-test.list", "^(Test|Fuzz|Example)")
		list.Dir = filepath.Join(w.Root, p)
		text, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("list the tests of %s: %w", p, err)
		}
		for _, name := range strings.Fields(string(text)) {
			all = append(all, &test{binary: binary, dir: list.Dir, name: name})
		}
	}
	return all, nil
}

// overlay writes what go build takes for an overlay, and returns its name.
func overlay(dir string, texts map[string]string) (string, error) {
	replace := make(map[string]string)
	for name, text := range texts {
		replace[name] = filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(name)))
		if err := os.WriteFile(replace[name], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	file := filepath.Join(dir, "overlay.json")
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return file, os.WriteFile(file, data, 0o600)
}

// watch runs every test once with nothing broken, and returns them, the quickest first,
// with how long each takes and what would make a difference to it. A test that fails, be
// it by chance, would be said to miss what it does not: it is left out.
func (w *workshop) watch(ctx context.Context, s suite, settings ...string) (suite, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	slots := make(chan struct{}, w.Workers)
	var mu sync.Mutex
	var steady suite
	finished := 0
	for _, t := range s {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			v, err := t.watch(ctx, settings)
			chance := err == nil && v.how != passes
			if chance {
				v, err = t.watch(ctx, settings)
			}
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			finished++
			w.progress(", nothing broken yet", finished, len(s))
			switch {
			case v.how != passes:
				fmt.Fprintf(w.Out, "%s is left out: it %s with nothing broken\n%s\n", t.name, v.how, v.output)
				w.failing++
			case chance:
				fmt.Fprintf(w.Out, "%s is left out: with nothing broken it failed, and then it passed\n", t.name)
			default:
				steady = append(steady, t)
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.SortFunc(steady, func(a, b *test) int {
		return cmp.Or(cmp.Compare(a.took, b.took), strings.Compare(a.binary, b.binary), strings.Compare(a.name, b.name))
	})
	return steady, nil
}

// watch is one such run.
func (t *test) watch(ctx context.Context, settings []string) (verdict, error) {
	t.reaches = make(map[string]bool)
	v, err := t.run(ctx, 15*time.Minute, settings, func(mark string) { t.reaches[mark] = true })
	t.took = v.worked
	return v, err
}

// reaching are the tests to which the mark would make a difference.
func (s suite) reaching(mark string) suite {
	var some suite
	for _, t := range s {
		if t.reaches[mark] {
			some = append(some, t)
		}
	}
	return some
}

// within are the first of the tests that take no longer together, at least one.
func (s suite) within(patience time.Duration) suite {
	var together time.Duration
	for i, t := range s {
		if together += t.took; i > 0 && patience > 0 && together > patience {
			return s[:i]
		}
	}
	return s
}

// find runs the tests one after the other until one fails, and fails again: not by chance.
// Each may take some time, and many times what it takes when nothing is broken.
func (s suite) find(ctx context.Context, some time.Duration, settings ...string) (verdict, error) {
	for _, t := range s {
		v, err := t.run(ctx, some+15*t.took, settings, nil)
		if err == nil && v.how == fails {
			v, err = t.run(ctx, some+15*t.took, settings, nil)
		}
		if err != nil || v.how != passes {
			return v, err
		}
	}
	return verdict{}, nil
}

// as returns those tests of another compilation that are among these, in the same order.
func (s suite) as(other suite) suite {
	place := make(map[string]int)
	for i, t := range s {
		place[t.dir+t.name] = i
	}
	ordered := make(suite, len(s))
	for _, t := range other {
		if i, ok := place[t.dir+t.name]; ok {
			t.took = s[i].took
			ordered[i] = t
		}
	}
	return ordered
}
