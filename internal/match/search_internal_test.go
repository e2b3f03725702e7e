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

// An inquiry is one trip of a search: how many it wants of each of those cells, and what
// they answer.
type inquiry struct {
	want  int
	cells []geo.Cell
	hits  []match.Hits
}

// inquiries are an index that is asked just that.
type inquiries struct {
	match.Index // only Search is called
	t           *testing.T
	next        []inquiry
}

func (i *inquiries) Search(_ context.Context, cells []geo.Cell, q match.Query) ([]match.Hits, error) {
	i.t.Helper()
	if len(i.next) == 0 {
		i.t.Fatalf("asked %d of %v, want no more questions", q.Want, cells)
	}
	one := i.next[0]
	i.next = i.next[1:]
	if q.Want != one.want || !slices.Equal(cells, one.cells) {
		i.t.Fatalf("asked %d of %v, want %d of %v", q.Want, cells, one.want, one.cells)
	}
	return one.hits, nil
}

// walks searches around here, and wants these of the first most, and whether there are no others.
func walks(t *testing.T, radius float64, most int, trips []inquiry, want []string, all bool) {
	t.Helper()
	asked := &inquiries{t: t, next: trips}
	record := make(map[match.Member]match.Position)
	for _, trip := range trips {
		for _, h := range trip.hits {
			for _, c := range h.Candidates {
				if r, ok := record[c.Member]; !ok || c.At > r.At || c.At == r.At && c.Seq > r.Seq {
					record[c.Member] = c.Position
				}
			}
		}
	}
	found, none, err := match.Walk(t.Context(), asked, match.Query{Point: here(), Radius: radius}, most,
		func(m match.Member) (match.Position, bool) { return record[m], true })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, names(found)); diff != "" || none != all {
		t.Errorf("all %v, want %v (-want +got)\n%s", none, all, diff)
	}
	if len(asked.next) > 0 {
		t.Errorf("want %v asked", asked.next[0].cells)
	}
}

// away is a candidate at a distance, by its report of that time.
func away(name string, meters float64, at, seq int64) match.Candidate {
	return match.Candidate{Member: member(name), Position: match.Position{At: at, Seq: seq}, Distance: meters}
}

// TestSearchAsksWhatItMust, and no cell that cannot change who is nearest.
func TestSearchAsksWhatItMust(t *testing.T) {
	const radius = 8000
	shards := geo.ShardsWithin(here(), radius)
	home, around := shards[:1], shards[1:]
	edge := toEdge(here())
	if edge < 600 || len(around) < 3 {
		t.Fatalf("here is %v m from the edge, and has %d cells around", edge, len(around))
	}
	some := geo.ShardsWithin(here(), edge+400)[1:]
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

	t.Run("a small circle", func(t *testing.T) {
		walks(t, 500, math.MaxInt, []inquiry{{8, home, hits(away("a", 100, 1, 0), away("b", 500, 1, 0), away("c", 500.1, 1, 0))}}, []string{"a", "b"}, true)
	})
	t.Run("nobody", func(t *testing.T) { walks(t, 500, 1, []inquiry{{8, home, hits()}}, nil, true) })
	t.Run("nobody far and wide", func(t *testing.T) {
		walks(t, radius, 1, []inquiry{{8, home, hits()}, {8, around, none(around)}}, nil, true)
	})
	t.Run("nearer than the edge", func(t *testing.T) {
		walks(t, radius, 1, []inquiry{{8, home, hits(away("a", edge-1, 1, 0))}}, []string{"a"}, false)
	})
	t.Run("farther than the edge", func(t *testing.T) {
		nearer := none(some)
		nearer[0].Candidates = []match.Candidate{away("b", edge+100, 1, 0)}
		walks(t, radius, 2, []inquiry{{8, home, hits(away("a", edge+400, 1, 0))}, {8, some, nearer}}, []string{"b", "a"}, false)
	})
	t.Run("farther than the edge, and nobody else", func(t *testing.T) {
		walks(t, radius, 2, []inquiry{{8, home, hits(away("a", edge+400, 1, 0))}, {8, some, none(some)}, {8, others, none(others)}}, []string{"a"}, true)
	})
	t.Run("the first of a crowd", func(t *testing.T) { walks(t, 500, 8, []inquiry{{8, home, eight}}, eightNames, false) })
	t.Run("a crowd", func(t *testing.T) {
		walks(t, 500, math.MaxInt, []inquiry{{8, home, eight}, {32, home, most}, {128, home, all}}, allNames, true)
	})
	t.Run("the rest of a crowd", func(t *testing.T) {
		walks(t, 500, 32, []inquiry{{8, home, eight}, {32, home, most}}, mostNames, false)
	})
	t.Run("a crowd, and cells around", func(t *testing.T) {
		walks(t, radius, math.MaxInt, []inquiry{{8, home, eight}, {8, around, none(around)}, {32, home, all}}, allNames, true)
	})
	t.Run("more of nobody", func(t *testing.T) {
		walks(t, 500, 1, []inquiry{{8, home, []match.Hits{{More: true}}}}, nil, true)
	})
}

// TestSearchSeesOneTwice: its newest report counts, whichever is seen first.
func TestSearchSeesOneTwice(t *testing.T) {
	home := geo.ShardsWithin(here(), 500)
	for name, test := range map[string]struct {
		first, second match.Candidate
		want          []string
	}{
		"newer":          {away("a", 100, 1, 9), away("a", 300, 2, 0), []string{"b", "a"}},
		"older":          {away("a", 300, 2, 0), away("a", 100, 1, 9), []string{"b", "a"}},
		"next":           {away("a", 100, 1, 1), away("a", 300, 1, 2), []string{"b", "a"}},
		"the one before": {away("a", 300, 1, 2), away("a", 100, 1, 1), []string{"b", "a"}},
		"the same":       {away("a", 300, 1, 1), away("a", 100, 1, 1), []string{"b", "a"}},
		"newer, nearer":  {away("a", 300, 1, 1), away("a", 100, 2, 0), []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			walks(t, 500, math.MaxInt, []inquiry{{8, home, hits(test.first, away("b", 200, 1, 0), test.second)}}, test.want, true)
			walks(t, 500, math.MaxInt, []inquiry{{8, home, hits(away("b", 200, 1, 0), test.first, test.second)}}, test.want, true)
		})
	}
}
