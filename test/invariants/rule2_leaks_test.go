package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/internal/token"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// A scene has two members in a pool of their own. They are near each other, on either
// side of the edge of a shard cell.
type scene struct {
	*backend
	pool   string
	a, b   *client
	p, q   geo.Point // near each other: where ana is, and where ben may be
	far    geo.Point
	match  string
	silent int // seconds
}

func (be *backend) newScene(pool string) *scene {
	p, q := acrossEdge(37.7749, -122.4194)
	s := &scene{backend: be, pool: pool, a: be.joinIn(pool, "ana"), b: be.joinIn(pool, "ben"), p: p, q: q,
		far: geo.Point{Lat: 37.9, Lng: -122.4194}}
	s.a.at(p.Lat, p.Lng)
	return s
}

// pair matches ana, the matcher, with ben.
func (s *scene) pair() {
	s.t.Helper()
	s.b.at(s.q.Lat, s.q.Lng)
	s.a.send("match", `"id":"m"`)
	want[*protocol.Matched](s.b)
	s.match = want[*protocol.Matched](s.a).Match
}

// silence lets so many seconds pass in which nothing is heard of the two.
func (s *scene) silence(seconds int) {
	s.advance(time.Duration(seconds) * time.Second)
	s.silent += seconds
}

// operations are all operations that change who is matched with whom. Each has what comes
// before it, and the step that meets the fault.
func operations() []operation {
	near := func(s *scene) { s.b.at(s.q.Lat, s.q.Lng) }
	away := func(s *scene) { s.b.at(s.far.Lat, s.far.Lng) }
	waits := func(s *scene) {
		away(s)
		s.a.send("match", `"id":"m","wait":300`)
	}
	offers := func(s *scene) {
		near(s)
		s.a.send("match", `"id":"m","confirm":10`)
		s.match = want[*protocol.Offered](s.a).Match
	}
	return []operation{
		{"match", near, func(s *scene) { s.a.send("match", `"id":"m"`) }},
		{"match with a point", near, func(s *scene) {
			s.a.send("match", fmt.Sprintf(`"id":"m","lat":%v,"lng":%v`, s.p.Lat, s.p.Lng))
		}},
		{"match with wait", near, func(s *scene) { s.a.send("match", `"id":"m","wait":300`) }},
		{"match with a waiting member", func(s *scene) {
			away(s)
			s.b.send("match", `"id":"n","wait":300,"radius":100`)
			s.b.at(s.q.Lat, s.q.Lng)
		}, func(s *scene) { s.a.send("match", `"id":"m"`) }},
		{"offer", near, func(s *scene) { s.a.send("match", `"id":"m","confirm":10`) }},
		{"offer of a request that waits", func(s *scene) {
			away(s)
			s.a.send("match", `"id":"m","wait":300,"confirm":10`)
		}, func(s *scene) { s.b.report(s.q.Lat, s.q.Lng) }},
		{"accept", offers, func(s *scene) { s.b.send("accept", `"match":"`+s.match+`"`) }},
		{"decline", offers, func(s *scene) { s.b.send("decline", `"match":"`+s.match+`"`) }},
		{"cancel of an offer", offers, func(s *scene) { s.a.send("cancel", "") }},
		{"wait", away, func(s *scene) { s.a.send("match", `"id":"m","wait":300`) }},
		{"report into a circle", waits, func(s *scene) {
			s.b.report(s.q.Lat, s.q.Lng)
		}},
		{"cancel", waits, func(s *scene) { s.a.send("cancel", "") }},
		{"end by the matcher", (*scene).pair, func(s *scene) {
			s.a.send("end", `"match":"`+s.match+`"`)
		}},
		{"end by the matchee", (*scene).pair, func(s *scene) {
			s.b.send("end", `"match":"`+s.match+`"`)
		}},
		{"connect", near, func(s *scene) { s.b = s.b.next(); s.b.connect() }},
		{"connect while matched", (*scene).pair, func(s *scene) { s.b = s.b.next(); s.b.connect() }},
		{"disconnect", near, func(s *scene) { s.b.disconnect() }},
		{"disconnect of the matcher", (*scene).pair, func(s *scene) { s.a.disconnect() }},
		{"disconnect of the matchee", (*scene).pair, func(s *scene) { s.b.disconnect() }},
		{"connect and hello of a matcher that is away", func(s *scene) {
			s.pair()
			s.a.disconnect()
		}, func(s *scene) { s.a = s.a.next(); s.a.connect(); s.a.send("hello", "") }},
		{"report of a matcher that was silent", func(s *scene) {
			s.pair()
			s.silence(31)
			s.b.report(s.q.Lat, s.q.Lng)
		}, func(s *scene) { s.a.report(s.p.Lat, s.p.Lng) }},
		{"report while the matcher is away", func(s *scene) {
			s.pair()
			s.silence(31)
		}, func(s *scene) { s.b.report(s.p.Lat, s.p.Lng) }},
		{"report of a matcher while the matchee is away", func(s *scene) {
			s.pair()
			s.silence(31)
		}, func(s *scene) { s.a.report(s.p.Lat, s.p.Lng) }},
		{"report when the matcher has left", func(s *scene) {
			s.pair()
			s.silence(61)
		}, func(s *scene) { s.b.report(s.p.Lat, s.p.Lng) }},
		{"timer of a matchee that has left", func(s *scene) {
			s.pair()
			s.silence(61)
		}, func(s *scene) { s.serveSQS(`[{"Pool":"`+s.pool+`","ID":"ben"}]`, -1) }},
		{"report while matched", (*scene).pair, func(s *scene) {
			s.b.report(s.p.Lat, s.p.Lng)
		}},
		{"match of a back end", near, func(s *scene) { s.verb("match.create", `"matcher":"ana","matchee":"ben"`) }},
		{"match of a back end with a waiting matchee", func(s *scene) {
			near(s)
			s.b.send("match", fmt.Sprintf(`"id":"n","wait":300,"radius":100,"lat":%v,"lng":%v`, s.far.Lat, s.far.Lng))
		}, func(s *scene) { s.verb("match.create", `"matcher":"ana","matchee":"ben"`) }},
		{"end by a back end", (*scene).pair, func(s *scene) { s.verb("match.end", `"member":"ben","match":"`+s.match+`"`) }},
		{"disconnect by a back end", near, func(s *scene) { s.verb("member.disconnect", `"member":"ben"`) }},
		{"report across shards", near, func(s *scene) {
			s.b.report(s.p.Lat, s.p.Lng)
		}},
	}
}

type operation struct {
	name           string
	prepare, fault func(*scene)
}

// TestRule2NothingLeaks puts every fault at every command and every push of every
// operation. After that, once either side has said hello, both are in the same match or
// in none, and both can be matched anew. A single server gets all of it. The embedded
// cache, which is slow, and the cluster get a third, except in a long run.
func TestRule2NothingLeaks(t *testing.T) {
	for kind, start := range map[string]func(testing.TB) caches.Cache{"embedded": caches.Embedded, "server": aServer, "cluster": aCluster} {
		t.Run(kind, func(t *testing.T) {
			be := newBackend(t, start(t), "")
			stride := kit.Times(3, 1)
			if kind == "server" {
				stride = 1
			}
			if testing.Short() { // under the race detector, which finds little here
				stride = 15
			}
			be.injectEverywhere(stride)
		})
	}
}

func aServer(t testing.TB) caches.Cache  { return caches.Server(t) }
func aCluster(t testing.TB) caches.Cache { return caches.StartCluster(t).Cache }

// injectEverywhere puts each fault at every stride-th event, beginning with another event
// for each fault and operation.
func (be *backend) injectEverywhere(stride int) {
	scenes, met := 0, 0
	fresh := func() *scene {
		be.flush()
		scenes++
		return be.newScene(fmt.Sprint("scene-", scenes))
	}
	for i, o := range operations() {
		s := fresh()
		o.prepare(s)
		events := be.withFault(0, "", func() { o.fault(s) })
		if events == 0 {
			be.t.Fatalf("%s makes no trip and no push", o.name)
		}
		met += events
		for j, f := range []fault{dies, losesOnce, loses, misses, twice, late} {
			for n := (i + j) % stride; n < events; n += stride {
				for _, matcherFirst := range []bool{true, false} {
					if f != dies && matcherFirst != (n%2 == 0) {
						continue
					}
					s := fresh()
					o.prepare(s)
					events = max(events, be.withFault(n, f, func() { o.fault(s) }))
					be.advance(16 * time.Second)
					if err := s.repaired(matcherFirst); err != nil {
						be.t.Errorf("%s: the process %s at event %d of %d, matcher first: %v: %v", o.name, f, n, events, matcherFirst, err)
					}
				}
			}
		}
	}
	be.t.Logf("note: cut everything: %d operations of %d commands and pushes on %s, %d faulty runs", len(operations()), met, be.cache, scenes)
}

// TestRule2NothingLeaksWhenHeldUp holds a process up before each trip, for longer than
// its lease. Meanwhile both sides say hello. Then the process goes on.
func TestRule2NothingLeaksWhenHeldUp(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		scenes := 0
		for _, o := range operations() {
			for n, more := 0, true; more; n++ {
				be.flush()
				scenes++
				s := be.newScene(fmt.Sprint("held-", scenes))
				o.prepare(s)
				more = be.between(n, func() { o.fault(s) }, func() {
					be.advance(16 * time.Second)
					s.a.send("hello", "")
					s.b.send("hello", "")
				})
				if err := s.repaired(n%2 == 0); err != nil {
					t.Errorf("%s: held up before trip %d: %v", o.name, n, err)
				}
			}
		}
	})
}

// repaired lets one side say hello and nothing else. The error says what does not hold
// then: both are in the same match, or others can find both.
func (s *scene) repaired(matcherFirst bool) error {
	first, second := &s.a, &s.b
	if !matcherFirst {
		first, second = second, first
	}
	s.ensureConnected(first)
	(*first).send("hello", "")
	if (*first).hello().Offer != nil {
		s.advance(16 * time.Second) // it was made just now
	}
	if (*first).hello().Match != nil {
		s.ensureConnected(second)
		if err := s.sameMatch(*first, *second); err != nil {
			return err
		}
		if err := s.endMatch(); err != nil {
			return err
		}
	} else if (*second).left || s.isClosed(*second) {
		s.ensureConnected(second)
	}
	if s.silent > 60 { // for too long to be found without a report
		s.ensureConnected(first)
		s.ensureConnected(second)
		s.a.at(s.p.Lat, s.p.Lng)
		s.b.at(s.q.Lat, s.q.Lng)
	}
	// Wherever they are, two new members find one each.
	found := map[string]bool{}
	for i := range 2 {
		c := s.joinAs(token.Identity{Member: fmt.Sprint("fresh-", i), Pool: s.pool, Matcher: true})
		c.send("match", fmt.Sprintf(`"lat":%v,"lng":%v,"radius":20000`, s.p.Lat, s.p.Lng))
		m, ok := last[*protocol.Matched](c)
		if !ok {
			return fmt.Errorf("only %v can be matched anew: %s", found, c.all())
		}
		found[string(m.Peer.Card)] = true
	}
	if !found[`"ana"`] || !found[`"ben"`] {
		return fmt.Errorf("%v were found, want ana and ben", found)
	}
	return nil
}

// ensureConnected connects a client anew if its connection was refused or closed.
func (s *scene) ensureConnected(c **client) {
	(*c).take()
	if (*c).send("ping", ""); len((*c).take()) == 0 || s.isClosed(*c) {
		*c = (*c).reconnect()
	}
}

func (be *backend) isClosed(c *client) bool {
	be.mu.Lock()
	defer be.mu.Unlock()
	return be.closed[c.connection]
}

// sameMatch returns an error unless both see the same match, or none.
func (s *scene) sameMatch(first, second *client) error {
	one, other := first.hello().Match, second.hello().Match
	switch {
	case one == nil && other == nil:
		return nil
	case one == nil || other == nil:
		return fmt.Errorf("%s sees %+v, %s sees %+v", first.id.Member, one, second.id.Member, other)
	case one.Match != other.Match || one.Role == other.Role:
		return fmt.Errorf("%s sees %s as %s, %s sees %s as %s", first.id.Member, one.Match, one.Role, second.id.Member, other.Match, other.Role)
	}
	for _, c := range []*client{first, second} {
		c.send("locate", "")
		if l, ok := last[*protocol.LocationFrame](c); !ok || l.Match != one.Match {
			return fmt.Errorf("%s cannot locate its peer: %s", c.id.Member, c.all())
		}
	}
	return nil
}

// endMatch ends the match of the two, if they are in one.
func (s *scene) endMatch() error {
	if m := s.a.hello().Match; m != nil {
		s.a.send("end", `"match":"`+m.Match+`"`)
	}
	for _, c := range []*client{s.a, s.b} {
		if m := c.hello().Match; m != nil {
			return fmt.Errorf("%s is still in the match %s after its end", c.id.Member, m.Match)
		}
	}
	return nil
}
