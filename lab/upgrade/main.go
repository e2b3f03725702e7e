// Command upgrade is a drill: the functions of two releases serve the same members, on one
// cache, under load. make upgrade-drill runs it.
//
// It builds both releases, and starts the local stack on a Valkey server of its own. Then it
// moves the invocations from the previous release to the next one and back, as a rollout and a
// rollback do. Pairs of members match, follow, resume and end all the while. Each step that does
// not come about, and each error, is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"waggle/lab/scope"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	self, err := os.Executable()
	if err == nil {
		err = run(ctx, filepath.Dir(self), os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "upgrade:", err)
		os.Exit(1)
	}
}

const usage = `usage: upgrade [-from RELEASE] [-to RELEASE] [-for 8s] [-pairs 20] [-out DIR]
RELEASE is a tag or commit of the checkout in this directory, or the directory of a checkout.
`

// A drill is what to play.
type drill struct {
	programs, out  string // the folder of localstack, and that of builds and logs
	from, to       release
	each           time.Duration // of a phase
	pairs          int
	seed           uint64
	stdout, stderr io.Writer
}

func run(ctx context.Context, programs string, args []string, stdout, stderr io.Writer) error {
	d := drill{programs: programs, stdout: stdout, stderr: stderr}
	f := flag.NewFlagSet("upgrade", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	from := f.String("from", "", "the previous `release` (default: the newest tag v… before this commit, or else "+oldest+")")
	to := f.String("to", ".", "the next `release`")
	f.StringVar(&d.out, "out", "bin/releases", "`folder` for the builds and the log")
	f.DurationVar(&d.each, "for", 8*time.Second, "how long each phase lasts")
	f.IntVar(&d.pairs, "pairs", 20, "`number` of pairs of members")
	f.Uint64Var(&d.seed, "seed", 1, "`number` that decides what the pairs do")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 || d.pairs < 2 || d.each < time.Second {
		return errors.New("there are only flags; -pairs must be at least 2, and -for at least 1s")
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return err
	}
	var err error
	if d.from, err = d.build(ctx, *from, "previous"); err != nil {
		return err
	}
	if d.to, err = d.build(ctx, *to, "next"); err != nil {
		return err
	}
	return scope.In(func(s *scope.Scope) error { return d.play(ctx, s) })
}
