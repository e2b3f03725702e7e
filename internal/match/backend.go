package match

import (
	"context"
	"strings"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// This file has what only a back end may do. A back end is no session: see Session.

// MemberState replies with a MemberState: what the cache knows of a member, and with position where
// it is. It repairs the member's match as Hello does. The error is the fault NotFound if nothing
// is known.
func (s *Service) MemberState(ctx context.Context, m Member, position bool) (Result, error) {
	return s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		r, p, err := w.describe(ctx, m)
		if err != nil {
			return nil, err
		}
		if r.Status == StatusAbsent {
			return nil, fault(NotFound, "nothing is known of this member: it was never here, or it left hours ago")
		}
		state := &protocol.MemberState{Pool: m.Pool, Member: m.ID, Now: r.Now, Connected: connected(r.Connection),
			ConnectedAt: r.ConnectedAt, HeardAt: r.Heard, Available: r.Available == "1", Tags: strings.Fields(r.Tags), Fresh: r.Fresh,
			CoolDowns: r.CoolDowns, Unlisted: unlisted(r.Unlisted, r.Now, nil)}
		if position && r.Position != nil {
			state.Location = &protocol.MemberLocation{Lat: r.Position.Lat, Lng: r.Position.Lng, At: r.Position.At}
		}
		if p != nil {
			state.Match = &protocol.MemberMatch{Match: p.match, Role: p.role, Peer: p.other().ID, Since: p.since}
		} else if q := r.Route; q != nil && (q.State == Waiting || q.State == Searching) {
			state.Request = &protocol.MemberRequest{ID: q.Request.ID, Radius: q.Request.Radius, Wait: q.Request.Wait,
				CreatedAt: q.Request.Created, ExpiresAt: q.Request.Deadline}
		}
		return state, nil
	})
}

// Create matches two members by the steps of a Match whose search finds only the matchee. at is the
// point that the matchee is shown, nil for the matcher's own position. The members' tags, roles to
// ask, radius and cool-downs do not matter, and nothing is taken from the matcher's rate of requests.
// Create replies with a MatchState. The error is the fault Invalid, or Conflict if one of them is not
// free, or the matchee is not available.
func (s *Service) Create(ctx context.Context, matcher, matchee Member, at *geo.Point) (Result, error) {
	if matcher == matchee {
		return Result{}, fault(Invalid, "matcher and matchee must be two members")
	}
	return s.serve(ctx, Session{Member: matcher}, func(w *work) (protocol.Frame, error) {
		var other Description
		for _, m := range []Member{matcher, matchee} { // what was left half done may bind them no more
			r, p, err := w.describe(ctx, m)
			if err != nil {
				return nil, err
			}
			if p != nil {
				return nil, fault(Conflict, "the "+roleIn(m, matcher)+" is in a match already")
			}
			other = r
		}
		if other.Position == nil {
			return nil, notAvailable()
		}
		begun, id, err := w.begin(ctx, Session{Member: matcher}, NewRequest{Point: at, Radius: s.Pools.For(matcher.Pool).MaxRadius, Open: patience})
		if err == nil && begun.Status != StatusOK {
			err = notOpened(begun)
		}
		if err != nil {
			return nil, err
		}
		err = w.opened(ctx, matcher, begun, func() error {
			c := Candidate{Member: matchee, Position: *other.Position}
			result, err := w.attemptAmong(ctx, matcher, id, *begun.Request, &named{&c})
			w.announce(ctx, result.match)
			if err == nil && result.outcome != matched {
				err = notClaimed(result)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return &protocol.MatchState{Pool: matcher.Pool, Match: id, State: string(Active), Matcher: matcher.ID, Matchee: matchee.ID}, nil
	})
}

func roleIn(m, matcher Member) string {
	if m == matcher {
		return protocol.RoleMatcher
	}
	return protocol.RoleMatchee
}

func notAvailable() error {
	return fault(Conflict, "the matchee is not available: it must be connected, available and in the role matchee, with a fresh location")
}

func passing(text string) error { return &Fault{Kind: Conflict, Text: text, Retryable: true} }

// notOpened is why begin has opened no request for a back end.
func notOpened(begun Begun) error {
	switch {
	case begun.Status == StatusAbsent:
		return fault(Conflict, "the matcher is not connected")
	case begun.Status == StatusNoLocation:
		return fault(Conflict, "the matcher has no fresh location: give lat and lng")
	case begun.Status == StatusActive || begun.Status == StatusClaimed && begun.Claim.Confirmed:
		return fault(Conflict, "the matcher is in a match already")
	case begun.Status == StatusWaiting:
		return fault(Conflict, "the matcher has a request of its own, which waits")
	}
	return passing("a request of the matcher is being decided: ask again in a second")
}

// notClaimed is why the matchee that a back end has named could not be claimed.
func notClaimed(a attempted) error {
	switch {
	case a.outcome == over:
		return fault(Conflict, "the matcher has cancelled the match")
	case a.refused == StatusUnavailable:
		return notAvailable()
	case a.refused == StatusTaken:
		return fault(Conflict, "the matchee is in a match already")
	}
	return passing("the matchee is moving, or a request of it is being decided: ask again in a second")
}

// connected reports whether a connection is that of a session that goes on.
func connected(connection string) bool {
	return connection != "" && !strings.HasPrefix(connection, ExpiredMark)
}

// describe returns what is stored of a member, and its match, repaired.
func (w *work) describe(ctx context.Context, m Member) (Description, *pair, error) {
	r, err := w.Store.Describe(ctx, m)
	if err == nil {
		err = w.repairEnd(ctx, m, r.Route)
	}
	if err != nil {
		return r, nil, err
	}
	p, err := w.repair(ctx, m, r.Snapshot)
	return r, p, err
}

// other is the member who is the peer.
func (p *pair) other() Member {
	if p.role == protocol.RoleMatcher {
		return p.matchee
	}
	return p.matcher
}

// MatchState replies with a MatchState: how a match of the member stands, repaired. The error is the
// fault NotFound if the match never was the member's, or ended longer ago than EndRemembered.
func (s *Service) MatchState(ctx context.Context, m Member, id string) (Result, error) {
	return s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		r, p, err := w.describe(ctx, m)
		if p == nil && err == nil && (r.Claim != nil && r.Claim.Match == id || r.Route != nil && r.Route.Match == id) {
			r, p, err = w.describe(ctx, m) // the first look may have ended it
		}
		if err != nil {
			return nil, err
		}
		state := &protocol.MatchState{Pool: m.Pool, Match: id}
		if p != nil && p.match == id {
			state.State, state.Matcher, state.Matchee, state.Since = string(Active), p.matcher.ID, p.matchee.ID, p.since
			return state, nil
		}
		for _, e := range r.Ends {
			if e.Match != id || r.Now-e.At >= EndRemembered.Milliseconds() {
				continue
			}
			state.State, state.Matcher, state.Matchee, state.EndedAt, state.Reason = string(Ended), e.Matcher.ID, m.ID, e.At, e.Reason
			if e.Matcher.ID == "" { // it was the member
				state.Matcher, state.Matchee = m.ID, ""
				if r.Route != nil && r.Route.Match == id {
					state.Matchee = r.Route.Matchee.ID
				}
			}
			return state, nil
		}
		switch {
		case r.Claim != nil && r.Claim.Match == id:
			state.State, state.Matcher, state.Matchee = string(Searching), r.Claim.Matcher.ID, m.ID
			if r.Claim.Offer {
				state.State = string(Offered)
			}
		case r.Route != nil && r.Route.State == Offered && r.Route.Match == id:
			state.State, state.Matcher, state.Matchee = string(Offered), m.ID, r.Route.Matchee.ID
		case r.Route != nil && r.Route.State == Searching && r.Route.Match == id:
			state.State, state.Matcher = string(Searching), m.ID
		default:
			return nil, noMatchOfMember()
		}
		return state, nil
	})
}

// Dismiss ends a member's session: the client gets an error with the reason, "" if none, and its
// connection is closed. The match or the request stays, as after Disconnect. Dismiss replies with
// Disconnected.
func (s *Service) Dismiss(ctx context.Context, m Member, reason string) (Result, error) {
	return s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		r, err := w.Store.Read(ctx, m, nil, false)
		if err != nil {
			return nil, err
		}
		if r.Connection != "" {
			err = w.endByBackEnd(ctx, m, r.Connection, reason)
		}
		return &protocol.Disconnected{Pool: m.Pool, Member: m.ID, Closed: r.Connection != ""}, err
	})
}

func (s *Service) endByBackEnd(ctx context.Context, m Member, connection, reason string) error {
	if connection, expired := strings.CutPrefix(connection, ExpiredMark); expired {
		return s.endSession(ctx, m, connection, expiredFrame())
	}
	text := "the application has ended this session"
	if reason != "" {
		text += ": " + reason
	}
	return s.endSession(ctx, m, connection, protocol.NewError(protocol.CodeUnauthenticated, "", text))
}

// Forget ends a member's match, its request and its session, and erases what is stored of the member.
// The peer is notified. What others still have of it expires: docs/back-end.md says when. Forget replies
// with Forgotten. The error is the fault Conflict, which will pass, if the member is being matched or
// connects again and again.
func (s *Service) Forget(ctx context.Context, m Member) (Result, error) {
	return s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		for range maxForgets {
			r, p, err := w.describe(ctx, m)
			if err == nil && r.Connection != "" {
				err = w.endByBackEnd(ctx, m, r.Connection, "")
			}
			if err == nil && p != nil {
				_, err = w.finish(ctx, p.matcher, p.match, p.matchee, protocol.ReasonCancelled, Member{})
			} else if c := r.Claim; err == nil && c != nil && c.Offer {
				_, err = w.decline(ctx, *c, m)
			} else if q := r.Route; err == nil && q != nil && (q.State == Waiting || q.State == Searching || q.State == Offered) {
				w.withdraw(ctx, WaitingRequest{Owner: m, Request: q.Request})
				var changes []Change
				if changes, err = w.Store.Retract(ctx, m, q.Request.Created); err == nil {
					err = w.unlist(ctx, m, changes)
				}
				if err == nil && q.State == Offered {
					err = w.release(ctx, m, q.Match, q.Matchee, protocol.ReasonCancelled, "")
				}
			}
			if err != nil {
				return nil, err
			}
			if w.Bus != nil {
				w.flush(ctx)
				w.publish(ctx) // what cannot be published now is erased, too
			}
			forgotten, err := w.Store.Forget(ctx, m)
			if err == nil {
				err = w.unlist(ctx, m, forgotten.Changes)
			}
			if err == nil && forgotten.Status == StatusOK {
				return &protocol.Forgotten{Pool: m.Pool, Member: m.ID}, nil
			}
			if err == nil {
				err = w.Sleep(ctx, pause)
			}
			if err != nil {
				return nil, err
			}
		}
		return nil, passing("the member is just being matched, or connects again: ask again in a second")
	})
}

// Counts replies with Counts: how many members are available in each shard cell that the circle
// touches. A count may be CountKept old.
func (s *Service) Counts(ctx context.Context, pool string, at geo.Point, radius float64) (Result, error) {
	return s.serve(ctx, Session{}, func(w *work) (protocol.Frame, error) {
		cells := geo.ShardsWithin(at, radius)
		counts, err := w.Store.Count(ctx, pool, cells, w.Now().UnixMilli())
		if err != nil {
			return nil, err
		}
		answer := &protocol.Counts{Pool: pool, Cells: []protocol.CellCount{}}
		for i, n := range counts {
			if n > 0 {
				answer.Available += n
				answer.Cells = append(answer.Cells, protocol.CellCount{Cell: string(cells[i]), Count: n})
			}
		}
		return answer, nil
	})
}

func noMatchOfMember() error {
	return fault(NotFound, "there is no such match of this member, or it ended more than 60 s ago")
}
