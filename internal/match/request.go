package match

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// Match finds the nearest available member for the caller. What is under way
// already, or was asked under the same id, is answered with its outcome.
func (s *Service) Match(ctx context.Context, x Session, q *protocol.Match) error {
	settings := s.Pools.For(x.Pool)
	if !x.Matcher {
		return fault(Forbidden, "the token does not give the role matcher")
	}
	if q.Radius == 0 {
		q.Radius = min(protocol.DefaultRadius, settings.MaxRadius)
	}
	if q.Radius > settings.MaxRadius {
		return fault(Invalid, fmt.Sprintf("radius must be 100 to %g metres in this pool", settings.MaxRadius))
	}
	o := Opening{ID: q.ID, Radius: q.Radius, Tags: q.Tags, Wait: q.Wait > 0,
		Patience: max(patience, time.Duration(q.Wait*float64(time.Second)))}
	if q.Point != nil {
		o.Point = &geo.Point{Lat: q.Point.Lat, Lng: q.Point.Lng}
		o.Search = &Query{Self: x.Member, Point: *o.Point, Radius: q.Radius, Tags: q.Tags, Want: firstWant}
	}
	for start := s.Now(); ; {
		a, id, hits, err := s.begin(ctx, x, o)
		if err != nil {
			return err
		}
		switch a.Status {
		case StatusOK:
			if err := s.free(ctx, x.Member, a.Route); err != nil {
				return err
			}
			return s.first(ctx, x.Member, id, *a.Request, hits)
		case StatusNoLocation:
			return fault(Conflict, "report your location first, or give lat and lng")
		case StatusTooFar:
			return fault(Forbidden, "lat and lng must be within 20 km of your own last location in this pool")
		case StatusRateLimited:
			return fault(RateLimited, fmt.Sprintf("at most %g requests a minute and %g matches an hour in this pool",
				settings.RequestsPerMinute, settings.MatchesPerHour))
		case StatusRepeat:
			if done, err := s.repeat(ctx, x, q.ID, a.Outcome); done || err != nil {
				return err
			}
		case StatusWaiting:
			if a.Request.Wait {
				s.tell(ctx, x.Member, x.Connection, &protocol.Waiting{ID: q.ID, ExpiresAt: a.Request.Deadline})
				s.attend(ctx, x.Member, &Route{State: Waiting, Request: *a.Request})
				return nil
			}
		case StatusSearching:
			if a.Request.Wait {
				s.tell(ctx, x.Member, x.Connection, &protocol.Waiting{ID: q.ID, ExpiresAt: a.Request.Deadline})
				return nil
			}
		case StatusActive:
			if found, err := s.answerMatched(ctx, x, q.ID, a.Route.Match); found || err != nil {
				return err
			}
		case StatusClaimed:
			if a.Claim.Confirmed {
				if found, err := s.answerMatched(ctx, x, q.ID, a.Claim.Match); found || err != nil {
					return err
				}
				break
			}
			// Once it is confirmed the cache remembers the match for this id: only
			// then may the caller be told, or a repeat could have another outcome.
			if _, p, err := s.standing(ctx, x, false); err != nil {
				return err
			} else if p != nil {
				continue
			}
		}
		// Something is under way that will be decided in a moment.
		if s.Now().Sub(start) >= patience {
			return &Fault{Kind: Conflict, Text: "another request of yours is being decided: ask again in a second", Retryable: true}
		}
		if err := s.Sleep(ctx, pollSecond); err != nil {
			return err
		}
	}
}

// begin opens the request under a fresh search id, which it returns. Where the
// answer is lost it is tried again under another, since the first try may still
// arrive; if that did open the request, it is this one.
func (s *Service) begin(ctx context.Context, x Session, o Opening) (a Answer, id string, hits []Hits, err error) {
	step := func() (Answer, error) {
		o.Match = s.NewID()
		var a Answer
		a, hits, err = s.Store.Begin(ctx, x, o)
		return a, err
	}
	if a, err = s.admitted(ctx, x, step); !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		return a, o.Match, hits, err
	}
	first := o.Match
	a, err = s.admitted(ctx, x, step)
	if a.Status == StatusSearching && a.Route.Match == first {
		a.Status, o.Match = StatusOK, first
	}
	return a, o.Match, hits, err
}

// first searches for a request just opened.
func (s *Service) first(ctx context.Context, owner Member, id string, r Request, home []Hits) error {
	d := s.newDriver()
	result, err := d.drive(ctx, owner, id, r, home)
	switch {
	case err != nil || result == matched || result == over:
		return err // what is left of a search that failed lapses
	case r.Wait:
		return d.wait(ctx, owner, id, r)
	case result == busy:
		return d.retry(ctx, owner, id, r)
	}
	_, err = d.fall(ctx, owner, id, false)
	return err
}

// repeat answers a request id that was asked before with what became of it;
// false: it is not decided after all.
func (s *Service) repeat(ctx context.Context, x Session, id string, o Outcome) (bool, error) {
	var f protocol.Frame
	switch o.Kind {
	case "matched":
		// If it is over by now, the cache says so when it is asked again.
		return s.answerMatched(ctx, x, id, o.Match)
	case "ended":
		f = &protocol.Ended{ID: id, Match: o.Match, Reason: o.Reason}
	case "cancelled":
		f = &protocol.Ended{ID: id, Reason: protocol.ReasonCancelled}
	case "no_match":
		f = &protocol.NoMatch{ID: id, Radius: o.Radius}
	default:
		return false, nil
	}
	s.tell(ctx, x.Member, x.Connection, f)
	return true, nil
}

// answerMatched answers with the match the caller is in, if it still is that one.
func (s *Service) answerMatched(ctx context.Context, x Session, id, match string) (bool, error) {
	_, p, err := s.standing(ctx, x, false)
	if p == nil || match != p.match {
		return false, err
	}
	s.tell(ctx, x.Member, x.Connection, &protocol.Matched{ID: id, Match: p.match, Role: p.role, Peer: p.peer,
		Report: p.advice().Report(s.Pools.For(x.Pool))})
	return true, nil
}

// Cancel withdraws the caller's request. Conflict: it is matched already.
func (s *Service) Cancel(ctx context.Context, x Session, id string) error {
	a, err := s.admitted(ctx, x, func() (Answer, error) { return s.Store.Cancel(ctx, x) })
	if err != nil {
		return err
	}
	switch a.Status {
	case StatusActive:
		return &Fault{Kind: Conflict, Text: "the request has led to a match: end that"}
	case StatusCancelled:
		if id == "" {
			id = a.Request.ID
		}
		s.tell(ctx, x.Member, x.Connection, &protocol.Ended{ID: id, Reason: protocol.ReasonCancelled})
		if a.Request.Created != 0 {
			s.withdraw(ctx, Waiter{Owner: x.Member, Request: *a.Request})
		}
		return s.apply(ctx, x.Member, a.Changes)
	}
	return fault(NotFound, "there is no request under way")
}
