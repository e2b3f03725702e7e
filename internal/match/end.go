package match

import (
	"context"
	"errors"
	"time"

	"waggle/internal/protocol"
)

// remembered is how long an end is told to who asks again.
const remembered = 60 * time.Second

// End ends a match for both. A repeat answers the caller alone; NotFound: the
// match never was the caller's, or ended more than a minute ago.
func (s *Service) End(ctx context.Context, x Session, q *protocol.End) error {
	a, err := s.read(ctx, x, false)
	if err != nil {
		return err
	}
	if r := a.Route; r != nil && r.State == Active && r.Match == q.Match {
		return s.finish(ctx, x.Member, q.Match, r.Matchee, q.Reason, &x, q.ID)
	}
	if c := a.Claim; c != nil && c.Match == q.Match && c.Confirmed {
		return s.finish(ctx, c.Matcher, q.Match, x.Member, q.Reason, &x, q.ID)
	}
	for _, p := range a.Past {
		if p.Match == q.Match && a.Now-p.At < remembered.Milliseconds() {
			s.tell(ctx, x.Member, x.Connection, &protocol.Ended{ID: q.ID, Match: q.Match, Reason: p.Reason})
			return s.freeMatcher(ctx, a)
		}
	}
	return fault(NotFound, "there is no such match of yours, or it ended more than 60 s ago")
}

// finish ends a match: on the matcher's side first, which is the end, then on
// the matchee's; then both are listed again, and both are told. The one who
// asked for it, if anyone, gets its message's id.
func (s *Service) finish(ctx context.Context, matcher Member, id string, matchee Member, reason string, asker *Session, asked string) error {
	finished, err := s.Store.Finish(ctx, matcher, id, matchee, reason)
	if err != nil {
		return err
	}
	if reason = finished.Reason; finished.Status == StatusOther {
		reason = protocol.ReasonLost
	}
	released, err := s.Store.Release(ctx, matcher, id, matchee, reason)
	if err != nil {
		return err
	}
	var listErr [2]error
	var waiters [2][]Waiter
	together(
		func() { waiters[0], listErr[0] = s.Store.Apply(ctx, matcher, finished.Changes) },
		func() { waiters[1], listErr[1] = s.Store.Apply(ctx, matchee, released.Changes) },
	)
	var jobs []func()
	ended := func(m Member, a Answer) {
		f := &protocol.Ended{Match: id, Reason: reason}
		if a.Request != nil {
			f.ID = a.Request.ID
		}
		connection := a.Connection
		if asker != nil && asker.Member == m {
			connection = asker.Connection
			if asked != "" {
				f.ID = asked
			}
		}
		jobs = append(jobs, func() { s.tell(ctx, m, connection, f) })
	}
	if finished.Status == StatusEnded || (asker != nil && asker.Member == matcher) {
		ended(matcher, finished)
	}
	if (released.Confirmed && (released.Status == StatusReleased || finished.Status == StatusEnded)) || (asker != nil && asker.Member == matchee) {
		ended(matchee, released)
	}
	if finished.Status == StatusEnded && errors.Join(listErr[:]...) == nil {
		jobs = append(jobs, func() { s.lost(ctx, "note that both are free", s.Store.Told(ctx, matcher, id, Ended)) })
	}
	if len(jobs) > 0 {
		together(jobs...)
	}
	d := s.newDriver()
	if released.State == Waiting {
		d.resume(ctx, matchee)
	}
	d.wake(ctx, matcher, waiters[0])
	d.wake(ctx, matchee, waiters[1])
	return errors.Join(listErr[:]...)
}

// free finishes an end whose process vanished before both were free again: the
// matcher's route still says so.
func (s *Service) free(ctx context.Context, matcher Member, r *Route) error {
	if r == nil || r.State != Ended || r.Told {
		return nil
	}
	return s.finish(ctx, matcher, r.Match, r.Matchee, r.Reason, nil, "")
}

// release undoes a claim whose match is not, or is no more, and lists the member
// again. One that had been told of the match is told of its end.
func (s *Service) release(ctx context.Context, matcher Member, id string, matchee Member, reason string) error {
	a, err := s.Store.Release(ctx, matcher, id, matchee, reason)
	if err != nil {
		return err
	}
	waiters, err := s.Store.Apply(ctx, matchee, a.Changes)
	if a.Confirmed && a.Status == StatusReleased {
		f := &protocol.Ended{Match: id, Reason: reason}
		if a.Request != nil {
			f.ID = a.Request.ID
		}
		s.tell(ctx, matchee, a.Connection, f)
	}
	d := s.newDriver()
	if a.State == Waiting {
		// Its own request was suspended by the claim: it goes on.
		d.resume(ctx, matchee)
	}
	d.wake(ctx, matchee, waiters)
	return err
}
