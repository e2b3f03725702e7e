// Command hunt breaks Waggle in small ways and reports which test misses each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"waggle/test/mutation"
)

const usage = `Hunt looks for tests that are missing. It breaks one thing after the other and runs the
tests to which that makes a difference, on the embedded cache, until one of them fails:

  lua      each condition of each Lua script is made always true, then always false;
           every one must be missed by a test
  go       the packages match, handler and protocol are mutated: conditions, boundaries,
           sums, statements left out, errors dropped; four in five must be found
  planted  bugs that somebody might make (test/mutation/bugs.go); each must be found

A line for each says what was broken and which test failed by it. What NOBODY MISSES wants a
test, or is dead code and should go. If really nothing changes by it, it gets a row in
test/mutation/nothing.go, with the reason.

All of it takes about %s on two idle cores. Nothing in the source folders is changed.

Usage: go run ./test/mutation/run [flags], in the root of the module

  go run ./test/mutation/run -only lua -file claim      the conditions of claim.lua
  go run ./test/mutation/run -only go -file match/wait  the mutants of match/wait.go
  go run ./test/mutation/run | grep NOBODY              what is to be done

`

// takes is how long everything takes.
const takes = "half an hour to an hour"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	parts := []string{mutation.Scripts, mutation.Sources, mutation.Planted}
	only := flag.String("only", "", "one `part`: "+strings.Join(parts, ", "))
	file := flag.String("file", "", "only what is in files with this `word` in their names, such as \"claim.lua\"")
	tests := flag.String("tests", "", "only the tests of packages with this `word` in their names, such as \"internal/store\"")
	list := flag.Bool("list", false, "break nothing, and list what would be, with the tests that it might make a difference to")
	patience := flag.Duration("patience", 5*time.Second, "for how `long` tests are tried on one mutant of the part go; 0: all of them")
	workers := flag.Int("n", runtime.GOMAXPROCS(0), "how `many` tests to run at a time")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), usage, takes)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 || *only != "" && !slices.Contains(parts, *only) {
		flag.Usage()
		return errors.New("no arguments, a part that there is, and at least one test at a time, please")
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	s := &screen{out: os.Stdout}
	defer s.clear()
	o := mutation.Options{Root: root, Only: *only, File: *file, Tests: *tests, List: *list, Patience: *patience, Workers: *workers, Out: s}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 { // a terminal
		o.Progress = s.show
	}
	return mutation.Run(ctx, o)
}

// A screen prints lines, and below them how far it has come.
type screen struct {
	out   io.Writer
	part  string
	began time.Time // of the part
	shown bool
}

// Write prints lines in place of the progress, which is shown again when there is more of it.
func (s *screen) Write(p []byte) (int, error) {
	s.clear()
	return s.out.Write(p)
}

func (s *screen) show(part string, done, all int) {
	if s.part != part {
		s.part, s.began = part, time.Now()
	}
	took := time.Since(s.began)
	left := time.Duration(float64(took) * float64(all-done) / float64(max(done, 1)))
	fmt.Fprintf(os.Stderr, "\r%s: %d of %d in %v, about %v left\x1b[K", part, done, all, took.Round(time.Second), left.Round(time.Second))
	s.shown = true
}

func (s *screen) clear() {
	if s.shown {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
		s.shown = false
	}
}
