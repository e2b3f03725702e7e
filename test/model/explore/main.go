// Command explore explores the match protocol exhaustively and then each variant
// of it with a planted fault.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"waggle/test/model"
)

const usage = `Explore visits every state that the match protocol can reach, with members asking,
processes dying, answers lost, commands late and deadlines passing at any step, and
checks its rules in each of them. Then it plants one fault after another and finds
each by the rule that it breaks. docs/model.md says what the model holds.

It takes about two minutes on two idle cores, and 1 GB. It fails if the protocol breaks
a rule, and if a fault is not found.

Usage: go run ./test/model/explore [flags]

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "explore:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	verbose := flag.Bool("v", false, "show the shortest way to each fault, step by step")
	only := flag.String("only", "", "explore only what has this `word` in its name, such as \"claim\"")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "how many `threads` to use")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 {
		flag.Usage()
		return errors.New("no arguments, and at least one thread, please")
	}

	fmt.Printf("%-48s %-16s %11s %12s %6s %8s\n", "explored", "found", "states", "steps", "depth", "time")
	failed, ran := 0, 0
	for _, x := range explorations(*workers) {
		if !strings.Contains(x.name, *only) {
			continue
		}
		ran++
		result, err := x.explore(ctx, progress(x.name))
		if err != nil {
			return fmt.Errorf("%s: %w", x.name, err)
		}
		ok, found := x.judge(result)
		fmt.Printf("%-48s %-16s %11d %12d %6d %8s\n", x.name, found, result.States, result.Steps, result.Depth,
			result.Took.Round(time.Millisecond))
		if !ok {
			failed++
		}
		if result.Violation != nil && (*verbose || !ok) {
			fmt.Print("\n", result, "\n")
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d did not come out as they must", failed, ran)
	}
	if ran == 0 {
		return fmt.Errorf("nothing has %q in its name", *only)
	}
	return nil
}

// An exploration is one line of the table.
type exploration struct {
	name    string
	want    model.Rule // "": no violation
	explore func(context.Context, func(states, frontier, depth int)) (model.Result, error)
}

// judge says whether the result is as it must be, and names it.
func (x exploration) judge(r model.Result) (bool, string) {
	switch {
	case r.Violation == nil && x.want == "":
		return true, "no violation"
	case r.Violation == nil:
		return false, "NOT FOUND"
	case r.Violation.Rule == x.want:
		return true, string(x.want)
	}
	return false, "VIOLATION"
}

func explorations(workers int) []exploration {
	within := func(name string, b model.Bounds) exploration {
		return exploration{name, "", func(ctx context.Context, p func(int, int, int)) (model.Result, error) {
			return model.Explorer{Bounds: b, Progress: p}.Explore(ctx)
		}}
	}
	all := []exploration{
		within("the protocol: three members, three processes", model.Wide(workers)),
		within("the protocol: all that members are told", model.Telling(workers)),
		within("the protocol: healing after failovers", model.Failing(workers)),
		{"the protocol: those who wait are woken", "",
			func(context.Context, func(int, int, int)) (model.Result, error) {
				return model.Seek(model.Correct), nil
			}},
	}
	for _, v := range model.Variants() {
		all = append(all, exploration{v.String(), v.Breaks(),
			func(ctx context.Context, _ func(int, int, int)) (model.Result, error) {
				return model.Find(ctx, v, workers)
			}})
	}
	return all
}

// progress keeps a line up to date where somebody is watching.
func progress(name string) func(states, frontier, depth int) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(states, frontier, depth int) {
		fmt.Fprintf(os.Stderr, "\r%s: depth %d, %d states, %d to visit\x1b[K\r", name, depth, states, frontier)
	}
}
