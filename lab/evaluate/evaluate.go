// Package evaluate compares policies of reporting: how many messages each needs, and how
// far from the truth it lets a watcher and a search be.
//
// Run replays a made-up city or a trace second by second, through the server's own advice
// and the clients' own prediction. It needs no server. The same Config gives the same
// Result.
package evaluate

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"waggle/lab/stats"
	"waggle/lab/trace"
)

// Config says what is replayed, and how.
type Config struct {
	Seeds   []uint64 // one city each; or of the receivers' errors in a trace
	Members int      // of each city
	From    time.Duration
	Length  time.Duration // of each city, or of the part of the trace
	Rows    []trace.Row   // a trace, in place of cities
	// Noise is the standard deviation of measured places in metres, to the north and to the
	// east. With 0, speed and heading are exact too.
	Noise     float64
	KeepAlive time.Duration // between two reports of a member that does not move; 0: it need not report
	Latency   time.Duration // from a report to the watcher, in whole seconds
	Searches  int           // in each city
	Progress  func(part float64)
}

// Run evaluates all policies.
func Run(ctx context.Context, c Config) (Result, error) {
	all := policies(c.KeepAlive)
	tallies := make([]tally, len(all))
	r := Result{Seeds: c.Seeds, NoiseMeters: c.Noise, KeepAliveSeconds: c.KeepAlive.Seconds(), LatencySeconds: c.Latency.Seconds()}
	for k, seed := range c.Seeds {
		tracks, err := c.tracks(ctx, seed)
		if err != nil {
			return r, err
		}
		if len(tracks) == 0 {
			return r, errors.New("nobody is online in this time: choose another one")
		}
		for i := range tracks {
			tracks[i].receive(c.Noise, rand.New(rand.NewPCG(seed, uint64(i))))
			r.MemberHours += float64(len(tracks[i].seconds)) / 3600
		}
		asked := searches(tracks, c.Searches, rand.New(rand.NewPCG(seed, 1<<63)))
		r.Searches += len(asked)
		for i, p := range all {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			tallies[i].add(p, tracks, asked, int(c.Latency/time.Second))
			if c.Progress != nil {
				c.Progress((float64(k) + float64(i+1)/float64(len(all))) / float64(len(c.Seeds)))
			}
		}
	}
	for i, p := range all {
		r.Policies = append(r.Policies, tallies[i].row(p, r))
	}
	r.AtEqualError = r.atEqualError()
	return r, nil
}

func (c Config) tracks(ctx context.Context, seed uint64) ([]track, error) {
	if len(c.Rows) == 0 {
		return cityTracks(ctx, seed, c.Members, c.From, c.Length)
	}
	from := c.Rows[0].Unix + int64(c.From/time.Second)
	return traceTracks(c.Rows, from, from+int64(c.Length/time.Second)), nil
}

// A tally counts what a policy does.
type tally struct {
	messages, idle  int
	offs            []float64 // metres, in each second in which the watcher has a report
	last, predicted float64   // searches that found a truly nearest
	searched        int
}

// add counts a city.
func (a *tally) add(p policy, tracks []track, asked []search, latency int) {
	if p.bound > 0 {
		for i := range tracks {
			pieces := tracks[i].pieces(p.bound)
			a.messages += len(pieces)
			a.offs = tracks[i].watchPieces(pieces, a.offs)
		}
		return
	}
	reports := make([][]int, len(tracks))
	for i := range tracks {
		t := &tracks[i]
		reports[i] = p.watched.report(t)
		a.messages += len(reports[i])
		a.offs = t.watch(reports[i], p.predicts, latency, a.offs)
		if p.idle != p.watched {
			reports[i] = p.idle.report(t)
		}
		a.idle += len(reports[i])
	}
	a.searched += len(asked)
	a.last += float64(len(asked)) * find(tracks, reports, asked, latency, false)
	a.predicted += float64(len(asked)) * find(tracks, reports, asked, latency, true)
}

// watch adds how far off a watcher is in each second in which it knows a report.
func (t *track) watch(reports []int, predicts bool, latency int, offs []float64) []float64 {
	known := -1
	for i := range t.seconds {
		for known+1 < len(reports) && reports[known+1]+latency <= i {
			known++
		}
		if known < 0 {
			continue
		}
		last := t.fix(reports[known])
		if !predicts {
			last = still(last)
		}
		offs = append(offs, last.Deviation(t.truth(i)))
	}
	return offs
}

// watchPieces adds how far off the pieces are in each second.
func (t *track) watchPieces(pieces []piece, offs []float64) []float64 {
	k := 0
	for i := range t.seconds {
		if k+1 < len(pieces) && pieces[k+1].from == i {
			k++
		}
		offs = append(offs, pieces[k].off(t.place(pieces[k].from, i)))
	}
	return offs
}

// row returns what a policy has come to.
func (a *tally) row(p policy, r Result) Row {
	slices.Sort(a.offs)
	row := Row{Name: p.name, family: p.family, Messages: float64(a.messages) / r.MemberHours,
		ErrorP50: stats.Percentile(a.offs, 50), ErrorP95: stats.Percentile(a.offs, 95), ErrorMax: a.offs[len(a.offs)-1]}
	row.Dollars = 2 * row.Messages * dollarsPerMessage * 1000
	if p.bound > 0 {
		return row
	}
	idle := float64(a.idle) / r.MemberHours
	dollars := idle * dollarsPerMessage * 1000
	row.IdleMessages, row.IdleDollars = &idle, &dollars
	if a.searched > 0 {
		last, predicted := a.last/float64(a.searched), a.predicted/float64(a.searched)
		row.Nearest, row.NearestPredicted = &last, &predicted
	}
	return row
}
