package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// waits: requests that wait in cells, and the members listed there whom they fit.
func waits() []testCase {
	return []testCase{
		{"a member who is listed in a cell gets the requests that wait there", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			ben := f.connected("ben")
			same(f, ben.woken(100), []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member who moves into a circle gets its request, and not again while it stays there", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 2000, tagged("van"))
			ana.await("r1", wanting("van"), withRadius(1000))
			ana.register(0)
			for range 2 {
				same(f, ben.woken(1100), nil)
				same(f, ben.woken(900), []match.WaitingRequest{ben.foundBy(ana)})
				same(f, ben.woken(900), nil)
				f.advance(time.Second)
				same(f, ben.woken(500), nil)
			}
		}},
		{"a member who stays in a circle gets its request again in the next ten seconds, however often it reports", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(time.Hour))
			ana.register(0)
			for _, pause := range []time.Duration{time.Second, 3 * time.Second, 9999 * time.Millisecond, 10 * time.Second, 25 * time.Second} {
				ben := f.connected("ben" + pause.String())
				same(f, len(ben.woken(100)), 1)
				for range 20 {
					before := f.now
					f.advance(pause)
					want := 0
					if f.now/match.AskAgain.Milliseconds() > before/match.AskAgain.Milliseconds() {
						want = 1
					}
					same(f, len(ben.woken(100)), want)
				}
			}
		}},
		{"a member who changes its tags, reports anew or repeats a report gets every request that it fits", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.await("r1")
			ana.register(0)
			want := func() []match.WaitingRequest { return []match.WaitingRequest{ben.foundBy(ana)} }
			same(f, ben.woken(100), nil)
			same(f, ben.woken(100, tagged("van")), want())
			same(f, ben.woken(100), nil)
			changes := ben.relist()
			for range 2 { // the second time as the reply was lost
				same(f, ben.apply(changes...), want())
			}
			repeated := ben.report(100, seq(ben.Seq))
			f.says(repeated, match.StatusLate)
			same(f, ben.apply(repeated.Changes...), want())
			ben.moveTo(100, available(false))
			same(f, ben.woken(100, available(true)), want())
		}},
		{"a request that is registered finds the members who are there already", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.listed("ben", 100)
			f.listed("cem", 50, tagged("van"))
			f.listed("dan", 2900)
			ana.await("r1")
			same(f, names(ana.register(0)...), []string{"cem", "ben", "dan"})
			ana.asked.Tags = []string{"van"}
			same(f, names(ana.register(0)...), []string{"cem"})
		}},
		{"a request that is registered finds as many as it wants, and learns how far it knows all", func(f *fixture) {
			f.crowd(40, func(n int, c *match.Change) { c.Point = north(float64(n) * 20) })
			ana := f.listed("ana", 0)
			ana.await("r1")
			found := ana.register(0)[0]
			if n := len(found.Candidates); n < 8 || n > 30 || found.Candidates[3].Distance > found.Horizon {
				f.t.Errorf("got %d candidates, all up to %.0f m", n, found.Horizon)
			}
			f.knowsAll(found, 0, 3000)
		}},
		{"several cells are registered in one trip", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", nextCell)
			ana.await("r1", withRadius(20_000))
			var hits []match.Hits
			same(f, f.count(func() { hits = ana.register(0, nextCell) }), 1)
			same(f, names(hits[0]), []string{})
			same(f, names(hits[1]), []string{"ben"})
			same(f, ben.woken(nextCell, tagged("van")), []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member does not get a request that it does not fit", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 2000)
			ana.await("r1", wanting("van"), withRadius(1000))
			ana.register(0)
			for _, miss := range []struct {
				meters float64
				tags   []string
			}{{500, nil}, {500, []string{"vans"}}, {1001.2, []string{"van"}}} {
				same(f, ben.woken(miss.meters, tagged(miss.tags...)), nil)
				same(f, ben.apply(ben.relist()...), nil)
			}
			for range 2 { // at the edge it gets the request each time: the caller's geometry decides within a metre
				same(f, ben.woken(1000.8, tagged("xl", "van")), []match.WaitingRequest{ben.foundBy(ana)})
			}
		}},
		{"a request waits under the rarest of the tags that it wants, and a member needs them all", func(f *fixture) {
			f.crowd(3, func(n int, c *match.Change) { c.Point, c.Tags = north(2500), []string{"van xl", "xl", "van xl"}[n] })
			ana := f.listed("ana", 0)
			ana.await("r1", wanting("van", "xl"))
			ana.register(0)
			for _, entry := range f.entries("queue", 0) {
				if !strings.HasPrefix(entry, "due ") && !strings.HasPrefix(entry, "came ") && !strings.HasPrefix(entry[2:], "van ") {
					f.t.Errorf("it waits as %q, want under van", entry)
				}
			}
			ben := f.listed("ben", 100)
			for _, tags := range []string{"van", "xl", "vanxl"} {
				same(f, ben.woken(100, tagged(tags)), nil)
			}
			same(f, ben.woken(100, tagged("van", "xl")), []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a request for tags that so many have waits for anybody, and a member needs them all", func(f *fixture) {
			f.crowd(140, func(n int, c *match.Change) { c.Point, c.Tags = north(2500), "van" })
			ana, ben := f.listed("ana", 0), f.connected("ben")
			ana.await("r1", wanting("van"))
			ana.register(0)
			same(f, ben.woken(100, tagged("xl")), nil)
			same(f, ben.woken(100, tagged("van")), []match.WaitingRequest{ben.foundBy(ana)})
		}},
		{"a member does not get its own request", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.register(0)
			same(f, ana.woken(100, tagged("van")), nil)
		}},
		{"a cell returns a request until its deadline, and then removes it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.connected("ben")
			ana.await("r1")
			ana.register(0)
			f.advance(time.Minute - time.Millisecond)
			same(f, len(ben.woken(10)), 1)
			f.advance(time.Millisecond)
			same(f, ben.woken(20, tagged("van")), nil)
			f.nobodyWaits(0)
		}},
		{"requests that have expired leave the cell, a few with each listing and each registration", func(f *fixture) {
			f.wait(30, func(n int, w *match.WaitingRequest) { w.Deadline = f.now + 1000 + int64(n%7) })
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(2 * time.Second)
			ben := f.connected("ben")
			for len(f.stored("wait", geo.ShardCell(north(0)))) > 1 {
				before := len(f.stored("wait", geo.ShardCell(north(0))))
				for _, w := range ben.woken(10) {
					same(f, w.Owner, ana.Member)
				}
				ana.register(0)
				if left := len(f.stored("wait", geo.ShardCell(north(0)))); left >= before && before > 1 {
					f.t.Fatalf("%d requests wait, and before there were %d", left, before)
				}
			}
			ana.withdraw(0)
			f.nobodyWaits(0)
		}},
		{"the oldest requests come first, of one moment those of the smaller member id, and at most 16", func(f *fixture) {
			for _, tag := range []string{"", "van"} {
				f.wait(66, func(n int, w *match.WaitingRequest) {
					// Neither in the order of their ids nor against it.
					w.Owner.ID = fmt.Sprintf("m%02d", n*29%66)
					w.Created, w.Tags = f.now-int64(n*29%66/6), strings.Fields(tag)
					w.Radius = []float64{90, 300, 1000}[n%3] // they wait in squares of three sizes
				})
				ben := f.connected("ben" + tag)
				woken := ben.woken(0, tagged("van"))
				same(f, len(woken), mostWaiting)
				for i, w := range woken {
					same(f, w.Owner.ID, fmt.Sprintf("m%02d", (10-i/6)*6+i%6))
				}
			}
		}},
		{"a member gets the request that it fits after hundreds that it nearly fits, of each size", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 300)
			ana.await("r1")
			for _, radius := range []float64{90, 700} {
				f.wait(450, func(n int, w *match.WaitingRequest) { w.Radius = radius })
				ana.asked.Radius = radius + 20
				ana.register(0)
				ben.moveTo(2000)
				trips := f.count(func() {
					reported := ben.report(radius + 10)
					same(f, ben.apply(reported.Changes...), []match.WaitingRequest{ben.foundBy(ana)})
				})
				same(f, trips, 5) // record, cell, and the cell goes on three times
				same(f, ben.woken(radius+9), nil)
			}
		}},
		{"a request that the cache has evicted is forgotten", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 2000)
			ana.await("r1")
			ana.register(0)
			f.evict(f.key("wait", string(geo.ShardCell(north(0)))))
			same(f, ben.woken(100), nil)
			f.advance(time.Minute)
			same(f, ben.woken(2000), nil)
			same(f, slices.ContainsFunc(f.entries("queue", 0), func(entry string) bool { return strings.HasPrefix(entry, "due ") }), false)
		}},
		{"a member who stays in hundreds of circles gets none of them again at once", func(f *fixture) {
			f.wait(450, func(n int, w *match.WaitingRequest) { w.Created = f.now - int64(n) })
			ben := f.connected("ben")
			same(f, len(ben.woken(10)) >= mostWaiting, true)
			same(f, ben.woken(11), nil)
			same(f, len(ben.woken(10, tagged("van"))) >= mostWaiting, true)
		}},
		{"a member with many tags, each of which some wait for, gets a request of each", func(f *fixture) {
			var tags []string
			for n := range 16 {
				tags = append(tags, fmt.Sprint("tag", n))
			}
			f.wait(16*25, func(n int, w *match.WaitingRequest) {
				w.Tags, w.Radius, w.Created = []string{tags[n%16]}, []float64{90, 5000}[min(1, n/384)], f.now-int64(n)
			})
			ben := f.connected("ben")
			woken := ben.woken(100, tagged(tags...))
			same(f, len(woken), 16)
		}},
		{"a cell keeps the newest request of a member", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.await("r1")
			older := *ana
			ana.register(0)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2", withRadius(150))
			met := func(want ...match.WaitingRequest) {
				f.t.Helper()
				same(f, ben.apply(ben.relist()...), want)
			}
			for _, late := range []*member{ana, &older, ana} {
				late.register(0)
				met(ben.foundBy(ana))
			}
			same(f, len(f.entries("queue", 0)), 2+f.places(ana))
			ana.asked.Radius = 200
			ana.register(0)
			met(ben.foundBy(ana))
			same(f, len(f.entries("queue", 0)), 2+f.places(ana))
			ana.asked.Created++
			ana.asked.Point = north(1000)
			ana.register(0)
			met()
			same(f, len(f.entries("queue", 0)), 2+f.places(ana))
		}},
		{"a request is withdrawn from its cells, and a newer one is not", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 100)
			ana.await("r1")
			older := *ana
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2")
			ana.register(0, nextCell)
			met := func() int { return len(ben.apply(ben.relist()...)) }
			older.withdraw(0, nextCell)
			same(f, met(), 1)
			ana.withdraw(0, nextCell)
			same(f, met(), 0)
			ana.withdraw(0, nextCell) // nothing is there any more
			ana.register(0)
			newer := *ana
			newer.asked.Created++
			newer.withdraw(0)
			same(f, met(), 0)
			f.nobodyWaits(0, nextCell)
		}},
		{"a request that comes after the cache has evicted the one before waits until its own deadline", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.connected("ben")
			ana.await("r1")
			ana.register(0)
			f.evict(f.key("wait", string(geo.ShardCell(north(0)))))
			ana.asked.Created++
			ana.asked.Deadline += 60_000
			ana.register(0)
			f.advance(time.Minute)
			same(f, len(ben.woken(100)) > 0, true)
			f.evict(f.key("queue", string(geo.ShardCell(north(0)))))
			same(f, ben.woken(100, tagged("van")), nil)
			ana.asked.Created++
			ana.register(0)
			same(f, len(ben.woken(100, tagged())), 1)
		}},
		randomCircles(1), randomCircles(2), randomCircles(3),
		{"a request that is registered in all its cells is noted as such, waiting or searched for", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			same(f, ana.registered(), true)
			same(f, ana.snapshot().Route.Request.Registered, true)
			f.says(ana.lease("m1"), match.StatusOK)
			same(f, ana.registered(), true)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			same(f, ana.snapshot().Route.Request.Registered, true)
		}},
		{"only the request of that moment is noted", func(f *fixture) {
			ana := f.listed("ana", 0)
			same(f, ana.registered(), false)
			ana.await("r1")
			older := *ana
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ana.await("r2")
			same(f, older.registered(), false)
			same(f, ana.snapshot().Route.Request.Registered, false)
		}},
		{"a request that has led to a match is not noted as registered", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			same(f, ana.registered(), false)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			same(f, ana.registered(), false)
			same(f, ana.snapshot().Route.Request.Registered, false)
		}},
	}
}

// mostWaiting is how many requests one run of a script returns.
const mostWaiting = 16

// woken are the requests that a report brings.
func (a *member) woken(meters float64, options ...reportOption) []match.WaitingRequest {
	a.t.Helper()
	reported := a.report(meters, options...)
	a.says(reported, match.StatusOK)
	return a.apply(reported.Changes...)
}

// wait lets so many requests wait in the cell, each with that change. They are around the
// same point, with a radius of 1 km, and for 1000 s.
func (f *fixture) wait(size int, change func(n int, w *match.WaitingRequest)) {
	f.t.Helper()
	f.concurrently(size, func(n int) error {
		w := match.WaitingRequest{Owner: match.Member{Pool: f.pool, ID: fmt.Sprintf("owner-%03d", n)}, Request: match.Request{ID: "r",
			Point: north(0), Radius: 1000, Created: f.now - 1000, Deadline: f.now + 1_000_000, Wait: true}}
		change(n, &w)
		_, err := f.store.Register(f.t.Context(), shards([]float64{0}), w, 1)
		return err
	})
}

// nobodyWaits fails the test if anything of a request is left in the cells.
func (f *fixture) nobodyWaits(meters ...float64) {
	f.t.Helper()
	for _, m := range meters {
		same(f, f.stored("wait", geo.ShardCell(north(m))), map[string]string{})
		same(f, f.entries("queue", m), []string{})
	}
}

// places is in how many squares of the queue the member's request is, when it waits in the
// middle of the cell.
func (f *fixture) places(a *member) int {
	x, y := geo.PlaneOf(geo.ShardCell(north(0))).XY(a.asked.Point)
	meters := max(a.asked.Radius, a.asked.Widening.To) + 50 + 1
	side := 1024.0
	for side*geo.PlaneY < 2*meters && side < geo.PlaneSide {
		side *= 2
	}
	squares := func(middle, reach float64) int {
		return int(math.Floor(min(geo.PlaneSide-1, middle+reach)/side) - math.Floor(max(0, middle-reach)/side) + 1)
	}
	return squares(x, meters/geo.PlaneX) * squares(y, meters/geo.PlaneY)
}

// randomCircles is a case that compares waiting requests with plain geometry: circles of 100 m
// to 20 km that touch a cell anywhere, and members listed anywhere in it.
func randomCircles(seed uint64) testCase {
	return testCase{fmt.Sprint("a member gets each request whose circle it is in, of the random circles ", seed), func(f *fixture) {
		random := rand.New(rand.NewPCG(seed, 1))
		cell, tags := geo.ShardCell(north(0)), []string{"", "van", "van xl", "xl"}
		anywhere := func(degrees float64) geo.Point {
			return geo.Point{Lat: 37.7749 + degrees*(2*random.Float64()-1), Lng: -122.4194 + 1.26*degrees*(2*random.Float64()-1)}
		}
		members := 0
		for round := range 6 {
			var waiting []match.WaitingRequest
			for len(waiting) < mostWaiting {
				w := match.WaitingRequest{Owner: match.Member{Pool: f.pool, ID: fmt.Sprint("owner", len(waiting))}, Request: match.Request{ID: "r",
					Radius: 100 * math.Pow(200, random.Float64()), Tags: strings.Fields(tags[random.IntN(len(tags))]), Created: f.now + int64(round),
					Deadline: f.now + 60_000, Wait: true}}
				w.Point = anywhere((w.Radius + 4000) / 111_000)
				if n := len(waiting); n%3 == 0 { // in step n/3 of its widening, of 8
					w.Widening = match.Widening{From: max(1, w.Radius-float64(50*n)), To: w.Radius + float64(50*(24-n)), Over: 8 * time.Hour}
					w.Created, w.Deadline = f.now-int64(n/3)*time.Hour.Milliseconds()-1, f.now+10*time.Hour.Milliseconds()
					w.Radius = w.Widening.From + (w.Widening.To-w.Widening.From)*float64(n/3)/8
				}
				if slices.Contains(geo.ShardsWithin(w.Point, w.Radius), cell) {
					_, err := f.store.Register(f.t.Context(), []geo.Cell{cell}, w, 1)
					f.must(err)
					waiting = append(waiting, w)
				}
			}
			for n := range 12 {
				p := edge(360 * random.Float64())
				if n%3 > 0 {
					for p = anywhere(0.04); geo.ShardCell(p) != cell; {
						p = anywhere(0.04)
					}
				}
				members++
				m := match.Member{Pool: f.pool, ID: fmt.Sprint("member", members)}
				c := match.Change{List: true, Cell: cell, Epoch: 1, Position: match.Position{Point: p, At: f.now}, Heard: f.now, Tags: tags[random.IntN(len(tags))]}
				got, err := f.store.Apply(f.t.Context(), m, []match.Change{c})
				f.must(err)
				for _, w := range waiting {
					found := slices.ContainsFunc(got, func(g match.WaitingRequest) bool { return g.Owner == w.Owner })
					d, fits := geo.Distance(p, w.Point), tagsHave(c.Tags, w.Tags)
					if fits && d <= w.Radius && !found || found && (!fits || d > w.Radius+2) {
						f.t.Errorf("a member with %q, %.1f m from a request for %v within %.1f m: got it %v", c.Tags, d, w.Tags, w.Radius, found)
					}
				}
			}
			for _, w := range waiting {
				f.must(f.store.Withdraw(f.t.Context(), []geo.Cell{cell}, w))
			}
			f.nobodyWaits(0)
		}
	}}
}

// register lets the member's request wait in the cells so many metres north.
func (a *member) register(meters ...float64) []match.Hits {
	a.t.Helper()
	hits, err := a.store.Register(a.t.Context(), shards(meters), a.waiting(), 8)
	a.must(err)
	return hits
}

func (a *member) registered() bool {
	a.t.Helper()
	noted, err := a.store.Registered(a.t.Context(), a.waiting())
	a.must(err)
	return noted
}

func (a *member) withdraw(meters ...float64) {
	a.t.Helper()
	a.must(a.store.Withdraw(a.t.Context(), shards(meters), a.waiting()))
}

func (a *member) waiting() match.WaitingRequest {
	return match.WaitingRequest{Owner: a.Member, Request: a.asked}
}

// foundBy is the other's request as a listing of the member returns it.
func (a *member) foundBy(other *member) match.WaitingRequest {
	w := other.waiting()
	w.Tags = nil
	w.Distance = geo.Distance(a.Point, w.Point)
	return w
}

func shards(meters []float64) []geo.Cell {
	all := make([]geo.Cell, len(meters))
	for i, m := range meters {
		all[i] = geo.ShardCell(north(m))
	}
	return all
}
