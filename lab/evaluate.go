package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"waggle/cmd/waggle/cli"
	"waggle/lab/chart"
	"waggle/lab/evaluate"
	"waggle/lab/trace"
)

const evaluateText = `
lab evaluate compares policies of reporting: when should a member report, so that a
watcher sees it where it is, a search finds the truly nearest, and few messages are paid
for? It replays the made-up city second by second, without a server:
  go -C lab run . evaluate -seed 1,2,3 -members 60 -for 1h -plot frontier.svg

With FILE it replays a trace in place of the city (see lab city -h). Straight lines fill
the seconds between its rows, so only a trace with a row each second or two says much.

The policies:
  fixed-10s       a report every 10 s
  distance-50m    a report after a move of 50 m, and every -keep-alive
  today           what the server advises: one rule for a watched member, another one for
                  an available member
  deviate-30m     a report when the member is more than 30 m from where its last report
                  predicts it, and every -keep-alive. Member and watcher predict by the
                  rule in docs/protocol.md, from the last report's speed and heading.
  hindsight-30m   the fewest straight lines that are never more than 30 m from the truth.
                  No sender whose reports predict straight lines can do with fewer. It
                  knows the future, and has neither noise, latency nor keep-alive.

The table has, for a watched member: its reports an hour; how far its watcher is off in a
second (50th and 95th percentile, and the most); and the dollars for the reports and their
pushes. For an available member: its reports, the dollars for them, and the share of
searches that find the truly nearest member, searching by last reports or by predictions.
The dollars are those of API Gateway's messages alone.

A second table has the reports at the same error. Its numbers lie between two policies.

Receivers err: by -noise metres with a drift, and by 0.3 m/s in the velocity. With
-noise 0 all is exact.`

// evaluateFlags are the flags of the command.
type evaluateFlags struct {
	seeds      string
	from, plot string
	json       bool
	c          evaluate.Config
}

func evaluatePolicies(ctx context.Context, c cli.Console, args []string) error {
	var o evaluateFlags
	f := cli.Flags(c, "evaluate", evaluateText)
	f.StringVar(&o.seeds, "seed", "1", "`numbers` that the cities and the errors of receivers are made from, such as 1,2,3")
	f.IntVar(&o.c.Members, "members", 60, "`number` of members of each city")
	f.StringVar(&o.from, "from", "", "`time` of day of the city to begin at, 18:00 if not given; or of the trace, in UTC")
	f.DurationVar(&o.c.Length, "for", time.Hour, "`duration` of the replay")
	f.Float64Var(&o.c.Noise, "noise", 4, "standard deviation of measured places to the north and to the east, in `metres`")
	f.DurationVar(&o.c.KeepAlive, "keep-alive", time.Minute, "longest `duration` between two reports; 0: any")
	f.DurationVar(&o.c.Latency, "latency", 0, "`duration` from a report to its watcher, in whole seconds")
	f.IntVar(&o.c.Searches, "searches", 4000, "`number` of searches in each city")
	f.StringVar(&o.plot, "plot", "", "`file` to draw the frontier to, ending in .svg or .png")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	files, err := cli.ParseAny(c, f, args)
	if err != nil {
		return err
	}
	if err := o.check(files); err != nil {
		return cli.Misuse("%w", err)
	}
	if err := o.begin(files); err != nil {
		return err
	}
	b := newBar(c.Err)
	o.c.Progress = b.part
	r, err := evaluate.Run(ctx, o.c)
	b.done()
	if errors.Is(err, context.Canceled) {
		return cli.ErrInterrupted
	}
	if err != nil {
		return err
	}
	if o.json {
		e := json.NewEncoder(c.Out)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		_, err = io.WriteString(c.Out, r.Table())
	}
	if err != nil || o.plot == "" {
		return err
	}
	return r.Picture().Save(o.plot)
}

func (o *evaluateFlags) check(files []string) error {
	for text := range strings.SplitSeq(o.seeds, ",") {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("-seed must be numbers such as 1,2,3, not %q", o.seeds)
		}
		o.c.Seeds = append(o.c.Seeds, seed)
	}
	switch {
	case len(files) > 1:
		return fmt.Errorf("it takes one FILE at most, and got %q", files)
	case o.c.Members < 1 || o.c.Members > 10_000:
		return fmt.Errorf("-members must be 1 to 10000, not %d", o.c.Members)
	case o.c.Length < time.Minute || o.c.Length > 24*time.Hour:
		return fmt.Errorf("-for must be 1m to 24h, not %v", o.c.Length)
	case !(o.c.Noise >= 0 && o.c.Noise <= 1000):
		return fmt.Errorf("-noise must be 0 to 1000 metres, not %g", o.c.Noise)
	case o.c.KeepAlive < 0 || o.c.KeepAlive%time.Second != 0:
		return fmt.Errorf("-keep-alive must be whole seconds, such as 30s, or 0, not %v", o.c.KeepAlive)
	case o.c.Latency < 0 || o.c.Latency > time.Minute || o.c.Latency%time.Second != 0:
		return fmt.Errorf("-latency must be 0s to 1m in whole seconds, not %v", o.c.Latency)
	case o.c.Searches < 0 || o.c.Searches > 1_000_000:
		return fmt.Errorf("-searches must be 0 to 1000000, not %d", o.c.Searches)
	case o.plot != "":
		return chart.Check(o.plot)
	}
	return nil
}

// begin reads the trace, if there is one, and the time to begin at.
func (o *evaluateFlags) begin(files []string) error {
	first := int64(0)
	if len(files) > 0 {
		rows, err := readTrace(files[0])
		if err != nil {
			return err
		}
		o.c.Rows, first = rows, rows[0].Unix
	} else if o.from == "" {
		o.from = "18:00"
	}
	start, err := trace.Start(o.from, []trace.Row{{Unix: first}}, time.UTC)
	if err != nil {
		return cli.Misuse("-from: %w", err)
	}
	if start < first || start-first > math.MaxInt32 {
		return cli.Misuse("-from %s is before the trace, or far after it: it begins at %s", o.from, time.Unix(first, 0).UTC().Format(time.RFC3339))
	}
	o.c.From = time.Duration(start-first) * time.Second
	return nil
}
