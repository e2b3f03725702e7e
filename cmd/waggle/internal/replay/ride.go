package replay

import (
	"context"
	"errors"
	"time"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/internal/trace"
)

// ride is one passenger, from asking to getting out. When ctx ends it gets
// out at once, but in order.
func (r *runner) ride(ctx context.Context, member string, f trace.Fare) {
	lasting := context.WithoutCancel(ctx)
	c, err := r.dial(ctx, member)
	if err != nil {
		if ctx.Err() != nil {
			r.tally.cancelled()
			return
		}
		r.tally.failed(err)
		r.tally.unanswered()
		return
	}
	defer c.Close()

	wait := r.fast(r.Wait)
	asking, cancel := context.WithTimeout(ctx, wait+patience)
	defer cancel()
	begun := time.Now()
	out, err := c.Match(asking, waggle.Match{
		Radius: r.Radius, Point: &waggle.Point{Lat: f.Lat, Lng: f.Lng}, Wait: wait.Seconds(),
	})
	switch {
	case ctx.Err() != nil && err != nil:
		r.abandon(lasting, c)
		r.tally.cancelled()
		return
	case err != nil:
		r.tally.failed(err)
		r.tally.unanswered()
		var refused *waggle.Error
		if !errors.As(err, &refused) {
			r.abandon(lasting, c)
		}
		return
	case out.NoMatch != nil:
		r.tally.noMatch()
		return
	case out.Matched == nil: // over before it was told
		r.tally.lost(out.Ended.Reason)
		r.tally.unanswered()
		return
	}
	r.tally.matched(time.Since(begun), out.Matched.Peer.Distance)
	if r.watch(ctx, c, f) {
		r.end(lasting, c, out.Matched.Match)
	}
}

// watch follows the cab until the fare ends; false: the match ended first.
func (r *runner) watch(ctx context.Context, c *waggle.Client, f trace.Fare) bool {
	ctx, cancel := context.WithDeadline(ctx, r.wall(f.End))
	defer cancel()
	for {
		event, err := c.Next(ctx)
		if ctx.Err() != nil {
			return true
		}
		if err != nil {
			r.tally.failed(err)
			return false
		}
		switch event := event.(type) {
		case *waggle.LocationFrame:
			r.tally.seen()
		case *waggle.Ended:
			r.tally.lost(event.Reason) // nobody but the passenger ends a match here
			return false
		default:
			r.tally.heard(event)
		}
	}
}

func (r *runner) end(ctx context.Context, c *waggle.Client, match string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := c.End(ctx, match, waggle.Completed); err != nil {
		r.tally.failed(err)
	}
}

// abandon withdraws a request whose outcome is not known: it may have become
// a match by now.
func (r *runner) abandon(ctx context.Context, c *waggle.Client) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := c.Cancel(ctx)
	var refused *waggle.Error
	if err == nil || !errors.As(err, &refused) {
		return // withdrawn, or unreachable: then it expires by itself
	}
	if w, err := c.Hello(ctx); err == nil && w.Match != nil {
		r.end(ctx, c, w.Match.Match)
	}
}
