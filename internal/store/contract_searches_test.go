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
		{"the nearest come first, each as it last reported", func(f *fixture) {
			far, near, middle := f.listed("far", 900), f.listed("near", 4), f.listed("middle", 70)
			hits := f.search(0, 1000, 8)
			same(f, names(hits), []string{"near", "middle", "far"})
			same(f, hits.More, false)
			for i, want := range []*member{near, middle, far} {
				got := hits.Candidates[i]
				same(f, got.Member, want.Member)
				same(f, []int64{got.At, got.Seq}, []int64{want.At, want.Seq})
				if off := geo.Distance(got.Point, want.Point); off > 1 {
					f.t.Errorf("%s is stored %.1f m from where it is", want.ID, off)
				}
				same(f, got.Distance, geo.Distance(north(0), got.Point))
			}
		}},
		{"a member within the radius is found, and nobody far beyond", func(f *fixture) {
			f.listed("ana", 1000)
			same(f, f.nearest(0, 1001, 1), []string{"ana"})
			same(f, f.nearest(0, 990, 1), []string{})
			same(f, f.nearest(995, 8, 1), []string{"ana"}) // a radius below that of the first circle
			same(f, f.nearest(990, 5, 1), []string{})
		}},
		{"a search that found as many as were wanted says that there may be more", func(f *fixture) {
			for n := range 4 {
				f.listed(fmt.Sprint("m", n), float64(n))
			}
			f.listed("out", 600)
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
				hits := f.search(0, q.radius, q.want)
				same(f, names(hits), q.found)
				same(f, hits.More, q.more)
			}
		}},
		{"an empty cell has nobody", func(f *fixture) {
			same(f, f.search(0, 1000, 8), match.Hits{})
		}},
		{"nobody finds itself", func(f *fixture) {
			f.listed("me", 0)
			same(f, f.nearest(0, 1000, 8), []string{})
			f.listed("ana", 10)
			same(f, f.nearest(0, 1000, 1), []string{"ana"})
		}},
		{"nobody is found in another pool", func(f *fixture) {
			f.listed("ana", 0)
			other := *f
			other.pool = f.pool + "-b"
			same(f, other.nearest(0, 1000, 1), []string{})
		}},
		{"a member is found only if it has all the wanted tags, as whole words", func(f *fixture) {
			f.listed("none", 1)
			f.listed("longer", 2, tagged("vans", "xl"))
			f.listed("one", 3, tagged("van"))
			f.listed("all", 4, tagged("xl", "red", "van"))
			same(f, f.nearest(0, 100, 8, "van", "xl"), []string{"all"})
			same(f, f.nearest(0, 100, 8, "van"), []string{"one", "all"})
			same(f, f.nearest(0, 100, 8, "bus"), []string{})
			same(f, f.nearest(0, 100, 8), []string{"none", "longer", "one", "all"})
		}},
		{"a search that wants no tags does not read them", func(f *fixture) {
			f.listed("ana", 0)
			// The key is no hash, so a script that reads it fails.
			key := f.key("tags", string(geo.ShardCell(north(0))))
			f.must(f.direct.Do(f.t.Context(), f.direct.B().Set().Key(key).Value("no hash").Ex(time.Hour).Build()).Error())
			same(f, f.nearest(0, 100, 1), []string{"ana"})
		}},
		{"a member who was not heard for the location TTL is not found, and is swept", func(f *fixture) {
			ana := f.listed("ana", 0, at(start+1))
			f.advance(time.Minute - time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			f.advance(time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{})
			f.notStored(ana)
		}},
		{"a report by a clock that is ahead counts as heard when it comes, if the member is listed already", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(0, at(start+1000))
			f.advance(time.Minute - time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			f.advance(time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{})
			f.notStored(ana)
		}},
		{"a member whose position is as old as the location TTL is not found, and is swept", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-1), tagged("van"))
			f.advance(time.Minute - 2*time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
			f.advance(time.Millisecond)
			same(f, f.nearest(0, 100, 1), []string{})
			f.notStored(ana)
		}},
		{"a member of whom the cache has evicted when it was seen is not found, and is swept", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.evict(f.key("seen", string(geo.ShardCell(north(0)))))
			same(f, f.nearest(0, 100, 1), []string{})
			f.notStored(ana)
		}},
		{"a crowd of stale members does not hide a member farther away", func(f *fixture) {
			f.crowd(40, func(c *match.Change) { c.Heard = f.now - 60_000 })
			f.listed("ana", 500)
			same(f, f.nearest(0, 1000, 1), []string{"ana"})
			same(f, len(f.stored("seen", geo.ShardCell(north(0)))), 1)
		}},
		{"a crowd of more than a thousand members who do not fit does not hide a member farther away", func(f *fixture) {
			f.crowd(1100, func(c *match.Change) { c.Tags = "bike" })
			f.listed("ana", 500, tagged("van"))
			same(f, f.nearest(0, 1000, 1, "van"), []string{"ana"})
			same(f, len(f.search(0, 1000, 1050, "bike").Candidates), 1050)
			same(f, len(f.search(0, 1000, 1200).Candidates), 1101)
		}},
		{"several cells are searched in one trip, each by itself", func(f *fixture) {
			f.listed("ana", 0)
			f.listed("ben", nextCell)
			q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(nextCell), Radius: 20_000, Want: 8}
			hits, err := f.store.Search(f.t.Context(), []geo.Cell{geo.ShardCell(north(nextCell)), geo.ShardCell(north(thirdCell)),
				geo.ShardCell(north(0))}, q)
			f.must(err)
			same(f, len(hits), 3)
			same(f, names(hits[0]), []string{"ben"})
			same(f, names(hits[1]), []string{})
			same(f, names(hits[2]), []string{"ana"})
		}},
	}
}

// search searches the cell so many metres north.
func (f *fixture) search(meters, radius float64, want int, tags ...string) match.Hits {
	f.t.Helper()
	q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(meters), Radius: radius, Tags: tags, Want: want}
	hits, err := f.store.Search(f.t.Context(), []geo.Cell{geo.ShardCell(q.Point)}, q)
	f.must(err)
	return hits[0]
}

// nearest are the names of the members that a search finds.
func (f *fixture) nearest(meters, radius float64, want int, tags ...string) []string {
	f.t.Helper()
	return names(f.search(meters, radius, want, tags...))
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
func (f *fixture) notStored(a *member) {
	f.t.Helper()
	cell := geo.ShardCell(a.Point)
	for _, kind := range []string{"seen", "tags"} {
		if _, nextCell := f.stored(kind, cell)[a.ID]; nextCell {
			f.t.Errorf("%s is still in %s", a.ID, kind)
		}
	}
	near := f.key("near", string(cell))
	listed, err := f.direct.Do(f.t.Context(), f.direct.B().Zrange().Key(near).Min("0").Max("-1").Build()).AsStrSlice()
	f.must(err)
	same(f, len(listed), 0)
}

// crowd lists so many members within some 100 m, each with that change.
func (f *fixture) crowd(size int, change func(*match.Change)) {
	f.t.Helper()
	numbers := make(chan int)
	var listing sync.WaitGroup
	for range 4 {
		listing.Go(func() {
			for n := range numbers {
				c := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: f.now, Session: f.now,
					Position: match.Position{Point: north(float64(n) / 11), At: f.now}}
				change(&c)
				if _, err := f.store.Apply(f.t.Context(), match.Member{Pool: f.pool, ID: fmt.Sprint("crowd-", n)}, []match.Change{c}); err != nil {
					f.t.Error(err)
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
