package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/cli"
	"waggle/cmd/waggle/endpoint"
	"waggle/internal/pool"
	"waggle/lab/record"
	"waggle/lab/replay"
	"waggle/lab/stats"
	"waggle/lab/trace"
)

const replayText = `
lab replay FILE plays recorded movements of cabs against Waggle.

FILE is CSV, gzipped or not, sorted by time, with the header
  ` + trace.Columns + `
Each cab is a member, and available unless it is matched. At a pickup, occupied
becomes 1. Some time before it (-ahead), a passenger asks at that place for the
nearest cab. The passenger is a new member: it follows the cab, and ends the match
when the fare of the trace ends. Until then that cab is busy, whichever cab it is.
With -ahead 0 the nearest cab is always the one of the trace. A passenger who would
ask before -from, or before the trace has a row of the cab, is left out and counted.

With -confirm a cab is asked before it is matched. Its driver answers after a quarter
of that time: it accepts, declines (-decline), or lets the offer expire (-silent).

The replay waits for requests that are open at the end. 20 s after the last end each
cab reports once more, and a new member beside it asks for it: a cab that cannot be
matched is stuck. The exit code is 1 if there was an error, a cab is stuck, or a
request has no outcome.

-record writes each frame to a file for lab judge. Ctrl-C ends all matches first, so
that the record is complete. If the replay is killed, a second of it is missing.

Everything is -speed times faster, so the pool needs other settings. -print-pools
writes its file, and the local stack reads it. In two terminals:
  go -C lab run . replay -print-pools -speed 30 > pools.json
  go run ./localstack -pools pools.json
and
  go -C lab run . replay -from 18:00 -for 1h -speed 30 -record day.jsonl.gz cabs.csv.gz
If the pool's advice shows that it is not set for the speed, nothing is played. The
advice shows nothing if half the TTL is 30 s or more at this speed.

A deployed stack needs a command that prints tokens:
  lab replay -url wss://api.example/prod -token-command 'get-token {member} {pool}' cabs.csv.gz`

// replayFlags are the flags of the command.
type replayFlags struct {
	url, tokenCommand, from, zone, pool, record string
	length, ahead, wait, ttl, grace             time.Duration
	waitSeconds, radius, speed                  float64
	confirmSeconds                              float64
	drivers                                     replay.Drivers
	printPools, anyPool, json                   bool
}

func replayFile(ctx context.Context, c cli.Console, args []string) error {
	var o replayFlags
	f := cli.Flags(c, "replay", replayText)
	f.StringVar(&o.url, "url", endpoint.Local, "`URL` of a local stack, or of the WebSocket API")
	f.StringVar(&o.tokenCommand, "token-command", "", "`command` that prints a token for {member} in {pool}; it is run without a shell")
	f.StringVar(&o.from, "from", "", "`time` to begin: a time of day in -zone (18:00), RFC 3339 or Unix seconds (default: the beginning of the trace)")
	f.DurationVar(&o.length, "for", 0, "`duration` of the trace to play (default: up to its end)")
	f.StringVar(&o.zone, "zone", "America/Los_Angeles", "time `zone` of the trace")
	f.Float64Var(&o.speed, "speed", 30, "how many seconds of the trace pass in a second")
	f.DurationVar(&o.ahead, "ahead", 3*time.Minute, "how long before the pickup a passenger asks, in time of the trace")
	f.Float64Var(&o.waitSeconds, "wait", 0, "how many `seconds` of the trace a request waits for a cab")
	f.Float64Var(&o.confirmSeconds, "confirm", 0, "how many `seconds` of the trace a cab has to accept a match; 0: it is not asked")
	f.Float64Var(&o.drivers.Decline, "decline", 0, "with -confirm: the `share` of offers that drivers decline")
	f.Float64Var(&o.drivers.Silent, "silent", 0, "with -confirm: the `share` of offers that drivers do not answer")
	f.Uint64Var(&o.drivers.Seed, "seed", 1, "the `seed` of what drivers answer: with the same one, a cab answers a passenger the same")
	f.Float64Var(&o.radius, "radius", 3000, "how far away a cab may be, in `metres`")
	f.StringVar(&o.pool, "pool", "sf", "`pool` of all members")
	f.DurationVar(&o.ttl, "ttl", 180*time.Second, "the pool's location TTL, in time of the trace")
	f.DurationVar(&o.grace, "grace", 10*time.Minute, "the pool's grace time, in time of the trace")
	f.BoolVar(&o.printPools, "print-pools", false, "print the pool file for this speed, and play nothing")
	f.BoolVar(&o.anyPool, "any-pool", false, "play even if the pool is not set for this -speed and -ttl")
	f.StringVar(&o.record, "record", "", "write each frame to this `file`, gzipped if its name ends in .gz")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	operands, err := cli.ParseAny(c, f, args)
	if err != nil {
		return err
	}
	names := []string{"FILE"}
	if o.printPools {
		names = nil
	}
	if err := cli.Expect(f, operands, names...); err != nil {
		return err
	}
	o.wait = time.Duration(o.waitSeconds * float64(time.Second))
	if err := o.check(); err != nil {
		return cli.Misuse("%w", err)
	}
	if o.printPools {
		text, err := replay.PoolFile(o.pool, o.ttl, o.grace, o.speed)
		if err != nil {
			return cli.Misuse("%w", err)
		}
		_, err = c.Out.Write(text)
		return err
	}
	return o.play(ctx, c, operands[0])
}

func (o replayFlags) check() error {
	switch {
	case !(o.speed >= 0.01 && o.speed <= 1e6):
		return fmt.Errorf("-speed must be 0.01 to 1000000, not %g", o.speed)
	case o.length < 0 || o.length%time.Second != 0:
		return fmt.Errorf("-for must be a duration above 0 in whole seconds, such as 1h, not %v", o.length)
	case o.ttl <= 0, o.grace <= 0, max(o.ttl, o.grace) > 1e4*time.Hour:
		return errors.New("-ttl and -grace must be durations above 0 and at most 10000h, such as 180s")
	case o.ahead < 0 || o.ahead > time.Hour || o.ahead%time.Second != 0:
		return fmt.Errorf("-ahead must be 0s to 1h in whole seconds, such as 3m, not %v", o.ahead)
	case !(o.waitSeconds >= 0 && o.waitSeconds/o.speed <= 600):
		return fmt.Errorf("-wait must be 0 to %g at this speed, since a request waits 600 s at most", 600*o.speed)
	case !(o.confirmSeconds >= 0 && o.confirmSeconds/o.speed <= 600):
		return fmt.Errorf("-confirm must be 0 to %g at this speed, since an offer stands 600 s at most", 600*o.speed)
	case !(o.drivers.Decline >= 0 && o.drivers.Silent >= 0 && o.drivers.Decline+o.drivers.Silent <= 1):
		return fmt.Errorf("-decline and -silent must be shares from 0, and at most 1 together, not %g and %g", o.drivers.Decline, o.drivers.Silent)
	case o.confirmSeconds == 0 && o.drivers.Decline+o.drivers.Silent > 0:
		return errors.New("-decline and -silent need -confirm: without it no driver is asked")
	case !(o.radius >= 100 && o.radius <= 20000):
		return fmt.Errorf("-radius must be 100 to 20000 metres, not %g", o.radius)
	case o.pool != "" && !pool.ValidName(o.pool):
		return endpoint.BadPool(o.pool)
	}
	return nil
}

func (o replayFlags) play(ctx context.Context, c cli.Console, file string) error {
	if sameFile(o.record, file) {
		return cli.Misuse("-record %s would overwrite the trace", o.record)
	}
	zone, err := loadZone(o.zone)
	if err != nil {
		return err
	}
	at, err := endpoint.ParseSeveral(o.url, o.tokenCommand)
	if err != nil {
		return cli.Misuse("%w", err)
	}
	window, err := o.window(file, zone)
	if err != nil {
		return err
	}
	bar := newBar(c.Err)
	config := replay.Config{
		Window: window, Speed: o.speed, Ahead: o.ahead, Wait: o.wait, Pool: o.pool, TTL: o.ttl, Grace: o.grace, AnyPool: o.anyPool, Radius: o.radius,
		Confirm: time.Duration(o.confirmSeconds * float64(time.Second)), Drivers: o.drivers,
		Name: strings.ToLower(rand.Text()[:6]),
		Options: func(member string) waggle.Options {
			return at.Options(endpoint.Member{ID: member, Pool: o.pool})
		},
		Progress: bar.show,
	}
	if o.record != "" {
		if config.Record, err = record.Create(o.record, config.Header()); err != nil {
			return fmt.Errorf("-record: %w", err)
		}
	}
	result, err := replay.Run(ctx, config)
	writing := config.Record.Close()
	bar.done()
	var pool *replay.PoolError
	switch {
	case errors.As(err, &pool):
		return fmt.Errorf("%w; write its file with: lab replay -print-pools -pool %s -speed %g -ttl %v -grace %v; "+
			"start the stack with that file, or play in this pool with -any-pool", err, o.pool, o.speed, o.ttl, o.grace)
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(c.Err, "lab: replay: interrupted before anything was played")
		return cli.ErrInterrupted
	case err != nil:
		return at.Explain(err)
	}
	if err := o.print(c, result, zone); err != nil {
		return err
	}
	switch {
	case writing != nil:
		return writing
	case o.record != "":
		fmt.Fprintf(c.Err, "lab: replay: %s has %d lines\n", o.record, config.Record.Lines())
	}
	if wrong := result.Wrong(); len(wrong) > 0 {
		return fmt.Errorf("wrong: %s", strings.Join(wrong, ", "))
	}
	if ctx.Err() != nil {
		fmt.Fprintf(c.Err, "lab: replay: interrupted after %v of the trace; all matches are ended, %d of %d cabs were probed\n",
			time.Duration(result.WallSeconds*o.speed)*time.Second, result.Probed, result.Members)
		return cli.ErrInterrupted
	}
	return nil
}

// window reads the file, and cuts the window to play.
func (o replayFlags) window(file string, zone *time.Location) (trace.Window, error) {
	rows, err := readTrace(file)
	if err != nil {
		return trace.Window{}, err
	}
	from, err := trace.Start(o.from, rows, zone)
	if err != nil {
		return trace.Window{}, cli.Misuse("-from: %w", err)
	}
	first, last := rows[0].Unix, rows[len(rows)-1].Unix
	show := func(unix int64) string { return time.Unix(unix, 0).In(zone).Format(time.RFC3339) }
	// A time of day rarely has the second of the first row.
	if from < first-first%60 || from > last {
		return trace.Window{}, cli.Misuse("-from %s is outside %s, which goes from %s to %s; see -from and -zone",
			show(from), file, show(first), show(last))
	}
	to := last + 1
	if o.length > 0 {
		to = from + int64(o.length/time.Second)
	}
	w := trace.Cut(rows, from, to, int64(o.ahead/time.Second))
	if len(w.Reports) == 0 {
		return w, cli.Misuse("%s has nothing from %s to %s: it goes from %s to %s; see -from, -for and -zone",
			file, show(from), show(to), show(first), show(last))
	}
	return w, nil
}

func (o replayFlags) print(c cli.Console, r stats.Result, zone *time.Location) error {
	if !o.json {
		_, err := io.WriteString(c.Out, stats.Table(r.Rows(zone)))
		return err
	}
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
