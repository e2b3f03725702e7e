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

// A Break is one thing to break.
type Break struct {
	File   string // below the root
	Line   int
	In     string // the function, if any
	Code   string // what is broken
	Change string // and how
	// Nothing is why no test can miss it; "": one must.
	Nothing string

	// tests are those that might miss it, and the settings have them run with it.
	prepare func(context.Context) (tests suite, settings []string, err error)
}

func (b Break) String() string {
	in := ""
	if b.In != "" {
		in = b.In + ": "
	}
	code := b.Code
	if short := []rune(code); len(short) > 90 {
		code = string(short[:89]) + "…"
	}
	return fmt.Sprintf("%s:%d: %s%s: %s", b.File, b.Line, in, code, b.Change)
}

// A result is what became of a Break.
type result struct {
	tests, tried int // that it might make a difference to, and those of them that were to be run
	verdict
	server string // "", or that it took a real one
	err    error
}

// workshop is where a part is done.
type workshop struct {
	Options
	dir     string // for what it builds
	part    string
	failing int // tests that fail with nothing broken
}

// finish breaks what was found, or lists it.
func (w *workshop) finish(ctx context.Context, breaks []Break) error {
	slices.SortStableFunc(breaks, func(a, b Break) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
	if !w.List {
		return w.report(ctx, breaks)
	}
	for _, b := range breaks {
		tests, _, err := b.prepare(ctx)
		if err != nil {
			return err
		}
		var took time.Duration
		for _, t := range tests {
			took += t.took
		}
		fmt.Fprintf(w.Out, "%s → %d tests, %.1f s\n", b, len(tests), took.Seconds())
	}
	return nil
}

// report breaks one after the other, prints what became of each and then the score. It is
// an error if that is not what it must be.
func (w *workshop) report(ctx context.Context, breaks []Break) error {
	ctx, cancel := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	next := make(chan int, len(breaks))
	results := make([]chan result, len(breaks))
	for i := range breaks {
		results[i] = make(chan result, 1)
		next <- i
	}
	close(next)
	for range w.Workers {
		workers.Go(func() {
			for i := range next {
				results[i] <- w.try(ctx, breaks[i])
			}
		})
	}
	scores := make(map[string]*score)
	var total score
	for i, b := range breaks {
		r := <-results[i]
		if r.err != nil {
			return fmt.Errorf("%s: %w", b, r.err)
		}
		fmt.Fprintf(w.Out, "%s → %s\n", b, r.line(b))
		folder := filepath.ToSlash(filepath.Dir(b.File))
		if scores[folder] == nil {
			scores[folder] = &score{}
		}
		scores[folder].add(b, r)
		total.add(b, r)
		w.progress("", i+1, len(breaks))
	}
	if len(scores) > 1 {
		for _, folder := range slices.Sorted(maps.Keys(scores)) {
			fmt.Fprintf(w.Out, "%s: %s: %s\n", w.part, folder, scores[folder])
		}
	}
	if len(breaks) > 0 {
		fmt.Fprintf(w.Out, "%s: %s\n", w.part, &total)
	}
	if w.failing > 0 {
		return fmt.Errorf("%d tests were left out, since they fail with nothing broken", w.failing)
	}
	if total.wrong > 0 {
		return fmt.Errorf("%d that are said to be missed by no test are: see test/mutation/nothing.go", total.wrong)
	}
	if got := total.percent(); got < wanted[w.part] {
		return fmt.Errorf("%.1f %% of what was broken was missed by a test, want %g %%", got, wanted[w.part])
	}
	return nil
}

func (w *workshop) progress(what string, done, all int) {
	if w.Progress != nil {
		w.Progress(w.part+what, done, all)
	}
}

func (w *workshop) try(ctx context.Context, b Break) result {
	tests, settings, err := b.prepare(ctx)
	if err != nil {
		return result{err: err}
	}
	some := tests
	if w.part == Sources {
		some = tests.within(w.Patience)
	}
	v, err := some.find(ctx, 15*time.Second, settings...)
	server := ""
	if err == nil && v.how == passes && w.part == Scripts {
		// It may be that the look-alike is not like enough.
		server = " on a real server"
		v, err = some.find(ctx, 2*time.Minute, append(settings, withPrograms())...)
	}
	return result{tests: len(tests), tried: len(some), verdict: v, server: server, err: err}
}

func (r result) line(b Break) string {
	switch {
	case r.how != passes:
		return fmt.Sprintf("%s %s%s (%.1f s)", r.where, r.how, r.server, r.took.Seconds())
	case b.Nothing != "":
		return "nothing to miss: " + b.Nothing
	case r.tests == 0:
		return "NOBODY MISSES IT: in no test does it make a difference"
	}
	return fmt.Sprintf("NOBODY MISSES IT: %d tests pass, %d more were not tried", r.tried, r.tests-r.tried)
}

// A score counts.
type score struct {
	all, missed, nothing int
	wrong                int // missed, and it was said that nobody could
}

func (s *score) add(b Break, r result) {
	s.all++
	switch {
	case r.how != passes && b.Nothing != "":
		s.wrong++
		s.missed++
	case r.how != passes:
		s.missed++
	case b.Nothing != "":
		s.nothing++
	}
}

// percent leaves out those that cannot be missed.
func (s *score) percent() float64 {
	if s.all == s.nothing {
		return 100
	}
	return 100 * float64(s.missed) / float64(s.all-s.nothing)
}

func (s *score) String() string {
	text := fmt.Sprintf("%d broken, %d missed by a test, %d by none", s.all, s.missed, s.all-s.missed-s.nothing)
	if s.nothing > 0 {
		text += fmt.Sprintf(", %d where there is nothing to miss", s.nothing)
	}
	return fmt.Sprintf("%s: %.1f %%", text, s.percent())
}
