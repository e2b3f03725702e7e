// Package cli is what command-line programs with subcommands share: help, flags before
// and after operands, exit codes, and an orderly end after Ctrl-C.
//
// A Program has Commands, and Main runs it. A command makes its flags with Flags, reads
// them with Parse, and returns Misuse for a mistake of the user.
package cli

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
)

// The exit codes other than 0 and 1.
const (
	exitUsage       = 2
	exitInterrupted = 130
)

var (
	// ErrUsage is a mistake of the user that has already been explained.
	ErrUsage = errors.New("usage")
	// ErrInterrupted is the end after Ctrl-C.
	ErrInterrupted = errors.New("interrupted")
)

// A misuse is a mistake of the user that is not yet explained.
type misuse struct{ error }

// Misuse returns an error for a wrong flag or operand. The program ends with exit code 2.
func Misuse(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// A Console is where a command reads and writes.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
}

// A Command is a subcommand of a program.
type Command struct {
	Name, Summary string
	Run           func(ctx context.Context, c Console, args []string) error
}

// A Program is a name, what it is for, its commands, and the examples below them.
type Program struct {
	Name, About string
	Commands    []Command
	Examples    string
}

// Main runs the program on the process's arguments, and exits. The first signal ends
// ctx, so that the command can end in order. A second one ends the process at once.
func (p Program) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := p.Run(ctx, Console{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, ErrUsage):
		os.Exit(exitUsage)
	case errors.Is(err, ErrInterrupted):
		os.Exit(exitInterrupted)
	default:
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
}

// Run runs a command line. It explains mistakes of the user, and returns ErrUsage for them.
func (p Program) Run(ctx context.Context, c Console, args []string) error {
	if len(args) == 0 {
		p.help(c.Err)
		return ErrUsage
	}
	name, rest := args[0], args[1:]
	for _, command := range p.Commands {
		if command.Name == name {
			return p.finish(c, name, command.Run(ctx, c, rest))
		}
	}
	switch name {
	case "help", "-h", "-help", "--help":
		if len(rest) > 0 && name == "help" {
			return p.Run(ctx, c, []string{rest[0], "-h"})
		}
		p.help(c.Out)
		return nil
	}
	fmt.Fprintf(c.Err, "%s: there is no command %q\n\n", p.Name, name)
	p.help(c.Err)
	return ErrUsage
}

// finish turns the error of a command into that of the program.
func (p Program) finish(c Console, name string, err error) error {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return nil
	case errors.Is(err, ErrUsage), errors.Is(err, ErrInterrupted):
		return err
	}
	if wrong, ok := errors.AsType[misuse](err); ok {
		fmt.Fprintf(c.Err, "%s: %s: %v\n", p.Name, name, wrong)
		return ErrUsage
	}
	return fmt.Errorf("%s: %w", name, err)
}

func (p Program) help(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n\nCommands:\n", p.Name, p.About)
	for _, command := range p.Commands {
		fmt.Fprintf(w, "  %-8s %s\n", command.Name, command.Summary)
	}
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(p.Examples))
}

// Flags makes the flags of a command. -h prints text, and then the flags.
func Flags(c Console, name, text string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(c.Err)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "%s\n\nFlags:\n", strings.TrimSpace(text))
		f.PrintDefaults()
	}
	return f
}

// Parse reads flags and exactly the named operands, in any order.
func Parse(c Console, f *flag.FlagSet, args []string, names ...string) (operands []string, err error) {
	if operands, err = ParseAny(c, f, args); err != nil {
		return nil, err
	}
	return operands, Expect(f, operands, names...)
}

// ParseAny reads flags and any operands, in any order.
func ParseAny(c Console, f *flag.FlagSet, args []string) (operands []string, err error) {
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			f.SetOutput(c.Out) // the user asked for help, so it is no error
		}
	}
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, ErrUsage // f has explained it
		}
		if f.NArg() == 0 {
			return operands, nil
		}
		operands, args = append(operands, f.Arg(0)), f.Args()[1:]
	}
}

// Expect refuses operands other than the named ones.
func Expect(f *flag.FlagSet, operands []string, names ...string) error {
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
	return Misuse("it takes %s, and got %s; -h says more", want, got)
}
