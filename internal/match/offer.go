package match

import (
	"cmp"
	"context"

	"waggle/internal/protocol"
)

// This file offers a match to its matchee before it exists. The offer is a state of the matcher's
// route, so any process can go on from it. The matchee is claimed as long as it stands.

// bands are the distances that members are told before they have agreed, metres.
var bands = []float64{50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000}

// band returns the smallest band that has the distance.
func band(distance float64) float64 {
	for _, b := range bands {
		if distance <= b {
			return b
		}
	}
	return bands[len(bands)-1]
}

// An offer is one that was just made, and what its members are to be notified of.
type offer struct {
	matcher, matchee Member
	claimed          Claimed
	made             OfferMade
}

// offer offers the match to a claimed candidate.
func (w *work) offer(ctx context.Context, owner Member, id string, c Candidate, claimed Claimed) (attempted, error) {
	made, err := w.Store.Offer(ctx, owner, id, c.Member, band(c.Distance))
	if err != nil {
		// If the repeat fails too, the next process that finds either half goes on from it.
		if made, err = w.Store.Offer(ctx, owner, id, c.Member, band(c.Distance)); err != nil {
			return attempted{outcome: over}, err
		}
	}
	switch made.Status {
	case StatusActive:
		return attempted{outcome: over}, nil
	case StatusRefused:
		return attempted{outcome: over}, w.release(ctx, owner, id, c.Member, protocol.ReasonLost, "")
	}
	w.matched[owner], w.matched[c.Member] = true, true
	w.countOutcome(OutcomeOffered)
	return attempted{outcome: matched, offer: &offer{owner, c.Member, claimed, made}}, nil
}

// announceOffer notifies both members of their offer. nil is no offer. The matchee stays listed: a
// search that meets it repairs a claim that was left.
func (w *work) announceOffer(ctx context.Context, o *offer) {
	if o == nil {
		return
	}
	route := o.made.Route
	mark := NoticeOffered.Mark(route.Match)
	var jobs []func(context.Context)
	if o.made.Tell {
		jobs = append(jobs, w.notice(o.matcher, o.made.Connection, route.offered(route.Request.ID, protocol.RoleMatcher), mark))
	}
	if o.claimed.Tell {
		jobs = append(jobs, w.notice(o.matchee, o.claimed.Connection, route.offered("", protocol.RoleMatchee), mark))
	}
	w.concurrently(ctx, jobs...)
	w.remind(ctx, route.Until, o.matcher, o.matchee)
}

// offered is the frame of an offer that stands.
func (r Route) offered(id, role string) *protocol.Offered {
	return &protocol.Offered{ID: id, Match: r.Match, Role: role, ExpiresAt: r.Until, Distance: r.Distance}
}

// offerOf returns the offer that stands for the member in either role, or nil.
func (w *work) offerOf(ctx context.Context, m Member, r Snapshot) (*protocol.Offered, error) {
	if r.Route != nil && r.Route.State == Offered {
		return r.Route.offered(r.Route.Request.ID, protocol.RoleMatcher), nil
	}
	if r.Claim == nil || !r.Claim.Offer || r.Claim.Confirmed {
		return nil, nil
	}
	other, err := w.Store.Read(ctx, r.Claim.Matcher, nil, false)
	if err != nil || other.Route == nil || other.Route.State != Offered || other.Route.Match != r.Claim.Match {
		return nil, err
	}
	return other.Route.offered("", protocol.RoleMatchee), nil
}

// Accept accepts the match that is offered to the caller. It replies with Matched, or with Ended if
// the offer has ended by now. The error is the fault NotFound if there never was such an offer.
func (s *Service) Accept(ctx context.Context, x Session, q *protocol.Accept) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := inSession(ctx, w, x, func(x Session) (Snapshot, error) { return w.Store.Accept(ctx, x, q.Match) })
		if err == nil {
			err = w.repairEnd(ctx, x.Member, r.Route)
		}
		if err != nil {
			return nil, err
		}
		switch r.Status {
		case StatusYours:
			agreed, err := w.agree(ctx, r.Claim.Matcher, q.Match, x.Member)
			if err != nil {
				return nil, err
			}
			if agreed {
				w.countOutcome(OutcomeMatched)
			}
			if w.answersOf(q.ID, q.Match) {
				return nil, nil
			}
			return w.offerAnswer(ctx, x, q.ID, q.Match)
		case StatusActive:
			return w.offerAnswer(ctx, x, q.ID, q.Match)
		}
		return w.endedOffer(r, q.ID, q.Match)
	})
}

// Decline declines the match that is offered to the caller, and replies with Ended. The request goes
// on without the caller. The error is the fault Conflict if the caller has accepted, and NotFound if
// there never was such an offer.
func (s *Service) Decline(ctx context.Context, x Session, q *protocol.Decline) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := w.read(ctx, x, false)
		if err != nil {
			return nil, err
		}
		c := r.Claim
		if c == nil || c.Match != q.Match || !c.Offer {
			return w.endedOffer(r, q.ID, q.Match)
		}
		reason, err := w.decline(ctx, *c, x.Member)
		if err != nil {
			return nil, err
		}
		if w.answersOf(q.ID, q.Match) {
			return nil, nil
		}
		return &protocol.Ended{ID: q.ID, Match: q.Match, Reason: reason}, nil
	})
}

// decline declines an offer for its matchee. It returns why the offer has ended, or the fault Conflict
// if it was accepted.
func (w *work) decline(ctx context.Context, c Claim, matchee Member) (reason string, err error) {
	declined, err := w.Store.Decline(ctx, c.Matcher, c.Match, matchee)
	if err != nil {
		return "", err
	}
	if declined.Status == StatusActive {
		return "", fault(Conflict, "you have accepted this match: end it")
	}
	reason = protocol.ReasonDeclined
	if declined.Status != StatusOK {
		reason = cmp.Or(declined.Reason, protocol.ReasonLost)
	}
	if err := w.release(ctx, c.Matcher, c.Match, matchee, reason, ""); err != nil {
		return "", err
	}
	w.goOn(ctx, c.Matcher, c.Match, declined)
	return reason, nil
}

// goOn tells the matcher that an offer was declined, and plans the next attempt for its request.
func (w *work) goOn(ctx context.Context, matcher Member, match string, declined Declined) {
	if declined.Status != StatusOK {
		return
	}
	if declined.Tell {
		w.concurrently(ctx, w.notice(matcher, declined.Connection,
			&protocol.Ended{Match: match, Reason: protocol.ReasonDeclined}, NoticeEnded.Mark(match)))
	}
	w.plan(pending{owner: matcher, goesOn: true})
}

// answersOf gives the id of the caller's message to the replies about the match. It returns false if
// there is none.
func (w *work) answersOf(id, match string) (any bool) {
	for _, r := range w.replies {
		switch f := r.frame.(type) {
		case *protocol.Matched:
			if f.Match == match {
				f.ID, any = cmp.Or(id, f.ID), true
			}
		case *protocol.Ended:
			if f.Match == match {
				f.ID, any = cmp.Or(id, f.ID), true
			}
		}
	}
	return any
}

// offerAnswer replies with what an offer that was accepted has become.
func (w *work) offerAnswer(ctx context.Context, x Session, id, match string) (protocol.Frame, error) {
	r, p, err := w.current(ctx, x, false)
	if err != nil {
		return nil, err
	}
	if p != nil && p.match == match {
		return w.matchedFrame(id, p), nil
	}
	return w.endedOffer(r, id, match)
}

// endedOffer replies with why an offer has ended.
func (w *work) endedOffer(r Snapshot, id, match string) (protocol.Frame, error) {
	for _, e := range r.Ends {
		if e.Match == match && r.Now-e.At < EndRemembered.Milliseconds() {
			return &protocol.Ended{ID: id, Match: match, Reason: e.Reason}, nil
		}
	}
	return nil, fault(NotFound, "there is no such offer to you, or it ended more than 60 s ago")
}

// repairOffer goes on from an offer on the matcher's route, if the matchee has accepted, or is not
// claimed any more.
func (w *work) repairOffer(ctx context.Context, matcher Member, r Route, c *Claim) error {
	if c == nil || c.Match != r.Match || c.Matcher != matcher {
		declined, err := w.Store.Decline(ctx, matcher, r.Match, r.Matchee)
		if err == nil {
			w.goOn(ctx, matcher, r.Match, declined)
		}
		return err
	}
	if c.Accepted {
		_, err := w.complete(ctx, matcher, r.Match, r.Matchee)
		return err
	}
	return nil
}
