package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"waggle/cmd/waggle/cli"
	"waggle/lab/incident"
	"waggle/lab/load"
)

const incidentText = `
lab incident starts a Valkey or Redis server and a local stack of this checkout, puts
load on it, and plays an incident: the server's process stands still for a while, and
later a share of the pushes is refused with 429. Meanwhile it reads the metrics. That
takes five minutes.

It writes into -out
  incident.md   which metrics moved, which alarms would go off, what the log says, and
                how it healed
  incident.png  how the metrics moved
  stack.log     the log of the stack

At the top of a checkout, with valkey-server or redis-server on the path:
  go -C lab run . incident -out incident`

func playIncident(ctx context.Context, c cli.Console, args []string) error {
	var p incident.Plan
	var out string
	l := load.Config{Connections: 500, Follows: 100, Waiting: 20, Askers: 50, Reports: 60, Requests: 0.4, Follow: 20 * time.Second}
	f := cli.Flags(c, "incident", incidentText)
	f.StringVar(&out, "out", "incident", "`folder` for what it writes")
	f.DurationVar(&p.Lead, "lead", 30*time.Second, "how long the load has to begin")
	f.DurationVar(&p.Before, "before", 20*time.Second, "how long all is well")
	f.DurationVar(&p.Pause, "pause", 10*time.Second, "how long the cache stands still")
	f.DurationVar(&p.Between, "between", 30*time.Second, "how long all is well after that")
	f.DurationVar(&p.Pushes, "pushes", 190*time.Second, "how long pushes fail")
	f.DurationVar(&p.After, "after", 20*time.Second, "how long all is well after that")
	f.Float64Var(&p.Share, "share", 0.5, "`share` of the pushes that fail")
	memberFlags(f, &l)
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	for _, length := range []time.Duration{p.Lead, p.Before, p.Pause, p.Between, p.Pushes, p.After} {
		if length < time.Second {
			return cli.Misuse("each stage must last at least 1s, not %v", length)
		}
	}
	if !(p.Share > 0 && p.Share <= 1) {
		return cli.Misuse("-share must be above 0 and at most 1, not %g", p.Share)
	}
	if err := checkMembers(l); err != nil {
		return cli.Misuse("%w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	bar := newBar(c.Err)
	text, err := p.Run(ctx, l, out, bar.phase)
	bar.done()
	if err != nil {
		if ctx.Err() != nil {
			return cli.ErrInterrupted
		}
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s\nThe picture is in %s.\n", text, out)
	return err
}
