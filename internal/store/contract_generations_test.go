package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/store"
)

// generations: how members who stop reporting leave a cell.
func generations() []testCase {
	return []testCase{
		{"a thousand members who stop reporting are gone within two location TTLs, if one goes on and nobody searches", func(f *fixture) {
			for _, late := range []time.Duration{0, time.Minute - time.Millisecond} {
				f.advance(2*time.Minute + late) // to the begin of a span, and to its end
				f.crowd(1000, func(n int, c *match.Change) { c.Tags = []string{"", "van", "van xl"}[n%3] })
				listed := f.now
				ana := f.listed("ana"+late.String(), 0, tagged("van", "xl"))
				for f.now-listed < 2*time.Minute.Milliseconds() {
					f.advance(20 * time.Second)
					ana.moveTo(10)
				}
				for key, entries := range f.contents(0) {
					for _, entry := range entries {
						if strings.Contains(entry, "crowd") {
							f.t.Fatalf("%s still has %s", key, entry)
						}
					}
				}
				same(f, f.nearest(0, 100, 1, "van", "xl"), []string{ana.ID})
				ana.leave()
			}
		}},
		{"members who stop reporting are gone within two location TTLs, if nobody goes on", func(f *fixture) {
			f.settings(`"locationTTL":20,` + unlimited)
			f.listed("ana", 0, tagged("van"))
			for _, left := range []time.Duration{40 * time.Second, 21 * time.Second} {
				f.now = start + 40_000 - left.Milliseconds()
				f.listed("ben"+left.String(), 0, tagged("van", "xl"))
				for _, kind := range []string{"near0", "seen0", "tags0"} {
					if ttl := f.ttl(f.key(kind, string(geo.ShardCell(north(0))))); ttl <= left-10*time.Second || ttl > left {
						f.t.Errorf("%s has %v left, want %v", kind, ttl, left)
					}
				}
			}
		}},
		{"a report takes its member into the current generation, with its tags, and out of the one before", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			ben := f.listed("ben", 0, tagged("van"))
			for span := range 4 {
				kinds := func(generation int) []string {
					return []string{fmt.Sprint("near", generation), fmt.Sprint("seen", generation), fmt.Sprint("tags", generation)}
				}
				f.advance(30 * time.Second)
				ana.moveTo(10)
				ben.moveTo(0)
				same(f, f.isIn("ana"), kinds(span%2))
				same(f, f.isIn("ben"), kinds(span%2))
				f.advance(30 * time.Second)
				ana.moveTo(20)
				same(f, f.isIn("ana"), kinds(1-span%2))
				same(f, f.isIn("ben"), kinds(span%2))
				same(f, f.nearest(0, 100, 2, "van"), []string{"ben", "ana"})
			}
		}},
		{"a search finds the members of both generations, and nobody of an older one", func(f *fixture) {
			f.listed("ana", 30, tagged("van"))
			f.advance(30 * time.Second)
			f.listed("ben", 20, tagged("van"))
			f.advance(30*time.Second - time.Millisecond)
			same(f, f.nearest(0, 100, 8), []string{"ben", "ana"})
			f.advance(time.Millisecond)
			f.listed("cem", 40, tagged("van"))
			for _, tags := range [][]string{nil, {"van"}} {
				same(f, f.nearest(0, 100, 8, tags...), []string{"ben", "cem"})
			}
			for _, later := range []time.Duration{time.Minute, 2 * time.Minute} { // to where cem's generation was, and ben's
				f.advance(later)
				same(f, f.nearest(0, 100, 8), []string{})
				same(f, f.nearest(0, 100, 8, "van"), []string{})
			}
		}},
		{"a listing in the generation before is compared with, moved and removed like any other", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			f.advance(time.Minute - time.Millisecond)
			ana.moveTo(0)
			f.advance(time.Millisecond)
			f.listed("ben", 500)
			older := ana.list(start - 1)
			older.Point = north(200)
			ana.apply(older)
			ana.apply(unlist(0, start-1))
			same(f, f.nearest(0, 100, 1, "van"), []string{"ana"})
			ana.apply(unlist(0, start))
			same(f, f.isIn("ana"), nil)
			ana.apply(ana.list(start))
			same(f, f.isIn("ana"), []string{"near1", "seen1", "tags1"})
		}},
		{"the first report in a span drops the generation of two spans before as a whole", func(f *fixture) {
			f.crowd(200, func(n int, c *match.Change) { c.Tags = "van" })
			f.advance(time.Minute)
			f.crowd(20, func(n int, c *match.Change) { c.Tags = "xl" }, "next-")
			same(f, len(f.entries("near0", 0)), 200)
			f.advance(time.Minute)
			f.listed("ana", 0)
			same(f, f.entries("near0", 0), []string{"ana"})
			same(f, len(f.stored("seen0", geo.ShardCell(north(0)))), 2) // and of which span it is
			same(f, f.entries("tags0", 0), []string{})
			same(f, len(f.entries("near1", 0)), 20)
		}},
	}
}

// tagIndex: how members are found by tags that few have, and by tags that many have.
func tagIndex() []testCase {
	return []testCase{
		{"a rare tag leads to its members, however many others are nearer", func(f *fixture) {
			f.crowd(300, func(int, *match.Change) {})
			f.listed("ana", 900, tagged("van"))
			f.listed("ben", 800, tagged("van", "xl"))
			f.listed("longer", 700, tagged("vans", "van-1", "va"))
			f.listed("two words!", 850, tagged("van"))
			hits := f.search(0, 1000, 1, "van")
			same(f, names(hits), []string{"ben", "two words!", "ana"})
			same(f, names(f.search(0, 820, 1, "van")), []string{"ben"})
			same(f, f.nearest(0, 1000, 1, "xl", "van"), []string{"ben"})
			same(f, f.nearest(0, 1000, 1, "va"), []string{"longer"})
		}},
		{"a tag that nobody has is known to be absent", func(f *fixture) {
			f.crowd(300, func(n int, c *match.Change) { c.Tags = "van" })
			for _, tags := range [][]string{{"bus"}, {"bus", "van"}, {"van", "bus"}, {"va"}, {"vans"}} {
				hits := f.search(0, 1000, 1, tags...)
				same(f, []any{names(hits), hits.Rest}, []any{[]string{}, ""})
			}
		}},
		{"a tag is rare as long as 128 members have it, and with one more it is not", func(f *fixture) {
			var want []string
			list := func(n int) {
				f.crowd(n, func(n int, c *match.Change) { c.Tags = "van" })
				for want = nil; len(want) < n; {
					want = append(want, fmt.Sprint("van crowd-", len(want)))
				}
				slices.Sort(want)
			}
			list(128)
			same(f, f.entries("tags0", 0), want)
			same(f, len(f.nearest(0, 100, 200, "van")), 128)
			list(129)
			same(f, f.entries("tags0", 0), []string{"#van"})
			same(f, len(f.nearest(0, 100, 200, "van")), 129)
			list(140)
			same(f, f.entries("tags0", 0), []string{"#van"})
			same(f, len(f.nearest(0, 100, 200, "van")), 140)
		}},
		{"of the wanted tags the rarest decides, common or not", func(f *fixture) {
			f.crowd(140, func(n int, c *match.Change) { c.Tags = "van" })
			f.crowd(50, func(n int, c *match.Change) { c.Tags = "xl" }, "xl-")
			f.listed("ana", 900, tagged("van", "xl"))
			f.listed("ben", 901, tagged("red", "van", "xl"))
			for _, tags := range [][]string{{"van", "xl"}, {"xl", "van"}} {
				same(f, f.nearest(0, 1000, 1, tags...), []string{"ana", "ben"})
			}
			for _, tags := range [][]string{{"red", "van", "xl"}, {"xl", "van", "red"}, {"van", "red"}} {
				same(f, f.nearest(0, 1000, 1, tags...), []string{"ben"})
			}
		}},
		{"a tag that was common is rare again in the next generation, if few have it", func(f *fixture) {
			f.crowd(129, func(n int, c *match.Change) { c.Tags = "van" })
			f.advance(time.Minute - time.Millisecond)
			ana := f.listed("ana", 900, tagged("van"))
			same(f, f.entries("tags0", 0), []string{"#van"})
			f.advance(time.Millisecond)
			f.listed("ben", 901, tagged("van"))
			same(f, f.entries("tags1", 0), []string{"van ben"})
			same(f, f.nearest(0, 1000, 2, "van"), []string{"ana", "ben"})
			ana.moveTo(902)
			same(f, f.entries("tags1", 0), []string{"van ana", "van ben"})
			f.advance(time.Minute - time.Millisecond)
			ana.moveTo(900)
			f.advance(time.Millisecond)
			ana.moveTo(902)
			same(f, f.entries("tags0", 0), []string{"van ana"})
			same(f, f.nearest(0, 1000, 2, "van"), []string{"ana"})
		}},
		{"a member who changes its tags has those entries alone, and none once it is unlisted", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van", "xl"))
			for _, change := range []struct {
				tags, entries []string
			}{
				{[]string{"van"}, []string{"van ana"}}, {[]string{"bus", "red"}, []string{"bus ana", "red ana"}}, {nil, []string{}},
				{[]string{"van", "xl"}, []string{"van ana", "xl ana"}},
			} {
				ana.moveTo(0, tagged(change.tags...))
				same(f, f.entries("tags0", 0), change.entries)
				same(f, f.nearest(0, 100, 1, change.tags...), []string{"ana"})
			}
			same(f, f.nearest(0, 100, 1, "bus"), []string{})
			ana.apply(unlist(0, f.now+10))
			same(f, f.entries("tags0", 0), []string{})
			same(f, f.nearest(0, 100, 1, "van"), []string{})
		}},
		{"a member who has become stale leaves the index of tags with the first search by one of them", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van", "xl"))
			f.advance(time.Minute)
			f.listed("ben", 10, tagged("van"))
			same(f, f.nearest(0, 100, 1, "van"), []string{"ben"})
			f.notStored(ana)
		}},
	}
}

// areas: which cells a search over many cells asks.
func areas() []testCase {
	return []testCase{
		{"a search over many cells asks only those that have members, in one more trip", func(f *fixture) {
			f.listed("ana", 0)
			f.listed("ben", nextCell)
			asked, hits := f.searchAround(0)
			for _, script := range asked[0] {
				same(f, script, "occupied")
			}
			same(f, asked[1:], [][]string{{"search", "search"}})
			same(f, names(hits...), []string{"ana", "ben"})
		}},
		{"a search over many cells where nobody is makes one trip", func(f *fixture) {
			other := *f
			other.pool += "-b" // members of another pool are nobody
			other.listed("ana", 0)
			asked, hits := f.searchAround(0)
			same(f, len(asked), 1)
			same(f, len(asked[0]) <= 3, true)
			for _, h := range hits {
				same(f, h.Rest, "")
			}
			same(f, names(hits...), []string{})
		}},
		{"a search over a few cells asks each of them at once", func(f *fixture) {
			few := parts(geo.ShardsWithin(north(0), 20_000)[:7]...)
			same(f, f.count(func() {
				_, err := f.store.Search(f.t.Context(), few, match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(0), Radius: 20_000, Want: 1})
				f.must(err)
			}), 1)
		}},
		{"a search over many cells does not ask one whose members are all in boxes outside of its circle", func(f *fixture) {
			f.listed("ana", 23_000)
			asked, hits := f.searchAround(1000)
			same(f, len(asked), 1)
			same(f, names(hits...), []string{})
			ben := f.listed("ben", 20_900)
			asked, hits = f.searchAround(1000)
			same(f, asked[1:], [][]string{{"search"}})
			same(f, within(1000, hits), []string{"ben"})
			ben.moveTo(23_000)
			for _, searched := range []bool{true, true, true, false} { // as long as its box may have members
				asked, _ = f.searchAround(1000)
				same(f, len(asked) == 2, searched)
				f.advance(time.Minute)
				ben.moveTo(23_000)
			}
		}},
		{"a member that moves to another box of its cell marks it, unless it is marked", func(f *fixture) {
			ana := f.listed("ana", 23_000)
			for _, step := range []struct {
				to    float64
				trips int
			}{{20_900, 3}, {23_000, 1}, {20_900, 1}, {25_000, 3}} {
				reported := ana.report(step.to)
				same(f, f.count(func() { ana.apply(reported.Changes...) }), step.trips)
				_, hits := f.searchAround(step.to - 19_950)
				same(f, within(step.to-19_950, hits), []string{"ana"})
			}
		}},
		{"a member who does not report any more is found as long as it is fresh, though others go on marking its cell", func(f *fixture) {
			f.advance(30 * time.Second)
			f.listed("ana", 20_900)
			for range 2 {
				f.listed("ben", 23_000)
				_, hits := f.searchAround(1000)
				same(f, within(1000, hits), []string{"ana"})
				f.advance(30*time.Second - time.Millisecond/2)
			}
		}},
		{"a mark that comes in the span after its listing is as good", func(f *fixture) {
			f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
				if commands[0].Script == "mark" {
					f.hook = nil
					f.advance(30 * time.Second)
					f.listed("ben", 23_000)
				}
				send(ctx)
			}
			f.advance(30 * time.Second)
			f.listed("ana", 20_900)
			asked, hits := f.searchAround(1000)
			same(f, asked[1:], [][]string{{"search"}})
			same(f, within(1000, hits), []string{"ana"})
		}},
		{"of a cell that an older version has marked, any box may have members", func(f *fixture) {
			cell, area := string(geo.ShardCell(north(23_000))), string(geo.Area(geo.ShardCell(north(23_000))))
			older := func() {
				f.must(f.direct.Do(f.t.Context(), f.direct.B().Hset().Key(f.key("area", area)).FieldValue().
					FieldValue(cell, fmt.Sprint(f.now+3*time.Minute.Milliseconds())).Build()).Error())
				f.must(f.direct.Do(f.t.Context(), f.direct.B().Hset().Key(f.key("seen0", cell)).FieldValue().
					FieldValue("", fmt.Sprint(start)+" marked").Build()).Error())
			}
			ana := f.listed("ana", 23_000)
			f.advance(20 * time.Second)
			older()
			for range 2 {
				asked, _ := f.searchAround(1000)
				same(f, asked[1:], [][]string{{"search"}})
				reported := ana.report(23_000)
				same(f, f.count(func() { ana.apply(reported.Changes...) }), 3)
				same(f, f.stored("area", area)[cell], fmt.Sprint(start+20_000+3*time.Minute.Milliseconds())+".3333333333333333")
				older()
			}
		}},
		{"the first listing in a cell marks it in its area, once in each span of the location TTL", func(f *fixture) {
			ana, ben := f.connected("ana"), f.connected("ben")
			for range 3 {
				for _, step := range []struct {
					of    *member
					trips int
				}{{ana, 3}, {ben, 1}, {ana, 1}} {
					reported := step.of.report(0)
					same(f, f.count(func() { step.of.apply(reported.Changes...) }), step.trips)
					f.advance(20 * time.Second)
				}
				asked, _ := f.searchAround(0)
				same(f, len(asked), 2)
			}
		}},
		{"a listing whose cell cannot be marked fails, and marks it when it is repeated", func(f *fixture) {
			for _, script := range []string{"mark", "marked"} {
				f.advance(time.Minute)
				ana := f.connected("ana-" + script)
				reported := ana.report(0)
				f.unsent(script, func(ctx context.Context) {
					if _, err := f.store.Apply(ctx, ana.Member, reported.Changes); !errors.Is(err, match.ErrUnavailable) {
						f.t.Errorf("the listing without %s: got %v, want unavailable", script, err)
					}
				})
				same(f, f.count(func() { ana.apply(reported.Changes...) }), 3)
				_, hits := f.searchAround(0)
				same(f, names(hits...), []string{ana.ID})
				same(f, f.count(func() { ana.apply(reported.Changes...) }), 1)
			}
		}},
		{"a mark that comes after its cell was evicted is no mark of the cell", func(f *fixture) {
			ana := f.connected("ana")
			reported := ana.report(0)
			f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
				if commands[0].Script == "marked" {
					f.evict(f.key("seen0", string(geo.ShardCell(north(0)))))
				}
				send(ctx)
			}
			ana.apply(reported.Changes...)
			f.hook = nil
			same(f, f.stored("seen0", geo.ShardCell(north(0))), map[string]string{})
			same(f, f.count(func() { ana.apply(ana.relist()...) }), 4) // and the reading
		}},
		{"a mark lasts for three location TTLs, and then goes with the next cell, or by itself", func(f *fixture) {
			f.listed("ana", 0)
			f.listed("ben", nextCell)
			area := string(geo.Area(geo.ShardCell(north(0))))
			marked := func() int { return len(f.stored("area", area)) }
			if area != string(geo.Area(geo.ShardCell(north(nextCell)))) {
				f.t.Fatal("the case is wrong: two areas")
			}
			f.advance(3*time.Minute - time.Millisecond)
			asked, _ := f.searchAround(0)
			same(f, asked[1:], [][]string{{"search", "search"}})
			f.listed("cem", nextCell)
			f.advance(time.Millisecond)
			asked, _ = f.searchAround(0)
			same(f, asked[1:], [][]string{{"search"}})
			same(f, marked(), 2)
			f.listed("dan", thirdCell)
			same(f, marked(), 2)
			same(f, f.ttl(f.key("area", area)) <= 3*time.Minute, true)
		}},
	}
}

// searchAround searches all cells within 20 km, and returns the scripts of each trip.
func (f *fixture) searchAround(meters float64) (asked [][]string, hits []match.Hits) {
	f.t.Helper()
	q := match.Query{Self: match.Member{Pool: f.pool, ID: "me"}, Point: north(meters), Radius: 20_000, Want: 8}
	f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		var scripts []string
		for _, c := range commands {
			scripts = append(scripts, c.Script)
		}
		asked = append(asked, scripts)
		send(ctx)
	}
	hits, err := f.store.Search(f.t.Context(), parts(geo.ShardsWithin(q.Point, q.Radius)...), q)
	f.hook = nil
	f.must(err)
	return asked, hits
}

// unsent does something until the store wants to send a script: then the time is over.
func (f *fixture) unsent(script string, do func(context.Context)) {
	limited, cancel := context.WithCancel(f.t.Context())
	defer cancel()
	f.hook = func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		if slices.ContainsFunc(commands, func(c store.Command) bool { return c.Script == script }) {
			cancel()
		} else {
			send(ctx)
		}
	}
	do(limited)
	f.hook = nil
}

// contents returns every entry of every key of the cell so many metres north.
func (f *fixture) contents(meters float64) map[string][]string {
	f.t.Helper()
	all := make(map[string][]string)
	cell := geo.ShardCell(north(meters))
	found := keys(f.t, f.direct, "w3:*{"+f.pool+"/"+string(cell)+"}*")
	if len(found) == 0 {
		f.t.Fatal("the cell has no keys")
	}
	for _, key := range found {
		kind := strings.Split(key, ":")[1]
		if strings.HasPrefix(kind, "seen") || kind == "wait" {
			all[kind] = slices.Sorted(maps.Keys(f.stored(kind, cell)))
		} else {
			all[kind] = f.entries(kind, meters)
		}
	}
	return all
}

// isIn returns which keys of the cell in the middle have an entry of the member.
func (f *fixture) isIn(name string) (kinds []string) {
	f.t.Helper()
	for kind, entries := range f.contents(0) {
		if slices.ContainsFunc(entries, func(entry string) bool { return entry == name || strings.HasSuffix(entry, " "+name) }) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// within returns those found who are within 20 km of a place.
func within(meters float64, hits []match.Hits) []string {
	for i, h := range hits {
		hits[i].Candidates = slices.DeleteFunc(h.Candidates, func(c match.Candidate) bool { return geo.Distance(north(meters), c.Point) > 20_000 })
	}
	return names(hits...)
}
