package replay

import (
	"context"
	"errors"
	"time"

	"waggle/clients/go/waggle"
	"waggle/lab/trace"
)

// lingering is how long a passenger stays connected after the end, so that the record
// shows whether it still sees the cab. Frames that were in flight arrive within half of
// that time.
const lingering = 4 * time.Second

// ride is one passenger, from the request to the end of the match. When ctx ends it ends
// the match at once.
func (r *runner) ride(ctx context.Context, member string, f trace.Fare) {
	lasting := context.WithoutCancel(ctx)
	p := &passenger{r: r, name: member}
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
	asking, cancel := context.WithTimeout(ctx, wait+r.fast(r.Confirm)+patience)
	defer cancel()
	out, err := c.Match(asking, waggle.Match{
		Radius: r.Radius, Point: &waggle.Point{Lat: f.Lat, Lng: f.Lng}, Wait: wait.Seconds(), Confirm: r.fast(r.Confirm).Seconds(),
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
	case out.Matched == nil: // it ended before the passenger was notified of the match
		if !p.ended() {
			r.failed(member, errForgotten)
		}
		r.tally.unanswered()
		return
	}
	micros, waited := p.took()
	r.tally.matched(micros, waited, out.Matched.Peer.Distance)
	if r.watch(ctx, c, p, member, out.Matched.Match, f) {
		r.end(lasting, c, member, out.Matched.Match)
		select {
		case <-ctx.Done():
		case <-time.After(lingering):
		}
	}
}

// watch follows the cab until the fare ends; false: the match ended before.
func (r *runner) watch(ctx context.Context, c *waggle.Client, p *passenger, member, match string, f trace.Fare) bool {
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
		if ended, ok := event.(*waggle.Ended); ok && ended.Match == match { // not an offer before it
			if !p.ended() {
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

// abandon cancels a request whose outcome is not known, or ends the match if there is one.
func (r *runner) abandon(ctx context.Context, c *waggle.Client) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := c.Cancel(ctx)
	var refused *waggle.Error
	if err == nil || !errors.As(err, &refused) {
		return // withdrawn, or the server cannot be reached and the request expires
	}
	if w, err := c.Hello(ctx); err == nil && w.Match != nil {
		_, _ = c.End(ctx, w.Match.Match, waggle.Completed) // the request is already counted as failed
	}
}
