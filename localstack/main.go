// Command localstack runs Waggle on one machine: API Gateway, the functions, a cache,
// a token issuer and a map, on one port. The handlers are those that run on AWS, and
// they get the same events.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"waggle/internal/pool"
	"waggle/localstack/faults"
	"waggle/localstack/lambda"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// The first signal shuts the stack down; a second one kills it.
	context.AfterFunc(ctx, stop)
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(1)
	}
}

const usage = `Runs Waggle on one machine: the WebSocket API, its functions, a cache, a token
issuer and a map, on one port.

  go run ./localstack                      with an embedded cache and no members
  go run ./localstack -members 50          with simulated members
  go run ./localstack -cache redis://127.0.0.1:6379
  go run ./localstack -faults all          with the faults that occur on AWS
  go run ./localstack -runtime process     with the functions as Lambda runs them

Then open the map, or get a token and connect:

  curl 'http://127.0.0.1:8080/token?member=ana'
  go run ./cmd/waggle shell -as ana

Flags:
`

// run runs the command line until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	began := time.Now()
	flags := flag.NewFlagSet("localstack", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, once
	var c config
	var poolFile, level, events string
	var injected *faults.Faults
	flags.StringVar(&c.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 picks a free one")
	flags.StringVar(&c.Cache, "cache", embeddedCache, "`URL` of the cache: embedded, or redis://host:port, or rediss://host:port for TLS; a cluster is detected")
	flags.StringVar(&poolFile, "pools", "", "`file` with pool settings; without it all pools have the defaults")
	flags.StringVar(&events, "events", "", "`file` to which the application's events are added, a line of JSON each; - is standard output; without it there are none")
	flags.IntVar(&c.Members, "members", 0, "`number` of simulated members; they drive through a made-up city, in their own pool")
	flags.BoolVar(&c.Mingle, "mingle", false, "put the simulated members into the default pool")
	flags.Float64Var(&c.Decline, "decline", 0.3, "`share` of offers that the simulated members decline")
	flags.Float64Var(&c.Silent, "silent", 0.2, "`share` of offers that the simulated members do not answer")
	flags.Uint64Var(&c.Seed, "seed", 1, "`number` that decides how the simulated members drive, ask and answer")
	flags.BoolVar(&c.InsecureTokens, "insecure-tokens", false, "serve /token and the map to other machines too: anyone can then act as any member")
	c.AllowHosts = hosts{}
	flags.Func("allow-host", "`names`, separated by commas, under which clients may reach the stack; loopback and the address that a client connects to need none", c.AllowHosts.add)
	flags.Func("faults", "`list` of faults to inject, each with its probability: see below", func(list string) (err error) {
		injected, err = faults.New(list)
		return err
	})
	flags.StringVar(&c.Runtime, "runtime", inProcess, "`how` the functions run: inprocess; or process, built as for Lambda and started on demand")
	flags.StringVar(&c.Functions, "functions", "", "with -runtime process, the `directory` of FUNCTION/bootstrap for this machine; without it they are built from the checkout")
	flags.StringVar(&c.Next, "next", "", "with -functions, the `folder` of another release of them: "+lambda.ShiftPath+"?share=0.5 lets it have half of the invocations")
	flags.Func("concurrency", "`number` of invocations that may be in progress (default 200); with -runtime process, of environments that each function may have (default 50)", func(text string) (err error) {
		if c.Concurrency, err = strconv.Atoi(text); err != nil || c.Concurrency < 1 || c.Concurrency > 1000 {
			return errors.New("it must be 1 to 1000")
		}
		return nil
	})
	flags.BoolVar(&c.TwoWay, "two-way", false, "give the routes responses: acks, pongs and plain errors then come without a post, and an empty frame in place of no answer")
	flags.StringVar(&level, "log", "warn", "lowest `level` that is logged: debug, info, warn or error")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		fmt.Fprint(stdout, "\n", faults.Help())
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; see --help", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: there are only flags, see --help", flags.Arg(0))
	}
	if err := c.checkMembers(flags); err != nil {
		return err
	}
	if err := c.checkRuntime(injected); err != nil {
		return err
	}
	var logLevel slog.Level
	if err := logLevel.UnmarshalText([]byte(level)); err != nil {
		return errors.New("-log must be debug, info, warn or error")
	}
	// A log on the same terminal is written above the status line.
	display := newScreen(stdout)
	if display != nil && newScreen(stderr) != nil {
		stderr = display
	}
	c.Building = stderr
	c.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: logLevel}))
	if poolFile != "" {
		text, err := os.ReadFile(poolFile)
		if err != nil {
			return fmt.Errorf("-pools: %w", err)
		}
		if _, err := pool.Parse(text); err != nil {
			return fmt.Errorf("-pools: %w", err)
		}
		c.Pools = string(text)
	}
	switch events {
	case "":
	case "-":
		c.Events = stdout
		if display != nil {
			c.Events = display // above the status line
		}
	default:
		file, err := os.OpenFile(events, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("-events: %w", err)
		}
		defer file.Close()
		c.Events = file
	}
	if injected != nil {
		c.Faults = injected
	}
	s, err := start(ctx, c)
	if err != nil {
		return addAdvice(err, c)
	}
	fmt.Fprint(stdout, s.greeting(time.Since(began), terminal{User: os.Getenv("USER"), SSH: os.Getenv("SSH_CONNECTION")}))
	if display != nil {
		display.follow(ctx, s.read)
	}
	<-ctx.Done()
	err = s.close()
	if text := summary(s.stats()); text != "" {
		fmt.Fprint(stdout, text)
	}
	if injected != nil {
		fmt.Fprintln(stdout, injected.Summary())
	}
	return err
}

// checkMembers checks the flags of the simulated members.
func (c config) checkMembers(flags *flag.FlagSet) (err error) {
	switch {
	case c.Members < 0 || c.Members > 5000:
		return errors.New("-members must be 0 to 5000")
	case !(c.Decline >= 0 && c.Silent >= 0 && c.Decline+c.Silent <= 1):
		return fmt.Errorf("-decline and -silent must be shares from 0, and at most 1 together, not %g and %g", c.Decline, c.Silent)
	case c.Members > 0:
		return nil
	}
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "mingle", "decline", "silent", "seed":
			err = fmt.Errorf("-%s needs -members", f.Name)
		}
	})
	return err
}

// checkRuntime checks the flags of the runtime, and refuses those that exclude each other.
func (c config) checkRuntime(injected *faults.Faults) error {
	switch {
	case c.Runtime != inProcess && c.Runtime != processes:
		return fmt.Errorf("-runtime must be %s or %s", inProcess, processes)
	case c.Runtime != processes && c.Functions != "":
		return fmt.Errorf("-functions needs -runtime %s", processes)
	case c.Next != "" && c.Functions == "":
		return errors.New("-next needs -functions")
	case c.Runtime == processes && injected != nil && injected.AffectCache():
		return fmt.Errorf("-faults: faults of the cache do not work with -runtime %s: leave it out, or set lost-reply=0,slow-cache=0", processes)
	}
	return nil
}

// addAdvice says what to type if the port is in use.
func addAdvice(err error, c config) error {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err
	}
	host, port, _ := net.SplitHostPort(c.Addr)
	n, _ := strconv.Atoi(port)
	return fmt.Errorf("%s is in use by another program: try -addr %s, or -addr %[3]s for any free port (make run RUNFLAGS=\"-addr %[3]s\")",
		c.Addr, net.JoinHostPort(host, strconv.Itoa(n%65535+1)), net.JoinHostPort(host, "0"))
}
