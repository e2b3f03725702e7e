// Command run mutates Waggle and reports which test catches each mutant.
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

const usage = `This program looks for missing tests. It makes one small change of the code after the
other, a mutant, and runs the tests that the mutant affects until one of them fails. The
tests run on the embedded cache.

  lua      each condition of each Lua script becomes always true, then always false; a
           test must catch every mutant
  go       the packages match, handler and protocol: conditions, boundaries, sums, deleted
           statements, dropped errors; tests must catch four mutants in five
  planted  faults that somebody might well make (test/mutation/faults.go); a test must
           catch every one

A line for each mutant names the test that caught it. For a mutant that SURVIVED, write a
test, or delete the code if nothing needs it. If the mutant changes nothing that a test
could see, add a row with the reason to test/mutation/equivalent.go.

All of it takes about an hour on two idle cores. No source file is changed.

Usage: go run ./test/mutation/run [flags], in the root of the module

  go run ./test/mutation/run -only lua -file claim         the conditions of claim.lua
  go run ./test/mutation/run -only lua -file claim.lua:22: those of its line 22
  go run ./test/mutation/run -only go -file match/waiting  the mutants of match/waiting.go
  go run ./test/mutation/run | grep SURVIVED               what is to be done

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	kinds := []string{mutation.Lua, mutation.Go, mutation.Planted}
	only := flag.String("only", "", "only this `kind` of mutants: "+strings.Join(kinds, ", "))
	file := flag.String("file", "", "only files with this `text` in their names, such as \"claim.lua\", or a line of a script")
	tests := flag.String("tests", "", "only the tests of packages with this `text` in their names, such as \"internal/store\"")
	list := flag.Bool("list", false, "list the mutants, each with the number of tests that it affects, and test none")
	budget := flag.Duration("budget", 5*time.Second, "the `time` for the tests of one mutant of kind go; 0: no limit")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "the `number` of tests to run at a time")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 || *only != "" && !slices.Contains(kinds, *only) {
		flag.Usage()
		return errors.New("it takes flags only, one of the kinds, and at least one worker")
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	s := &screen{out: os.Stdout}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		s.progress = os.Stderr
	}
	defer s.clear()
	return mutation.Run(ctx, mutation.Options{Root: root, Only: *only, File: *file, Tests: *tests, List: *list,
		Budget: *budget, Workers: *workers, Out: s, Progress: s.show})
}

// A screen prints lines, and below them the progress if standard error is a terminal.
type screen struct {
	out, progress io.Writer // progress is nil if there is no terminal
	step          string
	start         time.Time
}

// Write prints lines in place of the progress, which returns with the next call of show.
func (s *screen) Write(p []byte) (int, error) {
	s.clear()
	return s.out.Write(p)
}

func (s *screen) show(step string, done, all int) {
	if s.progress == nil {
		return
	}
	if s.step != step {
		s.step, s.start = step, time.Now()
	}
	left := time.Since(s.start) * time.Duration(all-done) / time.Duration(max(done, 1))
	s.clear()
	fmt.Fprintf(s.progress, "%s: %d of %d, %v left", step, done, all, left.Round(time.Second))
}

func (s *screen) clear() {
	if s.progress != nil {
		fmt.Fprint(s.progress, "\r\x1b[K")
	}
}
