// Package mutation makes small changes to Waggle, the mutants, one at a time, and
// reports which test catches each. Run is where to start; `make mutation` runs it.
//
//   - lua: each condition of each Lua script becomes always true, then always false
//     (package lua).
//   - go: the packages match, handler and protocol are mutated (package golang).
//   - planted: faults that somebody might well make, from the table in faults.go.
//
// A condition stays in the code only if changing it makes a test fail. A mutant that
// survives means that a test is missing, or that the code can go. If it changes nothing
// that a test could see, it is an equivalent mutant, and equivalent.go says why.
//
// The tests are the ordinary ones, on the embedded cache. They are compiled once, and
// the environment says which mutant is active in a process (package active). First every
// test runs without a mutant and reports which mutants would change a value in it. Only
// those tests run with the mutant, the fastest first, until one fails. If a mutant of a
// script survives, the tests run once more on the real servers that are installed, and with
// them those that need a real server.
package mutation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// The kinds of mutants.
const (
	Lua     = "lua"
	Go      = "go"
	Planted = "planted"
)

// required is the share of the mutants that must be caught, in percent.
var required = map[string]float64{Lua: 100, Go: 80, Planted: 100}

// Options say what to mutate and which tests to run.
type Options struct {
	Root string // of the module
	// Only is one kind of mutants, or "" for all. File limits them to the files with this
	// text in their names; those of scripts also to a line, such as "claim.lua:22:".
	Only, File string
	// Tests limits the tests to the packages with this text in their names.
	Tests string
	// List prints the mutants, each with the number of tests that it affects, and tests
	// none of them.
	List bool
	// Budget is the time for the tests of one mutant of kind Go, as measured without a
	// mutant; at least one test runs. 0, and the other kinds, have no limit.
	Budget  time.Duration
	Workers int
	Out     io.Writer
	// Progress, if set, is called after each test or mutant of a step.
	Progress func(step string, done, all int)
}

// Run tests the mutants that the options select, and prints which test catches each. It
// returns an error if too many survive.
func Run(ctx context.Context, o Options) error {
	kinds := []struct {
		name, ending string
		find         func(*runner, context.Context) ([]Mutant, error)
	}{{Lua, ".lua", (*runner).scripts}, {Go, ".go", (*runner).sources}, {Planted, "", (*runner).planted}}
	var failed []error
	count := 0
	for _, kind := range kinds {
		if o.Only != "" && o.Only != kind.name {
			continue
		}
		dir, err := os.MkdirTemp("", "mutation")
		if err != nil {
			return err
		}
		r := &runner{Options: o, dir: dir, kind: kind.name}
		mutants, err := kind.find(r, ctx)
		if err == nil && kind.ending != "" {
			err = markEquivalent(withEnding(equivalents(), kind.ending), mutants, o.File == "")
		}
		if err == nil {
			err = r.finish(ctx, mutants)
		}
		if err := errors.Join(err, os.RemoveAll(dir)); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", kind.name, err))
		}
		count += len(mutants)
	}
	if count == 0 && len(failed) == 0 {
		return fmt.Errorf("no mutant is in a file with %q in its name", o.File)
	}
	return errors.Join(failed...)
}
