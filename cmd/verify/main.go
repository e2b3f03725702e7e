// Command verify checks on AWS what docs/aws-behaviour.md marks as not verified, and
// writes a report: make verify-aws. It deploys a stack of its own, with a Cognito pool
// for two members, and destroys both whatever happens. Start at run. account.go has
// what it makes in the AWS account, facts.go lists what it checks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	// From here on a signal ends ctx and not the process, which has yet to destroy the stack.
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

// options are the values of the flags.
type options struct {
	out      string
	networks []string
	within   time.Duration
	idle     time.Duration
	now      func() time.Time
	command  runner
}

// run deploys, checks everything, writes the report and destroys.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("verify", flag.ContinueOnError)
	flags.SetOutput(stdout)
	o := options{now: time.Now, command: execute}
	flags.StringVar(&o.out, "out", "docs/verified.md", "`file` for the report")
	networks := flags.String("networks", "public,ipv6,nat", "networks to try, as a `list`: public is a cache with a public endpoint and no VPC, ipv6 and nat are ways out of a VPC; "+
		"everything is checked in the first in which pushes get through")
	flags.DurationVar(&o.within, "within", 30*time.Minute, "`time` for deploying and checking; destroying takes more")
	flags.DurationVar(&o.idle, "idle", 11*time.Minute, "`time` to watch an idle connection, which AWS documents to close after 10 minutes; 0 leaves that out")
	yes := flags.Bool("yes", false, "agree to the cost, which is less than two dollars")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	o.networks = strings.Split(*networks, ",")
	for i, network := range o.networks {
		if !slices.Contains([]string{"public", "ipv6", "nat"}, network) || slices.Contains(o.networks[:i], network) {
			return fmt.Errorf("-networks is some of public, ipv6 and nat with commas between, not %q", *networks)
		}
	}
	if o.within <= 0 || o.idle < 0 {
		return errors.New("-within must be above 0, such as 30m, and -idle must not be below 0")
	}
	if !*yes {
		return errors.New("this makes a stack and a user pool in the AWS account of your credentials, for less than two dollars, and destroys them: agree with -yes (make verify-aws YES=1)")
	}
	return verify(ctx, o, stdout)
}

func verify(ctx context.Context, o options, stdout io.Writer) (err error) {
	a := &account{command: o.command, log: stdout}
	if err := a.find(ctx); err != nil {
		return err
	}
	r := &report{region: a.region, date: o.now()}
	// Destroying and the report come last, whatever happens, and have no deadline.
	defer func() {
		err = errors.Join(err, a.destroy(context.WithoutCancel(ctx)))
		r.destroyed = err == nil
		err = errors.Join(err, r.write(o.out))
		fmt.Fprintf(stdout, "\n%s: %s\n", o.out, r.summary())
	}()
	ctx, cancel := context.WithTimeout(ctx, o.within)
	defer cancel()
	if err := a.members(ctx); err != nil {
		return err
	}
	for _, network := range o.networks {
		s, err := a.deploy(ctx, network)
		if err != nil {
			return err
		}
		s.idle, s.began = o.idle, o.now()
		f := s.pushes(ctx)
		r.add(f)
		fmt.Fprintln(stdout, f)
		if f.status != holds {
			continue
		}
		for _, check := range facts() {
			f := check.on(ctx, s)
			r.add(f)
			fmt.Fprintln(stdout, f)
			if ctx.Err() != nil {
				return fmt.Errorf("stopped before all was checked: %w", context.Cause(ctx))
			}
		}
		return nil
	}
	return fmt.Errorf("pushes get through in none of %s: nothing else could be checked", strings.Join(o.networks, ", "))
}
