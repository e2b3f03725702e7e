package match

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// assignments are the attempts that a message makes for waiting requests of any member. They
// are a stack, so that attempts planned by an attempt come next. Their number and their time
// are bounded: the next message of a member concerned serves the others.
type assignments struct {
	stack []pending
	left  int
	until time.Time
	// matched are the members matched by this message. foundNobody are those whose search
	// found nobody, not even a rival.
	matched, foundNobody map[Member]bool
}

func newAssignments(now time.Time) assignments {
	return assignments{left: maxAttempts, until: now.Add(forOthers), matched: make(map[Member]bool), foundNobody: make(map[Member]bool)}
}

// A pending attempt is for the waiting request of its owner.
type pending struct {
	owner Member
	// group has all attempts planned for the same member. It is nil for a single attempt.
	group *group
	// request is the owner's request as a cell has it, nil if no cell returned it.
	request *WaitingRequest
	// first marks the attempt for the listed member itself, before those for others.
	first bool
	// goesOn marks an attempt for a request whose offer is over. If it finds nobody, a request without
	// Wait is over, too.
	goesOn bool
	// repeated marks an attempt after one that may have missed a member.
	repeated bool
}

// A group of attempts is for one member. It is over when that member is matched.
type group struct {
	member Member
	over   bool
}

// plan puts attempts on top of the stack: they come before all others, in this order.
func (a *assignments) plan(all ...pending) {
	slices.Reverse(all)
	a.stack = append(a.stack, all...)
}

// makeAttempts makes the planned attempts, and those that they plan.
func (w *work) makeAttempts(ctx context.Context) {
	for len(w.stack) > 0 && w.left > 0 && w.Now().Before(w.until) {
		last := len(w.stack) - 1
		p := w.stack[last]
		w.stack = w.stack[:last]
		g := p.group
		if g == nil {
			g = &group{}
		}
		skip := g.over || w.matched[g.member] || (p.first && w.foundNobody[p.owner])
		if p.repeated {
			skip = w.matched[p.owner] // the member that was missed may be any
		}
		if skip {
			continue
		}
		status, err := w.attemptWaiting(ctx, p)
		w.logFailure(ctx, "serve a waiting request", err)
		switch {
		case err != nil, p.first && (status == StatusSearching || status == StatusClaimed):
			g.over = true // after an error, or as another process may match the member
		case p.request != nil && status == StatusOther && !w.matched[g.member]:
			w.withdraw(ctx, *p.request) // another process left it in the cell
		}
	}
	w.stack = nil
}

// attemptWaiting leases a waiting request and makes an attempt. If the attempt finds nobody,
// the request waits on. It returns the status of the lease.
func (w *work) attemptWaiting(ctx context.Context, p pending) (Status, error) {
	owner, id := p.owner, w.NewID()
	leased, err := w.Store.Lease(ctx, owner, id)
	if err != nil || leased.Status != StatusOK {
		return leased.Status, err
	}
	w.left--
	result, err := w.attempt(ctx, owner, id, *leased.Request)
	switch result.outcome {
	case matched:
		waited := w.Now().Sub(time.UnixMilli(leased.Request.Created))
		w.count(func(f *Figures) { f.WaitedFor = append(f.WaitedFor, max(0, waited)) })
		w.tellBoth(ctx, result)
	case nobody, busy:
		w.foundNobody[owner] = result.outcome == nobody
		given, giveUpErr := w.Store.GiveUp(ctx, owner, id, leased.Request.Wait || !p.goesOn || result.outcome == busy)
		if giveUpErr != nil {
			return leased.Status, cmp.Or(err, giveUpErr)
		}
		w.announceNoMatch(ctx, owner, given)
		top := len(w.stack)
		// The owner can be claimed from here on: the requests that wait for it are woken.
		err = cmp.Or(err, w.apply(ctx, owner, given.Changes))
		if err == nil && p.goesOn && leased.Request.Wait && given.Status == StatusWaiting {
			w.repairRegistration(ctx, owner, &Route{State: Waiting, Request: *given.Request})
		}
		if err == nil && given.Missed {
			p.repeated = true
			w.stack = slices.Insert(w.stack, top, p)
		}
	}
	return leased.Status, err
}

// wake plans attempts for the waiting requests that fit the member m just listed: the oldest
// first, and the nearest of equally old ones. If m has a waiting request too, the request of
// the smaller id goes first in every process, so that two processes never block each other.
// But m's request does not go first once it found nobody: giving up lists m and wakes the
// others, so that m would go first forever.
func (w *work) wake(m Member, waiting []WaitingRequest) {
	slices.SortFunc(waiting, func(a, b WaitingRequest) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.Distance, b.Distance))
	})
	g, planOwn := &group{member: m}, !w.foundNobody[m]
	var all []pending
	for _, r := range waiting[:min(maxWoken, len(waiting))] {
		if planOwn && m.ID < r.Owner.ID {
			all, planOwn = append(all, pending{owner: m, group: g, first: true}), false
		}
		all = append(all, pending{owner: r.Owner, group: g, request: &r})
	}
	w.plan(all...)
}

// register registers a waiting request in every cell that its widest circle touches. If those
// cells have candidates, it plans attempts.
func (w *work) register(ctx context.Context, r WaitingRequest) error {
	cells := geo.ShardsWithin(r.Point, r.widest())
	hits, err := w.Store.Register(ctx, cells, r, firstWant)
	if err != nil {
		return err
	}
	s := newSearch(w.Store, Query{Self: r.Owner, Point: r.Point, Radius: r.Radius, Tags: r.Tags})
	s.add(cells, firstWant, hits)
	open, err := w.Store.Registered(ctx, r)
	if err != nil {
		return err
	}
	if !open {
		w.withdraw(ctx, r) // answered or cancelled meanwhile
		return nil
	}
	// The smaller ids go first. Their attempts may match them with others, so the owner's
	// attempt comes last in any case.
	g := &group{member: r.Owner}
	var all []pending
	for _, c := range s.queue[:min(maxRivals, len(s.queue))] {
		if c.ID < r.Owner.ID {
			all = append(all, pending{owner: c.Member, group: g})
		}
	}
	if len(s.queue) > 0 || slices.ContainsFunc(hits, func(h Hits) bool { return h.Rest != "" }) {
		all = append(all, pending{owner: r.Owner, group: g})
	}
	w.plan(all...)
	return nil
}

// withdraw takes a request that is over out of the cells it waits in. If that fails, the
// entries expire, and until then each attempt for them is refused.
func (s *Service) withdraw(ctx context.Context, r WaitingRequest) {
	if r.Wait {
		s.logFailure(ctx, "withdraw a request", s.Store.Withdraw(ctx, geo.ShardsWithin(r.Point, r.widest()), r))
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
	w.countOutcome(OutcomeWaiting)
	w.concurrently(ctx, w.notice(owner, given.Connection, &protocol.Waiting{ID: r.ID, ExpiresAt: r.Deadline}))
	w.remind(ctx, r.Deadline, owner)
	return w.afterwards(ctx, func(ctx context.Context) error {
		err := w.register(ctx, WaitingRequest{Owner: owner, Request: r})
		w.makeAttempts(ctx)
		return errors.Join(err, w.apply(ctx, owner, given.Changes))
	})
}

// noMatch notifies the caller that its request has ended without a match, unless it was
// answered or cancelled meanwhile. The caller can be claimed from here on, so the requests
// that wait for it are woken.
func (w *work) noMatch(ctx context.Context, owner Member, given GivenUp) error {
	w.announceNoMatch(ctx, owner, given)
	return w.afterwards(ctx, func(ctx context.Context) error { return w.apply(ctx, owner, given.Changes) })
}

// announceNoMatch notifies the owner of a request that has ended without a match by this attempt.
func (w *work) announceNoMatch(ctx context.Context, owner Member, given GivenUp) {
	if q := given.Request; given.Status == StatusNoMatch {
		w.countOutcome(OutcomeNoMatch)
		mark := NoticeNoMatch.Mark(strconv.FormatInt(q.Deadline, 10))
		w.concurrently(ctx, w.notice(owner, given.Connection, &protocol.NoMatch{ID: q.ID, Radius: q.Radius}, mark))
	}
}

// giveUp gives up the attempt for a request of the caller that does not wait.
func (w *work) giveUp(ctx context.Context, owner Member, id string) error {
	given, err := w.Store.GiveUp(ctx, owner, id, false)
	if err != nil {
		return err
	}
	return w.noMatch(ctx, owner, given)
}

// retry repeats the attempt for a second if all candidates were searching themselves: of two
// rivals who search at the same moment, both would find nobody. Between the attempts the
// request waits, so that the owner can be claimed. Of two rivals the smaller id retries sooner.
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
		if id, leased, err = w.leaseAfterPause(ctx, owner, before, deadline); err != nil {
			return err
		}
		if !leased {
			break // giveUp says no_match if the request has expired, and nothing if it was answered
		}
		result, err := w.attempt(ctx, owner, id, r)
		if err != nil || result.outcome == matched || result.outcome == over {
			w.tellBoth(ctx, result)
			return err
		}
		if result.outcome == nobody {
			break
		}
		rival = result.rival
	}
	return w.giveUp(ctx, owner, id)
}

// leaseAfterPause leases the request after a pause, and after the release of a claim that has
// suspended it. It returns false if the request was answered, or at the deadline.
func (w *work) leaseAfterPause(ctx context.Context, owner Member, before time.Duration, deadline time.Time) (string, bool, error) {
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
