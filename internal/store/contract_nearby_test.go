package store_test

import (
	"fmt"
	"strings"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// nearbys: who may ask how many members are near, and how they are counted.
func nearbys() []testCase {
	return []testCase{
		{"a member with a fresh report is told its cell, and any other that it needs one", func(f *fixture) {
			ana := f.connected("ana")
			f.says(ana.nearby(), match.StatusNoLocation)
			ana.moveTo(0, available(false))
			near := ana.nearby()
			same(f, near.Cell, geo.ShardCell(north(0)))
			f.is(near.Snapshot, ana.read())
			ana.moveTo(nextCell)
			same(f, ana.nearby().Cell, geo.ShardCell(north(nextCell)))
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.nearby(), match.StatusOK)
			f.advance(time.Millisecond)
			f.says(ana.nearby(), match.StatusNoLocation)
		}},
		{"a question is a sign of life, and brings what the member is not yet told", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(50 * time.Second)
			f.says(ana.nearby(), match.StatusOK)
			f.advance(9 * time.Second)
			f.says(ana.lease("m1"), match.StatusOK)
			ana.giveUp("m1", true)
			f.advance(time.Second)
			got := ana.nearby() // by now its report is not fresh either
			f.says(got, match.StatusNoLocation)
			same(f, notices(got.Untold), "no_match r1")
		}},
		{"a member may ask so often, and a refused question is free", func(f *fixture) {
			f.settings(`"nearbyPerMinute":2`)
			ana := f.connected("ana")
			f.says(ana.nearby(), match.StatusNoLocation)
			ana.moveTo(0)
			for range 2 {
				f.says(ana.nearby(), match.StatusOK)
			}
			refused := match.Nearby{Snapshot: match.Snapshot{Status: match.StatusRateLimited, Refusal: refusal(match.LimitNearby, 30*time.Second)}}
			f.is(ana.nearby(), refused)
			f.advance(30*time.Second - time.Millisecond)
			refused.RetryAfter = time.Millisecond
			f.is(ana.nearby(), refused)
			f.advance(time.Millisecond)
			f.says(ana.nearby(), match.StatusOK)
		}},
		{"the members of a cell are counted who are available and fresh, and nobody in another cell", func(f *fixture) {
			same(f, f.counted(), 0)
			f.advance(match.CountKept + time.Second)
			for n := range 4 {
				f.listed(fmt.Sprint("fresh", n), float64(100*n))
			}
			f.listed("far", nextCell)
			f.listed("break", 0).moveTo(0, available(false))
			f.listed("gone", 0).leave()
			cell := geo.ShardCell(north(0))
			for name, ago := range map[string][2]int64{"late": {59_999, 0}, "stale": {60_000, 0}, "unheard": {0, 60_000}} {
				f.connected(name).apply(match.Change{List: true, Cell: cell, Epoch: 1, Position: match.Position{Point: north(0), At: f.now - ago[0]},
					Heard: f.now - ago[1]})
			}
			same(f, f.counted(), 5)
			f.advance(time.Minute - time.Millisecond) // the first are in the older generation now
			f.listed("next", 0)
			same(f, f.counted(), 5) // but not the late one
			f.advance(match.CountKept)
			same(f, f.counted(), 1)
		}},
		{"a count stays for half a minute, whoever asks and whatever comes", func(f *fixture) {
			f.listed("ana", 0)
			same(f, f.counted(), 1)
			f.listed("ben", 0)
			f.advance(match.CountKept - time.Millisecond)
			same(f, f.counted(), 1)
			f.advance(time.Millisecond)
			same(f, f.counted(), 2)
			f.evict(f.key("count", string(geo.ShardCell(north(0)))))
			f.listed("cem", 0)
			same(f, f.counted(), 3)
			same(f, f.ttl(f.key("count", string(geo.ShardCell(north(0))))) <= match.CountKept, true)
		}},
		{"in a crowd those count who were heard in two spans, and the count is bounded", func(f *fixture) {
			f.crowd(257, func(int, *match.Change) {}, "old")
			f.advance(time.Minute)
			f.crowd(3, func(int, *match.Change) {}, "new")
			same(f, f.counted(), 260)
			f.advance(time.Minute)
			same(f, f.counted(), 0)
		}},
		{"what a process knows of the counts costs no trip until the cache would count anew", func(f *fixture) {
			f.listed("ana", 0)
			cells := geo.Around(geo.ShardCell(north(0)))
			count := func(now int64) (got []int, trips int) {
				trips = f.count(func() {
					var err error
					got, err = f.store.Count(f.t.Context(), f.pool, cells, now)
					f.must(err)
				})
				return got, trips
			}
			for _, want := range []int{1, 0} {
				got, trips := count(f.now)
				same(f, strings.Count(fmt.Sprint(got), "1"), 1)
				same(f, trips, want)
			}
			f.listed("ben", 0)
			f.advance(match.CountKept - time.Millisecond)
			got, trips := count(f.now)
			same(f, strings.Count(fmt.Sprint(got), "1"), 1)
			same(f, trips, 0)
			f.advance(time.Millisecond)
			got, trips = count(f.now)
			same(f, strings.Count(fmt.Sprint(got), "2"), 1)
			same(f, trips, 1)
			_, err := f.store.Count(f.t.Context(), f.pool, []geo.Cell{geo.ShardCell(north(nextCell)), cells[0]}, f.now)
			f.must(err)
		}},
	}
}

// counted is how many members another process counts in the middle cell.
func (f *fixture) counted() int {
	f.t.Helper()
	f.settings(unlimited)
	got, err := f.store.Count(f.t.Context(), f.pool, []geo.Cell{geo.ShardCell(north(0))}, f.now)
	f.must(err)
	return got[0]
}
