package match_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	diffs "github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// A trip is one call of Search: how many candidates it wants of which parts, and their hits.
type trip struct {
	want  int
	parts []match.Part
	hits  []match.Hits
}

// whole are cells that are asked from the start.
func whole(cells []geo.Cell) []match.Part {
	parts := make([]match.Part, len(cells))
	for i, c := range cells {
		parts[i].Cell = c
	}
	return parts
}

// A tripIndex is an index that expects these trips.
type tripIndex struct {
	match.Index // only Search is called
	t           *testing.T
	next        []trip
}

func (i *tripIndex) Search(_ context.Context, parts []match.Part, q match.Query) ([]match.Hits, error) {
	i.t.Helper()
	if len(i.next) == 0 {
		i.t.Fatalf("searched for %d in %v, want no more trips", q.Want, parts)
	}
	one := i.next[0]
	i.next = i.next[1:]
	byCell := func(a, b match.Part) int { return cmp.Compare(a.Cell, b.Cell) }
	slices.SortFunc(parts, byCell)
	if q.Want != one.want || !slices.Equal(parts, slices.SortedFunc(slices.Values(one.parts), byCell)) {
		i.t.Fatalf("searched for %d in %v, want %d in %v", q.Want, parts, one.want, one.parts)
	}
	return one.hits, nil
}

// walk searches around the origin. It wants these candidates, at most so many, and whether all
// are found.
func walk(t *testing.T, radius float64, most int, trips []trip, want []string, all bool, apart ...match.Member) {
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
	found, none, err := match.Walk(t.Context(), index, match.Query{Point: origin(), Radius: radius, Apart: apart}, most,
		func(m match.Member) (match.Position, bool) { return record[m], true })
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffs.Diff(want, names(found)); diff != "" || none != all {
		t.Errorf("all %v, want %v (-want +got)\n%s", none, all, diff)
	}
	if len(index.next) > 0 {
		t.Errorf("want a trip to %v", index.next[0].parts)
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
	none := func(cells []geo.Cell) []match.Hits {
		return slices.Repeat(hits(), len(cells))
	}

	t.Run("a circle within one cell", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{4, whole(home), hits(away("a", 100, 1, 0), away("b", 500, 1, 0), away("c", 500.1, 1, 0))}}, []string{"a", "b"}, true)
	})
	t.Run("nobody within one cell", func(t *testing.T) { walk(t, 500, 1, []trip{{4, whole(home), hits()}}, nil, true) })
	t.Run("nobody in many cells", func(t *testing.T) {
		walk(t, radius, 1, []trip{{4, whole(home), hits()}, {4, whole(around), none(around)}}, nil, true)
	})
	t.Run("one nearer than the edge: one cell is asked", func(t *testing.T) {
		walk(t, radius, 1, []trip{{4, whole(home), hits(away("a", edge-1, 1, 0))}}, []string{"a"}, false)
	})
	t.Run("one farther than the edge: the cells up to it are asked", func(t *testing.T) {
		nearer := none(some)
		nearer[0].Candidates = []match.Candidate{away("b", edge+100, 1, 0)}
		walk(t, radius, 2, []trip{{4, whole(home), hits(away("a", edge+400, 1, 0))}, {4, whole(some), nearer}}, []string{"b", "a"}, false)
	})
	t.Run("one farther than the edge, and all are wanted: all cells are asked", func(t *testing.T) {
		walk(t, radius, 2, []trip{{4, whole(home), hits(away("a", edge+400, 1, 0))}, {4, whole(some), none(some)}, {4, whole(others), none(others)}}, []string{"a"}, true)
	})
	t.Run("a horizon before the edge, and cells around: those are asked first", func(t *testing.T) {
		four, _ := crowd(4, 4)
		all, names := crowd(5, math.Inf(1))
		walk(t, radius, math.MaxInt, []trip{{4, whole(home), four}, {4, whole(around), none(around)}, {16, whole(home), all}}, names, true)
	})
}

func TestAMemberWithACoolDownIsFoundLast(t *testing.T) {
	home := geo.ShardsWithin(origin(), 500)
	a, b, c, d := away("a", 100, 1, 0), away("b", 200, 1, 0), away("c", 300, 1, 0), away("d", 400, 1, 0)
	t.Run("after all others, and then the nearest first", func(t *testing.T) {
		walk(t, 500, 4, []trip{{4, whole(home), hits(a, b, c, d)}}, []string{"b", "d", "a", "c"}, false, c.Member, a.Member)
	})
	t.Run("alone: it is found", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{4, whole(home), hits(a)}}, []string{"a"}, true, a.Member)
	})
	t.Run("not near: nobody is found", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{4, whole(home), hits()}}, nil, true, a.Member)
	})
	t.Run("only when nobody else is in the whole circle", func(t *testing.T) {
		around := geo.ShardsWithin(origin(), 8000)[1:]
		far := slices.Repeat(hits(), len(around))
		far[0] = hits(away("x", 7500, 1, 0))[0]
		walk(t, 8000, 2, []trip{{4, whole(home), hits(a)}, {4, whole(around), far}}, []string{"x", "a"}, false, a.Member)
	})
	t.Run("where a cell has more: those are asked for first", func(t *testing.T) {
		walk(t, 500, 3, []trip{{4, whole(home), []match.Hits{{Candidates: []match.Candidate{a, b}, Horizon: 200}}}, {16, whole(home), hits(a, b, c)}},
			[]string{"c", "a", "b"}, false, a.Member, b.Member)
	})
}

// crowd are so many candidates of one cell, the nth of them n metres away. Up to the horizon
// nobody is missing.
func crowd(n int, horizon float64) (hits []match.Hits, names []string) {
	var all []match.Candidate
	for i := range n {
		names = append(names, fmt.Sprint("m", i+1))
		all = append(all, away(names[i], float64(i+1), 1, 0))
	}
	return []match.Hits{{Candidates: all, Horizon: horizon}}, names
}

func TestACellIsAskedForMoreOnceItsHorizonIsReached(t *testing.T) {
	home := whole(geo.ShardsWithin(origin(), 500))
	four, names4 := crowd(4, 4)
	sixteen, names16 := crowd(16, 16)
	more, _ := crowd(64, 64)
	many, _ := crowd(256, 256)
	most, _ := crowd(499, 499)
	all, allNames := crowd(500, math.Inf(1))
	t.Run("the first of many: one trip", func(t *testing.T) { walk(t, 500, 4, []trip{{4, home, four}}, names4, false) })
	t.Run("some of many: two trips", func(t *testing.T) {
		walk(t, 500, 16, []trip{{4, home, four}, {16, home, sixteen}}, names16, false)
	})
	t.Run("many: each trip asks for four times as many, up to 512", func(t *testing.T) {
		walk(t, 500, math.MaxInt, []trip{{4, home, four}, {16, home, sixteen}, {64, home, more}, {256, home, many}, {512, home, most}, {512, home, all}}, allNames, true)
	})
	t.Run("a candidate beyond the horizon comes after those that it hid", func(t *testing.T) {
		far := []match.Hits{{Candidates: []match.Candidate{away("b", 200, 1, 0)}, Horizon: 100}}
		walk(t, 500, 1, []trip{{4, home, far}, {16, home, hits(away("a", 150, 1, 0), away("b", 200, 1, 0))}}, []string{"a"}, false)
	})
	t.Run("a candidate at the horizon: one trip", func(t *testing.T) {
		walk(t, 500, 1, []trip{{4, home, []match.Hits{{Candidates: []match.Candidate{away("b", 200, 1, 0)}, Horizon: 200}}}}, []string{"b"}, false)
	})
	t.Run("no candidates up to the horizon", func(t *testing.T) {
		walk(t, 500, 1, []trip{{4, home, []match.Hits{{Horizon: 100}}}, {16, home, hits()}}, nil, true)
	})
}

func TestASearchGoesOnWhereACellHadToStop(t *testing.T) {
	cells := geo.ShardsWithin(origin(), 8000)
	home := whole(cells[:1])
	rest := func(rest string) []match.Part { return []match.Part{{Cell: cells[0], Rest: rest}} }
	stopped := func(rest string, horizon float64, found ...match.Candidate) []match.Hits {
		return []match.Hits{{Candidates: found, Horizon: horizon, Rest: rest}}
	}
	a, b, c, d := away("a", 10, 1, 0), away("b", 20, 1, 0), away("c", 30, 1, 0), away("d", 40, 1, 0)

	t.Run("a candidate before the horizon: it need not go on", func(t *testing.T) {
		walk(t, 500, 1, []trip{{4, home, stopped("r", 10, b, a)}}, []string{"a"}, false)
	})
	t.Run("a nearer one in the rest", func(t *testing.T) {
		walk(t, 500, 2, []trip{{4, home, stopped("r", 5, b)}, {4, rest("r"), stopped("s", 15, a)}, {4, rest("s"), hits(c)}}, []string{"a", "b"}, false)
	})
	t.Run("nobody before the last rest", func(t *testing.T) {
		walk(t, 500, 1, []trip{{4, home, stopped("r", 5)}, {4, rest("r"), stopped("s", 15)}, {4, rest("s"), hits()}}, nil, true)
	})
	t.Run("no rest is left, but a horizon: it starts once more, for more", func(t *testing.T) {
		walk(t, 500, 4, []trip{{4, home, stopped("r", 10, a)}, {4, rest("r"), stopped("", 20, b)}, {16, home, stopped("", 40, a, b, c, d)}},
			[]string{"a", "b", "c", "d"}, false)
	})
	// Else it would start once more for as many as before, and never get further.
	t.Run("it goes on for as many as it asked for", func(t *testing.T) {
		walk(t, 500, 4, []trip{{4, home, stopped("", 10, a)}, {16, home, stopped("r", 20, a, b)}, {16, rest("r"), stopped("", 30, c)}, {64, home, stopped("", 40, a, b, c, d)}},
			[]string{"a", "b", "c", "d"}, false)
	})
	t.Run("only cells without a rest are asked for more", func(t *testing.T) {
		around := cells[1:]
		first, second := slices.Repeat(hits(), len(around)), match.Part{Cell: around[1]}
		first[0] = stopped("r", 7000, away("x", 7500, 1, 0))[0]
		first[1] = stopped("", 7000)[0]
		walk(t, 8000, 1, []trip{{4, home, hits()}, {4, whole(around), first},
			{16, []match.Part{{Cell: around[0], Rest: "r"}, second}, slices.Repeat(hits(), 2)}}, []string{"x"}, false)
	})
}

func TestASearchEndsAfter64Trips(t *testing.T) {
	home := geo.ShardsWithin(origin(), 500)
	crowded := []match.Hits{{Candidates: []match.Candidate{away("a", 100, 1, 0)}, Horizon: 50, Rest: "r"}}
	trips := []trip{{4, whole(home), crowded}}
	for range 62 {
		trips = append(trips, trip{4, []match.Part{{Cell: home[0], Rest: "r"}}, crowded})
	}
	last := trip{4, []match.Part{{Cell: home[0], Rest: "r"}}, hits()}
	walk(t, 500, 1, append(slices.Clone(trips), last), []string{"a"}, false)

	last.hits = crowded
	index := &tripIndex{t: t, next: append(trips, last)}
	found, _, err := match.Walk(t.Context(), index, match.Query{Point: origin(), Radius: 500}, 1,
		func(match.Member) (match.Position, bool) { return match.Position{}, false })
	if len(found) > 0 || len(index.next) > 0 || !errors.Is(err, match.ErrUnavailable) {
		t.Errorf("found %v, %v, with %d trips left, want unavailable after the last", found, err, len(index.next))
	}
}

func TestOfAMemberListedTwiceTheNewerReportCounts(t *testing.T) {
	home := whole(geo.ShardsWithin(origin(), 500))
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
			walk(t, 500, math.MaxInt, []trip{{4, home, hits(test.first, away("b", 200, 1, 0), test.second)}}, test.want, true)
			walk(t, 500, math.MaxInt, []trip{{4, home, hits(away("b", 200, 1, 0), test.first, test.second)}}, test.want, true)
		})
	}
}
