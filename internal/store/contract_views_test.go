package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
)

// views: how far a member has looked at the requests that wait in its cell.
func views() []testCase {
	nearly := func(_ int, w *match.WaitingRequest) {} // 1 km around the middle
	return []testCase{
		{"a member who stays looks once at the requests that it does not fit, and then at new ones only", func(f *fixture) {
			f.wait(450, nearly)
			f.advance(time.Second)
			ana, ben := f.listed("ana", 0), f.connected("ben")
			trips := func(meters float64, want ...match.WaitingRequest) int {
				f.t.Helper()
				f.advance(time.Second)
				f.listed("dan", 0) // the first who is listed in a span marks the cell
				reported := ben.report(meters)
				return f.count(func() { same(f, ben.apply(reported.Changes...), want) })
			}
			same(f, trips(1040), 4)
			for range 25 {
				same(f, trips(1040), 1)
				same(f, trips(1050), 1)
			}
			ana.await("r1", withRadius(1060))
			ana.register(0)
			f.advance(match.AskAgain)
			ben.Point = north(1045)
			same(f, trips(1045, ben.foundBy(ana)), 1)
			ana.withdraw(0)
			f.advance(match.AskAgain)
			same(f, trips(1045) > 1, true) // since something fitted it looks again at all
			same(f, trips(1045), 1)
			same(f, trips(1005) > 1, true) // it has moved by as much as it was from the nearest circle
			same(f, trips(1100) > 1, true)
			same(f, trips(1140), 1)
			same(f, trips(1150) > 1, true) // or so far that circles may begin at which it has not looked
		}},
		{"a report goes on where the one before had looked at enough", func(f *fixture) {
			f.wait(1400, nearly)
			f.advance(time.Millisecond)
			ana, ben := f.listed("ana", 0), f.connected("ben")
			ana.await("r1", withRadius(1100))
			ana.register(0)
			same(f, ben.woken(1040), nil)
			f.advance(time.Second)
			same(f, ben.woken(1045), []match.WaitingRequest{ben.foundBy(ana)})
			f.advance(time.Second)
			same(f, ben.woken(1045), nil)
		}},
		{"a member is told of what came while it looked", func(f *fixture) {
			f.wait(1400, nearly)
			ana, ben := f.listed("ana", 0), f.connected("ben")
			same(f, ben.woken(1040), nil)
			f.advance(5 * time.Second)
			ana.await("r1", withRadius(1100))
			ana.register(0)
			for range 2 {
				f.advance(match.AskAgain)
				same(f, ben.woken(1040), []match.WaitingRequest{ben.foundBy(ana)})
				f.advance(match.AskAgain) // it looks again at all, from the first
				same(f, ben.woken(1040), nil)
			}
		}},
		{"a member who is unlisted while it looks gets no more", func(f *fixture) {
			f.wait(300, nearly)
			ben := f.connected("ben")
			reported := ben.report(0)
			f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
				if commands[0].Script == "wake" {
					f.hook = nil
					ben.apply(match.Change{Cell: geo.ShardCell(north(0)), Epoch: 1 << 50})
				}
				send(ctx)
			}
			same(f, len(ben.apply(reported.Changes...)), mostWaiting)
			same(f, f.hook == nil, true)
		}},
		walkAmongCircles(1), walkAmongCircles(2), walkAmongCircles(3),
	}
}

// walkAmongCircles is a case that compares what a walking member is told with plain geometry, while
// requests come and go.
func walkAmongCircles(seed uint64) testCase {
	return testCase{fmt.Sprint("a member who walks among circles is told of each that it is in, in each span; walk ", seed), func(f *fixture) {
		random := rand.New(rand.NewPCG(seed, 2))
		ben := f.connected("ben")
		waiting := map[string]match.WaitingRequest{}
		told := map[string]bool{} // in this span
		place := 0.0
		for n := range 250 {
			before := f.now
			f.advance(time.Duration(random.IntN(4000)) * time.Millisecond)
			if span := match.AskAgain.Milliseconds(); f.now/span != before/span {
				clear(told)
			}
			if random.IntN(2) == 0 {
				w := match.WaitingRequest{Owner: match.Member{Pool: f.pool, ID: fmt.Sprint("owner", random.IntN(12))}, Request: match.Request{ID: "r",
					Point: north(-1000 + 2000*random.Float64()), Radius: 100 + 900*random.Float64(), Created: f.now, Deadline: f.now + 30_000, Wait: true}}
				if random.IntN(3) == 0 {
					w.Widening = match.Widening{From: w.Radius, To: 2 * w.Radius, Over: 20 * time.Second}
				}
				hits, err := f.store.Register(f.t.Context(), shards([]float64{0}), w, 8)
				f.must(err)
				waiting[w.Owner.ID] = w
				told[w.Owner.ID] = slices.Contains(names(hits...), "ben")
			}
			if random.IntN(8) == 0 {
				for id, w := range waiting {
					f.must(f.store.Withdraw(f.t.Context(), shards([]float64{0}), w))
					delete(waiting, id)
					break
				}
			}
			place += []float64{0, 0.5, 4, 25, 60, 300}[random.IntN(6)] * (2*random.Float64() - 1)
			got := ben.woken(place)
			for _, g := range got {
				told[g.Owner.ID] = true
			}
			for id, w := range waiting {
				d, r := geo.Distance(ben.Point, w.Point), circleAt(w.Request, f.now)
				found := slices.ContainsFunc(got, func(g match.WaitingRequest) bool { return g.Owner == w.Owner })
				if w.Deadline > f.now && (d < r-2 && !told[id] || d > r+2 && found) {
					f.t.Fatalf("report %d at %.0f m, %.1f m from a request within %.1f m: got it %v, told %v", n, place, d, r, found, told[id])
				}
			}
			for id, w := range waiting {
				if d := geo.Distance(ben.Point, w.Point); d > circleAt(w.Request, f.now) {
					delete(told, id) // it is told anew when it comes into the circle
				}
			}
		}
	}}
}

func circleAt(r match.Request, moment int64) float64 {
	if r.Widening.Over == 0 {
		return r.Radius
	}
	steps := min(moment-r.Created, r.Widening.Over.Milliseconds()) * match.WidenSteps / r.Widening.Over.Milliseconds()
	return r.Widening.From + (r.Widening.To-r.Widening.From)*float64(steps)/match.WidenSteps
}
