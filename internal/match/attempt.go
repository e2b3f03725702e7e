package match

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// An outcome of an assignment attempt.
type outcome int

const (
	matched outcome = iota // or offered
	nobody                 // no candidate could be claimed: the attempt must give up
	busy                   // the same, and a candidate was searching itself
	over                   // the request has ended, or another attempt has its lease
)

// attempted is the result of an assignment attempt.
type attempted struct {
	outcome outcome
	match   *announcement // with matched, unless it is offered
	offer   *offer        // with matched: it is offered
	rival   string        // with busy: the smallest id of the candidates that were searching
	refused Status        // with nobody and busy: of the last claim
}

// candidates are those whom an attempt tries to claim, one after the other.
type candidates interface {
	nearest(context.Context) (Candidate, bool, error)
	enqueue(Candidate) // once more
	exclude(Member)
}

// named is the one candidate whom a back end has chosen.
type named struct{ one *Candidate }

func (n *named) nearest(context.Context) (c Candidate, ok bool, err error) {
	if n.one != nil {
		c, ok, n.one = *n.one, true, nil
	}
	return c, ok, nil
}

func (n *named) enqueue(c Candidate) { n.one = &c }
func (n *named) exclude(Member)      {}

// attempt searches for a request that is leased under id, and claims, commits and confirms
// the nearest member who can be claimed. One with whom the owner has a cool-down comes last.
// attempt notifies nobody.
func (w *work) attempt(ctx context.Context, owner Member, id string, r Request) (attempted, error) {
	s := newSearch(w.Store, Query{Self: owner, Point: r.Point, Radius: r.Radius, Tags: r.Tags, Apart: r.Apart})
	for _, m := range r.Declined {
		s.exclude(m)
	}
	result, err := w.attemptAmong(ctx, owner, id, r, s)
	w.count(func(f *Figures) { f.Searches = append(f.Searches, Searched{len(s.cells), s.returned}) })
	return result, err
}

func (w *work) attemptAmong(ctx context.Context, owner Member, id string, r Request, s candidates) (attempted, error) {
	result := attempted{outcome: nobody}
	moves := make(map[Member]int)
	for range maxClaims {
		c, ok, err := s.nearest(ctx)
		if err != nil || !ok {
			return result, err
		}
		claimed, err := w.claim(ctx, owner, id, r, c)
		if err != nil {
			return result, err
		}
		result.refused = claimed.Status
		if claimed.Status != StatusYours {
			w.count(func(f *Figures) { f.Refused = plusOne(f.Refused, claimed.Status) })
		}
		switch claimed.Status {
		case StatusYours:
			if r.Confirm > 0 {
				return w.offer(ctx, owner, id, c, claimed)
			}
			return w.commit(ctx, owner, id, c)
		case StatusMoved:
			// A newer report has moved it: it is sorted in anew.
			if moves[c.Member]++; moves[c.Member] < maxMoves {
				c.Position = *claimed.Position
				c.Distance = geo.Distance(r.Point, c.Point)
				s.enqueue(c)
				continue
			}
		case StatusBusy:
			result.outcome, result.rival = busy, min(c.ID, cmp.Or(result.rival, c.ID))
		case StatusClaimed:
			if moves[c.Member] == 0 && !claimed.Claim.Confirmed && claimed.Claim.olderThan(abandoned, claimed.Now) {
				moves[c.Member]++
				if _, err := w.repairClaim(ctx, c.Member, *claimed.Claim, nil, Presence{}); err != nil {
					return result, err
				}
				s.enqueue(c)
				continue
			}
		}
		s.exclude(c.Member)
	}
	return result, nil
}

// claim claims a candidate. After an error the claim may have been made or not: it is
// repeated, which is harmless. If that fails too, it is undone, unless it was not done.
func (w *work) claim(ctx context.Context, owner Member, id string, r Request, c Candidate) (Claimed, error) {
	claimed, err := w.Store.Claim(ctx, owner, id, r.Tags, c, r.Confirm > 0)
	if err == nil || errors.Is(err, ErrNotDone) {
		return claimed, err
	}
	if claimed, err := w.Store.Claim(ctx, owner, id, r.Tags, c, r.Confirm > 0); err == nil {
		return claimed, nil
	}
	w.logFailure(ctx, "undo a claim", w.release(ctx, owner, id, c.Member, protocol.ReasonLost, ""))
	return claimed, err
}

// commit makes the match with a claimed candidate, and confirms the claim.
func (w *work) commit(ctx context.Context, owner Member, id string, c Candidate) (attempted, error) {
	matchee := c.Member
	committed, err := w.Store.Commit(ctx, owner, id, matchee, band(c.Distance))
	if err != nil {
		// If the repeat fails too, the next process that finds either half repairs the match.
		if committed, err = w.Store.Commit(ctx, owner, id, matchee, band(c.Distance)); err != nil {
			return attempted{outcome: over}, err
		}
	}
	if committed.Status != StatusYours {
		return attempted{outcome: over}, w.release(ctx, owner, id, matchee, protocol.ReasonLost, "")
	}
	a, err := w.confirm(ctx, owner, id, matchee, committed)
	if err != nil {
		return attempted{outcome: over}, err
	}
	w.matched[owner], w.matched[matchee] = true, true
	w.countOutcome(OutcomeMatched)
	return attempted{outcome: matched, match: a}, nil
}

// tellBoth tells both members of what the attempt came to.
func (w *work) tellBoth(ctx context.Context, result attempted) {
	w.announce(ctx, result.match)
	w.announceOffer(ctx, result.offer)
}

// An announcement is a match that was just confirmed, and what its members are to be
// notified of.
type announcement struct {
	match            string
	matcher, matchee Member
	committed        Committed
	confirmed        Confirmed
	// prompt is false if the confirm took so long that the match may have ended by now.
	prompt bool
}

// confirm makes the claim final. It returns nil if there is no such claim.
func (w *work) confirm(ctx context.Context, matcher Member, id string, matchee Member, committed Committed) (*announcement, error) {
	before := w.Now()
	confirmed, err := w.Store.Confirm(ctx, matcher, id, matchee)
	if err != nil || confirmed.Status != StatusYours || confirmed.Position == nil || committed.Request == nil {
		return nil, err
	}
	return &announcement{match: id, matcher: matcher, matchee: matchee, committed: committed, confirmed: confirmed,
		prompt: w.Now().Sub(before) <= slow}, nil
}

// announce notifies both members of their match, and takes them and their requests out of
// the index. nil is no match.
func (w *work) announce(ctx context.Context, a *announcement) {
	if a == nil {
		return
	}
	request := *a.committed.Request
	jobs := []func(context.Context){
		func(ctx context.Context) {
			w.logFailure(ctx, "unlist the matcher", w.unlist(ctx, a.matcher, a.committed.Changes))
		},
		func(ctx context.Context) {
			w.logFailure(ctx, "unlist the matchee", w.unlist(ctx, a.matchee, a.confirmed.Changes))
		},
		func(ctx context.Context) { w.withdraw(ctx, WaitingRequest{Owner: a.matcher, Request: request}) },
	}
	matcheeRequest := ""
	if a.confirmed.Request != nil {
		matcheeRequest = a.confirmed.Request.ID
		jobs = append(jobs, func(ctx context.Context) {
			w.withdraw(ctx, WaitingRequest{Owner: a.matchee, Request: *a.confirmed.Request})
		})
	}
	if !a.prompt {
		w.concurrently(ctx, jobs...)
		return
	}
	settings, mark := w.Pools.For(a.matcher.Pool), NoticeMatched.Mark(a.match)
	if a.committed.Tell {
		jobs = append(jobs, w.notice(a.matcher, a.committed.Connection, &protocol.Matched{ID: request.ID, Match: a.match, Role: protocol.RoleMatcher,
			Peer: peer(*a.confirmed.Position, request.Point, a.confirmed.Card), Report: matcherAdvice(request.Share).Report(settings, 0)}, mark))
	}
	if a.confirmed.Tell {
		jobs = append(jobs, w.notice(a.matchee, a.confirmed.Connection, &protocol.Matched{ID: matcheeRequest, Match: a.match, Role: protocol.RoleMatchee,
			Peer: peer(requestPosition(request), a.confirmed.Position.Point, a.committed.Card), Report: Watched.Report(settings, 0)}, mark))
	}
	w.concurrently(ctx, jobs...)
	w.remind(ctx, w.Now().Add(settings.Grace/2).UnixMilli(), a.matcher, a.matchee)
}

// requestPosition is the position of a matcher that does not share its moves: the request's point,
// never a report.
func requestPosition(r Request) Position {
	return Position{Point: r.Point, At: r.Created}
}

// peer describes a member at p to its peer, with the distance rounded to a tenth of a metre.
func peer(p Position, from geo.Point, card string) protocol.Peer {
	return protocol.Peer{Lat: p.Lat, Lng: p.Lng, At: p.At, Distance: math.Round(geo.Distance(from, p.Point)*10) / 10,
		Card: json.RawMessage(card)}
}
