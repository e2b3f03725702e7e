package match

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"waggle/internal/protocol"
)

// This file repairs a match, an end or a registration that another process left half done.
// A matchee's claim and its matcher's route each name the other half.

// A pair is a match as one of its members sees it.
type pair struct {
	match            string
	matcher, matchee Member
	role             string
	peer             protocol.Peer
	position         Position  // of the peer
	since            int64     // when the matchee was claimed, epoch ms
	connection       string    // of the peer
	told             bool      // the peer has been told of the match
	share            bool      // the matchee sees the matcher's moves
	known            PeerState // what the member is to know of the peer
}

func (p *pair) advice() Advice {
	if p.role == protocol.RoleMatchee {
		return Watched
	}
	return matcherAdvice(p.share)
}

// matcherAdvice is the advice for the matcher of a match.
func matcherAdvice(share bool) Advice {
	if share {
		return Watched
	}
	return Watching
}

func (p *pair) location(id string) *protocol.LocationFrame {
	return &protocol.LocationFrame{ID: id, Match: p.match, Lat: p.position.Lat, Lng: p.position.Lng, At: p.position.At,
		Seq: p.position.Seq, Motion: p.position.Motion}
}

// current returns the record of a session's member and the match that the member is in,
// repaired. The match is nil if there is none, or none that is decided yet.
func (w *work) current(ctx context.Context, x Session, anew bool) (Snapshot, *pair, error) {
	r, err := w.read(ctx, x, anew)
	if err != nil {
		return r, nil, err
	}
	p, err := w.repair(ctx, x.Member, r)
	if p == nil {
		return r, nil, err
	}
	// The peer's record was read, but the match may have ended meanwhile: the route decides.
	// A reply that took long may be out of date, too.
	for range maxSlowReads {
		before := w.Now()
		still, err := w.Store.Watch(ctx, p.matcher, p.match, p.matchee)
		if err != nil || still.Status != StatusActive {
			return r, nil, err
		}
		if w.Now().Sub(before) <= slow {
			return r, p, nil
		}
	}
	return r, nil, fmt.Errorf("read a match: %w: it answers too slowly", ErrUnavailable)
}

// repair returns the match that a member is in, by its claim and its route, or nil. It
// reads the other half, and confirms, releases or finishes accordingly.
func (w *work) repair(ctx context.Context, m Member, r Snapshot) (*pair, error) {
	if r.Claim != nil {
		p, err := w.repairClaim(ctx, m, *r.Claim, r.Position, r.Presence)
		if p != nil || err != nil {
			return p, err
		}
	}
	if r.Route == nil || r.Route.State != Active && r.Route.State != Offered {
		return nil, nil
	}
	matchee, id := r.Route.Matchee, r.Route.Match
	other, err := w.readPeer(ctx, matchee, id)
	if err != nil {
		return nil, err
	}
	if r.Route.State == Offered {
		return nil, w.repairOffer(ctx, m, *r.Route, other.Claim)
	}
	if other.Claim == nil || other.Claim.Match != id || other.Claim.Matcher != m || other.Position == nil {
		w.countRepair(RepairUndone)
		_, err := w.finish(ctx, m, id, matchee, protocol.ReasonLost, Member{})
		return nil, err
	}
	if !other.Claim.Confirmed || other.Tell {
		if ok, err := w.complete(ctx, m, id, matchee); !ok {
			return nil, err
		}
	}
	if r.Route.Left || other.Claim.Left {
		return nil, w.leave(ctx, m, id, matchee, leaver(r.Route.Left))
	}
	known := w.settle(ctx, id, m, r.Presence, matchee, other.Presence)
	return &pair{match: id, matcher: m, matchee: matchee, role: protocol.RoleMatcher, position: *other.Position,
		since: other.Claim.At, known: known, connection: other.Connection, told: other.told() && other.Claim.Confirmed, share: r.Route.Request.Share,
		peer: peer(*other.Position, r.Route.Request.Point, other.Card)}, nil
}

// readPeer reads the other half of a match.
func (w *work) readPeer(ctx context.Context, peer Member, match string) (Snapshot, error) {
	if a := w.ahead; a != nil && a.match == match && a.peer == peer {
		w.ahead = nil
		return a.snapshot, nil
	}
	return w.Store.Read(ctx, peer, nil, false)
}

// told says that the member has been told of its match, as far as one read shows.
func (r Snapshot) told() bool { return !r.Tell && !r.Pushing }

// repairClaim does the same for the matchee m, by its claim alone. position is m's, nil if
// not known.
func (w *work) repairClaim(ctx context.Context, m Member, c Claim, position *Position, here Presence) (*pair, error) {
	other, err := w.readPeer(ctx, c.Matcher, c.Match)
	if err != nil {
		return nil, err
	}
	r := other.Route
	switch {
	case r == nil || r.Match != c.Match: // the match has ended
	case r.State == Searching:
		return nil, nil // not decided yet
	case r.State == Offered && r.Matchee == m && !c.Accepted:
		return nil, nil // m has not answered yet
	case r.State == Offered && r.Matchee == m:
		_, err := w.complete(ctx, c.Matcher, c.Match, m)
		return nil, err
	case r.State == Active && r.Matchee == m:
		if !c.Confirmed || other.Tell {
			if ok, err := w.complete(ctx, c.Matcher, c.Match, m); !ok {
				return nil, err
			}
		}
		if r.Left || c.Left {
			return nil, w.leave(ctx, c.Matcher, c.Match, m, leaver(r.Left))
		}
		known := w.settle(ctx, c.Match, m, here, c.Matcher, other.Presence)
		p := &pair{match: c.Match, matcher: c.Matcher, matchee: m, role: protocol.RoleMatchee, position: requestPosition(r.Request),
			since: c.At, known: known, connection: other.Connection, told: other.told(), share: r.Request.Share}
		from := p.position.Point
		if position != nil {
			from = position.Point
		}
		p.peer = peer(p.position, from, other.Card)
		if p.share && other.Position != nil {
			p.position = *other.Position
			p.peer.Lat, p.peer.Lng, p.peer.At = p.position.Lat, p.position.Lng, p.position.At
		}
		return p, nil
	case r.State == Ended && r.Matchee == m && !r.Notified:
		return nil, w.repairEnd(ctx, c.Matcher, r)
	}
	w.countRepair(RepairUndone)
	last := End{Reason: protocol.ReasonLost}
	for _, e := range other.Ends {
		if e.Match == c.Match {
			last = e
		}
	}
	return nil, w.release(ctx, c.Matcher, c.Match, m, last.Reason, last.Early)
}

func (c Claim) olderThan(age time.Duration, now int64) bool { return now-c.At > age.Milliseconds() }

// complete completes a committed match: it confirms the claim and notifies both. Any process
// may repeat it. It returns false if the match has ended.
func (w *work) complete(ctx context.Context, matcher Member, id string, matchee Member) (bool, error) {
	ok, err := w.agree(ctx, matcher, id, matchee)
	if ok {
		w.countRepair(RepairFinished)
		w.flush(ctx)
	}
	return ok, err
}

// agree commits an offer that was accepted, or repeats a commit, and confirms the claim. Both are to be
// notified. It returns false if the match has ended: then the matchee is.
func (w *work) agree(ctx context.Context, matcher Member, id string, matchee Member) (bool, error) {
	committed, err := w.Store.Commit(ctx, matcher, id, matchee, 0)
	if err != nil {
		return false, err
	}
	if committed.Status != StatusYours {
		return false, w.release(ctx, matcher, id, matchee, cmp.Or(committed.Reason, protocol.ReasonLost), "")
	}
	a, err := w.confirm(ctx, matcher, id, matchee, committed)
	w.announce(ctx, a)
	return a != nil, err
}

// repairEnd completes an end that the matcher's route has not noted as done for both.
func (w *work) repairEnd(ctx context.Context, matcher Member, r *Route) error {
	if r == nil || r.State != Ended || r.Notified {
		return nil
	}
	w.countRepair(RepairEnded)
	_, err := w.finish(ctx, matcher, r.Match, r.Matchee, r.Reason, Member{})
	return err
}

// repairLastEnd completes the last end of a member who was the matchee.
func (w *work) repairLastEnd(ctx context.Context, r Snapshot) error {
	if len(r.Ends) == 0 {
		return nil
	}
	last := r.Ends[len(r.Ends)-1]
	if last.Matcher.ID == "" || r.Now-last.At >= EndRemembered.Milliseconds() {
		return nil
	}
	other, err := w.Store.Read(ctx, last.Matcher, nil, false)
	if err != nil || other.Route == nil || other.Route.Match != last.Match {
		return err
	}
	return w.repairEnd(ctx, last.Matcher, other.Route)
}

// repairRegistration registers a waiting request that is not registered: its process
// stopped before, or the lease of its attempt or its offer expired. It plans an attempt for one whose
// circle has grown, since those who were in the new part before have not woken it, and for one that
// does not wait and whose offer expired.
func (w *work) repairRegistration(ctx context.Context, m Member, r *Route) {
	switch {
	case r == nil || r.State != Waiting:
	case !r.Request.Wait && r.Request.Confirm > 0:
		w.plan(pending{owner: m, goesOn: true})
	case !r.Request.Wait:
	case !r.Request.Registered:
		w.logFailure(ctx, "register a waiting request", w.register(ctx, WaitingRequest{Owner: m, Request: r.Request}))
	case r.Grown:
		w.plan(pending{owner: m})
	}
}
