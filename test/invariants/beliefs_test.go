package invariants_test

import (
	"time"

	"waggle/internal/protocol"
)

// A belief is a match that a member was told it is in.
type belief struct {
	match, role, peer string
	from              time.Time
	to                time.Time // when it was told otherwise
	lost              bool      // it was told that the match was lost
}

func (b belief) open() bool { return b.to.IsZero() }

// beliefs are the matches that a connection was told of, in order.
func (c *client) beliefs() (all []*belief) {
	c.mu.Lock()
	defer c.mu.Unlock()
	find := func(match string) *belief {
		for _, b := range all {
			if b.match == match {
				return b
			}
		}
		return nil
	}
	begin := func(match, role string, card []byte, at time.Time) {
		if find(match) == nil {
			all = append(all, &belief{match: match, role: role, peer: string(card[1 : len(card)-1]), from: at})
		}
	}
	for i, f := range c.frames[c.connection] {
		at := c.arrived[c.connection][i]
		switch f := f.(type) {
		case *protocol.Matched:
			begin(f.Match, f.Role, f.Peer.Card, at)
		case *protocol.Ended:
			if b := find(f.Match); b != nil {
				b.to, b.lost = at, f.Reason == protocol.ReasonLost
			}
		case *protocol.Welcome:
			for _, b := range all {
				if b.open() && (f.Match == nil || f.Match.Match != b.match) {
					b.to = at
				}
			}
			if m := f.Match; m != nil {
				begin(m.Match, m.Role, m.Peer.Card, at)
			}
		}
	}
	return all
}
