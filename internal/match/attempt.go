package match

import (
	"cmp"
	"context"
	"encoding/json"
	"math"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// An outcome of an assignment attempt.
type outcome int

const (
	matched outcome = iota
	nobody          // the search is still the request's own: give it up
	busy            // the same, and somebody there was searching
	over            // the search is not the request's any more
)

// attempted is what an assignment attempt came to.
type attempted struct {
	outcome outcome
	match   *announcement // with matched
	rival   string        // with busy: the smallest id of the searching members it met
}

// attempt searches for a request that is leased under id, and claims, commits and
// confirms the nearest member who can be had. Nobody is notified yet.
func (w *work) attempt(ctx context.Context, owner Member, id string, r Request, home []Hits) (attempted, error) {
	s := newSearch(w.Store, Query{Self: owner, Point: r.Point, Radius: r.Radius, Tags: r.Tags})
	if home != nil {
		s.add([]geo.Cell{geo.ShardCell(r.Point)}, firstWant, home)
	}
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
		switch claimed.Status {
		case StatusYours:
			return w.commit(ctx, owner, id, c.Member)
		case StatusMoved:
			// It reported meanwhile: it goes where it belongs among the others.
			if moves[c.Member]++; moves[c.Member] < maxMoves {
				c.Position = *claimed.Position
				c.Distance = geo.Distance(r.Point, c.Point)
				s.offer(c)
				continue
			}
		case StatusBusy:
			result.outcome, result.rival = busy, min(c.ID, cmp.Or(result.rival, c.ID))
		case StatusClaimed:
			if moves[c.Member] == 0 && !claimed.Claim.Confirmed && claimed.Claim.olderThan(abandoned, claimed.Now) {
				moves[c.Member]++
				if _, err := w.repairClaim(ctx, c.Member, *claimed.Claim, nil); err != nil {
					return result, err
				}
				s.offer(c)
				continue
			}
		}
		s.exclude(c.Member)
	}
	return result, nil
}

// claim takes a candidate. If the answer is lost the claim may stand or not: it is
// repeated, which is harmless, or else undone.
func (w *work) claim(ctx context.Context, owner Member, id string, r Request, c Candidate) (Claimed, error) {
	claimed, err := w.Store.Claim(ctx, owner, id, r.Tags, c)
	if err == nil {
		return claimed, nil
	}
	if claimed, again := w.Store.Claim(ctx, owner, id, r.Tags, c); again == nil {
		return claimed, nil
	}
	w.logFailure(ctx, "undo a claim", w.release(ctx, owner, id, c.Member, protocol.ReasonLost))
	return claimed, err
}

// commit makes a claimed candidate the match.
func (w *work) commit(ctx context.Context, owner Member, id string, matchee Member) (attempted, error) {
	committed, err := w.Store.Commit(ctx, owner, id, matchee)
	if err != nil {
		// It may be committed: whoever meets either half repairs it.
		if committed, err = w.Store.Commit(ctx, owner, id, matchee); err != nil {
			return attempted{outcome: over}, err
		}
	}
	if committed.Status != StatusYours {
		return attempted{outcome: over}, w.release(ctx, owner, id, matchee, protocol.ReasonLost)
	}
	a, err := w.confirm(ctx, owner, id, matchee, committed)
	if err != nil {
		return attempted{outcome: over}, err
	}
	w.matched[owner], w.matched[matchee] = true, true
	return attempted{outcome: matched, match: a}, nil
}

// An announcement is a match that was just confirmed, with what its members are to be
// notified of.
type announcement struct {
	match            string
	matcher, matchee Member
	committed        Committed
	confirmed        Confirmed
	// prompt says that the process was not held up: else by now the match may have ended.
	prompt bool
}

// confirm makes the claim final. nil: the claim is not there any more.
func (w *work) confirm(ctx context.Context, matcher Member, id string, matchee Member, committed Committed) (*announcement, error) {
	before := w.Now()
	confirmed, err := w.Store.Confirm(ctx, matcher, id, matchee)
	if err != nil || confirmed.Status != StatusYours || confirmed.Position == nil || committed.Request == nil {
		return nil, err
	}
	return &announcement{match: id, matcher: matcher, matchee: matchee, committed: committed, confirmed: confirmed,
		prompt: w.Now().Sub(before) <= slow}, nil
}

// announce notifies both sides of their match, and takes them and their requests out
// of the index. nil is no match.
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
	own := ""
	if a.confirmed.Request != nil {
		own = a.confirmed.Request.ID
		jobs = append(jobs, func(ctx context.Context) {
			w.withdraw(ctx, WaitingRequest{Owner: a.matchee, Request: *a.confirmed.Request})
		})
	}
	if !a.prompt {
		w.beside(ctx, jobs...)
		return
	}
	settings := w.Pools.For(a.matcher.Pool)
	w.beside(ctx, append(jobs,
		w.notice(a.matcher, a.committed.Connection, &protocol.Matched{ID: request.ID, Match: a.match, Role: protocol.RoleMatcher,
			Peer: peer(*a.confirmed.Position, request.Point, a.confirmed.Card), Report: Watching.Report(settings)}),
		w.notice(a.matchee, a.confirmed.Connection, &protocol.Matched{ID: own, Match: a.match, Role: protocol.RoleMatchee,
			Peer: peer(fixed(request), a.confirmed.Position.Point, a.committed.Card), Report: Watched.Report(settings)}),
	)...)
	_ = w.afterwards(ctx, func(ctx context.Context) error {
		w.logFailure(ctx, "note that both were notified", w.Store.Notified(ctx, a.matcher, a.match, Active))
		return nil
	})
}

// fixed is all that a matchee learns of where its matcher is: the request's point.
func fixed(r Request) Position {
	return Position{Point: r.Point, At: r.Created}
}

// peer describes a position to the other side, with the distance to a tenth of
// a metre.
func peer(p Position, from geo.Point, card string) protocol.Peer {
	return protocol.Peer{Lat: p.Lat, Lng: p.Lng, At: p.At, Distance: math.Round(geo.Distance(from, p.Point)*10) / 10,
		Card: json.RawMessage(card)}
}
