package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/test/kit/caches"
)

// TestARunReadsExactlySoMuch counts the entries that single runs of scripts read, and the
// commands that they call. So the test sees each decision of a search about how much it reads
// next, though the answer is right in any case. A smaller number than that of a row is
// welcome: then change the row.
func TestARunReadsExactlySoMuch(t *testing.T) {
	caches.Each(t, func(t *testing.T, c caches.Cache) {
		direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
		if err != nil {
			t.Fatal(err)
		}
		defer direct.Close()
		for i, one := range append(countedSearches(), countedReports()) {
			t.Run(one.name, func(t *testing.T) {
				one.run(newFixture(t, c, direct, fmt.Sprint("counted-", i+1), counted))
			})
		}
	})
}

// A cost is what a search reads, calls and finds.
type cost struct{ Entries, Calls, Found int }

// A countedSearch is a search of the cell in the middle, and its cost.
type countedSearch struct {
	what   string
	from   geo.Point
	radius float64
	want   int
	tags   string
	cost   cost
}

func countedSearches() []testCase {
	searches := func(name string, list func(*fixture), rows []countedSearch) testCase {
		return testCase{name, func(f *fixture) {
			list(f)
			f.counts()
			for _, row := range rows {
				hits, err := f.store.Search(f.t.Context(), parts(geo.ShardCell(north(0))), match.Query{Self: match.Member{Pool: f.pool, ID: "me"},
					Point: row.from, Radius: row.radius, Tags: strings.Fields(row.tags), Want: row.want})
				f.must(err)
				entries, calls := f.onlyRun("search")
				if diff := cmp.Diff(row.cost, cost{entries, calls, len(hits[0].Candidates)}); diff != "" {
					f.t.Errorf("a search %s (-want +got)\n%s", row.what, diff)
				}
			}
		}}
	}
	before := func(f *fixture, list func()) { // in the span before
		f.advance(-30 * time.Second)
		list()
		f.advance(30 * time.Second)
	}
	return []testCase{
		searches("where nobody is", func(*fixture) {}, []countedSearch{
			{"for anybody", north(0), 20_000, 4, "", cost{0, 2, 0}},
			{"for a tag", north(0), 20_000, 4, "van", cost{0, 2, 0}},
		}),
		searches("among a few", func(f *fixture) {
			before(f, func() { f.around("old-", 20, 800, "van") })
			f.around("new-", 20, 800, "van")
		}, []countedSearch{
			{"for the nearest", north(0), 20_000, 4, "", cost{10, 8, 10}},
			{"for all", north(0), 20_000, 100, "", cost{40, 8, 40}},
			{"from another cell", north(nextCell), 20_000, 4, "", cost{10, 8, 10}},
			{"within 2 m", north(0), 2, 4, "", cost{0, 6, 0}},
			{"for a tag that all have", north(0), 20_000, 4, "van", cost{40, 12, 40}},
		}),
		searches("among many in a line", func(f *fixture) {
			f.crowd(many, func(n int, c *match.Change) {
				c.Point, c.Tags = north(float64(n-many/2)), "common"
				if n%(many/4) == 0 {
					c.Tags = "common rare"
				}
			})
		}, []countedSearch{
			{"for a tag that nobody has", north(0), 20_000, 4, "nobodys", cost{0, 4, 0}},
			{"for a common tag and one that nobody has", north(0), 20_000, 4, "common nobodys", cost{0, 5, 0}},
			{"for a tag that four members have", north(0), 20_000, 4, "common rare", cost{4, 8, 4}},
			{"for the nearest", north(0), 20_000, 4, "", cost{5, 11, 5}},
			{"for the nearest who have a common tag", north(0), 20_000, 4, "common", cost{5, 12, 5}},
			{"for a hundred", north(0), 20_000, 100, "", cost{106, 16, 71}},
			{"for more than a circle has", north(0), 20_000, 1000, "", cost{392, 28, 0}},
			{"within 3 m", north(0), 3, 4, "", cost{5, 9, 5}},
			{"from beside them", north(-1500), 20_000, 4, "", cost{7, 45, 7}},
			{"from far away", north(3000), 20_000, 4, "", cost{8, 33, 8}},
			{"from far away, within 100 m", north(3000), 100, 4, "", cost{0, 9, 0}},
			{"from another cell", north(nextCell), 20_000, 4, "", cost{8, 27, 8}},
			{"from another cell in the south", north(-7000), 20_000, 4, "", cost{7, 31, 7}},
			{"from another cell in the east", beside(0, 12_000), 20_000, 4, "", cost{0, 163, 0}},
			{"from another cell in the west", beside(0, -12_000), 20_000, 4, "", cost{0, 163, 0}},
			{"from another cell, for all within 11.1 km", north(nextCell), 11_100, 1000, "", cost{107, 89, 100}},
			{"from another cell, for those within 12 km", north(nextCell), 12_000, 400, "", cost{260, 189, 260}},
		}),
		searches("among many at one point", func(f *fixture) {
			before(f, func() { f.crowd(70, func(_ int, c *match.Change) { c.Point = north(0) }, "old-") })
			f.crowd(600, func(_ int, c *match.Change) { c.Point = north(0) })
		}, []countedSearch{
			{"for the nearest", north(0), 20_000, 4, "", cost{64, 84, 64}},
			{"for forty", north(0), 20_000, 40, "", cost{64, 84, 64}},
			{"for all", north(0), 20_000, 1000, "", cost{278, 115, 278}},
			{"from beside them", north(30), 20_000, 4, "", cost{64, 98, 64}},
			{"within 10 m", north(5), 10, 1000, "", cost{278, 119, 278}},
		}),
		searches("among many who do not fit", func(f *fixture) {
			before(f, func() { f.around("old-", 50, 60, "other") })
			f.around("new-", 200, 60, "other")
			f.crowd(many/4, func(n int, c *match.Change) { c.Point, c.Tags = edge(float64(n)), "common" })
		}, []countedSearch{
			{"in their midst", north(0), 20_000, 4, "common", cost{294, 53, 0}},
			{"in their midst, for many", north(0), 20_000, 128, "common", cost{273, 41, 0}},
			{"from 20 m beside", north(20), 20_000, 128, "common", cost{588, 53, 0}},
			{"from 40 m beside", north(40), 20_000, 128, "common", cost{451, 41, 0}},
			{"from 200 m beside", north(200), 20_000, 8, "common", cost{260, 29, 0}},
			{"from 1000 m beside", north(1000), 1500, 8, "common", cost{260, 35, 0}},
		}),
		searches("among many who are ever denser", func(f *fixture) {
			random := rand.New(rand.NewPCG(7, 8))
			points := make([]geo.Point, many)
			for n := range points {
				points[n] = beside(1000*math.Pow(random.Float64(), 6), 1000*math.Pow(random.Float64(), 6))
			}
			f.crowd(many, func(n int, c *match.Change) { c.Point = points[n] })
		}, []countedSearch{
			{"for the nearest", north(0), 20_000, 4, "", cost{5, 19, 5}},
			{"for forty", north(0), 20_000, 40, "", cost{41, 19, 41}},
			{"from beside them", beside(50, 50), 20_000, 4, "", cost{5, 11, 5}},
			{"from beside them for fifty", beside(50, 50), 20_000, 50, "", cost{84, 64, 64}},
			{"from 300 m beside them", beside(-300, 50), 20_000, 4, "", cost{55, 94, 55}},
		}),
	}
}

func countedReports() testCase {
	return testCase{"reports", func(f *fixture) {
		ben := f.listed("ben", 1, tagged("common", "xl"))
		listed := func(entries, calls int) {
			f.t.Helper()
			f.advance(200 * time.Millisecond)
			f.counts()
			ben.moveTo(2)
			read, called := f.onlyRun("list")
			same(f, []int{read, called}, []int{entries, calls})
		}
		listed(0, 4)
		f.wait(100, func(_ int, w *match.WaitingRequest) { w.Tags = []string{"rare"} }) // which the member has not
		listed(0, 24)
		listed(0, 7) // nothing has come
		f.wait(100, func(n int, w *match.WaitingRequest) { w.Point, w.Radius = north(2000+float64(n)), 100 })
		listed(1, 25) // something has
		listed(0, 7)
		f.counts()
		f.says(ben.nextSession().connect(), match.StatusOK)
		entries, ran := f.onlyRun("connect")
		same(f, []int{entries, ran}, []int{15, 8}) // one of them for what names other members
	}}
}

// onlyRun returns what the one run of that script since the last time has read.
func (f *fixture) onlyRun(script string) (entries, calls int) {
	f.t.Helper()
	runs := 0
	for _, one := range f.counts() {
		if one.script == script {
			entries, calls = one.entries, one.calls
			runs++
		}
	}
	same(f, runs, 1)
	return entries, calls
}

// around lists a crowd of whom as many are within each metre as within the next.
func (f *fixture) around(name string, size int, radius float64, tags string) {
	f.t.Helper()
	random := rand.New(rand.NewPCG(5, 6))
	points := make([]geo.Point, size)
	for n := range points {
		sin, cos := math.Sincos(2 * math.Pi * random.Float64())
		off := radius * random.Float64()
		points[n] = beside(off*sin, off*cos)
	}
	f.crowd(size, func(n int, c *match.Change) { c.Point, c.Tags = points[n], tags }, name)
}

// beside is a point so many metres north and east of north(0).
func beside(meters, east float64) geo.Point {
	p := north(meters)
	p.Lng += (north(east).Lat - north(0).Lat) / math.Cos(north(0).Lat*math.Pi/180)
	return p
}
