package replay

import (
	"context"
	"errors"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/trace"
)

// lingering is how long a passenger stays connected after the end, so that a
// record shows whether the cab can still be seen. What was in flight lands within
// half of it.
const lingering = 4 * time.Second

// ride is one passenger, from asking to getting out. When ctx ends it gets
// out at once, but in order.
func (r *runner) ride(ctx context.Context, member string, f trace.Fare) {
	lasting := context.WithoutCancel(ctx)
	p := &passenger{r: r}
	c, err := r.dial(ctx, member, p)
	if err != nil {
		if ctx.Err() != nil {
			r.tally.cancelled()
			return
		}
		r.failed(member, err)
		r.tally.unanswered()
		return
	}
	defer c.Close()

	wait := r.fast(r.Wait)
	asking, cancel := context.WithTimeout(ctx, wait+patience)
	defer cancel()
	out, err := c.Match(asking, waggle.Match{
		Radius: r.Radius, Point: &waggle.Point{Lat: f.Lat, Lng: f.Lng}, Wait: wait.Seconds(),
	})
	switch {
	case ctx.Err() != nil && err != nil:
		r.abandon(lasting, c)
		r.tally.cancelled()
		return
	case err != nil:
		r.failed(member, err)
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
		if !p.ending() {
			r.failed(member, errForgotten)
		}
		r.tally.unanswered()
		return
	}
	micros, waited := p.took()
	r.tally.matched(micros, waited, out.Matched.Peer.Distance)
	if r.watch(ctx, c, p, member, f) {
		r.end(lasting, c, member, out.Matched.Match)
		select {
		case <-ctx.Done():
		case <-time.After(lingering):
		}
	}
}

// watch follows the cab until the fare ends; false: the match ended first.
func (r *runner) watch(ctx context.Context, c *waggle.Client, p *passenger, member string, f trace.Fare) bool {
	ctx, cancel := context.WithDeadline(ctx, r.wall(f.End))
	defer cancel()
	for {
		event, err := c.Next(ctx)
		if ctx.Err() != nil {
			return true
		}
		if err != nil {
			r.failed(member, err)
			return false
		}
		if _, ok := event.(*waggle.Ended); ok {
			if !p.ending() {
				r.failed(member, errForgotten)
			}
			return false
		}
	}
}

func (r *runner) end(ctx context.Context, c *waggle.Client, member, match string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := c.End(ctx, match, waggle.Completed); err != nil {
		r.failed(member, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = time.Now()
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
		_, _ = c.End(ctx, w.Match.Match, waggle.Completed) // it was asked for in vain already
	}
}
