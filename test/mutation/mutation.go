// Package guards breaks Waggle in many small ways, one at a time, and reports which
// test misses what was broken. Run is where to start; `make guards` runs it.
//
//   - Scripts: every condition of every Lua script is removed (package lua).
//   - Sources: match, handler and protocol are mutated (package mutant).
//   - Planted: bugs that somebody might make, from a table of ours.
//
// The tests are the ordinary ones, on the embedded cache. They are compiled once;
// what is on in a run the environment says (packages broken and switches). First every
// test is run once with nothing broken and everything watched: so it is known which
// tests something would make a difference to, and only they are run with it broken,
// the quickest first, until one fails. What is broken in a script and missed by none is tried
// on the real servers too, where they are installed.
package mutation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// The parts.
const (
	Scripts = "lua"
	Sources = "go"
	Planted = "planted"
)

// What must be found at least, in percent.
var wanted = map[string]float64{Scripts: 100, Sources: 80, Planted: 100}

// Options say what to break.
type Options struct {
	Root string // of the module
	// Only is one of the parts, or "" for all; File is a word that the names of the
	// files to break have in them.
	Only, File string
	// Tests is a word that the packages have in their names whose tests are run.
	Tests string
	// List breaks nothing: it prints what would be, and to how many tests it might make a
	// difference.
	List bool
	// Patience is how long the tests may take that are tried on one mutant of a source,
	// together and when nothing is broken; one is always tried. 0: there is no limit, as
	// there is none for what is broken otherwise.
	Patience time.Duration
	Workers  int
	Out      io.Writer
	// Progress, where it is set, is told how far a part has come.
	Progress func(part string, done, all int)
}

// Run breaks what the options say and prints, for each, which test missed it. It is an
// error if too much is missed by none.
func Run(ctx context.Context, o Options) error {
	parts := []struct {
		name, files string // what they end in
		find        func(*workshop, context.Context) ([]Break, error)
	}{{Scripts, ".lua", (*workshop).scripts}, {Sources, ".go", (*workshop).sources}, {Planted, "", (*workshop).planted}}
	var failed []error
	broken := 0
	for _, part := range parts {
		if o.Only != "" && o.Only != part.name {
			continue
		}
		dir, err := os.MkdirTemp("", "guards")
		if err != nil {
			return err
		}
		w := &workshop{Options: o, dir: dir, part: part.name}
		breaks, err := part.find(w, ctx)
		if err == nil && part.files != "" {
			err = excuse(of(nothing(), part.files), breaks, o.File == "")
		}
		if err == nil {
			err = w.finish(ctx, breaks)
		}
		if err := errors.Join(err, os.RemoveAll(dir)); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", part.name, err))
		}
		broken += len(breaks)
	}
	if broken == 0 && len(failed) == 0 {
		return fmt.Errorf("there is nothing to break in a file with %q in its name", o.File)
	}
	return errors.Join(failed...)
}
