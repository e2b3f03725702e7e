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
	// beside is the id of a cab's report before a probe asks beside it.
	beside = "beside"
	// probeRadius is the smallest that there is, in metres.
	probeRadius = 100
	// probeTries are how often a probe asks before its cab counts as stuck. The
	// report is what heals, and its acknowledgement may come first.
	probeTries = 3
)

// probe tries whether every cab can be matched. Some time after the last end each
// reports once more, from a place of its own, and a new member beside it asks.
func (r *runner) probe(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	r.tally.probing()
	if !r.ended.IsZero() && !r.sleepUntil(ctx, r.ended.Add(r.Healing)) {
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
	_ = group.Wait() // what went wrong is counted
	r.tell()
}

// probeCab tries one. When ctx ends it says nothing of the cab.
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
		case <-time.After(patience):
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

// ask asks a few metres beside, where only the one cab is, and ends the match.
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

// place is one of a lattice in the Pacific, each a kilometre from the next, where
// no other cab can be taken for this one.
func place(i int) waggle.Point {
	const step, row = 0.01, 100
	return waggle.Point{Lat: -30 - step*float64(i/row), Lng: -130 + step*float64(i%row)}
}
