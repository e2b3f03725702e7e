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

// A suite has the compiled tests of some packages.
type suite []*test

// A test is a test with all its subtests. A part of a test is one, too.
type test struct {
	binary string
	dir    string // of its package, where it runs
	name   string
	took   time.Duration // processor time, without a mutant
	// affected has the mutants that change a value in the test: a number, and for a
	// script also the value of the condition, such as "7t".
	affected map[string]bool
	parts    []string // its innermost subtests
	of       *test    // the test that it is a part of, or nil
}

// compile compiles the tests of packages, given by their folders below the root, into
// the named folder. texts replaces the texts of files.
func (r *runner) compile(ctx context.Context, name string, texts map[string]string, packages []string) (suite, error) {
	packages = slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return !strings.Contains(p, r.Tests) })
	if len(packages) == 0 {
		return nil, fmt.Errorf("none of the test packages has %q in its name", r.Tests)
	}
	out := filepath.Join(r.dir, name)
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
	build.Dir = r.Root
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
		list.Dir = filepath.Join(r.Root, p)
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

// overlay writes a file for `go build -overlay`, and returns its name.
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

// observe runs every test once without a mutant. It returns them, the fastest first, with
// the time that each takes and the mutants that affect it. A test that fails, even if
// only once, would seem to catch every mutant, so it is left out.
func (r *runner) observe(ctx context.Context, s suite, settings ...string) (suite, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	slots := make(chan struct{}, r.Workers)
	var mu sync.Mutex
	var steady suite
	finished := 0
	for _, t := range s {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			o, err := t.observe(ctx, settings)
			once := err == nil && o.status != passed
			if once {
				o, err = t.observe(ctx, settings)
			}
			if err != nil {
				cancel(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			finished++
			r.progress(", tests without a mutant", finished, len(s))
			switch {
			case o.status != passed:
				fmt.Fprintf(r.Out, "%s is left out: without a mutant it %s\n%s\n", t.name, o.status, o.output)
				r.failing++
			case once:
				fmt.Fprintf(r.Out, "%s is left out: without a mutant it failed, and then it passed\n", t.name)
			default:
				steady = append(steady, t)
			}
		})
	}
	running.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	steady.sort()
	return steady, nil
}

func (s suite) sort() {
	slices.SortFunc(s, func(a, b *test) int {
		return cmp.Or(cmp.Compare(a.took, b.took), strings.Compare(a.binary, b.binary), strings.Compare(a.name, b.name))
	})
}

// split takes the parts of a test that is slow and has many of them in its place: a mutant affects
// only some of them.
func (r *runner) split(ctx context.Context, s suite, settings ...string) (suite, error) {
	const slow, many = 5 * time.Second, 20
	var all, parts suite
	for _, t := range s {
		if t.took < slow || len(t.parts) < many {
			all = append(all, t)
			continue
		}
		for _, name := range t.parts {
			parts = append(parts, &test{binary: t.binary, dir: t.dir, name: name, of: t})
		}
	}
	parts, err := r.observe(ctx, parts, settings...)
	all = append(all, parts...)
	all.sort()
	return all, err
}

// observe is one such run.
func (t *test) observe(ctx context.Context, settings []string) (outcome, error) {
	t.affected = make(map[string]bool)
	o, err := t.run(ctx, 15*time.Minute, settings, func(mutant string) { t.affected[mutant] = true })
	t.took, t.parts = o.worked, o.parts
	return o, err
}

// affectedBy returns the tests in which the mutant changes a value.
func (s suite) affectedBy(mutant string) suite {
	var some suite
	for _, t := range s {
		if t.affected[mutant] {
			some = append(some, t)
		}
	}
	return some
}

// whole returns the tests in place of their parts.
func (s suite) whole() suite {
	var all suite
	for _, t := range s {
		if t.of != nil {
			t = t.of
		}
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// within returns the first tests that take no longer than the budget together, but at
// least one. 0 is no limit.
func (s suite) within(budget time.Duration) suite {
	var together time.Duration
	for i, t := range s {
		if together += t.took; i > 0 && budget > 0 && together > budget {
			return s[:i]
		}
	}
	return s
}

// catch runs the tests one after the other until one fails twice in a row. The time limit of
// each is base plus 15 times its duration without a mutant.
func (s suite) catch(ctx context.Context, base time.Duration, settings ...string) (outcome, error) {
	for _, t := range s {
		o, err := t.run(ctx, base+15*t.took, settings, nil)
		if err == nil && o.status == failed {
			o, err = t.run(ctx, base+15*t.took, settings, nil)
		}
		if err != nil || o.status != passed {
			return o, err
		}
	}
	return outcome{}, nil
}

// matching returns the tests of another compilation that are among these, in the same
// order.
func (s suite) matching(other suite) suite {
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
