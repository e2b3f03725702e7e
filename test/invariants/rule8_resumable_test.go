package invariants_test

import (
	"testing"
	"time"

	"waggle/internal/protocol"
)

// TestRule8Resumable drops the socket of either side. Its $disconnect comes, comes late,
// or never comes. On a new connection hello gives everything back.
func TestRule8Resumable(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		drops := map[string]func(*client) *client{
			"$disconnect comes": func(c *client) *client { c.disconnect(); return c.reconnect() },
			"$disconnect comes late": func(c *client) *client {
				next := c.reconnect()
				c.disconnect()
				return next
			},
			"$disconnect never comes": (*client).reconnect,
		}
		for name, drop := range drops {
			be.flush()
			ana, ben := be.join("ana"), be.join("ben")
			ana.at(p.Lat, p.Lng)
			ben.at(q.Lat, q.Lng)
			ana.send("match", `"id":"m"`)
			id := want[*protocol.Matched](ana).Match

			ana.disconnect()
			ben.report(p.Lat, p.Lng) // meanwhile it moves into the other shard
			be.advance(40 * time.Second)
			ana, ben = drop(ana), drop(ben)
			m := ana.hello().Match
			if m == nil || m.Match != id || m.Role != protocol.RoleMatcher || m.Peer.Lat != p.Lat || m.Peer.Lng != p.Lng || string(m.Peer.Card) != `"ben"` {
				t.Fatalf("%s: the matcher resumes with %+v", name, m)
			}
			m = ben.hello().Match
			if m == nil || m.Match != id || m.Role != protocol.RoleMatchee || m.Peer.Lat != p.Lat || m.Peer.Lng != p.Lng || string(m.Peer.Card) != `"ana"` {
				t.Fatalf("%s: the matchee resumes with %+v", name, m)
			}
			for _, c := range []*client{ana, ben} {
				c.send("locate", `"id":"l"`)
				if l := want[*protocol.LocationFrame](c); l.ID != "l" || l.Match != id || l.Lat != p.Lat {
					t.Errorf("%s: %s locates %+v", name, c.id.Member, l)
				}
			}
			ben.report(q.Lat, q.Lng)
			if l := want[*protocol.LocationFrame](ana); l.Lng != q.Lng {
				t.Errorf("%s: the new connection is shown %+v", name, l)
			}
			ana.send("match", `"id":"m"`)
			if repeat := want[*protocol.Matched](ana); repeat.Match != id {
				t.Errorf("%s: the same message on a new connection led to another match", name)
			}
			ben.send("end", `"match":"`+id+`"`)
			want[*protocol.Ended](ana)
			ana = drop(ana)
			if m := ana.hello().Match; m != nil {
				t.Errorf("%s: the end is not known after a resume: %+v", name, m)
			}
			ana.send("match", `"id":"m"`)
			if e := want[*protocol.Ended](ana); e.ID != "m" || e.Match != id || e.Reason != protocol.ReasonCompleted {
				t.Errorf("%s: the same message after the end was answered %+v", name, e)
			}
		}
	})
}

// TestRule8ResumableWaitingRequest does the same with a waiting request.
func TestRule8ResumableWaitingRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		ask := func() (*client, *protocol.Waiting) {
			be.flush()
			ana := be.join("ana")
			ana.at(p.Lat, p.Lng)
			ana.send("match", `"id":"m","wait":300,"radius":1234`)
			return ana, want[*protocol.Waiting](ana)
		}

		ana, waiting := ask()
		ana.disconnect()
		be.advance(30 * time.Second)
		ana = ana.reconnect()
		if r := ana.hello().Request; r == nil || r.ID != "m" || r.Radius != 1234 || r.ExpiresAt != waiting.ExpiresAt {
			t.Errorf("the request resumes as %+v, want as in %+v", r, waiting)
		}
		ben := be.join("ben")
		ben.at(q.Lat, q.Lng)
		if m := want[*protocol.Matched](ana); m.ID != "m" || m.Role != protocol.RoleMatcher {
			t.Errorf("after a resume the request led to %+v", m)
		}

		ana, _ = ask()
		ana.disconnect()
		ben = be.join("ben")
		ben.report(q.Lat, q.Lng) // ben comes while ana is away
		id := want[*protocol.Matched](ben).Match
		ana = ana.reconnect()
		if m := ana.hello().Match; m == nil || m.Match != id || m.Peer.Lng != q.Lng {
			t.Errorf("a match made while the matcher was away resumes as %+v, want %s", m, id)
		}

		ana, _ = ask()
		ana.disconnect()
		be.advance(5 * time.Minute)
		ana = ana.reconnect()
		ana.send("hello", "")
		if n := want[*protocol.NoMatch](ana); n.ID != "m" || n.Radius != 1234 {
			t.Errorf("a request that expired meanwhile ended with %+v", n)
		}
		if r := ana.hello().Request; r != nil {
			t.Errorf("a request that expired resumes as %+v", r)
		}
		notices := 0
		for _, f := range ana.sent() {
			if _, ok := f.(*protocol.NoMatch); ok {
				notices++
			}
		}
		if notices != 1 {
			t.Errorf("got %d no_match, want 1", notices)
		}
	})
}
