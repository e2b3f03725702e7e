package match

import (
	"cmp"
	"context"
	"slices"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// wait leaves the request open until its deadline.
func (d *driver) wait(ctx context.Context, owner Member, id string, r Request) error {
	a, err := d.Store.Fall(ctx, owner, id, true)
	if err != nil {
		return err
	}
	switch a.Status {
	case StatusNoMatch:
		d.tell(ctx, owner, a.Connection, &protocol.NoMatch{ID: r.ID, Radius: r.Radius})
	case StatusWaiting:
		d.tell(ctx, owner, a.Connection, &protocol.Waiting{ID: r.ID, ExpiresAt: r.Deadline})
		err = d.register(ctx, Waiter{Owner: owner, Request: r})
	default:
		return nil // cancelled, or claimed and confirmed, meanwhile
	}
	waiters, listErr := d.Store.Apply(ctx, owner, a.Changes)
	if err == nil {
		err = listErr
	}
	d.wake(ctx, owner, waiters)
	return err
}

// register lets a request wait in every cell that its circle touches, and serves
// it if somebody is there already.
func (d *driver) register(ctx context.Context, w Waiter) error {
	q := Query{Self: w.Owner, Point: w.Point, Radius: w.Radius, Tags: w.Tags, Want: firstWant}
	cells := geo.ShardsWithin(w.Point, w.Radius)
	hits, err := d.Store.Register(ctx, cells, w, q)
	if err != nil {
		return err
	}
	f := newField(d.Store, q)
	f.add(cells, firstWant, hits)
	open, err := d.Store.Registered(ctx, w)
	if err != nil {
		return err
	}
	if !open {
		d.withdraw(ctx, w) // answered or cancelled meanwhile
		return nil
	}
	// Who is matched with somebody else by that leaves the others to be had, and
	// so may who is being served right now.
	for _, c := range f.queue[:min(3, len(f.queue))] {
		if c.ID < w.Owner.ID && !d.taken[w.Owner] {
			if _, _, err := d.serve(ctx, c.Member); err != nil {
				return err
			}
		}
	}
	if len(f.queue) > 0 && !d.taken[w.Owner] {
		_, _, err = d.serve(ctx, w.Owner)
	}
	return err
}

// serve leases a waiting request, and searches for it. Where that finds nobody
// the request waits on; where the budget is spent it is left alone.
func (d *driver) serve(ctx context.Context, owner Member) (Status, outcome, error) {
	if d.searches == 0 {
		return "", nobody, nil
	}
	id := d.NewID()
	a, err := d.Store.Lease(ctx, owner, id)
	if err != nil || a.Status != StatusOK {
		return a.Status, nobody, err
	}
	d.searches--
	result, err := d.drive(ctx, owner, id, *a.Request, nil)
	if result == nobody || result == busy {
		d.tried[owner] = result == nobody
		fallen, fallErr := d.fall(ctx, owner, id, true)
		if err == nil {
			err = fallErr
		}
		if err == nil && fallen.Again && !d.taken[owner] {
			return d.serve(ctx, owner)
		}
	}
	return a.Status, result, err
}

// fall ends a search that found nobody, and tells the owner if the request is
// over with it. As the owner can be claimed again, who waits for it is served.
func (d *driver) fall(ctx context.Context, owner Member, id string, wait bool) (Answer, error) {
	a, err := d.Store.Fall(ctx, owner, id, wait)
	if err != nil {
		return a, err
	}
	if a.Status == StatusNoMatch {
		d.tell(ctx, owner, a.Connection, &protocol.NoMatch{ID: a.Request.ID, Radius: a.Request.Radius})
	}
	waiters, err := d.Store.Apply(ctx, owner, a.Changes)
	if err != nil {
		return a, err
	}
	d.wake(ctx, owner, waiters)
	return a, nil
}

// resume serves a request that a claim on its owner had suspended.
func (d *driver) resume(ctx context.Context, owner Member) {
	_, _, err := d.serve(ctx, owner)
	d.lost(ctx, "resume a request", err)
}

// maxWaiters bounds how many requests one listing tries to serve.
const maxWaiters = 16

// wake serves the requests that a member just listed fits: the oldest first, of
// equals the nearest. Where the member waits itself, the request of the smaller
// id goes first, whoever drives it, so that two drivers never block each other;
// but not once more after it found nobody: as that listed m again, it would go
// first for ever and the others never have their turn.
func (d *driver) wake(ctx context.Context, m Member, waiters []Waiter) {
	slices.SortFunc(waiters, func(a, b Waiter) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Distance, b.Distance))
	})
	own := !d.tried[m] // m may wait itself
	for _, w := range waiters[:min(maxWaiters, len(waiters))] {
		if own && m.ID < w.Owner.ID {
			status, _, err := d.serve(ctx, m)
			d.lost(ctx, "serve a request", err)
			if err != nil || status == StatusSearching || status == StatusClaimed || d.taken[m] {
				return // somebody is at it
			}
			own = false
		}
		status, _, err := d.serve(ctx, w.Owner)
		d.lost(ctx, "serve a request", err)
		if err != nil || d.taken[m] {
			return
		}
		if status == StatusOther {
			d.withdraw(ctx, w) // left over by a process that vanished
		}
	}
}

// retry goes on for a second where everybody there was searching: two who seek
// each other at the same moment must not both come away with nothing. In between
// the request waits, so that the owner can be found itself; of two rivals the
// smaller id asks again sooner.
func (d *driver) retry(ctx context.Context, owner Member, id string, r Request) error {
	deadline := d.Now().Add(patience)
	for result := busy; result == busy && d.Now().Before(deadline); {
		pause := pollSecond
		if owner.ID < d.rival { // before others are served, who have rivals of their own
			pause = pollFirst
		}
		a, err := d.fall(ctx, owner, id, true)
		if err != nil || a.Status != StatusWaiting {
			return err
		}
		if id, err = d.leaseAgain(ctx, owner, pause, deadline); err != nil || id == "" {
			return err
		}
		if result, err = d.drive(ctx, owner, id, r, nil); err != nil || result == matched || result == over {
			return err
		}
	}
	_, err := d.fall(ctx, owner, id, false)
	return err
}

// leaseAgain leases the request after a pause, and after the end of a claim that
// has suspended it. "": the request was answered, or its time is over.
func (d *driver) leaseAgain(ctx context.Context, owner Member, pause time.Duration, deadline time.Time) (string, error) {
	for {
		if err := d.Sleep(ctx, pause); err != nil {
			return "", err
		}
		id := d.NewID()
		a, err := d.Store.Lease(ctx, owner, id)
		if err != nil || a.Status == StatusOK {
			return id, err
		}
		if a.Status == StatusOther || d.Now().After(deadline) {
			// Tells no_match if the request has expired, and nothing if it was answered.
			_, err = d.fall(ctx, owner, id, false)
			return "", err
		}
	}
}
