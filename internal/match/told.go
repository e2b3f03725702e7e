package match

import (
	"cmp"
	"context"
	"slices"
	"time"

	"waggle/internal/protocol"
)

// A Notice is a kind of what a member must know. Until a push of it to the member's current
// connection has succeeded, the store has it among what the member is not yet told, under a mark.
type Notice string

// The kinds, in the order in which a member is told of them.
const (
	NoticeNoMatch Notice = "no_match" // the request that had that deadline is over
	NoticeEnded   Notice = "ended"    // the match has ended
	NoticeState   Notice = "state"    // the cache has lost the session: how things stand
	NoticeOffered Notice = "offered"  // the match is offered, and the member may have to accept
	NoticeMatched Notice = "matched"  // the match has begun
	NoticePeer    Notice = "peer"     // the peer is away, or back, since then
	NoticeAdvice  Notice = "advice"   // the advice has changed
)

// Mark returns the mark of a notice of a match.
func (n Notice) Mark(match string) string { return string(n) + " " + match }

// ClockMark is the mark of a member's clock that is off. It is not among what the member is not yet
// told: a report whose time is right again has nothing to say.
const ClockMark = "clock off"

// An Untold is what a member is not yet told.
type Untold struct {
	Notice Notice
	Which  string // with matched and ended the match
	ID     string // of the request that it answers, "" if none
	Reason string // with ended, "" if the cache has lost it
	Advice Advice
	Lag    time.Duration // see Reported
	// Unlisted is until when the member is not listed: see Reported.
	Unlisted int64
	Radius   float64   // with no_match, metres
	Peer     PeerState // with peer
}

func (u Untold) mark() string { return u.Notice.Mark(u.Which) }

// saidBy reports whether the frame tells it.
func (u Untold) saidBy(f protocol.Frame) bool {
	switch f := f.(type) {
	case *protocol.NoMatch:
		return u.Notice == NoticeNoMatch && f.ID == u.ID
	case *protocol.Ended:
		return u.Notice == NoticeEnded && f.Match == u.Which
	case *protocol.Matched:
		return u.Notice == NoticeAdvice || u.Notice == NoticeMatched && f.Match == u.Which
	case *protocol.Offered:
		return u.Notice == NoticeOffered && f.Match == u.Which
	case *protocol.Ack:
		return u.Notice == NoticeAdvice
	case *protocol.PeerFrame:
		return u.Notice == NoticePeer && f.Match == u.Peer.Match && f.Since >= u.Peer.Since
	case *protocol.Welcome:
		return u.Notice == NoticePeer && f.Match != nil && f.Match.Match == u.Peer.Match && f.Match.Presence != nil && f.Match.Presence.Since >= u.Peer.Since || u.Notice == NoticeAdvice || u.Notice == NoticeState || u.Notice == NoticeMatched && f.Match != nil && f.Match.Match == u.Which ||
			u.Notice == NoticeOffered && f.Offer != nil && f.Offer.Match == u.Which
	}
	return false
}

// A Told is what pushes to a connection have told its member, by the marks. Free, unless "", is a
// match of the member, as a matcher, that has ended and that both sides are free of.
type Told struct {
	Member
	Connection string
	Marks      []string
	Free       string
}

// A reply is a frame for the caller, and the marks of what it tells.
type reply struct {
	frame protocol.Frame
	marks []string
}

// tell puts what the caller was not told before in front of the replies, unless one of them says
// it. What cannot be said now goes out with a later message.
func (w *work) tell(ctx context.Context) {
	order := []Notice{NoticeNoMatch, NoticeEnded, NoticeState, NoticeOffered, NoticeMatched, NoticePeer, NoticeAdvice}
	untold, others, replies := w.untold, w.others, w.replies
	// frameOf may repair a match, and then pushes that it has begun. That must not bring the replies
	// forward, nor a location of the peer.
	w.untold, w.others, w.replies = nil, nil, nil
	slices.SortStableFunc(untold, func(a, b Untold) int {
		return cmp.Compare(slices.Index(order, a.Notice), slices.Index(order, b.Notice))
	})
	said := func(u Untold) bool {
		if slices.Contains(w.said, u.mark()) {
			return true
		}
		for _, in := range [][]reply{w.replies, replies} {
			if i := slices.IndexFunc(in, func(r reply) bool { return u.saidBy(r.frame) }); i >= 0 {
				in[i].marks = append(in[i].marks, u.mark())
				return true
			}
		}
		return false
	}
	for _, u := range untold {
		if said(u) {
			continue
		}
		if f := w.frameOf(ctx, u); f != nil && !said(u) {
			w.replies = append(w.replies, reply{f, []string{u.mark()}})
		}
	}
	w.others, w.replies = append(others, w.others...), append(w.replies, replies...)
}

// frameOf returns the frame that tells it, or nil if that is not known now.
func (w *work) frameOf(ctx context.Context, u Untold) protocol.Frame {
	x := w.caller
	switch u.Notice {
	case NoticeNoMatch:
		return &protocol.NoMatch{ID: u.ID, Radius: u.Radius}
	case NoticeEnded:
		return &protocol.Ended{ID: u.ID, Match: u.Which, Reason: cmp.Or(u.Reason, protocol.ReasonLost),
			Unlisted: unlisted(u.Unlisted, w.Now().UnixMilli(), nil)}
	case NoticePeer:
		return u.Peer.frame()
	case NoticeAdvice:
		ack := &protocol.Ack{Report: u.Advice.Report(w.Pools.For(x.Pool), u.Lag)}
		ack.Unlisted = unlisted(u.Unlisted, w.Now().UnixMilli(), &ack.Report)
		return ack
	}
	r, p, err := w.current(ctx, x, false)
	var o *protocol.Offered
	if err == nil && p == nil {
		o, err = w.offerOf(ctx, x.Member, r)
	}
	switch {
	case err != nil:
		w.logFailure(ctx, "read what was not told", err)
	case u.Notice == NoticeMatched && p != nil && p.match == u.Which:
		return w.matchedFrame(u.ID, p)
	case u.Notice == NoticeOffered && o != nil && o.Match == u.Which:
		return o
	case u.Notice == NoticeState:
		return w.welcome(x, "", r, p, o)
	}
	return nil
}

// wasTold collects what a push has told.
func (w *work) wasTold(m Member, connection string, marks ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.IndexFunc(w.told, func(t Told) bool { return t.Member == m && t.Connection == connection })
	if i < 0 {
		i = len(w.told)
		w.told = append(w.told, Told{Member: m, Connection: connection})
	}
	w.told[i].Marks = append(w.told[i].Marks, marks...)
}
