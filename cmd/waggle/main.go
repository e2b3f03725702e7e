// Command waggle is Waggle on the command line: a shell for its protocol, a
// demonstration, a doctor for what was deployed, the replay of a city's day, and the
// judge of its record.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // so that -zone works where the system has no zones
)

// The exit codes beyond 0 and 1.
const (
	exitUsage       = 2
	exitInterrupted = 130
)

var (
	errUsage       = errors.New("usage")       // it has been told already
	errInterrupted = errors.New("interrupted") // by the user, after an orderly end
)

// A misuse is a wrong flag or operand, still to be told.
type misuse struct{ error }

func misusef(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends in order, a second one at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, console{in: os.Stdin, out: os.Stdout, err: os.Stderr}, os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		os.Exit(exitUsage)
	case errors.Is(err, errInterrupted):
		os.Exit(exitInterrupted)
	default:
		fmt.Fprintln(os.Stderr, "waggle:", err)
		os.Exit(1)
	}
}

// A console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// A command is what can stand after "waggle".
type command struct {
	name, summary string
	run           func(ctx context.Context, c console, args []string) error
}

func commands() []command {
	return []command{
		{"shell", "speak the protocol as a member: frames typed and shown", shell},
		{"demo", "see two members find each other, move, lose and resume, part", demo},
		{"replay", "play the recorded hour of a city against Waggle", replayFile},
		{"doctor", "say of a running Waggle what works, what does not, and what to mend", examine},
		{"judge", "say from a replay's record what came of it", judgeRecord},
	}
}

func run(ctx context.Context, c console, args []string) error {
	if len(args) == 0 {
		help(c.err)
		return errUsage
	}
	name, rest := args[0], args[1:]
	for _, cmd := range commands() {
		if cmd.name == name {
			if err := cmd.run(ctx, c, rest); err != nil {
				if errors.Is(err, flag.ErrHelp) {
					return nil
				}
				if errors.Is(err, errUsage) || errors.Is(err, errInterrupted) {
					return err
				}
				if wrong, ok := errors.AsType[misuse](err); ok {
					fmt.Fprintf(c.err, "waggle: %s: %v\n", name, wrong)
					return errUsage
				}
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
	}
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) > 0 && name == "help" {
			return run(ctx, c, []string{rest[0], "-h"})
		}
		help(c.out)
		return nil
	}
	fmt.Fprintf(c.err, "waggle: there is no command %q\n\n", name)
	help(c.err)
	return errUsage
}

func help(w io.Writer) {
	fmt.Fprint(w, "waggle: realtime matching by place, on the command line\n\nCommands:\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-8s %s\n", cmd.name, cmd.summary)
	}
	fmt.Fprint(w, `
With a local stack running (make run), try:
  waggle demo
  waggle shell -as ana
  waggle replay -h    which first has the stack run at the replay's speed
  waggle judge -h     for what its record shows

waggle COMMAND -h says more.
`)
}

// newFlags makes a command's flags, whose -h teaches it.
func newFlags(c console, name, text string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(c.err)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "%s\n\nFlags:\n", strings.TrimSpace(text))
		f.PrintDefaults()
	}
	return f
}

// parse reads flags, before and after the operands, which it returns.
func parse(c console, f *flag.FlagSet, args []string) (operands []string, err error) {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			f.SetOutput(c.out) // asked for, so no error
		}
	}
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, errUsage // f has told it
		}
		if f.NArg() == 0 {
			return operands, nil
		}
		operands, args = append(operands, f.Arg(0)), f.Args()[1:]
	}
}

// expect refuses other operands than these.
func expect(f *flag.FlagSet, operands []string, names ...string) error {
	if len(operands) == len(names) {
		return nil
	}
	want := "nothing but flags"
	if len(names) > 0 {
		want = strings.Join(names, " ")
	}
	got := "nothing"
	if len(operands) > 0 {
		got = fmt.Sprintf("%q", operands)
	}
	return misusef("it takes %s, and got %s; see waggle %s -h", want, got, f.Name())
}
