// Package madeup makes the trace of a made-up city: its members' reports, in the
// shape of a recorded one. Start with Trace.
package madeup

import (
	"context"
	"fmt"
	"time"

	"waggle/cmd/waggle/internal/trace"
	"waggle/localstack/town"
)

// Config says of whom the trace is, and of when.
type Config struct {
	Seed     uint64
	Members  int
	Midnight int64              // Unix seconds: when the town's day begins
	From, To int64              // Unix seconds, To excluded; From not before Midnight
	Every    int64              // seconds between two reports of a member
	Progress func(part float64) // of the work done; nil: nobody is told
}

// eve is how long before midnight the members begin, so that then all of them are
// about their business.
const eve = 3 * time.Hour

// Trace hands the reports to row, by time. A member reports every so often while it
// is online, and at once when a fare begins or ends. The rows of a stretch are the
// same whichever stretch they were asked for in, and a member's whoever else there is.
func Trace(ctx context.Context, c Config, row func(trace.Row) error) error {
	t := town.New()
	members, names := make([]*town.Member, c.Members), make([]string, c.Members)
	for i := range members {
		members[i], names[i] = t.Member(c.Seed, i, -eve), fmt.Sprintf("cab-%04d", i+1)
	}
	begin := c.Midnight - int64(eve/time.Second)
	for now := begin + 1; now < c.To; now++ {
		if now%60 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if c.Progress != nil {
				c.Progress(float64(now-begin) / float64(c.To-begin))
			}
		}
		for i, m := range members {
			online, occupied := m.Online(), m.Occupied()
			m.Step()
			due := (now+spread(i))%c.Every == 0 || m.Occupied() != occupied
			if now < c.From || !due || !online && !m.Online() {
				continue
			}
			r := trace.Row{Unix: now, Cab: names[i], Occupied: m.Occupied()}
			r.Lat, r.Lng = m.Place()
			if err := row(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// spread has members report at different seconds: a prime that shares no factor with
// usual rates goes through all of them.
func spread(member int) int64 { return int64(member) * 7919 }
