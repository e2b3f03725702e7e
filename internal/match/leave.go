package match

import (
	"context"
	"errors"
	"strconv"

	"waggle/internal/protocol"
)

// This file has what becomes of a match while one of its members is away. A member's own slot shows
// whether it is away. Whoever looks at both halves of a match compares that with what the other slot
// says is known of it, and brings that up to date. So it does not matter who notices first.

func (p PeerState) frame() *protocol.PeerFrame {
	return &protocol.PeerFrame{Match: p.Match, PeerPresence: *p.presence()}
}

func (p PeerState) presence() *protocol.PeerPresence {
	if p.Match == "" {
		return nil
	}
	return &protocol.PeerPresence{State: p.State(), Since: p.Since}
}

// settle tells both members of a match what is news to them of the other. It returns what the slot of a
// says of b after that.
func (w *work) settle(ctx context.Context, match string, a Member, atA Presence, b Member, atB Presence) PeerState {
	w.tellOfPeer(ctx, match, b, atB.Known, atA)
	return w.tellOfPeer(ctx, match, a, atA.Known, atB)
}

// tellOfPeer tells a member that its peer is away or back, if it is to know something else. It returns
// what the member's slot says after that: nobody may be told anything else, or who comes back would not
// see what is to be put right.
func (w *work) tellOfPeer(ctx context.Context, match string, to Member, known PeerState, peer Presence) PeerState {
	if known.Match != match {
		known = PeerState{}
	}
	is := PeerState{Match: match, Since: peer.Heard}
	if peer.Away != 0 {
		is.Away, is.Since = true, peer.Away
	}
	if is.Since <= known.Since || !is.Away && !known.Away {
		return known
	}
	noted, err := w.Store.Peer(ctx, to, is)
	if err != nil || noted.Status != StatusOK {
		w.logFailure(ctx, "note that a peer is away or back", err)
		return known
	}
	mark := Untold{Notice: NoticePeer, Which: strconv.FormatInt(is.Since, 10), Peer: is}
	switch {
	case !noted.Tell: // another process pushes something that comes first, or this very notice
		w.remind(ctx, w.Now().Add(NotifyAgain).UnixMilli(), to)
	case !w.replied && to == w.caller.Member && noted.Connection == w.caller.Connection:
		w.untold = append(w.untold, mark) // a welcome may say it
	default:
		w.concurrently(ctx, w.notice(to, noted.Connection, is.frame(), mark.mark()))
	}
	return is
}

// leave ends a match that one of its members has left.
func (w *work) leave(ctx context.Context, matcher Member, id string, matchee Member, by By) error {
	finished, err := w.Store.Finish(ctx, matcher, id, matchee, protocol.ReasonLeft, by)
	if err == nil {
		_, err = w.free(ctx, matcher, id, matchee, finished, Member{})
	}
	return err
}

// leaver is who has left, if one of them has.
func leaver(theMatcher bool) By {
	if theMatcher {
		return ByMatcher
	}
	return ByMatchee
}

// disconnected does what follows from the end of a session. The peer in a match is told that the
// member is away. If that fails, whoever looks next at the match tells it.
func (s *Service) disconnected(ctx context.Context, m Member, r Disconnected) error {
	result, err := s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		switch c, q := r.Claim, r.Route; {
		case c != nil && c.Left:
			return nil, w.leave(ctx, c.Matcher, c.Match, m, ByMatchee)
		case c != nil:
			w.tellOfPeer(ctx, c.Match, c.Matcher, PeerState{}, r.Presence)
		case q != nil && q.Left:
			return nil, w.leave(ctx, m, q.Match, q.Matchee, ByMatcher)
		case q != nil:
			w.tellOfPeer(ctx, q.Match, q.Matchee, PeerState{}, r.Presence)
		}
		return nil, nil
	})
	return errors.Join(err, result.Deliver(ctx, nil), s.unlist(ctx, m, r.Changes)) // there is no reply
}
