// Command explore explores the match protocol exhaustively, and then once more with
// each planted fault.
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

const usage = `Explore visits every state that the match protocol can reach when, at any step, members
send messages, processes die, replies are lost, commands arrive late and deadlines pass.
It checks the protocol's rules in each state. Then it plants one fault after another and
checks that the exploration finds each. docs/model.md says what the model holds.

It takes about five minutes on two idle cores, and 1 GB of memory. It fails if the protocol
breaks a rule or if a fault is not found.

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
	verbose := flag.Bool("v", false, "show the shortest path to each violation, step by step")
	only := flag.String("only", "", "run only the explorations with this `word` in their names, such as \"claim\"")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "the number of `threads`")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 {
		flag.Usage()
		return errors.New("it takes flags only, and at least one thread")
	}

	fmt.Printf("%-52s %-16s %11s %12s %6s %8s\n", "explored", "found", "states", "steps", "depth", "time")
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
		ok, found := x.check(result)
		fmt.Printf("%-52s %-16s %11d %12d %6d %8s\n", x.name, found, result.States, result.Steps, result.Depth,
			result.Took.Round(time.Millisecond))
		if !ok {
			failed++
		}
		if result.Violation != nil && (*verbose || !ok) {
			fmt.Print("\n", result, "\n")
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d explorations have the wrong result", failed, ran)
	}
	if ran == 0 {
		return fmt.Errorf("no exploration has %q in its name: run it without -only to see all names", *only)
	}
	return nil
}

// An exploration is one line of the table.
type exploration struct {
	name    string
	want    model.Rule // "": no violation
	explore func(context.Context, func(states, frontier, depth int)) (model.Result, error)
}

// check reports whether the result is the wanted one, and names it.
func (x exploration) check(r model.Result) (bool, string) {
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
	protocol := func(name string, b model.Bounds) exploration {
		return exploration{name, "", func(ctx context.Context, p func(int, int, int)) (model.Result, error) {
			return model.Explorer{Bounds: b, Progress: p}.Explore(ctx)
		}}
	}
	all := []exploration{
		protocol("the protocol: three members, three processes", model.Full(workers)),
		protocol("the protocol: with every outcome kept", model.WithOutcomes(workers)),
		protocol("the protocol: offers", model.WithOffers(workers)),
		protocol("the protocol: offers of two to each other", model.WithOffersOfTwo(workers)),
		protocol("the protocol: members who leave", model.WithLeaving(workers)),
		protocol("the protocol: repair after failovers", model.WithFailover(workers)),
		{"the protocol: waiting requests are woken", "",
			func(context.Context, func(int, int, int)) (model.Result, error) {
				return model.ExploreWaking(model.NoFault), nil
			}},
		{"the protocol: what stands is told", "",
			func(context.Context, func(int, int, int)) (model.Result, error) {
				return model.ExploreTelling(model.NoFault, 1, false), nil
			}},
		{"the protocol: what is offered is told", "",
			func(context.Context, func(int, int, int)) (model.Result, error) {
				return model.ExploreTelling(model.NoFault, 0, true), nil
			}},
		{"the protocol: who is away is told", "",
			func(context.Context, func(int, int, int)) (model.Result, error) {
				return model.ExplorePresence(model.NoFault), nil
			}},
	}
	for _, f := range model.Faults() {
		all = append(all, exploration{f.String(), f.Breaks(),
			func(ctx context.Context, _ func(int, int, int)) (model.Result, error) {
				return model.Find(ctx, f, workers)
			}})
	}
	return all
}

// progress keeps a line on standard error up to date, if that is a terminal.
func progress(name string) func(states, frontier, depth int) {
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(states, frontier, depth int) {
		fmt.Fprintf(os.Stderr, "\r%s: depth %d, %d states, %d to visit\x1b[K\r", name, depth, states, frontier)
	}
}
