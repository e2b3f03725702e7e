package store_test

import (
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// cells: what the scripts on a shard cell do to those listed there.
func cells() []scenario {
	return []scenario{
		{"a listing is not put back by an older one, nor by the same again", func(s *scene) {
			ana := s.stand("ana", 0)
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
		{"a removal does not hide a newer listing", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.apply(unlist(0, s.now-1))
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, s.now))
			same(s, s.nearest(0, 100, 1), []string{})
			ana.apply(unlist(0, s.now)) // nobody is there
			ana.apply(ana.list(s.now))
			ana.apply(unlist(0, s.now+1))
			same(s, s.nearest(0, 100, 1), []string{})
		}},
		{"several changes are made in one trip, each in its cell", func(s *scene) {
			ana := s.stand("ana", 0)
			moved := ana.list(s.now + 1)
			moved.Cell, moved.Point = geo.ShardCell(north(there)), north(there)
			ana.apply(unlist(0, s.now), moved)
			same(s, s.nearest(0, 100, 1), []string{})
			same(s, s.nearest(there, 100, 1), []string{"ana"})
		}},
		{"no change is no trip", func(s *scene) {
			same(s, s.newcomer("ana").apply(), nil)
		}},
		{"a listing forgets tags that are no more", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			same(s, s.nearest(0, 100, 1, "van"), []string{"ana"})
			ana.at(0, tagged())
			same(s, s.nearest(0, 100, 1, "van"), []string{})
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			same(s, s.stored("tags", geo.ShardCell(north(0))), map[string]string{})
		}},
		{"a report moves who is listed, and leaves its tags", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			_, moved := ana.report(500)
			same(s, moved, match.Moved{Known: true})
			same(s, s.nearest(0, 100, 1), []string{})
			same(s, s.nearest(500, 100, 1, "van"), []string{"ana"})
		}},
		{"a report leaves the listing its epoch", func(s *scene) {
			ana := s.stand("ana", 0)
			s.pass(time.Second)
			ana.at(0)
			ana.apply(unlist(0, dawn-1))
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			ana.apply(unlist(0, dawn))
			same(s, s.nearest(0, 100, 1), []string{})
		}},
		{"a report older than what the cell knows moves nobody", func(s *scene) {
			for _, ahead := range []match.Change{
				{Position: match.Position{At: dawn + 2, Seq: 1}, Session: dawn},
				{Position: match.Position{At: dawn + 1, Seq: 3}, Session: dawn},
				{Position: match.Position{At: dawn + 1, Seq: 2}, Session: dawn},
				{Position: match.Position{At: dawn, Seq: 1}, Session: dawn + 1},
			} {
				ana := s.join("ana" + whole(ahead.At, ahead.Seq))
				ahead.List, ahead.Cell, ahead.Epoch, ahead.Heard, ahead.Point = true, geo.ShardCell(north(0)), 1, s.now, north(500)
				ana.apply(ahead)
				answer, moved := ana.report(0, at(dawn+1), seq(2))
				s.says(answer, match.StatusOK)
				same(s, moved, match.Moved{Older: true})
				same(s, s.nearest(0, 100, 1), []string{})
			}
		}},
		{"a report newer than what the cell knows moves the member", func(s *scene) {
			for _, behind := range []match.Change{
				{Position: match.Position{At: dawn, Seq: 3}, Session: dawn},
				{Position: match.Position{At: dawn + 1, Seq: 1}, Session: dawn},
				{Position: match.Position{At: dawn + 1, Seq: 1}, Session: dawn - 1},
			} {
				ana := s.join("ana" + whole(behind.At, behind.Seq, behind.Session))
				behind.List, behind.Cell, behind.Epoch, behind.Heard, behind.Point = true, geo.ShardCell(north(0)), 1, s.now, north(500)
				ana.apply(behind)
				answer, moved := ana.report(0, at(dawn+1), seq(2))
				s.says(answer, match.StatusOK)
				same(s, moved, match.Moved{Known: true, Behind: true})
				same(s, s.nearest(500, 100, 1), []string{})
			}
		}},
		{"of a session that was replaced a report does not move what the newer listed", func(s *scene) {
			ana := s.stand("ana", 0)
			next := ana.again()
			s.says(next.connect(), match.StatusOK)
			next.at(0)
			s.pass(time.Second)
			answer, moved := ana.report(500)
			s.is(answer, match.Answer{Status: match.StatusReplaced})
			same(s, moved, match.Moved{Older: true})
		}},
		{"a report knows that the listing which it moved is before the record's", func(s *scene) {
			ana := s.stand("ana", 0)
			listing := ana.relist()
			_, moved := ana.report(500)
			same(s, moved, match.Moved{Known: true, Behind: true})
			ana.apply(listing.Changes...)
			_, moved = ana.report(500)
			same(s, moved, match.Moved{Known: true})
		}},
		{"a report that is stale moves nobody", func(s *scene) {
			s.rules(`"locationTTL":20`)
			ana := s.join("ana")
			change := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: s.now, Session: dawn,
				Position: match.Position{Point: north(500), At: dawn - 19_999}}
			ana.apply(change)
			answer, moved := ana.report(0, at(dawn-20_000))
			s.says(answer, match.StatusStale)
			same(s, moved, match.Moved{})
			same(s, s.nearest(500, 100, 1), []string{"ana"})
			_, moved = ana.report(0, at(dawn-19_999), seq(1))
			same(s, moved, match.Moved{Known: true, Behind: true})
		}},
		{"the cell orders reports by the time that the record gives them", func(s *scene) {
			for n, clock := range []struct {
				said []detail
				at   int64
			}{
				{[]detail{arriving(dawn - 30_000)}, dawn - 30_000},
				{[]detail{arriving(dawn - 30_001)}, dawn},
				{[]detail{arriving(dawn + 30_000)}, dawn + 30_000},
				{[]detail{arriving(dawn + 30_001)}, dawn},
				{[]detail{at(dawn + 30_000), arriving(dawn - 5)}, dawn + 30_000},
				{[]detail{at(dawn + 30_001), arriving(dawn - 5)}, dawn - 5},
			} {
				ana := s.stand("ana"+whole(int64(n)), float64(n*100), at(dawn-40_000))
				answer, moved := ana.report(float64(n*100), clock.said...)
				same(s, answer.At, clock.at)
				same(s, moved, match.Moved{Known: true})
				same(s, s.search(float64(n*100), 50, 1).Candidates[0].At, clock.at)
			}
		}},
		{"who is at 180 degrees, stored as -180, is found from both sides", func(s *scene) {
			edge := geo.Point{Lat: 10, Lng: -180}
			ana := s.join("ana")
			ana.at(0, func(r *match.Report) { r.Point = edge })
			for _, lng := range []float64{-180, -179.999, 179.999} {
				q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: geo.Point{Lat: 10, Lng: lng}, Radius: 200, Want: 1}
				hits, err := s.store.Search(s.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
				s.must(err)
				same(s, names(hits...), []string{"ana"})
			}
		}},
		{"who is as far north or south as may be is found", func(s *scene) {
			for _, lat := range []float64{-85, 85} {
				name := "ana" + whole(int64(lat))
				s.join(name).at(0, func(r *match.Report) { r.Point = geo.Point{Lat: lat, Lng: 20} })
				q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: geo.Point{Lat: lat, Lng: 20.001}, Radius: 200, Want: 1}
				hits, err := s.store.Search(s.t.Context(), geo.ShardsWithin(q.Point, q.Radius), q)
				s.must(err)
				same(s, names(hits...), []string{name})
			}
		}},
		{"a member may be called anything", func(s *scene) {
			for n, name := range []string{"a/b", "}", "{x}", "two words", "100%", "🐝", "-", "*"} {
				a := s.stand(name, float64(n*100))
				same(s, a.seen().Connection, a.Connection)
				same(s, s.nearest(float64(n*100), 20, 1), []string{name})
			}
		}},
	}
}
