package invariants_test

import (
	"time"

	"waggle/internal/protocol"
)

// An announcement is a match that a connection was notified of.
type announcement struct {
	match    string
	from, to time.Time // to: when a frame said that it was over
}

func (a announcement) open() bool { return a.to.IsZero() }

// announcements are the matches that a connection was notified of, in order.
func (c *client) announcements() (all []*announcement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	find := func(match string) *announcement {
		for _, a := range all {
			if a.match == match {
				return a
			}
		}
		return nil
	}
	begin := func(match string, at time.Time) {
		if find(match) == nil {
			all = append(all, &announcement{match: match, from: at})
		}
	}
	for i, f := range c.frames[c.connection] {
		at := c.arrived[c.connection][i]
		switch f := f.(type) {
		case *protocol.Matched:
			begin(f.Match, at)
		case *protocol.Ended:
			if a := find(f.Match); a != nil {
				a.to = at
			}
		case *protocol.Welcome:
			for _, a := range all {
				if a.open() && (f.Match == nil || f.Match.Match != a.match) {
					a.to = at
				}
			}
			if m := f.Match; m != nil {
				begin(m.Match, at)
			}
		}
	}
	return all
}

// announced is the open match that a connection was notified of last, "" if there is none.
func (c *client) announced() (match string) {
	for _, a := range c.announcements() {
		if a.open() {
			match = a.match
		}
	}
	return match
}
