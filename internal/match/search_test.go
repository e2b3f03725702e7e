package match_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// A trip is one call of Search: how many candidates it wants of which cells, and their hits.
type trip struct {
	want  int
	cells []geo.Cell
	hits  []match.Hits
}

// A tripIndex is an index that expects these trips.
type tripIndex struct {
	match.Index // only Search is called
	t           *testing.T
	next        []trip
}

func (i *tripIndex) Search(_ context.Context, cells []geo.Cell, q match.Query) ([]match.Hits, error) {
	i.t.Helper()
	if len(i.next) == 0 {
		i.t.Fatalf("searched for %d in %v, want no more trips", q.Want, cells)
	}
	one := i.next[0]
	i.next = i.next[1:]
	if q.Want != one.want || !slices.Equal(cells, one.cells) {
		i.t.Fatalf("searched for %d in %v, want %d in %v", q.Want, cells, one.want, one.cells)
	}
	return one.hits, nil
}

// walk searches around the origin. It wants these candidates, at most so many, and whether all
// are found.
func walk(t *testing.T, radius float64, most int, trips []trip, want []string, all bool) {
	t.Helper()
	index := &tripIndex{t: t, next: trips}
	record := make(map[match.Member]match.Position)
	for _, one := range trips {
		for _, h := range one.hits {
			for _, c := range h.Candidates {
				if r, ok := record[c.Member]; !ok || c.At > r.At || c.At == r.At && c.Seq > r.Seq {
					record[c.Member] = c.Position
				}
			}
		}
	}
	found, none, err := match.Walk(t.Context(), index, match.Query{Point: origin(), Radius: radius}, most,
		func(m match.Member) (match.Position, bool) { return record[m], true })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, names(found)); diff != "" || none != all {
		t.Errorf("all %v, want %v (-want +got)\n%s", none, all, diff)
	}
	if len(index.next) > 0 {
		t.Errorf("want a trip to %v", index.next[0].cells)
	}
}

// away is a candidate at a distance, by its report of that time.
func away(name string, meters float64, at, seq int64) match.Candidate {
	return match.Candidate{Member: member(name), Position: match.Position{At: at, Seq: seq}, Distance: meters}
}

func TestASearchAsksOnlyCellsThatMayChangeTheOrder(t *testing.T) {
	const radius = 8000
	shards := geo.ShardsWithin(origin(), radius)
	home, around := shards[:1], shards[1:]
	edge := distanceToEdge(origin())
	if edge < 600 || len(around) < 3 {
		t.Fatalf("the origin is %v m from the edge, and has %d cells around it", edge, len(around))
	}
	some := geo.ShardsWithin(origin(), edge+400)[1:]
	others := slices.DeleteFunc(slices.Clone(around), func(c geo.Cell) bool { return slices.Contains(some, c) })
	if len(some) == 0 || len(others) == 0 {
		t.Fatalf("%d cells within %v m, and %d others", len(some), edge+400, len(others))
	}
	none := func(cells []geo.Cell) []match.Hits { return make([]match.Hits, len(cells)) }
	crowd := func(n int, more bool) (hits []match.Hits, names []string) {
		var all []match.Candidate
		for i := range n {
			names = append(names, fmt.Sprint("m", i))
			all = append(all, away(names[i], float64(i+1), 1, 0))
		}
		return []match.Hits{{Candidates: all, More: more}}, names
	}
	eight, eightNames := crowd(8, true)
	most, mostNames := crowd(32, true)
	all, allNames := crowd(33, false)

	t.Run("a circle within one cell", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{8, home, hits(away("a", 100, 1, 0), away("b", 500, 1, 0), away("c", 500.1, 1, 0))}}, []string{"a", "b"}, true)
	})
	t.Run("nobody within one cell", func(t *testing.T) { walk(t, 500, 1, []trip{{8, home, hits()}}, nil, true) })
	t.Run("nobody in many cells", func(t *testing.T) {
		walk(t, radius, 1, []trip{{8, home, hits()}, {8, around, none(around)}}, nil, true)
	})
	t.Run("one nearer than the edge: one cell is asked", func(t *testing.T) {
		walk(t, radius, 1, []trip{{8, home, hits(away("a", edge-1, 1, 0))}}, []string{"a"}, false)
	})
	t.Run("one farther than the edge: the cells up to it are asked", func(t *testing.T) {
		nearer := none(some)
		nearer[0].Candidates = []match.Candidate{away("b", edge+100, 1, 0)}
		walk(t, radius, 2, []trip{{8, home, hits(away("a", edge+400, 1, 0))}, {8, some, nearer}}, []string{"b", "a"}, false)
	})
	t.Run("one farther than the edge, and all are wanted: all cells are asked", func(t *testing.T) {
		walk(t, radius, 2, []trip{{8, home, hits(away("a", edge+400, 1, 0))}, {8, some, none(some)}, {8, others, none(others)}}, []string{"a"}, true)
	})
	t.Run("the first of many: one trip", func(t *testing.T) { walk(t, 500, 8, []trip{{8, home, eight}}, eightNames, false) })
	t.Run("many: each trip asks for four times as many", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{8, home, eight}, {32, home, most}, {128, home, all}}, allNames, true)
	})
	t.Run("some of many: two trips", func(t *testing.T) {
		walk(t, 500, 32, []trip{{8, home, eight}, {32, home, most}}, mostNames, false)
	})
	t.Run("many, and cells around: those are asked first", func(t *testing.T) {
		walk(t, radius, math.MaxInt, []trip{{8, home, eight}, {8, around, none(around)}, {32, home, all}}, allNames, true)
	})
	t.Run("a cell without candidates says that there are more", func(t *testing.T) {
		walk(t, 500, 1, []trip{{8, home, []match.Hits{{More: true}}}}, nil, true)
	})
}

func TestOfAMemberListedTwiceTheNewerReportCounts(t *testing.T) {
	home := geo.ShardsWithin(origin(), 500)
	for name, test := range map[string]struct {
		first, second match.Candidate
		want          []string
	}{
		"the second is newer":            {away("a", 100, 1, 9), away("a", 300, 2, 0), []string{"b", "a"}},
		"the second is older":            {away("a", 300, 2, 0), away("a", 100, 1, 9), []string{"b", "a"}},
		"the second has a higher seq":    {away("a", 100, 1, 1), away("a", 300, 1, 2), []string{"b", "a"}},
		"the second has a lower seq":     {away("a", 300, 1, 2), away("a", 100, 1, 1), []string{"b", "a"}},
		"both are the same":              {away("a", 300, 1, 1), away("a", 100, 1, 1), []string{"b", "a"}},
		"the second is newer and nearer": {away("a", 300, 1, 1), away("a", 100, 2, 0), []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			walk(t, 500, math.MaxInt, []trip{{8, home, hits(test.first, away("b", 200, 1, 0), test.second)}}, test.want, true)
			walk(t, 500, math.MaxInt, []trip{{8, home, hits(away("b", 200, 1, 0), test.first, test.second)}}, test.want, true)
		})
	}
}
