package store_test

import (
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// cells: what the scripts on a shard cell do to the members listed there.
func cells() []testCase {
	return []testCase{
		{"a listing is not replaced by an older one", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-10), seq(5))
			for _, late := range []func(*match.Change){
				func(c *match.Change) { c.Epoch--; c.At += 5 },
				func(c *match.Change) { c.Epoch--; c.Session++ },
				func(c *match.Change) { c.Seq-- },
				func(c *match.Change) { c.At--; c.Seq++ },
				func(c *match.Change) { c.At++; c.Session-- },
			} {
				for _, moved := range []bool{false, true} {
					older := ana.list(start)
					older.Point, older.Moved = north(500), moved
					late(&older)
					same(f, ana.apply(older), nil)
					same(f, f.nearest(0, 100, 1), []string{"ana"})
				}
			}
		}},
		{"a listing is replaced by a newer one", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-10), seq(5))
			meters := 0.0
			for _, newer := range []func(*match.Change){
				func(*match.Change) {}, // a repeat
				func(c *match.Change) { c.Seq++ },
				func(c *match.Change) { c.At++; c.Seq-- },
				func(c *match.Change) { c.At += 2; c.Session++; c.Seq-- },
				func(c *match.Change) { c.Epoch++; c.At-- },
			} {
				c := ana.list(start)
				newer(&c)
				meters += 200
				c.Point = north(meters)
				ana.apply(c)
				same(f, f.nearest(meters-200, 100, 1), []string{})
				same(f, f.nearest(meters, 100, 1), []string{"ana"})
			}
		}},
		{"a removal does not remove a newer listing", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.apply(unlist(0, f.now-1))
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, f.now))
			same(f, f.nearest(0, 100, 1), []string{})
			ana.apply(unlist(0, f.now)) // nobody is there
			ana.apply(ana.list(f.now))
			ana.apply(unlist(0, f.now+1))
			same(f, f.nearest(0, 100, 1), []string{})
		}},
		{"several changes are made in one trip, each in its cell", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.listed("ben", nextCell+500)
			moved := ana.list(f.now + 1)
			moved.Cell, moved.Point = geo.ShardCell(north(nextCell)), north(nextCell)
			same(f, f.count(func() { ana.apply(unlist(0, f.now), moved) }), 1)
			same(f, f.nearest(0, 100, 1), []string{})
			same(f, f.nearest(nextCell, 100, 1), []string{"ana"})
		}},
		{"no change is no trip", func(f *fixture) {
			same(f, f.newMember("ana").apply(), nil)
		}},
		{"a report moves the listing, and leaves its tags", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			reported := ana.report(500)
			same(f, reported.Changes, []match.Change{ana.move(start)})
			ana.apply(reported.Changes...)
			same(f, f.nearest(0, 100, 1), []string{})
			same(f, f.nearest(500, 100, 1, "van"), []string{"ana"})
		}},
		{"a report leaves the epoch of the listing", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Second)
			ana.moveTo(0)
			ana.apply(unlist(0, start-1))
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, start))
			same(f, f.nearest(0, 100, 1), []string{})
		}},
		{"a report gives the listing the epoch of the record, if that is newer", func(f *fixture) {
			ana := f.listed("ana", 0)
			late := ana.relist()
			ana.moveTo(500)
			ana.apply(unlist(0, start))
			same(f, f.nearest(500, 100, 1), []string{"ana"})
			ana.apply(late...) // it says where the member was before
			same(f, f.nearest(500, 100, 1), []string{"ana"})
			ana.apply(unlist(0, start+1))
			same(f, f.nearest(500, 100, 1), []string{})
		}},
		{"a report of a replaced session that comes to the cell late does not move the listing", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Second)
			late := ana.report(500)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			next.moveTo(0, at(f.now))
			ana.apply(late.Changes...)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
		}},
		{"a report lists a member whom the cell does not have, under a new epoch", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			ana.apply(unlist(0, start))
			reported := ana.report(500)
			same(f, reported.Changes, []match.Change{ana.move(start)})
			ana.apply(reported.Changes...)
			same(f, f.nearest(500, 100, 1, "van"), []string{"ana"})
			ana.apply(unlist(0, start))
			same(f, f.nearest(500, 100, 1, "van"), []string{"ana"})
			same(f, ana.relist(), []match.Change{ana.list(start + 2)})
		}},
		{"a report does not list a member who was claimed meanwhile", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 500)
			ana.apply(unlist(0, start))
			reported := ana.report(0)
			ben.matchWith("", "m1", ana)
			ana.apply(reported.Changes...)
			same(f, f.nearest(0, 100, 1), []string{})
		}},
		{"a report that is repeated lists the member, whose first try never came to the cell", func(f *fixture) {
			ana := f.connected("ana")
			ana.report(0, seq(1))
			reported := ana.report(0, seq(1))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available, Changes: []match.Change{ana.list(start + 1)}})
			ana.apply(reported.Changes...)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
		}},
		{"the cell orders reports by the time that the record gives them", func(f *fixture) {
			for n, clock := range []struct {
				said []reportOption
				at   int64
			}{
				{[]reportOption{arriving(start - 30_000)}, start - 30_000},
				{[]reportOption{arriving(start - 30_001)}, start},
				{[]reportOption{arriving(start + 30_000)}, start + 30_000},
				{[]reportOption{arriving(start + 30_001)}, start},
				{[]reportOption{at(start + 30_000), arriving(start - 5)}, start + 30_000},
				{[]reportOption{at(start + 30_001), arriving(start - 5)}, start - 5},
			} {
				ana := f.listed("ana"+whole(int64(n)), float64(n*100), at(start-40_000))
				reported := ana.report(float64(n*100), clock.said...)
				same(f, reported.At, clock.at)
				ana.apply(reported.Changes...)
				same(f, f.search(float64(n*100), 50, 1).Candidates[0].At, clock.at)
			}
		}},
		{"a member at 180 degrees, stored as -180, is found from both sides", func(f *fixture) {
			edge := geo.Point{Lat: 10, Lng: -180}
			ana := f.connected("ana")
			ana.moveTo(0, func(r *match.Report) { r.Point = edge })
			for _, lng := range []float64{-180, -179.999, 179.999} {
				q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: geo.Point{Lat: 10, Lng: lng}, Radius: 200, Want: 1}
				hits, err := f.store.Search(f.t.Context(), parts(geo.ShardsWithin(q.Point, q.Radius)...), q)
				f.must(err)
				same(f, names(hits...), []string{"ana"})
			}
		}},
		{"a member as far north or south as the protocol allows is found", func(f *fixture) {
			for _, lat := range []float64{-85, 85} {
				name := "ana" + whole(int64(lat))
				f.connected(name).moveTo(0, func(r *match.Report) { r.Point = geo.Point{Lat: lat, Lng: 20} })
				q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: geo.Point{Lat: lat, Lng: 20.001}, Radius: 200, Want: 1}
				hits, err := f.store.Search(f.t.Context(), parts(geo.ShardsWithin(q.Point, q.Radius)...), q)
				f.must(err)
				same(f, names(hits...), []string{name})
			}
		}},
		{"a member may be called anything", func(f *fixture) {
			for n, name := range []string{"a/b", "}", "{x}", "two words", "100%", "🐝", "-", "*"} {
				a := f.listed(name, float64(n*100))
				same(f, a.snapshot().Connection, a.Connection)
				same(f, f.nearest(float64(n*100), 20, 1), []string{name})
			}
		}},
	}
}
