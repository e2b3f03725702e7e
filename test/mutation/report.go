package mutation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Mutant is one change of the code.
type Mutant struct {
	File   string // below the root
	Line   int
	In     string // the function, if any
	Code   string // the original; the name of a planted fault
	Change string // such as "always true"
	// Equivalent is why no test can catch the mutant; "" if a test must.
	Equivalent string

	// prepare returns the tests that the mutant affects, and the settings that activate it.
	prepare func(context.Context) (tests suite, settings []string, err error)
}

func (m Mutant) String() string {
	in := ""
	if m.In != "" {
		in = m.In + ": "
	}
	code := m.Code
	if short := []rune(code); len(short) > 90 {
		code = string(short[:89]) + "…"
	}
	return fmt.Sprintf("%s:%d: %s%s: %s", m.File, m.Line, in, code, m.Change)
}

// A result is the result of testing one mutant.
type result struct {
	affected, run int // the tests that the mutant affects, and those that were to be run
	outcome
	server string // " on a real server" if only that caught it
	err    error
}

// A runner tests the mutants of one kind.
type runner struct {
	Options
	dir     string // for what it builds
	kind    string
	failing int // tests that fail without a mutant
	// elsewhere has the tests that run no script on the embedded cache: some need a real server.
	elsewhere suite
}

// finish tests the mutants, or lists them.
func (r *runner) finish(ctx context.Context, mutants []Mutant) error {
	slices.SortStableFunc(mutants, func(a, b Mutant) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
	if !r.List {
		return r.report(ctx, mutants)
	}
	for _, m := range mutants {
		tests, _, err := m.prepare(ctx)
		if err != nil {
			return err
		}
		var took time.Duration
		for _, t := range tests {
			took += t.took
		}
		fmt.Fprintf(r.Out, "%s → %d tests, %.1f s\n", m, len(tests), took.Seconds())
	}
	return nil
}

// report tests the mutants, prints the result of each and then the score. It returns an
// error if the score is too low.
func (r *runner) report(ctx context.Context, mutants []Mutant) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	next := make(chan int, len(mutants))
	results := make([]chan result, len(mutants))
	for i := range mutants {
		results[i] = make(chan result, 1)
		next <- i
	}
	close(next)
	for range r.Workers {
		workers.Go(func() {
			for i := range next {
				results[i] <- r.test(ctx, mutants[i])
			}
		})
	}
	scores := make(map[string]*score)
	var total score
	for i, m := range mutants {
		got := <-results[i]
		if got.err != nil {
			return fmt.Errorf("%s: %w", m, got.err)
		}
		fmt.Fprintf(r.Out, "%s → %s\n", m, got.line(m))
		folder := filepath.ToSlash(filepath.Dir(m.File))
		if scores[folder] == nil {
			scores[folder] = &score{}
		}
		scores[folder].add(m, got)
		total.add(m, got)
		r.progress("", i+1, len(mutants))
	}
	if len(scores) > 1 {
		for _, folder := range slices.Sorted(maps.Keys(scores)) {
			fmt.Fprintf(r.Out, "%s: %s: %s\n", r.kind, folder, scores[folder])
		}
	}
	if len(mutants) > 0 {
		fmt.Fprintf(r.Out, "%s: %s\n", r.kind, &total)
	}
	if r.failing > 0 {
		return fmt.Errorf("%d tests fail without a mutant, and were left out: mend them first", r.failing)
	}
	if total.wrong > 0 {
		return fmt.Errorf("tests caught %d mutants that are said to be equivalent: delete their rows in test/mutation/equivalent.go", total.wrong)
	}
	if got := total.percent(); got < required[r.kind] {
		return fmt.Errorf("%.1f %% of the mutants were caught, want %g %%", got, required[r.kind])
	}
	return nil
}

func (r *runner) progress(step string, done, all int) {
	if r.Progress != nil {
		r.Progress(r.kind+step, done, all)
	}
}

// test runs the tests that a mutant affects until one fails.
func (r *runner) test(ctx context.Context, m Mutant) result {
	tests, settings, err := m.prepare(ctx)
	if err != nil {
		return result{err: err}
	}
	chosen := tests
	if r.kind == Go {
		chosen = tests.within(r.Budget)
	}
	o, err := chosen.catch(ctx, 15*time.Second, settings...)
	server := ""
	if err == nil && o.status == passed && r.kind == Lua && m.Equivalent == "" {
		// The embedded cache may differ from a real server.
		server = " on a real server"
		o, err = slices.Concat(r.elsewhere, chosen.whole()).catch(ctx, 2*time.Minute, append(settings, withPrograms())...)
	}
	return result{affected: len(tests), run: len(chosen), outcome: o, server: server, err: err}
}

func (r result) line(m Mutant) string {
	switch {
	case r.status == failed:
		return fmt.Sprintf("caught by %s%s (%.1f s)", r.where, r.server, r.took.Seconds())
	case r.status == timedOut:
		return fmt.Sprintf("caught by %s%s, which timed out (%.1f s)", r.where, r.server, r.took.Seconds())
	case m.Equivalent != "":
		return "equivalent: " + m.Equivalent
	case r.affected == 0:
		return "SURVIVED: it changes no value in any test"
	}
	return fmt.Sprintf("SURVIVED: %d tests pass, %d more were not run", r.run, r.affected-r.run)
}

// A score counts mutants.
type score struct {
	all, caught, equivalent int
	wrong                   int // caught, but said to be equivalent
}

func (s *score) add(m Mutant, r result) {
	s.all++
	switch {
	case r.status != passed && m.Equivalent != "":
		s.wrong++
		s.caught++
	case r.status != passed:
		s.caught++
	case m.Equivalent != "":
		s.equivalent++
	}
}

// percent returns the share of caught mutants among those that are not equivalent.
func (s *score) percent() float64 {
	if s.all == s.equivalent {
		return 100
	}
	return 100 * float64(s.caught) / float64(s.all-s.equivalent)
}

func (s *score) String() string {
	text := fmt.Sprintf("%d mutants, %d caught, %d survived", s.all, s.caught, s.all-s.caught-s.equivalent)
	if s.equivalent > 0 {
		text += fmt.Sprintf(", %d equivalent", s.equivalent)
	}
	return fmt.Sprintf("%s: %.1f %%", text, s.percent())
}
