package match

import (
	"context"
	"fmt"
	"time"

	"waggle/internal/protocol"
)

// Here is what finishes or undoes a match, an end or a registration that another
// process left half done. A member's claim and its matcher's route each say enough to
// find the other half.

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
		Seq: p.position.Seq, Motion: p.position.Motion}
}

// current returns a session's record and the match it is in, repaired. nil: it is in
// none, or that is not decided yet.
func (w *work) current(ctx context.Context, x Session, anew bool) (Snapshot, *pair, error) {
	r, err := w.read(ctx, x, anew)
	if err != nil {
		return r, nil, err
	}
	p, err := w.repair(ctx, x.Member, r)
	if p == nil {
		return r, nil, err
	}
	// The peer's record was read; the route decides whether it may still be shown. A
	// slow answer says nothing of now.
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

// repair returns the match that a member is in, by its claim and route. It reads the
// other half, and confirms, releases or finishes accordingly.
func (w *work) repair(ctx context.Context, m Member, r Snapshot) (*pair, error) {
	if r.Claim != nil {
		p, err := w.repairClaim(ctx, m, *r.Claim, r.Position)
		if p != nil || err != nil {
			return p, err
		}
	}
	if r.Route == nil || r.Route.State != Active {
		return nil, nil
	}
	matchee, id := r.Route.Matchee, r.Route.Match
	other, err := w.Store.Read(ctx, matchee, nil, false)
	if err != nil {
		return nil, err
	}
	if other.Claim == nil || other.Claim.Match != id || other.Claim.Matcher != m || other.Position == nil {
		_, err := w.finish(ctx, m, id, matchee, protocol.ReasonLost, Member{})
		return nil, err
	}
	if other.Claim.abandoned(r.Route.Notified, other.Now) {
		if ok, err := w.complete(ctx, m, id, matchee); !ok {
			return nil, err
		}
	}
	return &pair{match: id, matcher: m, matchee: matchee, role: protocol.RoleMatcher, position: *other.Position,
		peer: peer(*other.Position, r.Route.Request.Point, other.Card)}, nil
}

// repairClaim does the same from the matchee's half; own is where it is, if known.
func (w *work) repairClaim(ctx context.Context, m Member, c Claim, own *Position) (*pair, error) {
	other, err := w.Store.Read(ctx, c.Matcher, nil, false)
	if err != nil {
		return nil, err
	}
	r := other.Route
	switch {
	case r == nil || r.Match != c.Match: // the match is no more
	case r.State == Searching:
		return nil, nil // it will be decided
	case r.State == Active && r.Matchee == m:
		if c.abandoned(r.Notified, other.Now) {
			if ok, err := w.complete(ctx, c.Matcher, c.Match, m); !ok {
				return nil, err
			}
		}
		p := &pair{match: c.Match, matcher: c.Matcher, matchee: m, role: protocol.RoleMatchee, position: fixed(r.Request)}
		from := p.position.Point
		if own != nil {
			from = own.Point
		}
		p.peer = peer(p.position, from, other.Card)
		return p, nil
	case r.State == Ended && r.Matchee == m && !r.Notified:
		return nil, w.repairEnd(ctx, c.Matcher, r)
	}
	reason := protocol.ReasonLost
	for _, e := range other.Ends {
		if e.Match == c.Match {
			reason = e.Reason
		}
	}
	return nil, w.release(ctx, c.Matcher, c.Match, m, reason)
}

func (c Claim) olderThan(age time.Duration, now int64) bool { return now-c.At > age.Milliseconds() }

// abandoned tells whether somebody has to carry on the match of this claim: it is
// not confirmed, or so old that the process that was to notify both must be gone.
func (c Claim) abandoned(notified bool, now int64) bool {
	return !c.Confirmed || (!notified && c.olderThan(abandoned, now))
}

// complete carries on a committed match: confirm, then notify both. Anyone may repeat
// it; false: the match is no more.
func (w *work) complete(ctx context.Context, matcher Member, id string, matchee Member) (bool, error) {
	committed, err := w.Store.Commit(ctx, matcher, id, matchee)
	if err != nil {
		return false, err
	}
	if committed.Status != StatusYours {
		return false, w.release(ctx, matcher, id, matchee, protocol.ReasonLost)
	}
	a, err := w.confirm(ctx, matcher, id, matchee, committed)
	w.announce(ctx, a)
	w.flush(ctx)
	return a != nil, err
}

// repairEnd carries on an end after which perhaps not both are free: the matcher's
// route still says so.
func (w *work) repairEnd(ctx context.Context, matcher Member, r *Route) error {
	if r == nil || r.State != Ended || r.Notified {
		return nil
	}
	_, err := w.finish(ctx, matcher, r.Match, r.Matchee, r.Reason, Member{})
	return err
}

// repairLastEnd does so for the matcher that this matchee had last.
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

// repairRegistration registers a waiting request that not all its cells know: a crash
// or a lapsed lease leaves one.
func (w *work) repairRegistration(ctx context.Context, m Member, r *Route) {
	if r != nil && r.State == Waiting && r.Request.Wait && !r.Request.Registered {
		w.logFailure(ctx, "register a waiting request", w.register(ctx, WaitingRequest{Owner: m, Request: r.Request}))
	}
}
