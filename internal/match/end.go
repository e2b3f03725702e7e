package match

import (
	"cmp"
	"context"
	"errors"

	"waggle/internal/protocol"
)

// End ends the caller's match for both members, and replies with Ended. A repeat has the
// same reply and notifies nobody. The error is the fault NotFound if the match never was the
// caller's, or ended longer ago than EndRemembered.
func (s *Service) End(ctx context.Context, x Session, q *protocol.End) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := inSession(ctx, w, x, func(x Session) (Ending, error) { return w.Store.End(ctx, x, q.Match, q.Reason) })
		if err == nil {
			err = w.repairEnd(ctx, x.Member, r.Route)
		}
		if err != nil {
			return nil, err
		}
		caller := x.Member
		if x.Connection == "" {
			caller = Member{} // the member did not ask for it, and is notified
		}
		var e *parting
		switch {
		case r.Finished != nil:
			e, err = w.free(ctx, x.Member, q.Match, r.Matchee, *r.Finished, caller)
		case r.Claim != nil && r.Claim.Match == q.Match && r.Claim.Confirmed:
			e, err = w.finish(ctx, r.Claim.Matcher, q.Match, x.Member, q.Reason, caller)
		default:
			return w.endedBefore(ctx, r.Snapshot, q)
		}
		if e == nil {
			return nil, err
		}
		return &protocol.Ended{ID: cmp.Or(q.ID, e.requestOf(x.Member)), Match: q.Match, Reason: e.reason,
			Unlisted: unlisted(e.unlisted, w.Now().UnixMilli(), nil)}, err
	})
}

// endedBefore replies with the reason of an end that is remembered.
func (w *work) endedBefore(ctx context.Context, r Snapshot, q *protocol.End) (protocol.Frame, error) {
	for _, e := range r.Ends {
		if e.Match == q.Match && r.Now-e.At < EndRemembered.Milliseconds() {
			return &protocol.Ended{ID: q.ID, Match: q.Match, Reason: e.Reason, Unlisted: unlisted(r.Unlisted, r.Now, nil)},
				w.afterwards(ctx, func(ctx context.Context) error { return w.repairLastEnd(ctx, r) })
		}
	}
	if w.caller.Connection == "" {
		return nil, noMatchOfMember()
	}
	return nil, noSuchMatch()
}

func noSuchMatch() error {
	return fault(NotFound, "there is no such match of yours, or it ended more than 60 s ago")
}

// A parting is the result of finish. It has the ids of the members' own requests that led
// to the match, "" if there is none.
type parting struct {
	reason                         string
	matcher                        Member
	matcherRequest, matcheeRequest string
	unlisted                       int64 // until when the caller is not listed
}

func (e *parting) requestOf(m Member) string {
	if m == e.matcher {
		return e.matcherRequest
	}
	return e.matcheeRequest
}

// finish ends a match on the matcher's route, from where on it is over, and frees both members.
func (w *work) finish(ctx context.Context, matcher Member, id string, matchee Member, reason string, caller Member) (*parting, error) {
	by := ByNobody
	switch caller {
	case matcher:
		by = ByMatcher
	case matchee:
		by = ByMatchee
	}
	finished, err := w.Store.Finish(ctx, matcher, id, matchee, reason, by)
	if err != nil {
		return nil, err
	}
	return w.free(ctx, matcher, id, matchee, finished, caller)
}

// free ends the matchee's claim too. Then it lists both and notifies those who were not notified
// before, except the caller, who gets a reply. It returns nil if the matchee may not be free.
func (w *work) free(ctx context.Context, matcher Member, id string, matchee Member, finished Finished, caller Member) (*parting, error) {
	reason := finished.Reason
	if finished.Status == StatusOther {
		reason = protocol.ReasonLost
	}
	released, err := w.Store.Release(ctx, matcher, id, matchee, reason, finished.Early)
	if err != nil {
		return nil, err
	}
	var errs [2]error
	var waiting [2][]WaitingRequest
	together(ctx,
		func(ctx context.Context) { waiting[0], errs[0] = w.Store.Apply(ctx, matcher, finished.Changes) },
		func(ctx context.Context) { waiting[1], errs[1] = w.Store.Apply(ctx, matchee, released.Changes) },
	)
	w.wake(matchee, waiting[1])
	w.wake(matcher, waiting[0])
	if released.Waits {
		w.plan(pending{owner: matchee}) // the claim had suspended its own request
	}
	e := &parting{reason: reason, matcher: matcher, matcherRequest: finished.RequestID, matcheeRequest: released.RequestID}
	switch caller {
	case matcher:
		e.unlisted = finished.Unlisted
	case matchee:
		e.unlisted = released.Unlisted
	}
	first := finished.Status == StatusEnded // the route does not say yet that both are free
	mark := NoticeEnded.Mark(id)
	var jobs []func(context.Context)
	ended := func(m Member, connection string) {
		if m != caller {
			jobs = append(jobs, w.notice(m, connection, &protocol.Ended{ID: e.requestOf(m), Match: id, Reason: reason}, mark))
		} else {
			w.answers = []string{mark}
		}
	}
	if finished.Tell {
		ended(matcher, finished.Connection)
	}
	if released.Tell && (first || released.Status == StatusReleased) {
		ended(matchee, released.Connection)
	}
	err = errors.Join(errs[:]...)
	if first && err == nil {
		w.mu.Lock() // while a report is pushed, the reply may be, too
		w.told = append(w.told, Told{Member: matcher, Connection: finished.Connection, Free: id})
		w.mu.Unlock()
	}
	w.concurrently(ctx, jobs...)
	return e, err
}

// release removes a claim whose match does not exist or has ended, and lists the member.
// If the claim was confirmed, the member is notified of the end. early is who ended it early.
func (w *work) release(ctx context.Context, matcher Member, id string, matchee Member, reason string, early By) error {
	released, err := w.Store.Release(ctx, matcher, id, matchee, reason, early)
	if err != nil {
		return err
	}
	waiting, err := w.Store.Apply(ctx, matchee, released.Changes)
	if released.Tell && released.Status == StatusReleased {
		w.concurrently(ctx, w.notice(matchee, released.Connection, &protocol.Ended{ID: released.RequestID, Match: id, Reason: reason},
			NoticeEnded.Mark(id)))
	}
	w.wake(matchee, waiting)
	if released.Waits {
		w.plan(pending{owner: matchee}) // the claim had suspended its own request
	}
	return err
}
