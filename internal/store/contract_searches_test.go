package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// searches: which members are found in a cell, in which order, and how far all are known.
func searches() []testCase {
	return []testCase{
		{"the nearest come first, each as it last reported", func(f *fixture) {
			far, near, middle := f.listed("far", 900), f.listed("near", 4), f.listed("middle", 70)
			hits := f.search(0, 1000, 8)
			same(f, names(hits), []string{"near", "middle", "far"})
			same(f, hits.Horizon, math.Inf(1))
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
		{"a search stops once it has found as many as were wanted, and says how far it knows all", func(f *fixture) {
			f.crowd(40, func(n int, c *match.Change) { c.Point = north(float64(n) * 20) })
			for _, want := range []int{1, 4, 30} {
				hits := f.search(0, 2000, want)
				if len(hits.Candidates) < want || hits.Candidates[(want-1)/2].Distance > hits.Horizon || hits.Horizon > 790 {
					f.t.Errorf("want %d: got %d candidates, all up to %.0f m", want, len(hits.Candidates), hits.Horizon)
				}
				f.knowsAll(hits, 0, 2000)
				same(f, hits.Rest, "")
			}
			hits := f.search(0, 2000, 41)
			same(f, len(hits.Candidates), 40)
			same(f, hits.Horizon, math.Inf(1))
			hits = f.search(0, 18, 1)
			same(f, names(hits), []string{"crowd-0"})
		}},
		{"a crowd at one distance is known as a whole", func(f *fixture) {
			f.crowd(200, func(n int, c *match.Change) { c.Point = north(140) })
			for _, want := range []int{1, 4, 128} {
				hits := f.search(0, 1000, want)
				if len(hits.Candidates) < want || hits.Candidates[(want-1)/2].Distance > hits.Horizon {
					f.t.Errorf("want %d: got %d candidates, all up to %.0f m", want, len(hits.Candidates), hits.Horizon)
				}
			}
		}},
		{"an empty cell has nobody", func(f *fixture) {
			same(f, f.search(0, 1000, 8), match.Hits{Horizon: math.Inf(1)})
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
		{"a search that wants no tags does not read their index", func(f *fixture) {
			f.listed("ana", 0)
			// The key is no sorted set, so a script that reads it fails.
			key := f.key("tags0", string(geo.ShardCell(north(0))))
			f.must(f.direct.Do(f.t.Context(), f.direct.B().Set().Key(key).Value("no set").Ex(time.Hour).Build()).Error())
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
		{"a member of whom the cache has evicted what was known is not found until it reports", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.evict(f.key("seen0", string(geo.ShardCell(north(0)))))
			same(f, f.nearest(0, 100, 1), []string{})
			ana.moveTo(10)
			same(f, f.nearest(0, 100, 1), []string{"ana"})
		}},
		{"a member of whom the cache has evicted where it is is not found until it reports", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			f.evict(f.key("near0", string(geo.ShardCell(north(0)))))
			same(f, f.nearest(0, 20_000, 1, "van"), []string{})
			ana.moveTo(10)
			same(f, f.nearest(0, 100, 1, "van"), []string{"ana"})
		}},
		{"a member of whom nothing is known is not found, and is swept", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			f.listed("ben", 10)
			for _, tags := range [][]string{nil, {"van"}} {
				f.must(f.direct.Do(f.t.Context(), f.direct.B().Hdel().Key(f.key("seen0", string(geo.ShardCell(north(0))))).Field("ana").Build()).Error())
				same(f, f.nearest(0, 5, 1, tags...), []string{})
				same(f, f.entries("near0", 0), []string{"ben"})
				ana.moveTo(0)
			}
			same(f, f.nearest(0, 5, 1, "van"), []string{"ana"})
		}},
		{"a crowd of stale members does not hide a member farther away", func(f *fixture) {
			f.crowd(40, func(_ int, c *match.Change) { c.Heard = f.now - 60_000 })
			f.listed("ana", 500)
			same(f, f.nearest(0, 1000, 1), []string{"ana"})
			same(f, f.entries("near0", 0), []string{"ana"})
		}},
		{"a crowd of stale members at one point does not hide a member in the midst", func(f *fixture) {
			f.crowd(600, func(n int, c *match.Change) {
				c.Point = north(0)
				if n%40 != 7 {
					c.Heard = f.now - 60_000
				}
			})
			all, _ := f.searchAll(match.Query{Point: north(0), Radius: 100, Want: 20})
			same(f, len(all), 15)
		}},
		{"a crowd of more than a thousand members who do not fit does not hide a member farther away", func(f *fixture) {
			f.crowd(1100, func(_ int, c *match.Change) { c.Tags = "bike red" })
			f.listed("ana", 500, tagged("bike", "van"))
			f.crowd(130, func(n int, c *match.Change) { c.Point, c.Tags, c.Epoch = north(600), "van", 2 })
			for _, q := range []struct {
				tags  []string
				found int
			}{{[]string{"bike", "van"}, 1}, {[]string{"van"}, 131}, {[]string{"bike"}, 971}, {nil, 1101}} {
				all, last := f.searchAll(match.Query{Point: north(0), Radius: 1000, Tags: q.tags, Want: 2000})
				same(f, len(all), q.found)
				same(f, last.Horizon, math.Inf(1))
			}
		}},
		{"of thousands at one point everyone is found, though one search does not read them all", func(f *fixture) {
			f.crowd(700, func(n int, c *match.Change) { c.Point = north(0) })
			first := f.search(0, 100, 700)
			if first.Rest == "" || len(first.Candidates) >= 400 {
				f.t.Errorf("the first search read %d, and then rest %q", len(first.Candidates), first.Rest)
			}
			all, last := f.searchAll(match.Query{Point: north(0), Radius: 100, Want: 700})
			same(f, len(all), 700)
			same(f, last.Horizon, math.Inf(1))
		}},
		{"a search that stopped goes on while members leave, and while others come", func(f *fixture) {
			f.crowd(700, func(n int, c *match.Change) { c.Point = north(0) })
			all := make(map[string]bool)
			q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(0), Radius: 100, Want: 700}
			for rest, trip := "", 0; trip == 0 || rest != ""; trip++ {
				hits, err := f.store.Search(f.t.Context(), []match.Part{{Cell: geo.ShardCell(q.Point), Rest: rest}}, q)
				f.must(err)
				for _, c := range hits[0].Candidates {
					all[c.ID] = true
				}
				rest = hits[0].Rest
				for n := range 8 { // the page overlaps by as many
					_, err := f.store.Apply(f.t.Context(), match.Member{Pool: f.pool, ID: fmt.Sprintf("crowd-1%d%d", trip, n)}, []match.Change{unlist(0, 1)})
					f.must(err)
				}
				f.listed(fmt.Sprint("a", trip), 0)
			}
			for n := range 700 {
				if name := fmt.Sprint("crowd-", n); !all[name] && !strings.HasPrefix(name, "crowd-1") {
					f.t.Errorf("%s was not found", name)
				}
			}
		}},
		randomSearches(1, 300, 30, 400), randomSearches(2, 300, 30), randomSearches(3, 500, 200), randomSearches(4, 40),
		{"several cells are searched in one trip, each by itself", func(f *fixture) {
			f.listed("ana", 0)
			f.listed("ben", nextCell)
			q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(nextCell), Radius: 20_000, Want: 8}
			var hits []match.Hits
			trips := f.count(func() {
				var err error
				hits, err = f.store.Search(f.t.Context(), parts(shards([]float64{nextCell, thirdCell, 0})...), q)
				f.must(err)
			})
			same(f, trips, 1)
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
	hits, err := f.store.Search(f.t.Context(), parts(geo.ShardCell(q.Point)), q)
	f.must(err)
	return hits[0]
}

// parts are those that search the cells from the start.
func parts(cells ...geo.Cell) []match.Part {
	all := make([]match.Part, len(cells))
	for i, c := range cells {
		all[i].Cell = c
	}
	return all
}

// searchAll searches the cell of the point, and goes on where the search stopped. It returns
// all names, each once, and the last hits.
func (f *fixture) searchAll(q match.Query) (map[string]bool, match.Hits) {
	f.t.Helper()
	q.Self = match.Member{Pool: f.pool, ID: "me"}
	all, part := make(map[string]bool), match.Part{Cell: geo.ShardCell(q.Point)}
	for range 200 {
		hits, err := f.store.Search(f.t.Context(), []match.Part{part}, q)
		f.must(err)
		for _, c := range hits[0].Candidates {
			all[c.ID] = true
		}
		if part.Rest = hits[0].Rest; part.Rest == "" {
			return all, hits[0]
		}
	}
	f.t.Fatal("the search does not end")
	return nil, match.Hits{}
}

// knowsAll fails the test if a member of the crowd who is nearer than the horizon is missing.
func (f *fixture) knowsAll(hits match.Hits, meters, radius float64) {
	f.t.Helper()
	every, _ := f.store.Search(f.t.Context(), parts(geo.ShardCell(north(meters))), match.Query{Self: match.Member{Pool: f.pool, ID: "me"},
		Point: north(meters), Radius: radius, Want: 10_000})
	found := names(hits)
	for _, c := range every[0].Candidates {
		if strings.HasPrefix(c.ID, "crowd-") && c.Distance < hits.Horizon && !slices.Contains(found, c.ID) {
			f.t.Errorf("%s at %.0f m is missing, and all are known up to %.0f m", c.ID, c.Distance, hits.Horizon)
		}
	}
}

// randomSearches is a case that compares searches of random crowds with plain geometry.
func randomSearches(seed uint64, sizes ...int) testCase {
	return testCase{fmt.Sprint("a search finds whom plain geometry finds, in the random crowd ", seed), func(f *fixture) {
		random := rand.New(rand.NewPCG(seed, 0))
		tags := []string{"", "van", "van xl", "xl", "bike"}
		cell := geo.ShardCell(north(0))
		var crowd []match.Change
		for _, size := range sizes {
			middle, spread := north(random.Float64()*2000-1000), random.Float64()*0.01
			for range size {
				p := geo.Point{Lat: middle.Lat + spread*random.NormFloat64(), Lng: middle.Lng + spread*random.NormFloat64()}
				if geo.ShardCell(p) == cell {
					crowd = append(crowd, match.Change{Position: match.Position{Point: p}, Tags: tags[random.IntN(len(tags))],
						Heard: f.now - random.Int64N(70_000)})
				}
			}
		}
		for n := range 60 {
			crowd = append(crowd, match.Change{Position: match.Position{Point: edge(float64(6 * n))}, Heard: f.now})
		}
		random.Shuffle(len(crowd), func(i, k int) { crowd[i], crowd[k] = crowd[k], crowd[i] })
		// Half of them were heard last in the span before.
		half := len(crowd) / 2
		nameOf := func(n int) string {
			if n < half {
				return fmt.Sprint("some0-", n)
			}
			return fmt.Sprint("some", half, "-", n-half)
		}
		list := func(some []match.Change, from int) {
			f.crowd(len(some), func(n int, c *match.Change) {
				c.Point, c.Tags, c.Heard = some[n].Point, some[n].Tags, some[n].Heard
			}, fmt.Sprint("some", from, "-"))
		}
		f.advance(-time.Millisecond)
		list(crowd[:half], 0)
		f.advance(time.Millisecond)
		list(crowd[half:], half)
		stops := 0
		for range 60 {
			q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: crowd[random.IntN(len(crowd))].Point,
				Radius: []float64{10, 100, 1000, 20_000}[random.IntN(4)] * (0.5 + random.Float64()), Want: []int{1 + random.IntN(40), 1000}[random.IntN(2)]}
			if random.IntN(2) == 0 {
				q.Tags = strings.Fields(tags[random.IntN(len(tags))])
			}
			found, horizon := make(map[string]bool), 0.0
			for part := (match.Part{Cell: cell}); ; {
				hits, err := f.store.Search(f.t.Context(), []match.Part{part}, q)
				f.must(err)
				for _, c := range hits[0].Candidates {
					found[c.ID] = true
				}
				horizon, part.Rest = hits[0].Horizon, hits[0].Rest
				for n, c := range crowd {
					name, d := nameOf(n), geo.Distance(q.Point, c.Point)
					fits := c.Heard > f.now-60_000 && tagsHave(c.Tags, q.Tags)
					if fits && d < min(q.Radius, horizon)-1 && !found[name] {
						f.t.Fatalf("%s at %.1f m is not found by %+v, which knows all up to %.1f m", name, d, q, horizon)
					}
					if found[name] && (!fits || d > q.Radius+2) {
						f.t.Fatalf("%s at %.1f m is found by %+v", name, d, q)
					}
				}
				if part.Rest == "" {
					break
				}
				stops++
			}
			known := 0
			for n, c := range crowd {
				if found[nameOf(n)] && geo.Distance(q.Point, c.Point) < horizon+1 {
					known++
				}
			}
			if known < q.Want/2 && !math.IsInf(horizon, 1) {
				f.t.Errorf("%d wanted, %d found, and only %d of them known to be the nearest", q.Want, len(found), known)
			}
		}
		if stops == 0 && len(crowd) > 256 {
			f.t.Error("no search stopped before it had read all")
		}
	}}
}

func tagsHave(tags string, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(tag string) bool { return !slices.Contains(strings.Fields(tags), tag) })
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
	cell := string(geo.ShardCell(a.Point))
	for _, generation := range []string{"0", "1"} {
		if _, known := f.stored("seen"+generation, cell)[a.ID]; known {
			f.t.Errorf("%s is still in seen%s", a.ID, generation)
		}
		for _, kind := range []string{"near", "tags"} {
			for _, entry := range f.entriesOf(f.key(kind+generation, cell)) {
				if strings.HasSuffix(entry, a.ID) {
					f.t.Errorf("%s is still in %s%s", a.ID, kind, generation)
				}
			}
		}
	}
}

// entries returns a sorted set of the cell so many metres north.
func (f *fixture) entries(kind string, meters float64) []string {
	f.t.Helper()
	return f.entriesOf(f.key(kind, string(geo.ShardCell(north(meters)))))
}

func (f *fixture) entriesOf(key string) []string {
	f.t.Helper()
	all, err := f.direct.Do(f.t.Context(), f.direct.B().Zrange().Key(key).Min("0").Max("-1").Build()).AsStrSlice()
	f.must(err)
	return all
}

// crowd lists so many members in the middle of the cell within some 100 m, each with that
// change. They are called crowd-0 and so on, or by another prefix.
func (f *fixture) crowd(size int, change func(n int, c *match.Change), prefix ...string) {
	f.t.Helper()
	f.concurrently(size, func(n int) error {
		c := match.Change{List: true, Cell: geo.ShardCell(north(0)), Epoch: 1, Heard: f.now, Session: f.now,
			Position: match.Position{Point: north(float64(n) / 11), At: f.now}}
		change(n, &c)
		name := fmt.Sprint(append(prefix, "crowd-")[0], n)
		_, err := f.store.Apply(f.t.Context(), match.Member{Pool: f.pool, ID: name}, []match.Change{c})
		return err
	})
}

// concurrently does something so many times, four at once.
func (f *fixture) concurrently(times int, do func(n int) error) {
	f.t.Helper()
	numbers := make(chan int)
	var doing sync.WaitGroup
	for range 4 {
		doing.Go(func() {
			for n := range numbers {
				if err := do(n); err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	for n := range times {
		numbers <- n
	}
	close(numbers)
	doing.Wait()
}
