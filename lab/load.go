package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
	"waggle/internal/pool"
	"waggle/lab/load"
)

const loadText = `
lab load opens connections to a local stack, sends reports and requests at stated
rates, and measures. The load is open: it does not wait for answers.

Of all connections
  -follows N  pairs are matched for the whole run: two connections each
  -waiting N  have a request that waits, since nobody has its tag
  -askers N   ask in turn: each is matched, follows for -follow, and ends the match
and the others only report. Those who ask, wait or follow do not report.

It prints
  report → ack, report → push at the follower, match → matched, connect → open: p50, p95
  and p99, beside a bare WebSocket echo that runs in this process at the same time;
  what the stack uses at the start, after the warm-up, at the end, and when all is
  closed: memory, goroutines, descriptors, and keys of the cache (of a server with
  -cache); and whether they are flat.

In two terminals, at the top of a checkout:
  redis-server --save "" --port 6379
  go run ./localstack -cache redis://127.0.0.1:6379
and
  go -C lab run . load -cache redis://127.0.0.1:6379 -connections 2000 -for 10m

To cut all connections at once, and to check that all are back in their matches and
requests; the exit code is 1 if anybody is lost:
  go -C lab run . load -connections 2000 -for 2m -reconnect-at 30s

To find out what happens beyond what the stack can do, one rate after the other:
  go -C lab run . load -connections 2000 -ramp 250,500,1000,2000,4000,8000,500 -step 15s

Unless its pool says otherwise, a member may send 5 reports a second and make 10 requests
a minute and 30 matches an hour. It may end 20 matches an hour within 60 s of their start,
10 of them at once. Beyond that it is refused with rate_limited.`

// loadFlags are the flags of the command.
type loadFlags struct {
	url, tokenCommand, pool, caches, ramp string
	load.Config
}

func putLoad(ctx context.Context, c cli.Console, args []string) error {
	o := loadFlags{Config: load.Config{Connections: 1000, Follows: 100, Waiting: 50, Askers: 100, Reports: 100, Requests: 0.5}}
	f := cli.Flags(c, "load", loadText)
	f.StringVar(&o.url, "url", endpoint.Local, "`URL` of a local stack")
	f.StringVar(&o.tokenCommand, "token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	f.StringVar(&o.pool, "pool", "", "`pool` of all members; without it, their token names none")
	f.StringVar(&o.caches, "cache", "", "`URL` of the stack's cache, redis://host:port, to count its keys; of a cluster, those of all primaries, with commas")
	memberFlags(f, &o.Config)
	f.DurationVar(&o.Follow, "follow", 20*time.Second, "how long an asker follows before it ends the match")
	f.DurationVar(&o.WarmUp, "warm-up", 20*time.Second, "how long the load lasts before anything is counted")
	f.DurationVar(&o.Length, "for", time.Minute, "how long to measure")
	f.DurationVar(&o.ReconnectAt, "reconnect-at", 0, "when in the run to cut all connections at once (default: never)")
	f.StringVar(&o.ramp, "ramp", "", "`rates` of reports a second, with commas, each for -step, in place of -reports and -for")
	f.DurationVar(&o.Step, "step", 20*time.Second, "how long each rate of -ramp lasts")
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	at, err := o.check()
	if err != nil {
		return cli.Misuse("%w", err)
	}
	return o.run(ctx, c, at)
}

// memberFlags are the flags of who connects and what they send. The defaults are those of the config.
func memberFlags(f *flag.FlagSet, c *load.Config) {
	f.IntVar(&c.Connections, "connections", c.Connections, "`number` of connections in all")
	f.IntVar(&c.Follows, "follows", c.Follows, "`number` of pairs who are matched for the whole run")
	f.IntVar(&c.Waiting, "waiting", c.Waiting, "`number` of members whose request waits")
	f.IntVar(&c.Askers, "askers", c.Askers, "`number` of members who ask in turn")
	f.Float64Var(&c.Reports, "reports", c.Reports, "reports a `second`, of all members together")
	f.Float64Var(&c.Requests, "requests", c.Requests, "requests a `second`, of all askers together")
}

// memberTTL is how long a report keeps its member findable, in a pool with the defaults.
const memberTTL = time.Minute

func (o *loadFlags) check() (endpoint.Endpoint, error) {
	for text := range strings.SplitSeq(o.ramp, ",") {
		rate, err := strconv.ParseFloat(text, 64)
		if o.ramp != "" && err != nil {
			return endpoint.Endpoint{}, fmt.Errorf("-ramp must be rates with commas, such as 250,500,1000, not %q", o.ramp)
		}
		if o.ramp != "" {
			o.Ramp = append(o.Ramp, rate)
		}
	}
	if err := checkMembers(o.Config); err != nil {
		return endpoint.Endpoint{}, err
	}
	switch {
	case o.Follow < 0, o.WarmUp < 0, o.Length < time.Second, o.Step < time.Second:
		return endpoint.Endpoint{}, errors.New("-for and -step must be at least 1s, and -follow and -warm-up at least 0s")
	case o.ReconnectAt < 0 || o.ReconnectAt >= o.Length || o.ReconnectAt > 0 && o.ramp != "":
		return endpoint.Endpoint{}, fmt.Errorf("-reconnect-at must be less than -for, which is %v, and cannot be combined with -ramp", o.Length)
	case o.caches != "" && twiceOrEmpty(strings.Split(o.caches, ",")):
		return endpoint.Endpoint{}, fmt.Errorf("-cache must be URLs with commas, none empty or there twice, not %q", o.caches)
	case o.pool != "" && !pool.ValidName(o.pool):
		return endpoint.Endpoint{}, endpoint.BadPool(o.pool)
	}
	return endpoint.ParseSeveral(o.url, o.tokenCommand)
}

// checkMembers checks what memberFlags set, and the ramp.
func checkMembers(c load.Config) error {
	switch {
	case min(c.Connections, c.Follows, c.Waiting, c.Askers) < 0:
		return errors.New("-connections, -follows, -waiting and -askers must be numbers from 0")
	case c.Connections-2*c.Follows-c.Waiting-c.Askers < 1:
		return fmt.Errorf("-connections %d is too few: %d follow or are followed, %d wait, %d ask, and at least one must only report",
			c.Connections, 2*c.Follows, c.Waiting, c.Askers)
	case !(c.Requests >= 0 && c.Requests <= 1e5) || c.Requests > 0 && c.Askers == 0:
		return errors.New("-requests must be 0 to 100000 a second, and needs -askers")
	}
	for _, rate := range append(c.Ramp, c.Reports) {
		if !(rate > 0 && rate <= 1e6) {
			return fmt.Errorf("-reports and the rates of -ramp must be above 0 and at most 1000000 a second, not %g", rate)
		}
	}
	if every := c.Interval(); every > memberTTL {
		return fmt.Errorf("at this rate a member reports every %v, and is not found after %v: give a higher -reports, or fewer -connections",
			every.Round(time.Second), memberTTL)
	}
	return nil
}

func twiceOrEmpty(all []string) bool {
	for i, one := range all {
		if strings.TrimSpace(one) == "" || slices.Contains(all[:i], one) {
			return true
		}
	}
	return false
}

func (o *loadFlags) run(ctx context.Context, c cli.Console, at endpoint.Endpoint) error {
	metrics := at.Sibling("/metrics")
	var caches []string
	if o.caches != "" {
		caches = strings.Split(o.caches, ",")
	}
	if _, err := load.ReadUsage(ctx, metrics, caches); err != nil {
		return at.Explain(err)
	}
	bar := newBar(c.Err)
	o.Name = strings.ToLower(rand.Text()[:6])
	o.Options = func(member string) waggle.Options { return at.Options(endpoint.Member{ID: member, Pool: o.pool}) }
	o.Usage = func(ctx context.Context) load.Usage {
		u, _ := load.ReadUsage(ctx, metrics, caches) // a server that is down or overloaded has no usage
		return u
	}
	o.Progress = bar.phase
	result, err := load.Run(ctx, o.Config)
	bar.done()
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(c.Err, "lab: load: interrupted before the load began")
		return cli.ErrInterrupted
	case err != nil:
		return at.Explain(err)
	}
	if _, err := io.WriteString(c.Out, result.String()); err != nil {
		return err
	}
	if wrong := result.Wrong(); len(wrong) > 0 {
		return fmt.Errorf("wrong: %s", strings.Join(wrong, ", "))
	}
	if result.Interrupted {
		return cli.ErrInterrupted
	}
	return nil
}
