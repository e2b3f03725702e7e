package invariants_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"waggle/internal/protocol"
)

// bothNotified wants both to have been notified of the same match.
func bothNotified(a, b *client) error {
	match := func(c *client) string {
		id := ""
		for _, f := range c.sent() {
			if m, ok := f.(*protocol.Matched); ok {
				id = m.Match
			}
		}
		return id
	}
	if x, y := match(a), match(b); x == "" || x != y {
		return fmt.Errorf("%s was notified of %q and %s of %q:%s%s", a.id.Member, x, b.id.Member, y, a.all(), b.all())
	}
	return nil
}

// orders are the two ways to name a pair. The request of the smaller id goes first.
func orders() [][2]string { return [][2]string{{"ana", "ben"}, {"ben", "ana"}} }

// TestRule9SeekersFindEachOther lets two members ask at the same moment.
func TestRule9SeekersFindEachOther(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		for round := range 20 {
			for _, waits := range [][2]int{{0, 0}, {60, 60}, {0, 60}, {60, 0}} {
				be.flush()
				a, b := be.join("ana"), be.join("ben")
				a.at(p.Lat, p.Lng)
				b.at(q.Lat, q.Lng)
				var both sync.WaitGroup
				both.Go(func() { a.send("match", fmt.Sprintf(`"id":"a","wait":%d`, waits[0])) })
				both.Go(func() { b.send("match", fmt.Sprintf(`"id":"b","wait":%d`, waits[1])) })
				both.Wait()
				if err := bothNotified(a, b); err != nil {
					t.Fatalf("round %d, waiting %v s: %v", round, waits, err)
				}
				for i, c := range []*client{a, b} {
					for _, f := range c.sent() {
						if _, ok := f.(*protocol.Waiting); ok && waits[i] == 0 {
							t.Errorf("%s did not ask to wait, and got %s", c.id.Member, protocol.Encode(f))
						}
					}
				}
			}
		}
	})
}

// TestRule9SeekersInACrowdFindEachOther lets six members ask at the same moment. When all
// have their outcomes, nobody is left without a match.
func TestRule9SeekersInACrowdFindEachOther(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		be.slowDown()
		p, q := acrossEdge(37.7749, -122.4194)
		for round := range 4 {
			for _, wait := range []int{0, 60} {
				be.flush()
				var crowd []*client
				for i := range 6 {
					c := be.join(fmt.Sprint("m", i))
					c.at(p.Lat+float64(i)/1e4, []float64{p.Lng, q.Lng}[i%2])
					crowd = append(crowd, c)
				}
				var all sync.WaitGroup
				for _, c := range crowd {
					all.Go(func() { c.send("match", fmt.Sprintf(`"id":"x","wait":%d`, wait)) })
				}
				all.Wait()
				if pairs := be.checkPairs(crowd); len(pairs) != len(crowd)/2 {
					t.Fatalf("round %d, waiting %d s: %d of %d pairs", round, wait, len(pairs), len(crowd)/2)
				}
			}
		}
	})
}

// TestRule9SeekersBetweenTrips puts the step of the second member before each trip of the
// first member's request.
func TestRule9SeekersBetweenTrips(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		steps := []struct {
			name  string
			away  bool // the second starts outside of the circle
			asks  string
			then  func(b *client)
			first string
		}{
			{"ask", false, `"id":"a","wait":60`, func(b *client) { b.send("match", `"id":"b","wait":60`) }, ""},
			{"come into the circle", true, `"id":"a","wait":60`, func(b *client) { b.report(q.Lat, q.Lng) }, ""},
			{"come into the circle while it waits itself", true, `"id":"a","wait":60`, func(b *client) { b.report(q.Lat, q.Lng) }, `"id":"b","wait":60,"radius":100`},
			{"come into the circle and ask", true, `"id":"a","wait":60`, func(b *client) {
				b.report(q.Lat, q.Lng)
				b.send("match", `"id":"b","wait":60`)
			}, ""},
		}
		for _, step := range steps {
			for _, names := range orders() {
				for n, more := 0, true; more; n++ {
					be.flush()
					a, b := be.join(names[0]), be.join(names[1])
					a.at(p.Lat, p.Lng)
					if step.away {
						b.at(38.2, q.Lng)
					} else {
						b.at(q.Lat, q.Lng)
					}
					if step.first != "" {
						b.send("match", step.first)
					}
					more = be.between(n, func() { a.send("match", step.asks) }, func() { step.then(b) })
					if err := bothNotified(a, b); err != nil {
						t.Errorf("%s: %s before trip %d of %s: %v", step.name, names[1], n, names[0], err)
					}
				}
			}
		}
	})
}

// TestRule9SeekersOneAfterTheOther lets the second member come when the first one waits.
func TestRule9SeekersOneAfterTheOther(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		for _, names := range orders() {
			start := func() (a, b *client) {
				be.flush()
				a, b = be.join(names[0]), be.join(names[1])
				a.at(p.Lat, p.Lng)
				return a, b
			}
			check := func(what string, a, b *client) {
				t.Helper()
				if err := bothNotified(a, b); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}

			a, b := start()
			a.send("match", `"id":"a","wait":60`)
			want[*protocol.Waiting](a)
			b.at(q.Lat, q.Lng)
			check("the first waits, the second reports", a, b)

			a, b = start()
			b.at(q.Lat, q.Lng, `"available":false`)
			a.send("match", `"id":"a","wait":60`)
			want[*protocol.Waiting](a)
			b.at(q.Lat, q.Lng, `"available":true`)
			check("the second becomes available", a, b)

			a, b = start()
			b.at(q.Lat, q.Lng)
			a.send("match", `"id":"a","wait":60,"tags":["tall"]`)
			want[*protocol.Waiting](a)
			b.at(q.Lat, q.Lng, `"tags":["calm","tall"]`)
			check("the second gets the tag", a, b)

			a, b = start()
			b.at(q.Lat, q.Lng)
			a.send("match", `"id":"a","wait":60,"tags":["tall"]`)
			want[*protocol.Waiting](a)
			b.send("match", `"id":"b"`)
			check("the second does not fit the first, but the first fits the second", a, b)
			if m := lastMatched(a); m == nil || m.ID != "a" || m.Role != protocol.RoleMatchee {
				t.Errorf("the first was found while it waits and got %+v, want the id of its request", m)
			}

			a, b = start()
			b.at(38.2, q.Lng)
			a.send("match", `"id":"a","wait":60`)
			b.send("match", `"id":"b","wait":60`)
			want[*protocol.Waiting](a)
			want[*protocol.Waiting](b)
			b.at(q.Lat, q.Lng)
			check("both wait, the second comes near", a, b)

			a, b = start()
			b.at(38.2, q.Lng)
			a.send("match", `"id":"a","wait":60`)
			b.send("match", `"id":"b","wait":60`)
			a.at(38.2, p.Lng)
			check("both wait, the first comes near the second", a, b)

			a, b = start()
			a.send("match", `"id":"a","wait":60`)
			be.advance(20 * time.Second)
			b.at(q.Lat, q.Lng, `"available":false`)
			b = b.reconnect()
			b.at(q.Lat, q.Lng, `"available":true`)
			check("the second connects anew and is available again", a, b)
		}
	})
}

func lastMatched(c *client) *protocol.Matched {
	frames := c.sent()
	m, _ := frames[len(frames)-1].(*protocol.Matched)
	return m
}

// TestRule9SeekersAfterALapsedLease lets the process die that serves a waiting request.
// Once its lease has lapsed, the next message of either side matches the two.
func TestRule9SeekersAfterALapsedLease(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		for _, names := range orders() {
			for _, next := range []string{"ping of the first", "report of the first", "hello of the first", "report of the second"} {
				meet := func(n int, f fault) (a, b *client, trips int) {
					be.flush()
					a, b = be.join(names[0]), be.join(names[1])
					a.at(p.Lat, p.Lng)
					a.send("match", `"id":"a","wait":300`)
					return a, b, be.withFault(n, f, func() { b.report(q.Lat, q.Lng) })
				}
				_, _, trips := meet(0, "")
				for n := range trips {
					a, b, _ := meet(n, dies)
					leased := be.state(a) == "searching"
					be.advance(16 * time.Second)
					switch next {
					case "ping of the first":
						a.send("ping", "")
					case "hello of the first":
						a.send("hello", "")
					case "report of the first":
						a.report(p.Lat, p.Lng)
					case "report of the second":
						b.report(q.Lat, q.Lng)
					}
					if !leased {
						b.report(q.Lat, q.Lng) // the process died earlier, so the second's next report is needed
					}
					if x, y := a.hello().Match, b.hello().Match; x == nil || y == nil || x.Match != y.Match {
						t.Errorf("died at trip %d of %d, then the %s: %+v and %+v", n, trips, next, x, y)
					}
				}
			}
		}
	})
}

// TestRule9SeekersThatAreSilent: they are passed over until they are heard.
func TestRule9SeekersThatAreSilent(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		a, b := be.join("ana"), be.join("ben")
		a.at(p.Lat, p.Lng)
		a.send("match", `"id":"a","wait":300`)
		be.advance(61 * time.Second)
		b.at(q.Lat, q.Lng)
		if m := b.hello().Match; m != nil {
			t.Fatalf("matched with a member who was silent for longer than the grace time: %+v", m)
		}
		a.at(p.Lat, p.Lng)
		b.at(q.Lat, q.Lng)
		if err := bothNotified(a, b); err != nil {
			t.Error(err)
		}
	})
}
