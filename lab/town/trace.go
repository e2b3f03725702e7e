package town

import (
	"context"
	"fmt"
	"time"

	"waggle/lab/trace"
)

// Config says whose trace Trace makes, and of which time.
type Config struct {
	Seed     uint64
	Members  int
	Midnight int64              // Unix seconds: the beginning of the town's day
	From, To int64              // Unix seconds, To excluded; From is not before Midnight
	Every    int64              // seconds between two reports of a member
	Progress func(part float64) // called with the part of the work that is done; may be nil
}

// eve is how long before midnight the members begin, so that at midnight each is busy.
const eve = 3 * time.Hour

// Trace calls row with each report, in order of time. While a member is online it
// reports at its rate, and at once when a fare begins or ends. A part of the time has
// the same rows in any longer trace, and a member has the same rows whatever other
// members there are. An error of row ends it.
func Trace(ctx context.Context, c Config, row func(trace.Row) error) error {
	t := New()
	members, names := make([]*Member, c.Members), make([]string, c.Members)
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
			due := (now+offset(i))%c.Every == 0 || m.Occupied() != occupied
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

// offset lets members report at different seconds. A prime that shares no factor with
// the usual rates goes through all of them.
func offset(member int) int64 { return int64(member) * 7919 }
