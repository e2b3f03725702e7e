package invariants_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"waggle/internal/protocol"
)

// together wants both to have been told of one and the same match.
func bothNotified(a, b *client) error {
	told := func(c *client) string {
		match := ""
		for _, f := range c.sent() {
			if m, ok := f.(*protocol.Matched); ok {
				match = m.Match
			}
		}
		return match
	}
	if x, y := told(a), told(b); x == "" || x != y {
		return fmt.Errorf("%s was told of %q and %s of %q:%s%s", a.id.Member, x, b.id.Member, y, a.all(), b.all())
	}
	return nil
}

// orders are the two ways to name a pair: the smaller id goes first.
func orders() [][2]string { return [][2]string{{"ana", "ben"}, {"ben", "ana"}} }

// TestRule9SeekersFindEachOther has two, and more, ask at the same moment.
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
							t.Errorf("%s did not ask to wait, and was told %s", c.id.Member, protocol.Encode(f))
						}
					}
				}
			}
		}
	})
}

// TestRule9SeekersInACrowdFindEachOther has several ask at once: when all have
// been answered, no two are left over.
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

// TestRule9SeekersBetweenTrips puts the second one's step before each trip of the
// first one's.
func TestRule9SeekersBetweenTrips(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		steps := []struct {
			name  string
			away  bool // the second is out of the circle at first
			asks  string
			then  func(b *client)
			first string
		}{
			{"ask", false, `"id":"a","wait":60`, func(b *client) { b.send("match", `"id":"b","wait":60`) }, ""},
			{"come into the circle", true, `"id":"a","wait":60`, func(b *client) { b.report(q.Lat, q.Lng) }, ""},
			{"come in, waiting itself", true, `"id":"a","wait":60`, func(b *client) { b.report(q.Lat, q.Lng) }, `"id":"b","wait":60,"radius":100`},
			{"come in and ask", true, `"id":"a","wait":60`, func(b *client) {
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

// TestRule9SeekersOneAfterTheOther has the second come when the first waits.
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
			check("the first cannot have the second, but the second the first", a, b)
			if m := lastMatched(a); m == nil || m.ID != "a" || m.Role != protocol.RoleMatchee {
				t.Errorf("found while it waits, the first was told %+v, want the id of its request", m)
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
			b.at(q.Lat, q.Lng)
			check("the second connects anew and is available by that", a, b)
		}
	})
}

func lastMatched(c *client) *protocol.Matched {
	frames := c.sent()
	m, _ := frames[len(frames)-1].(*protocol.Matched)
	return m
}

// TestRule9SeekersAfterALapsedLease lets the process die that was serving a
// waiting request: when its lease has lapsed, the next message of either side
// brings them together.
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
						b.report(q.Lat, q.Lng) // it had not got so far: the second's next report does it
					}
					if x, y := a.hello().Match, b.hello().Match; x == nil || y == nil || x.Match != y.Match {
						t.Errorf("died at trip %d of %d, then the %s: %+v and %+v", n, trips, next, x, y)
					}
				}
			}
		}
	})
}

// TestRule9SeekersThatAreSilent are not served until they are heard again.
func TestRule9SeekersThatAreSilent(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(37.7749, -122.4194)
		a, b := be.join("ana"), be.join("ben")
		a.at(p.Lat, p.Lng)
		a.send("match", `"id":"a","wait":300`)
		be.advance(61 * time.Second)
		b.at(q.Lat, q.Lng)
		if m := b.hello().Match; m != nil {
			t.Fatalf("matched with one who was silent beyond the grace time: %+v", m)
		}
		a.at(p.Lat, p.Lng)
		b.at(q.Lat, q.Lng)
		if err := bothNotified(a, b); err != nil {
			t.Error(err)
		}
	})
}
