package match

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// Match finds the nearest available member for the caller. It replies with Matched, NoMatch
// or Waiting. If a request of the caller is under way, or one was sent with the same id, the
// reply is about that one. The error is the fault Forbidden, Invalid, RateLimited, or
// Conflict, which is retryable while another request is being decided.
func (s *Service) Match(ctx context.Context, x Session, q *protocol.Match) (Result, error) {
	settings := s.Pools.For(x.Pool)
	if !x.Matcher {
		return Result{}, fault(Forbidden, "the token does not give the role matcher")
	}
	r := NewRequest{ID: q.ID, Radius: q.Radius, Tags: q.Tags, Wait: q.Wait > 0, Share: q.Share, Confirm: seconds(q.Confirm), Avoid: q.Avoid}
	if settings.Consent == pool.Required && r.Confirm == 0 {
		r.Confirm = settings.Confirm
	}
	r.Open = max(patience+r.Confirm, seconds(q.Wait))
	if r.Radius == 0 {
		r.Radius = min(protocol.DefaultRadius, settings.MaxRadius)
	}
	if r.Radius > settings.MaxRadius {
		return Result{}, fault(Invalid, fmt.Sprintf("radius must be 100 to %g metres in this pool", settings.MaxRadius))
	}
	if q.WidenTo != 0 {
		r.Widening = Widening{From: r.Radius, To: q.WidenTo, Over: seconds(q.WidenSeconds)}
	}
	switch {
	case q.WidenTo > settings.MaxRadius:
		return Result{}, fault(Invalid, fmt.Sprintf("widenTo must be 100 to %g metres in this pool", settings.MaxRadius))
	case q.WidenTo != 0 && q.WidenTo < r.Radius:
		return Result{}, fault(Invalid, fmt.Sprintf("widenTo must be at least the radius, which is %g metres", r.Radius))
	}
	if q.Point != nil {
		r.Point = &geo.Point{Lat: q.Point.Lat, Lng: q.Point.Lng}
	}
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		for start := w.Now(); ; {
			begun, id, err := w.begin(ctx, x, r)
			switch {
			case err != nil:
				return nil, err
			case begun.Status == StatusOK:
				w.asked = true
				return nil, w.opened(ctx, x.Member, begun, func() error { return w.attemptOpened(ctx, x.Member, id, *begun.Request) })
			}
			reply, retry, err := w.underWay(ctx, x, q.ID, begun)
			if reply != nil || err != nil {
				return reply, err
			}
			if retry {
				continue
			}
			// The other request will be decided in a moment.
			if w.Now().Sub(start) >= patience {
				return nil, &Fault{Kind: Conflict, Text: "another request of yours is being decided: ask again in a second", Retryable: true}
			}
			if err := w.Sleep(ctx, pause); err != nil {
				return nil, err
			}
		}
	})
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// begin opens the request under a fresh search id, which it returns. If the reply is lost,
// begin repeats the step under another id, since the first try may still arrive. If the first
// try did open the request, begin returns that one.
func (w *work) begin(ctx context.Context, x Session, r NewRequest) (begun Begun, id string, err error) {
	step := func(x Session) (Begun, error) {
		r.Match = w.NewID()
		return w.Store.Begin(ctx, x, r)
	}
	if begun, err = inSession(ctx, w, x, step); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotDone) || ctx.Err() != nil {
		return begun, r.Match, err
	}
	first := r.Match
	begun, err = inSession(ctx, w, x, step)
	if begun.Status == StatusSearching && begun.Route.Match == first {
		begun.Status, begun.Request, r.Match = StatusOK, &begun.Route.Request, first
	}
	return begun, r.Match, err
}

// opened makes the assignment attempt for a request just opened. If that fails, the
// request is retracted, so that the caller can repeat it at once.
func (w *work) opened(ctx context.Context, owner Member, begun Begun, attempt func() error) error {
	err := w.repairEnd(ctx, owner, begun.Unfinished)
	if err == nil {
		if begun.Unfinished != nil {
			w.flush(ctx) // before the same two may be matched once more
		}
		err = attempt()
	}
	if err != nil {
		changes, failure := w.Store.Retract(ctx, owner, begun.Request.Created)
		if failure == nil {
			failure = w.apply(ctx, owner, changes)
		}
		w.logFailure(ctx, "retract a request", failure)
	}
	return err
}

func (w *work) attemptOpened(ctx context.Context, owner Member, id string, r Request) error {
	result, err := w.attempt(ctx, owner, id, r)
	switch {
	case err != nil || result.outcome == matched || result.outcome == over:
		w.tellBoth(ctx, result)
		return err
	case r.Wait:
		return w.wait(ctx, owner, id, r)
	case result.outcome == busy:
		return w.retry(ctx, owner, id, r, result.rival)
	}
	return w.giveUp(ctx, owner, id)
}

// underWay replies to a request that was not opened. With neither reply nor error, the other
// request is not decided yet. With retry, the caller must begin at once, without a pause.
func (w *work) underWay(ctx context.Context, x Session, id string, begun Begun) (reply protocol.Frame, retry bool, err error) {
	switch begun.Status {
	case StatusNoLocation:
		text := "report your location first, or give lat and lng"
		if settings := w.Pools.For(x.Pool); !settings.RemoteRequests {
			text = fmt.Sprintf("report your location first: in this pool a request needs a report of the last %g seconds, with lat and lng too",
				settings.LocationTTL.Seconds())
		}
		err = fault(Conflict, text)
	case StatusTooFar:
		err = fault(Forbidden, "lat and lng must be within 20 km of your own last location in this pool")
	case StatusRepeat:
		reply, err = w.outcome(ctx, x, id, begun.Outcome)
	case StatusWaiting, StatusSearching:
		if r := begun.Route.Request; r.Wait {
			reply = &protocol.Waiting{ID: id, Request: r.other(id), ExpiresAt: r.Deadline}
			err = w.afterwards(ctx, func(ctx context.Context) error { w.repairRegistration(ctx, x.Member, begun.Route); return nil })
		}
	case StatusOffered:
		f := begun.Route.offered(id, protocol.RoleMatcher)
		f.Request = begun.Route.Request.other(id)
		reply = f
	case StatusActive:
		reply, err = w.matchedReply(ctx, x, id, begun.Route.Match)
	case StatusClaimed:
		if begun.Claim.Confirmed {
			reply, err = w.matchedReply(ctx, x, id, begun.Claim.Match)
			break
		}
		// Once the claim is confirmed, the cache remembers the match for this id. The
		// reply must wait for that: otherwise a repeat could have another outcome.
		r, p, failure := w.current(ctx, x, false)
		if retry, err = p != nil, failure; retry || err != nil || !begun.Claim.Offer || begun.Claim.Accepted {
			break
		}
		// An offer may stand for minutes: nobody waits for that.
		if o, failure := w.offerOf(ctx, x.Member, r); o == nil || failure != nil {
			err = failure
		} else if r.Route != nil && r.Route.Request.Wait {
			reply = &protocol.Waiting{ID: id, Request: r.Route.Request.other(id), ExpiresAt: r.Route.Request.Deadline}
		} else {
			err = fault(Conflict, "a match is offered to you: accept or decline it first")
		}
	}
	return reply, retry, err
}

// outcome replies with the outcome of an earlier request of the same id. It returns nil if
// that request is not decided yet.
func (w *work) outcome(ctx context.Context, x Session, id string, o Outcome) (protocol.Frame, error) {
	switch o.Kind {
	case "matched":
		// If the match has ended meanwhile, the next begin returns that outcome.
		return w.matchedReply(ctx, x, id, o.Match)
	case "ended":
		return &protocol.Ended{ID: id, Match: o.Match, Reason: o.Reason}, nil
	case "cancelled":
		return &protocol.Ended{ID: id, Reason: protocol.ReasonCancelled}, nil
	case "no_match":
		return &protocol.NoMatch{ID: id, Radius: o.Radius}, nil
	}
	return nil, nil
}

// matchedReply replies with the match that the caller is in, if that is still this one.
func (w *work) matchedReply(ctx context.Context, x Session, id, match string) (protocol.Frame, error) {
	r, p, err := w.current(ctx, x, false)
	if p == nil || match != p.match {
		return nil, err
	}
	reply := w.matchedFrame(id, p)
	if p.role == protocol.RoleMatcher {
		reply.Request = r.Route.Request.other(id)
	}
	return reply, nil
}

func (w *work) matchedFrame(id string, p *pair) *protocol.Matched {
	return &protocol.Matched{ID: id, Match: p.match, Role: p.role, Peer: p.peer, Report: p.advice().Report(w.Pools.For(p.matcher.Pool), 0)}
}

// other returns the id of the request if it is not this one.
func (r Request) other(id string) string {
	if r.ID == id {
		return ""
	}
	return r.ID
}

// Cancel cancels the caller's request, or only the one that the message names, and replies with
// Ended. A repeat of the message has the same reply and does nothing. The error is the fault
// Conflict if the request was matched, and NotFound if there is none.
func (s *Service) Cancel(ctx context.Context, x Session, q *protocol.Cancel) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := inSession(ctx, w, x, func(x Session) (Cancelled, error) { return w.Store.Cancel(ctx, x, q.ID, q.Request) })
		switch {
		case err != nil:
			return nil, err
		case r.Status == StatusActive:
			_ = w.afterwards(ctx, func(ctx context.Context) error {
				_, err := w.repair(ctx, x.Member, Snapshot{Claim: r.Claim, Route: r.Route})
				return err
			})
			return nil, fault(Conflict, "the request has led to a match: end that")
		case r.Status != StatusCancelled:
			return nil, fault(NotFound, "there is no request under way")
		}
		err = w.afterwards(ctx, func(ctx context.Context) error {
			if r.Request.Created != 0 {
				w.countOutcome(OutcomeCancelled)
				w.withdraw(ctx, WaitingRequest{Owner: x.Member, Request: *r.Request})
			}
			err := w.apply(ctx, x.Member, r.Changes)
			if r.Offered != nil {
				err = errors.Join(err, w.release(ctx, x.Member, r.Offered.Match, r.Offered.Matchee, protocol.ReasonCancelled, ""))
			}
			return err
		})
		return &protocol.Ended{ID: cmp.Or(q.ID, r.Request.ID), Reason: protocol.ReasonCancelled}, err
	})
}
