package store_test

import (
	"fmt"
	"sync"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// searches: which members are found in a cell, in which order, and whether there may be more.
func searches() []testCase {
	return []testCase{
		{"the nearest come first, each as it last reported", func(s *fixture) {
			far, near, middle := s.listed("far", 900), s.listed("near", 4), s.listed("middle", 70)
			hits := s.search(0, 1000, 8)
			same(s, names(hits), []string{"near", "middle", "far"})
			same(s, hits.More, false)
			for i, want := range []*member{near, middle, far} {
				got := hits.Candidates[i]
				same(s, got.Member, want.Member)
				same(s, []int64{got.At, got.Seq}, []int64{want.At, want.Seq})
				if off := geo.Distance(got.Point, want.Point); off > 1 {
					s.t.Errorf("%s is stored %.1f m from where it is", want.ID, off)
				}
				same(s, got.Distance, geo.Distance(north(0), got.Point))
			}
		}},
		{"a member within the radius is found, and nobody far beyond", func(s *fixture) {
			s.listed("ana", 1000)
			same(s, s.nearest(0, 1001, 1), []string{"ana"})
			same(s, s.nearest(0, 990, 1), []string{})
			same(s, s.nearest(995, 8, 1), []string{"ana"}) // less than the circle starts with
			same(s, s.nearest(990, 5, 1), []string{})
		}},
		{"a search that found as many as were wanted says that there may be more", func(s *fixture) {
			for n := range 4 {
				s.listed(fmt.Sprint("m", n), float64(n))
			}
			s.listed("out", 600)
			for _, q := range []struct {
				radius float64
				want   int
				found  []string
				more   bool
			}{
				{1000, 3, []string{"m0", "m1", "m2"}, true},
				{1000, 4, []string{"m0", "m1", "m2", "m3"}, true},
				{1000, 5, []string{"m0", "m1", "m2", "m3", "out"}, true},
				{1000, 6, []string{"m0", "m1", "m2", "m3", "out"}, false},
				{8, 3, []string{"m0", "m1", "m2"}, true},
				{8, 4, []string{"m0", "m1", "m2", "m3"}, false},
				{8, 5, []string{"m0", "m1", "m2", "m3"}, false},
			} {
				hits := s.search(0, q.radius, q.want)
				same(s, names(hits), q.found)
				same(s, hits.More, q.more)
			}
		}},
		{"an empty cell has nobody", func(s *fixture) {
			same(s, s.search(0, 1000, 8), match.Hits{})
		}},
		{"nobody finds itself", func(s *fixture) {
			s.listed("me", 0)
			same(s, s.nearest(0, 1000, 8), []string{})
			s.listed("ana", 10)
			same(s, s.nearest(0, 1000, 1), []string{"ana"})
		}},
		{"nobody is found in another pool", func(s *fixture) {
			s.listed("ana", 0)
			other := *s
			other.pool = s.pool + "-b"
			same(s, other.nearest(0, 1000, 1), []string{})
		}},
		{"a member is found only if it has all the wanted tags, as whole words", func(s *fixture) {
			s.listed("none", 1)
			s.listed("longer", 2, tagged("vans", "xl"))
			s.listed("one", 3, tagged("van"))
			s.listed("all", 4, tagged("xl", "red", "van"))
			same(s, s.nearest(0, 100, 8, "van", "xl"), []string{"all"})
			same(s, s.nearest(0, 100, 8, "van"), []string{"one", "all"})
			same(s, s.nearest(0, 100, 8, "bus"), []string{})
			same(s, s.nearest(0, 100, 8), []string{"none", "longer", "one", "all"})
		}},
		{"a search that wants no tags does not read them", func(s *fixture) {
			s.listed("ana", 0)
			// What is no hash cannot be read as one.
			key := s.key("tags", string(geo.ShardCell(north(0))))
			s.must(s.direct.Do(s.t.Context(), s.direct.B().Set().Key(key).Value("no hash").Ex(time.Hour).Build()).Error())
			same(s, s.nearest(0, 100, 1), []string{"ana"})
		}},
		{"a member who was not heard for the location TTL is not found, and is swept", func(s *fixture) {
			ana := s.listed("ana", 0, at(start+1))
			s.advance(time.Minute - time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			s.advance(time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{})
			s.notStored(ana)
		}},
		{"a report by a clock that is ahead counts as heard when it comes, if the member is listed already", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(0, at(start+1000))
			s.advance(time.Minute - time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			s.advance(time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{})
			s.notStored(ana)
		}},
		{"a member whose position is as old as the location TTL is not found, and is swept", func(s *fixture) {
			ana := s.listed("ana", 0, at(start-1), tagged("van"))
			s.advance(time.Minute - 2*time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{"ana"})
			s.advance(time.Millisecond)
			same(s, s.nearest(0, 100, 1), []string{})
			s.notStored(ana)
		}},
		{"a member of whom the cache has evicted when it was seen is not found, and is swept", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.evict(s.key("seen", string(geo.ShardCell(north(0)))))
			same(s, s.nearest(0, 100, 1), []string{})
			s.notStored(ana)
		}},
		{"a crowd of stale members does not hide a member farther away", func(s *fixture) {
			s.crowd(40, func(c *match.Change) { c.Heard = s.now - 60_000 })
			s.listed("ana", 500)
			same(s, s.nearest(0, 1000, 1), []string{"ana"})
			same(s, len(s.stored("seen", geo.ShardCell(north(0)))), 1)
		}},
		{"a crowd of more than a thousand members who do not fit does not hide a member farther away", func(s *fixture) {
			s.crowd(1100, func(c *match.Change) { c.Tags = "bike" })
			s.listed("ana", 500, tagged("van"))
			same(s, s.nearest(0, 1000, 1, "van"), []string{"ana"})
			same(s, len(s.search(0, 1000, 1050, "bike").Candidates), 1050)
			same(s, len(s.search(0, 1000, 1200).Candidates), 1101)
		}},
		{"several cells are searched in one trip, each by itself", func(s *fixture) {
			s.listed("ana", 0)
			s.listed("ben", nextCell)
			q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: north(nextCell), Radius: 20_000, Want: 8}
			hits, err := s.store.Search(s.t.Context(), []geo.Cell{geo.ShardCell(north(nextCell)), geo.ShardCell(north(thirdCell)),
				geo.ShardCell(north(0))}, q)
			s.must(err)
			same(s, len(hits), 3)
			same(s, names(hits[0]), []string{"ben"})
			same(s, names(hits[1]), []string{})
			same(s, names(hits[2]), []string{"ana"})
		}},
	}
}

// search asks the cell so many metres north.
func (s *fixture) search(meters, radius float64, want int, tags ...string) match.Hits {
	s.t.Helper()
	q := match.Query{Self: match.Member{Pool: s.pool, ID: "me"}, Point: north(meters), Radius: radius, Tags: tags, Want: want}
	hits, err := s.store.Search(s.t.Context(), []geo.Cell{geo.ShardCell(q.Point)}, q)
	s.must(err)
	return hits[0]
}

// nearest are the names of the members that a search finds.
func (s *fixture) nearest(meters, radius float64, want int, tags ...string) []string {
	s.t.Helper()
	return names(s.search(meters, radius, want, tags...))
}

func names(hits ...match.Hits) []string {
	all := []string{}
	for _, h := range hits {
		for _, c := range h.Candidates {
			all = append(all, c.ID)
		}
	}
	return all
}

// notStored fails the test if anything of the member is left in its cell.
func (s *fixture) notStored(a *member) {
	s.t.Helper()
	cell := geo.ShardCell(a.Point)
	for _, kind := range []string{"seen", "tags"} {
		if _, nextCell := s.stored(kind, cell)[a.ID]; nextCell {
			s.t.Errorf("%s is still in %s", a.ID, kind)
		}
	}
	near := s.key("near", string(cell))
	listed, err := s.direct.Do(s.t.Context(), s.direct.B().Zrange().Key(near).Min("0").Max("-1").Build()).AsStrSlice()
	s.must(err)
	same(s, len(listed), 0)
}

// crowd lists so many members within some 100 m, each with that changed.
func (s *fixture) crowd(size int, change func(*match.Change)) {
	s.t.Helper()
	numbers := make(chan int)
	var listing sync.WaitGroup
	for range 4 {
		listing.Go(func() {
			for n := range numbers {
				c := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: s.now, Session: s.now,
					Position: match.Position{Point: north(float64(n) / 11), At: s.now}}
				change(&c)
				if _, err := s.store.Apply(s.t.Context(), match.Member{Pool: s.pool, ID: fmt.Sprint("crowd-", n)}, []match.Change{c}); err != nil {
					s.t.Error(err)
				}
			}
		})
	}
	for n := range size {
		numbers <- n
	}
	close(numbers)
	listing.Wait()
}
