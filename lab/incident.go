package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
	"waggle/cmd/waggle/stack"
	"waggle/lab/incident"
	loads "waggle/lab/load"
	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

const incidentText = `
lab incident starts a Valkey or Redis server and a local stack of this checkout, puts
load on it, and plays an incident: the server's process stands still for a while, and
later a share of the pushes is refused with 429. Meanwhile it reads the metrics.

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
	load := loads.Config{Follow: 20 * time.Second}
	f := cli.Flags(c, "incident", incidentText)
	f.StringVar(&out, "out", "incident", "`folder` for what it writes")
	f.DurationVar(&p.Lead, "lead", 30*time.Second, "how long the load has to begin")
	f.DurationVar(&p.Before, "before", time.Minute, "how long all is well")
	f.DurationVar(&p.Pause, "pause", 10*time.Second, "how long the cache stands still")
	f.DurationVar(&p.Between, "between", 80*time.Second, "how long all is well after that")
	f.DurationVar(&p.Pushes, "pushes", 4*time.Minute, "how long pushes fail")
	f.DurationVar(&p.After, "after", 90*time.Second, "how long all is well after that")
	f.Float64Var(&p.Share, "share", 0.5, "`share` of the pushes that fail")
	f.IntVar(&load.Connections, "connections", 500, "`number` of connections in all")
	f.IntVar(&load.Follows, "follows", 100, "`number` of pairs who are matched for the whole run")
	f.IntVar(&load.Waiting, "waiting", 20, "`number` of members whose request waits")
	f.IntVar(&load.Askers, "askers", 50, "`number` of members who ask in turn")
	f.Float64Var(&load.Reports, "reports", 60, "reports a `second`, of all members together")
	f.Float64Var(&load.Requests, "requests", 0.4, "requests a `second`, of all askers together")
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
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return scope.In(func(s *scope.Scope) error { return incidentIn(ctx, c, s, p, load, out) })
}

func incidentIn(ctx context.Context, c cli.Console, s *scope.Scope, p incident.Plan, load loads.Config, out string) error {
	file := func(name string) string { return filepath.Join(out, name) }
	log, err := os.Create(file("stack.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cache := caches.Process(s)
	local, err := stack.Build(ctx, log, "-cache", cache.URL, "-faults", p.Faults())
	if err != nil {
		return fmt.Errorf("%w; see %s", err, log.Name())
	}
	s.Cleanup(local.Stop)
	started := time.Now()
	at, err := endpoint.ParseSeveral(local.URL, "")
	if err != nil {
		return err
	}
	bar := newBar(c.Err)
	load.Name = strings.ToLower(rand.Text()[:6])
	load.Options = func(member string) waggle.Options { return at.Options(endpoint.Member{ID: member}) }
	load.Usage = func(ctx context.Context) loads.Usage {
		u, _ := loads.ReadUsage(ctx, at.Sibling("/metrics"), nil) // a stack that is overloaded has no usage
		return u
	}
	record, err := p.Play(ctx, incident.Place{Started: started, Metrics: at.Sibling("/metrics"), Freeze: cache.Freeze, Thaw: cache.Thaw, Load: load, Progress: bar.phase})
	bar.done()
	local.Stop()
	if err != nil {
		if ctx.Err() != nil {
			return cli.ErrInterrupted
		}
		return at.Explain(err)
	}
	written, err := os.Open(log.Name())
	if err != nil {
		return err
	}
	defer written.Close()
	lines, err := incident.ReadLog(written, started)
	if err != nil {
		return err
	}
	if err := record.Picture().Save(file("incident.png")); err != nil {
		return err
	}
	text := record.Markdown(lines)
	if err := os.WriteFile(file("incident.md"), []byte(text), 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Out, "%s\nThe picture is %s.\n", text, file("incident.png"))
	return err
}
