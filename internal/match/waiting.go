package match

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// assignments are the attempts that a message makes for waiting requests, whoever's
// they are. They are kept as a stack, so that what an attempt gives rise to comes next.
// Their number is bounded: what is left over is served by the next message of a member
// whom it concerns.
type assignments struct {
	stack []pending
	left  int
	// matched are the members matched by this message; foundNobody those whose search
	// found nobody, not even a member who was searching.
	matched, foundNobody map[Member]bool
}

func newAssignments() assignments {
	return assignments{left: maxAttempts, matched: make(map[Member]bool), foundNobody: make(map[Member]bool)}
}

// A pending attempt is for the waiting request of its owner.
type pending struct {
	owner Member
	// group has the attempts that somebody's listing gave rise to. nil: it stands alone.
	group *group
	// request is what a cell knows of the owner's request, if it is from there.
	request *WaitingRequest
	// first is the attempt of the listed member itself, before those of others.
	first bool
	// repeated comes after one that may have missed somebody.
	repeated bool
}

// A group of attempts is for one member, and over when that member is matched.
type group struct {
	member Member
	over   bool
}

// plan puts attempts before all others, in this order.
func (a *assignments) plan(all ...pending) {
	slices.Reverse(all)
	a.stack = append(a.stack, all...)
}

// makeAttempts makes the planned attempts, and those that they give rise to.
func (w *work) makeAttempts(ctx context.Context) {
	for len(w.stack) > 0 && w.left > 0 {
		last := len(w.stack) - 1
		p := w.stack[last]
		w.stack = w.stack[:last]
		g := p.group
		if g == nil {
			g = &group{}
		}
		if g.over || w.matched[g.member] || (p.repeated && w.matched[p.owner]) || (p.first && w.foundNobody[p.owner]) {
			continue
		}
		status, err := w.attemptWaiting(ctx, p)
		w.logFailure(ctx, "serve a waiting request", err)
		switch {
		case err != nil, p.first && (status == StatusSearching || status == StatusClaimed):
			g.over = true // for now, or because another process is at it
		case p.request != nil && status == StatusOther && !w.matched[g.member]:
			w.withdraw(ctx, *p.request) // left over by a process that vanished
		}
	}
	w.stack = nil
}

// attemptWaiting leases a waiting request and makes an attempt. If that finds nobody
// the request waits on.
func (w *work) attemptWaiting(ctx context.Context, p pending) (Status, error) {
	owner, id := p.owner, w.NewID()
	leased, err := w.Store.Lease(ctx, owner, id)
	if err != nil || leased.Status != StatusOK {
		return leased.Status, err
	}
	w.left--
	result, err := w.attempt(ctx, owner, id, *leased.Request, nil)
	switch result.outcome {
	case matched:
		w.announce(ctx, result.match)
	case nobody, busy:
		w.foundNobody[owner] = result.outcome == nobody
		given, giveUpErr := w.Store.GiveUp(ctx, owner, id, true)
		if giveUpErr != nil {
			return leased.Status, cmp.Or(err, giveUpErr)
		}
		if given.Status == StatusNoMatch {
			w.beside(ctx, w.notice(owner, given.Connection, &protocol.NoMatch{ID: given.Request.ID, Radius: given.Request.Radius}))
		}
		top := len(w.stack)
		// The owner can be claimed again: the requests that wait for it are woken.
		err = cmp.Or(err, w.apply(ctx, owner, given.Changes))
		if err == nil && given.Missed {
			p.repeated = true
			w.stack = slices.Insert(w.stack, top, p)
		}
	}
	return leased.Status, err
}

// wake plans attempts for the requests that fit a member just listed: the oldest first,
// of equals the nearest. If the member waits itself, the request of the smaller id goes
// first, whoever makes the attempt, so that two processes never block each other; but
// not once more after it found nobody: as that listed m anew, it would go first for
// ever and the others never have their turn.
func (w *work) wake(m Member, waiting []WaitingRequest) {
	slices.SortFunc(waiting, func(a, b WaitingRequest) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Distance, b.Distance))
	})
	g, own := &group{member: m}, !w.foundNobody[m] // m may wait itself
	var all []pending
	for _, r := range waiting[:min(maxWoken, len(waiting))] {
		if own && m.ID < r.Owner.ID {
			all, own = append(all, pending{owner: m, group: g, first: true}), false
		}
		all = append(all, pending{owner: r.Owner, group: g, request: &r})
	}
	w.plan(all...)
}

// register lets a request wait in every cell that its circle touches. If somebody is
// there already, it plans attempts.
func (w *work) register(ctx context.Context, r WaitingRequest) error {
	q := Query{Self: r.Owner, Point: r.Point, Radius: r.Radius, Tags: r.Tags, Want: firstWant}
	cells := geo.ShardsWithin(r.Point, r.Radius)
	hits, err := w.Store.Register(ctx, cells, r, q)
	if err != nil {
		return err
	}
	s := newSearch(w.Store, q)
	s.add(cells, firstWant, hits)
	open, err := w.Store.Registered(ctx, r)
	if err != nil {
		return err
	}
	if !open {
		w.withdraw(ctx, r) // answered or cancelled meanwhile
		return nil
	}
	// A member who is matched with somebody else by that leaves the others to be had,
	// and so may a member whose request is being served right now.
	g := &group{member: r.Owner}
	var all []pending
	for _, c := range s.queue[:min(maxRivals, len(s.queue))] {
		if c.ID < r.Owner.ID {
			all = append(all, pending{owner: c.Member, group: g})
		}
	}
	if len(s.queue) > 0 {
		all = append(all, pending{owner: r.Owner, group: g})
	}
	w.plan(all...)
	return nil
}

// withdraw takes a request that is over out of the cells it waits in. What is
// left there would expire, and is refused until then.
func (s *Service) withdraw(ctx context.Context, r WaitingRequest) {
	if r.Wait {
		s.logFailure(ctx, "withdraw a request", s.Store.Withdraw(ctx, geo.ShardsWithin(r.Point, r.Radius), r))
	}
}

// wait leaves the caller's request open until its deadline.
func (w *work) wait(ctx context.Context, owner Member, id string, r Request) error {
	given, err := w.Store.GiveUp(ctx, owner, id, true)
	if err != nil {
		return err
	}
	if given.Status != StatusWaiting {
		return w.noMatch(ctx, owner, given)
	}
	w.beside(ctx, w.notice(owner, given.Connection, &protocol.Waiting{ID: r.ID, ExpiresAt: r.Deadline}))
	return w.afterwards(ctx, func(ctx context.Context) error {
		err := w.register(ctx, WaitingRequest{Owner: owner, Request: r})
		w.makeAttempts(ctx)
		return errors.Join(err, w.apply(ctx, owner, given.Changes))
	})
}

// noMatch ends the caller's request, if it was not answered or cancelled meanwhile. As
// the owner can be claimed again, the requests that wait for it are woken.
func (w *work) noMatch(ctx context.Context, owner Member, given GivenUp) error {
	if given.Status == StatusNoMatch {
		w.beside(ctx, w.notice(owner, given.Connection, &protocol.NoMatch{ID: given.Request.ID, Radius: given.Request.Radius}))
	}
	return w.afterwards(ctx, func(ctx context.Context) error { return w.apply(ctx, owner, given.Changes) })
}

// giveUp ends the caller's request that found nobody.
func (w *work) giveUp(ctx context.Context, owner Member, id string) error {
	given, err := w.Store.GiveUp(ctx, owner, id, false)
	if err != nil {
		return err
	}
	return w.noMatch(ctx, owner, given)
}

// retry goes on for a second if everybody there was searching: two who seek each other
// at the same moment must not both come away with nothing. In between the request
// waits, so that the owner can be found itself; of two rivals the smaller id asks sooner.
func (w *work) retry(ctx context.Context, owner Member, id string, r Request, rival string) error {
	for deadline := w.Now().Add(patience); w.Now().Before(deadline); {
		before := pause
		if owner.ID < rival {
			before = firstPause
		}
		given, err := w.Store.GiveUp(ctx, owner, id, true)
		if err != nil {
			return err
		}
		if given.Status != StatusWaiting {
			return w.noMatch(ctx, owner, given)
		}
		if err := w.apply(ctx, owner, given.Changes); err != nil {
			return err
		}
		w.makeAttempts(ctx)
		if w.matched[owner] {
			return nil
		}
		w.flush(ctx)
		var leased bool
		if id, leased, err = w.leaseAgain(ctx, owner, before, deadline); err != nil {
			return err
		}
		if !leased {
			break // tells no_match if the request has expired, and nothing if it was answered
		}
		result, err := w.attempt(ctx, owner, id, r, nil)
		if err != nil || result.outcome == matched || result.outcome == over {
			w.announce(ctx, result.match)
			return err
		}
		if result.outcome == nobody {
			break
		}
		rival = result.rival
	}
	return w.giveUp(ctx, owner, id)
}

// leaseAgain leases the request after a pause, and after the end of a claim that
// has suspended it; false: the request was answered, or its time is over.
func (w *work) leaseAgain(ctx context.Context, owner Member, before time.Duration, deadline time.Time) (string, bool, error) {
	for {
		if err := w.Sleep(ctx, before); err != nil {
			return "", false, err
		}
		id := w.NewID()
		leased, err := w.Store.Lease(ctx, owner, id)
		if err != nil || leased.Status == StatusOK {
			return id, true, err
		}
		if leased.Status == StatusOther || w.Now().After(deadline) {
			return id, false, nil
		}
	}
}
