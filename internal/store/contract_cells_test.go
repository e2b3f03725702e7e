package store_test

import (
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// cells: what the scripts on a shard cell do to the members listed there.
func cells() []testCase {
	return []testCase{
		{"a listing is replaced by a newer one only", func(f *fixture) {
			ana := f.listed("ana", 0)
			for _, epoch := range []int64{f.now - 1, f.now} {
				old := ana.list(epoch)
				old.Point = north(500)
				ana.apply(old)
				same(f, f.nearest(0, 100, 1), []string{"ana"})
			}
			newer := ana.list(f.now + 1)
			newer.Point = north(500)
			ana.apply(newer)
			same(f, f.nearest(0, 100, 1), []string{})
			same(f, f.nearest(500, 100, 1), []string{"ana"})
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
			moved := ana.list(f.now + 1)
			moved.Cell, moved.Point = geo.ShardCell(north(nextCell)), north(nextCell)
			ana.apply(unlist(0, f.now), moved)
			same(f, f.nearest(0, 100, 1), []string{})
			same(f, f.nearest(nextCell, 100, 1), []string{"ana"})
		}},
		{"no change is no trip", func(f *fixture) {
			same(f, f.newMember("ana").apply(), nil)
		}},
		{"a new listing removes the tags of the one before", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			same(f, f.nearest(0, 100, 1, "van"), []string{"ana"})
			ana.moveTo(0, tagged())
			same(f, f.nearest(0, 100, 1, "van"), []string{})
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			same(f, f.stored("tags", geo.ShardCell(north(0))), map[string]string{})
		}},
		{"a report moves the listing, and leaves its tags", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			reported := ana.report(500)
			same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
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
		{"a report older than the listing in the cell does not move it", func(f *fixture) {
			for _, newer := range []match.Change{
				{Position: match.Position{At: start + 2, Seq: 1}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 3}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 2}, Session: start},
				{Position: match.Position{At: start, Seq: 1}, Session: start + 1},
			} {
				ana := f.connected("ana" + whole(newer.At, newer.Seq))
				newer.List, newer.Cell, newer.Epoch, newer.Heard, newer.Point = true, geo.ShardCell(north(0)), 1, f.now, north(500)
				ana.apply(newer)
				reported := ana.report(0, at(start+1), seq(2))
				f.says(reported, match.StatusOK)
				same(f, reported.Index, match.Move{Status: match.StatusOlder})
				same(f, f.nearest(0, 100, 1), []string{})
			}
		}},
		{"a report newer than the listing in the cell moves it", func(f *fixture) {
			for _, older := range []match.Change{
				{Position: match.Position{At: start, Seq: 3}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 1}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 1}, Session: start - 1},
			} {
				ana := f.connected("ana" + whole(older.At, older.Seq, older.Session))
				older.List, older.Cell, older.Epoch, older.Heard, older.Point = true, geo.ShardCell(north(0)), 1, f.now, north(500)
				ana.apply(older)
				reported := ana.report(0, at(start+1), seq(2))
				f.says(reported, match.StatusOK)
				same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: 1})
				same(f, reported.Epoch, f.now)
				same(f, f.nearest(500, 100, 1), []string{})
			}
		}},
		{"a report of a replaced session does not move the listing of the newer session", func(f *fixture) {
			ana := f.listed("ana", 0)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			next.moveTo(0)
			f.advance(time.Second)
			reported := ana.report(500)
			f.is(reported, match.Reported{Status: match.StatusReplaced, Index: match.Move{Status: match.StatusOlder}})
		}},
		{"a report returns the epoch of the listing that it moved, which may be older than the record's", func(f *fixture) {
			ana := f.listed("ana", 0)
			changes := ana.relist()
			reported := ana.report(500)
			same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
			same(f, reported.Epoch, start+1)
			ana.apply(changes...)
			reported = ana.report(500)
			same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start + 1})
		}},
		{"a stale report moves nobody", func(f *fixture) {
			f.settings(`"locationTTL":20`)
			ana := f.connected("ana")
			change := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: f.now, Session: start,
				Position: match.Position{Point: north(500), At: start - 19_999}}
			ana.apply(change)
			reported := ana.report(0, at(start-20_000))
			f.says(reported, match.StatusStale)
			same(f, reported.Index, match.Move{Status: match.StatusRefused})
			same(f, f.nearest(500, 100, 1), []string{"ana"})
			reported = ana.report(0, at(start-19_999), seq(1))
			same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: 1})
			same(f, reported.Epoch, f.now)
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
				same(f, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
				same(f, f.search(float64(n*100), 50, 1).Candidates[0].At, clock.at)
			}
		}},
		{"a member at 180 degrees, stored as -180, is found from both sides", func(f *fixture) {
			edge := geo.Point{Lat: 10, Lng: -180}
			ana := f.connected("ana")
			ana.moveTo(0, func(r *match.Report) { r.Point = edge })
			for _, lng := range []float64{-180, -179.999, 179.999} {
				q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: geo.Point{Lat: 10, Lng: lng}, Radius: 200, Want: 1}
				hits, err := f.store.Search(f.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
				f.must(err)
				same(f, names(hits...), []string{"ana"})
			}
		}},
		{"a member as far north or south as the protocol allows is found", func(f *fixture) {
			for _, lat := range []float64{-85, 85} {
				name := "ana" + whole(int64(lat))
				f.connected(name).moveTo(0, func(r *match.Report) { r.Point = geo.Point{Lat: lat, Lng: 20} })
				q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: geo.Point{Lat: lat, Lng: 20.001}, Radius: 200, Want: 1}
				hits, err := f.store.Search(f.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
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
