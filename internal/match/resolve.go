package match

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// A pair is a match as one of its members sees it.
type pair struct {
	match            string
	matcher, matchee Member
	role             string
	peer             protocol.Peer
	position         Position // of the peer
}

func (p *pair) advice() Advice {
	if p.role == protocol.RoleMatchee {
		return Watched
	}
	return Watching
}

func (p *pair) location(id string) *protocol.LocationFrame {
	return &protocol.LocationFrame{ID: id, Match: p.match, Lat: p.position.Lat, Lng: p.position.Lng, At: p.position.At,
		Seq: p.position.Seq, Motion: protocol.Motion{Accuracy: p.position.Accuracy, Heading: p.position.Heading, Speed: p.position.Speed}}
}

// standing reads how things stand with a session, and resolves it.
func (s *Service) standing(ctx context.Context, x Session, again bool) (Answer, *pair, error) {
	a, err := s.read(ctx, x, again)
	if err != nil {
		return a, nil, err
	}
	p, err := s.resolve(ctx, x.Member, a)
	if p == nil {
		return a, nil, err
	}
	// The peer's record was read; the route decides whether it may still be shown. A
	// slow answer says nothing of now.
	for range slowAnswers {
		before := s.Now()
		still, err := s.Store.Watch(ctx, p.matcher, p.match, p.matchee)
		if err != nil || still.Status != StatusActive {
			return a, nil, err
		}
		if s.Now().Sub(before) <= maxBehind {
			return a, p, nil
		}
	}
	return a, nil, fmt.Errorf("read a match: %w: it answers too slowly", ErrUnavailable)
}

// slowAnswers are how many in a row are taken before the cache counts as unavailable.
const slowAnswers = 3

// resolve says which match a member is in, given what its record and route say,
// having finished what was left half done: it reads the other half, and confirms,
// releases or ends by that. nil: the member is in none, or it is not decided yet.
func (s *Service) resolve(ctx context.Context, m Member, a Answer) (*pair, error) {
	if a.Claim != nil {
		p, err := s.resolveClaim(ctx, m, *a.Claim, a.Position)
		if p != nil || err != nil {
			return p, err
		}
	}
	if a.Route == nil || a.Route.State != Active {
		return nil, nil
	}
	matchee, id := a.Route.Matchee, a.Route.Match
	other, err := s.Store.Read(ctx, matchee, nil, false)
	if err != nil {
		return nil, err
	}
	if other.Claim == nil || other.Claim.Match != id || other.Claim.Matcher != m || other.Position == nil {
		return nil, s.finish(ctx, m, id, matchee, protocol.ReasonLost, nil, "")
	}
	if other.Claim.unfinished(a.Route.Told, other.Now) {
		if ok, err := s.complete(ctx, m, id, matchee); !ok {
			return nil, err
		}
	}
	return &pair{match: id, matcher: m, matchee: matchee, role: protocol.RoleMatcher, position: *other.Position,
		peer: peer(*other.Position, a.Route.Request.Point, other.Card)}, nil
}

// resolveClaim does the same from the matchee's half; own is where it is, if known.
func (s *Service) resolveClaim(ctx context.Context, m Member, c Claim, own *Position) (*pair, error) {
	other, err := s.Store.Read(ctx, c.Matcher, nil, false)
	if err != nil {
		return nil, err
	}
	r := other.Route
	switch {
	case r != nil && r.Match == c.Match && r.State == Searching:
		return nil, nil // it will be decided
	case r != nil && r.Match == c.Match && r.State == Active && r.Matchee == m:
		if c.unfinished(r.Told, other.Now) {
			if ok, err := s.complete(ctx, c.Matcher, c.Match, m); !ok {
				return nil, err
			}
		}
		at := fixed(r.Request)
		p := &pair{match: c.Match, matcher: c.Matcher, matchee: m, role: protocol.RoleMatchee, position: at}
		from := at.Point
		if own != nil {
			from = own.Point
		}
		p.peer = peer(at, from, other.Card)
		return p, nil
	}
	if r != nil && r.Match == c.Match && r.Matchee == m && r.State == Ended && !r.Told {
		return nil, s.free(ctx, c.Matcher, r)
	}
	reason := protocol.ReasonLost
	for _, p := range other.Past {
		if p.Match == c.Match {
			reason = p.Reason
		}
	}
	return nil, s.release(ctx, c.Matcher, c.Match, m, reason)
}

// unfinished tells whether somebody has to carry the match of this claim on: it
// is not confirmed, or so old that the process that was to tell both must be gone.
func (c Claim) unfinished(told bool, now int64) bool {
	return !c.Confirmed || (!told && now-c.At > undecided.Milliseconds())
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

// complete carries a committed match to its end: confirm, then tell both. It may
// be repeated by anyone; false: the match is no more.
func (s *Service) complete(ctx context.Context, matcher Member, id string, matchee Member) (bool, error) {
	committed, err := s.Store.Commit(ctx, matcher, id, matchee)
	if err != nil {
		return false, err
	}
	if committed.Status != StatusYours {
		return false, s.release(ctx, matcher, id, matchee, protocol.ReasonLost)
	}
	return s.confirm(ctx, matcher, id, matchee, committed)
}

// confirm makes the claim final and then tells both. Nothing is told unless the
// claim was still there, nor by a process that was held up.
func (s *Service) confirm(ctx context.Context, matcher Member, id string, matchee Member, committed Answer) (bool, error) {
	before := s.Now()
	confirmed, err := s.Store.Confirm(ctx, matcher, id, matchee)
	if err != nil {
		return false, err
	}
	if confirmed.Status != StatusYours || confirmed.Position == nil || committed.Request == nil {
		return false, nil
	}
	request, settings := *committed.Request, s.Pools.For(matcher.Pool)
	own := ""
	if confirmed.Request != nil {
		own = confirmed.Request.ID
	}
	jobs := []func(){
		func() { s.lost(ctx, "unlist the matcher", s.unlist(ctx, matcher, committed.Changes)) },
		func() { s.lost(ctx, "unlist the matchee", s.unlist(ctx, matchee, confirmed.Changes)) },
		func() { s.withdraw(ctx, Waiter{Owner: matcher, Request: request}) },
	}
	if confirmed.Request != nil {
		jobs = append(jobs, func() { s.withdraw(ctx, Waiter{Owner: matchee, Request: *confirmed.Request}) })
	}
	prompt := s.Now().Sub(before) <= maxBehind
	if prompt {
		at := fixed(request)
		jobs = append(jobs, func() {
			s.tell(ctx, matcher, committed.Connection, &protocol.Matched{ID: request.ID, Match: id, Role: protocol.RoleMatcher,
				Peer: peer(*confirmed.Position, request.Point, confirmed.Card), Report: Watching.Report(settings)})
		}, func() {
			s.tell(ctx, matchee, confirmed.Connection, &protocol.Matched{ID: own, Match: id, Role: protocol.RoleMatchee,
				Peer: peer(at, confirmed.Position.Point, committed.Card), Report: Watched.Report(settings)})
		})
	}
	together(jobs...)
	if prompt {
		s.lost(ctx, "note that both were told", s.Store.Told(ctx, matcher, id, Active))
	}
	return true, nil
}

// unlist applies changes that list nobody.
func (s *Service) unlist(ctx context.Context, m Member, changes []Change) error {
	_, err := s.Store.Apply(ctx, m, changes)
	return err
}

// withdraw takes a request that is over out of the cells it waits in. What is
// left there would expire, and is refused until then.
func (s *Service) withdraw(ctx context.Context, w Waiter) {
	if w.Wait {
		s.lost(ctx, "withdraw a request", s.Store.Withdraw(ctx, geo.ShardsWithin(w.Point, w.Radius), w))
	}
}
