package store_test

import (
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// cells: what the scripts on a shard cell do to the members listed there.
func cells() []testCase {
	return []testCase{
		{"a listing is replaced by a newer one only", func(s *fixture) {
			ana := s.listed("ana", 0)
			for _, epoch := range []int64{s.now - 1, s.now} {
				old := ana.list(epoch)
				old.Point = north(500)
				ana.apply(old)
				same(s, s.nearest(0, 100, 1), []string{"ana"})
			}
			newer := ana.list(s.now + 1)
			newer.Point = north(500)
			ana.apply(newer)
			same(s, s.nearest(0, 100, 1), []string{})
			same(s, s.nearest(500, 100, 1), []string{"ana"})
		}},
		{"a removal does not remove a newer listing", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.apply(unlist(0, s.now-1))
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, s.now))
			same(s, s.nearest(0, 100, 1), []string{})
			ana.apply(unlist(0, s.now)) // nobody is there
			ana.apply(ana.list(s.now))
			ana.apply(unlist(0, s.now+1))
			same(s, s.nearest(0, 100, 1), []string{})
		}},
		{"several changes are made in one trip, each in its cell", func(s *fixture) {
			ana := s.listed("ana", 0)
			moved := ana.list(s.now + 1)
			moved.Cell, moved.Point = geo.ShardCell(north(nextCell)), north(nextCell)
			ana.apply(unlist(0, s.now), moved)
			same(s, s.nearest(0, 100, 1), []string{})
			same(s, s.nearest(nextCell, 100, 1), []string{"ana"})
		}},
		{"no change is no trip", func(s *fixture) {
			same(s, s.newMember("ana").apply(), nil)
		}},
		{"a new listing removes the tags of the one before", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			same(s, s.nearest(0, 100, 1, "van"), []string{"ana"})
			ana.moveTo(0, tagged())
			same(s, s.nearest(0, 100, 1, "van"), []string{})
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			same(s, s.stored("tags", geo.ShardCell(north(0))), map[string]string{})
		}},
		{"a report moves the listing, and leaves its tags", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			reported := ana.report(500)
			same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
			same(s, s.nearest(0, 100, 1), []string{})
			same(s, s.nearest(500, 100, 1, "van"), []string{"ana"})
		}},
		{"a report leaves the epoch of the listing", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.advance(time.Second)
			ana.moveTo(0)
			ana.apply(unlist(0, start-1))
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, start))
			same(s, s.nearest(0, 100, 1), []string{})
		}},
		{"a report older than the listing in the cell does not move it", func(s *fixture) {
			for _, newer := range []match.Change{
				{Position: match.Position{At: start + 2, Seq: 1}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 3}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 2}, Session: start},
				{Position: match.Position{At: start, Seq: 1}, Session: start + 1},
			} {
				ana := s.connected("ana" + whole(newer.At, newer.Seq))
				newer.List, newer.Cell, newer.Epoch, newer.Heard, newer.Point = true, geo.ShardCell(north(0)), 1, s.now, north(500)
				ana.apply(newer)
				reported := ana.report(0, at(start+1), seq(2))
				s.says(reported, match.StatusOK)
				same(s, reported.Index, match.Move{Status: match.StatusOlder})
				same(s, s.nearest(0, 100, 1), []string{})
			}
		}},
		{"a report newer than the listing in the cell moves it", func(s *fixture) {
			for _, older := range []match.Change{
				{Position: match.Position{At: start, Seq: 3}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 1}, Session: start},
				{Position: match.Position{At: start + 1, Seq: 1}, Session: start - 1},
			} {
				ana := s.connected("ana" + whole(older.At, older.Seq, older.Session))
				older.List, older.Cell, older.Epoch, older.Heard, older.Point = true, geo.ShardCell(north(0)), 1, s.now, north(500)
				ana.apply(older)
				reported := ana.report(0, at(start+1), seq(2))
				s.says(reported, match.StatusOK)
				same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: 1})
				same(s, reported.Epoch, s.now)
				same(s, s.nearest(500, 100, 1), []string{})
			}
		}},
		{"a report of a replaced session does not move the listing of the newer session", func(s *fixture) {
			ana := s.listed("ana", 0)
			next := ana.nextSession()
			s.says(next.connect(), match.StatusOK)
			next.moveTo(0)
			s.advance(time.Second)
			reported := ana.report(500)
			s.is(reported, match.Reported{Status: match.StatusReplaced, Index: match.Move{Status: match.StatusOlder}})
		}},
		{"a report returns the epoch of the listing that it moved, which may be older than the record's", func(s *fixture) {
			ana := s.listed("ana", 0)
			changes := ana.relist()
			reported := ana.report(500)
			same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
			same(s, reported.Epoch, start+1)
			ana.apply(changes...)
			reported = ana.report(500)
			same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start + 1})
		}},
		{"a stale report moves nobody", func(s *fixture) {
			s.settings(`"locationTTL":20`)
			ana := s.connected("ana")
			change := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: s.now, Session: start,
				Position: match.Position{Point: north(500), At: start - 19_999}}
			ana.apply(change)
			reported := ana.report(0, at(start-20_000))
			s.says(reported, match.StatusStale)
			same(s, reported.Index, match.Move{Status: match.StatusRefused})
			same(s, s.nearest(500, 100, 1), []string{"ana"})
			reported = ana.report(0, at(start-19_999), seq(1))
			same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: 1})
			same(s, reported.Epoch, s.now)
		}},
		{"the cell orders reports by the time that the record gives them", func(s *fixture) {
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
				ana := s.listed("ana"+whole(int64(n)), float64(n*100), at(start-40_000))
				reported := ana.report(float64(n*100), clock.said...)
				same(s, reported.At, clock.at)
				same(s, reported.Index, match.Move{Status: match.StatusMoved, Epoch: start})
				same(s, s.search(float64(n*100), 50, 1).Candidates[0].At, clock.at)
			}
		}},
		{"a member at 180 degrees, stored as -180, is found from both sides", func(s *fixture) {
			edge := geo.Point{Lat: 10, Lng: -180}
			ana := s.connected("ana")
			ana.moveTo(0, func(r *match.Report) { r.Point = edge })
			for _, lng := range []float64{-180, -179.999, 179.999} {
				q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: geo.Point{Lat: 10, Lng: lng}, Radius: 200, Want: 1}
				hits, err := s.store.Search(s.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
				s.must(err)
				same(s, names(hits...), []string{"ana"})
			}
		}},
		{"a member as far north or south as the protocol allows is found", func(s *fixture) {
			for _, lat := range []float64{-85, 85} {
				name := "ana" + whole(int64(lat))
				s.connected(name).moveTo(0, func(r *match.Report) { r.Point = geo.Point{Lat: lat, Lng: 20} })
				q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: geo.Point{Lat: lat, Lng: 20.001}, Radius: 200, Want: 1}
				hits, err := s.store.Search(s.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
				s.must(err)
				same(s, names(hits...), []string{name})
			}
		}},
		{"a member may be called anything", func(s *fixture) {
			for n, name := range []string{"a/b", "}", "{x}", "two words", "100%", "🐝", "-", "*"} {
				a := s.listed(name, float64(n*100))
				same(s, a.snapshot().Connection, a.Connection)
				same(s, s.nearest(float64(n*100), 20, 1), []string{name})
			}
		}},
	}
}
