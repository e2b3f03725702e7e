package store_test

import (
	"fmt"
	"math"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

// accurate is a report's accuracy in metres.
func accurate(meters float64) reportOption { return func(r *match.Report) { r.Accuracy = &meters } }

// positions: which positions are believed. A report whose position is not is a sign of life.
func positions() []testCase {
	const limits = `"maxAccuracy":200,"maxSpeed":100,"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6`
	return []testCase{
		{"a position less accurate than the pool allows lists nobody", func(f *fixture) {
			f.settings(limits)
			ana := f.connected("ana")
			f.is(ana.report(0, accurate(201)), match.Reported{Status: match.StatusOK, NotTaken: protocol.PositionInaccurate, At: f.now,
				Advice: match.Unavailable, Mark: f.advice()})
			same(f, ana.snapshot().Position, nil)
			f.says(ana.begin("", "m1"), match.StatusNoLocation)
			f.is(ana.report(0, accurate(200)), match.Reported{Status: match.StatusOK, At: f.now, Changes: []match.Change{ana.list(f.now)},
				Advice: match.Available, Mark: f.advice()})
		}},
		{"a position less accurate than the pool allows leaves the last one, which becomes stale in its time", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0)
			f.advance(time.Minute - time.Millisecond)
			f.is(ana.report(10, accurate(201)), match.Reported{Status: match.StatusOK, NotTaken: protocol.PositionInaccurate, At: f.now, Advice: match.Available})
			same(f, *ana.snapshot().Position, ana.Position)
			f.advance(time.Millisecond)
			f.is(ana.report(10, accurate(201)), match.Reported{Status: match.StatusOK, NotTaken: protocol.PositionInaccurate, At: f.now,
				Changes: []match.Change{unlist(0, start)}, Advice: match.Unavailable, Mark: f.advice()})
		}},
		{"what a report says beside a position that is not taken counts", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0)
			ana.tags = "xl"
			f.is(ana.report(10, accurate(201), tagged("xl")), match.Reported{Status: match.StatusOK, NotTaken: protocol.PositionInaccurate, At: f.now,
				Changes: []match.Change{ana.list(start + 1)}, Advice: match.Available})
			f.is(ana.report(10, accurate(201), available(false)), match.Reported{Status: match.StatusOK, NotTaken: protocol.PositionInaccurate, At: f.now,
				Changes: []match.Change{unlist(0, start+1)}, Advice: match.Unavailable, Mark: f.advice()})
		}},
		{"a report whose position is not taken is a sign of life", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			same(f, ana.report(0, accurate(201)).NotTaken, protocol.PositionInaccurate)
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
		}},
		{"without a largest accuracy every position is taken", func(f *fixture) {
			f.settings(`"maxAccuracy":0`)
			ana := f.connected("ana")
			same(f, ana.report(0, accurate(100_000)).NotTaken, "")
		}},
		{"a jump is further than the pool's speed, a second more and both accuracies allow", func(f *fixture) {
			f.settings(limits)
			for _, one := range []struct {
				name             string
				before, now      []reportOption
				meters, furthest float64
			}{
				{"both", []reportOption{accurate(10)}, []reportOption{accurate(20)}, 1129, 1131},
				{"one", []reportOption{accurate(10)}, nil, 1609, 1611},
				{"neither", nil, nil, 2099, 2101},
				{"zeros", []reportOption{accurate(0)}, []reportOption{accurate(0)}, 2099, 2101},
			} {
				f.now = start
				ana, ben := f.listed("ana-"+one.name, 0, one.before...), f.listed("ben-"+one.name, 0, one.before...)
				f.advance(10 * time.Second)
				same(f, ana.report(one.meters, one.now...).NotTaken, "")
				same(f, ben.report(one.furthest, one.now...).NotTaken, protocol.PositionJump)
				same(f, *ben.snapshot().Position, ben.Position)
			}
		}},
		{"a jump is as far in any direction", func(f *fixture) {
			f.settings(limits)
			east := func(meters float64) reportOption {
				return func(r *match.Report) {
					r.Point = geo.Point{Lat: north(0).Lat, Lng: north(0).Lng + (north(meters).Lat-north(0).Lat)/math.Cos(north(0).Lat*math.Pi/180)}
				}
			}
			ana := f.listed("ana", 0, accurate(10))
			f.advance(10 * time.Second)
			same(f, ana.report(0, accurate(20), east(1131)).NotTaken, protocol.PositionJump)
			same(f, ana.report(0, accurate(20), east(1129)).NotTaken, "")
		}},
		{"a position that is not taken moves no listing, while an earlier one stays for a moment", func(f *fixture) {
			f.settings(`"maxAccuracy":200,"maxSpeed":0`)
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			same(f, ana.report(nextCell, accurate(201)).Changes, nil)
		}},
		{"without a largest speed no position is a jump", func(f *fixture) {
			f.settings(`"maxSpeed":0`)
			ana := f.listed("ana", 0)
			same(f, ana.report(15_000_000).NotTaken, "")
		}},
		{"a jump counts with the second report from there", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0, accurate(10))
			f.advance(10 * time.Second)
			for _, meters := range []float64{5000, 5400} { // the second is not near enough
				same(f, ana.report(meters, accurate(10)).NotTaken, protocol.PositionJump)
				f.advance(time.Second)
			}
			f.is(ana.report(5200, accurate(10)), match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Available,
				Changes: []match.Change{ana.list(f.now)}})
		}},
		{"a jump that is repeated is not its own second report", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0, accurate(10))
			for range 3 {
				same(f, ana.report(9000, accurate(10), at(start+1000), seq(1)).NotTaken, protocol.PositionJump)
			}
		}},
		{"of two jumps the later one waits for its second report", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0, accurate(10))
			for _, meters := range []float64{9000, -9000, 9000, 4000} {
				f.advance(time.Second)
				same(f, ana.report(meters, accurate(10)).NotTaken, protocol.PositionJump)
			}
			f.advance(time.Second)
			same(f, ana.report(4000, accurate(10)).NotTaken, "")
		}},
		{"a jump is forgotten with a report from where the member was", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0, accurate(10))
			f.advance(time.Second)
			same(f, ana.report(9000, accurate(10)).NotTaken, protocol.PositionJump)
			f.advance(time.Second)
			same(f, ana.report(10, accurate(10)).NotTaken, "")
			f.advance(time.Second)
			same(f, ana.report(9000, accurate(10)).NotTaken, protocol.PositionJump)
		}},
		{"a jump needs a last position that is fresh, of this session or of the one before", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0)
			f.advance(time.Minute - time.Millisecond)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			same(f, next.report(90_000).NotTaken, protocol.PositionJump)
			f.advance(time.Millisecond)
			same(f, next.report(-90_000).NotTaken, "")
		}},
		{"a jump is hidden with the position of a member who leaves", func(f *fixture) {
			f.settings(limits)
			ana := f.listed("ana", 0)
			same(f, ana.report(90_000).NotTaken, protocol.PositionJump)
			if jumped := f.record("ana")["jumped"]; len(jumped) == 0 || len(jumped) > 64 {
				f.t.Errorf("got the jump %q, want one of at most 64 bytes", jumped)
			}
			f.says(ana.disconnect(0), match.StatusOK)
			f.hidden("ana")
		}},
		{"where consent is required, all who search know only in which small cell a member is", func(f *fixture) {
			f.settings(unlimited + `,"consent":"required"`)
			// Of two members with one middle, one is within the radius and the other one is not.
			from, middle, ben, cid := geo.Point{}, geo.Point{}, 0.0, 0.0
			for from = north(0); geo.Coarse(north(cid)) != middle || cid-ben < 30; cid++ {
				if m := geo.Coarse(north(cid)); m != middle {
					middle, ben = m, cid
				}
			}
			for _, meters := range []float64{ben, cid} {
				member := f.listed(fmt.Sprint("at ", meters), meters, available(true))
				for radius, want := range map[float64]int{geo.Distance(from, middle) - 3: 0, geo.Distance(from, middle) + 3: 1} {
					hits := f.search(0, radius, 9)
					same(f, len(hits.Candidates), want)
					if want == 1 && geo.Distance(hits.Candidates[0].Point, middle) > 0.5 {
						f.t.Errorf("a search shows %v, want %v", hits.Candidates[0].Point, middle)
					}
					ana := f.listed(fmt.Sprint("ana ", radius, meters), 0)
					ana.await("r", withRadius(radius))
					ana.register(0)
					f.advance(match.AskAgain)
					waiting := member.woken(meters)
					same(f, len(waiting), want)
					if want == 1 {
						same(f, waiting[0].Distance, geo.Distance(from, middle))
					}
					saw := *member
					member.moveTo(meters)
					moved := ana.claim("m1", &saw)
					f.says(moved, match.StatusMoved)
					same(f, moved.Position.Point, middle)
					ana.withdraw(0)
					ana.leave()
				}
				same(f, member.snapshot().Position.Point, north(meters)) // for a peer
				member.leave()
			}
		}},
		{"where consent is required, a member near the edge of a shard cell is listed where it counts as being", func(f *fixture) {
			f.settings(unlimited + `,"consent":"required"`)
			edge := 0.0
			for geo.ShardCell(north(edge)) == geo.ShardCell(geo.Coarse(north(edge))) {
				edge++
			}
			f.listed("ben", edge, available(true))
			middle := geo.Coarse(north(edge))
			hits, err := f.store.Search(f.t.Context(), parts(geo.ShardCell(middle)), match.Query{Self: match.Member{Pool: f.pool, ID: "me"},
				Point: middle, Radius: 100, Want: 9})
			f.must(err)
			same(f, len(hits[0].Candidates), 1)
		}},
	}
}
