package replay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"waggle/clients/go/waggle"
)

const (
	// beside is the id of the report of a cab that is probed.
	beside = "beside"
	// probeRadius is the smallest radius of the protocol, in metres.
	probeRadius = 100
	// probeTries is how often a probe asks before its cab counts as stuck. The report makes
	// the server repair a match, perhaps only after its acknowledgement.
	probeTries = 3
	// ackPatience is how long the ack of a cab's report may take.
	ackPatience = 5 * time.Second
)

// probe tests whether each cab can be matched. Some time after the last end each cab
// reports from a place of its own, and a new member beside it asks.
func (r *runner) probe(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	r.tally.probing()
	if !r.ended.IsZero() && !r.sleepUntil(ctx, r.ended.Add(r.RepairTime)) {
		return
	}
	group := errgroup.Group{}
	group.SetLimit(connecting)
	for i, name := range r.Window.Cabs {
		if !r.sleepUntil(ctx, time.Now()) {
			break
		}
		group.Go(func() error {
			r.probeCab(ctx, i, name)
			return nil
		})
	}
	_ = group.Wait() // errors are counted
	r.showProgress()
}

// probeCab probes a cab. When ctx ends the cab does not count as probed.
func (r *runner) probeCab(ctx context.Context, i int, name string) {
	member := r.header.Probes + strconv.Itoa(i)
	c, err := r.dial(ctx, member, &asker{})
	if err != nil {
		if ctx.Err() == nil {
			r.failed(member, err)
		}
		return
	}
	defer c.Close()
	at := place(i)
	tried := false
	for try := range probeTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
			}
		}
		if !r.report(ctx, name, waggle.Location{ID: beside, Lat: at.Lat, Lng: at.Lng}) {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-r.cabs[name].seen:
		case <-time.After(ackPatience):
			continue
		}
		found, asked := r.ask(ctx, c, member, at)
		tried = tried || asked
		if found {
			r.tally.probed(false)
			return
		}
	}
	if tried {
		r.tally.probed(true)
	}
}

// ask asks a few metres beside the cab, where no other cab is, and ends the match.
func (r *runner) ask(ctx context.Context, c *waggle.Client, member string, at waggle.Point) (found, asked bool) {
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := c.Match(asking, waggle.Match{Radius: probeRadius, Point: &waggle.Point{Lat: at.Lat + 0.0001, Lng: at.Lng}})
	if err != nil {
		if ctx.Err() == nil {
			r.failed(member, err)
		}
		var refused *waggle.Error
		if !errors.As(err, &refused) {
			r.abandon(context.WithoutCancel(ctx), c)
		}
		return false, false
	}
	if out.Matched == nil {
		return false, true
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if _, err := c.End(ending, out.Matched.Match, waggle.Completed); err != nil {
		r.failed(member, err)
	}
	return true, true
}

// place returns a point of a lattice in the Pacific. The points are a kilometre apart, so
// that a probe sees only its own cab.
func place(i int) waggle.Point {
	const step, row = 0.01, 100
	return waggle.Point{Lat: -30 - step*float64(i/row), Lng: -130 + step*float64(i%row)}
}
