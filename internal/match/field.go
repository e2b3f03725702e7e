package match

import (
	"cmp"
	"context"
	"math"
	"slices"

	"waggle/internal/geo"
)

// firstWant is how many candidates a search asks of a cell at first: so many
// may be refused before it has to ask again.
const firstWant = 8

// A field is the search around one point: candidates nearest first, and which
// cells are known how far. Nobody is offered as the nearest before everybody is known
// who may be nearer: more shard cells, or more of one cell, are asked first.
type field struct {
	store   Index
	query   Query
	queue   []Candidate // by distance
	settled map[Member]bool
	cells   map[geo.Cell]*asked
}

// asked is what is known of one cell: all its members up to horizon.
type asked struct {
	want    int
	horizon float64
}

func newField(store Index, q Query) *field {
	return &field{store: store, query: q, settled: make(map[Member]bool), cells: make(map[geo.Cell]*asked)}
}

// nearest returns the nearest candidate that is not settled yet; false: there is
// none within the radius.
func (f *field) nearest(ctx context.Context) (Candidate, bool, error) {
	for {
		reach := f.query.Radius
		found := len(f.queue) > 0
		if found {
			reach = f.queue[0].Distance
		}
		cells, want := f.missing(reach)
		if len(cells) == 0 {
			if !found {
				return Candidate{}, false, nil
			}
			c := f.queue[0]
			f.queue = f.queue[1:]
			return c, true, nil
		}
		q := f.query
		q.Want = want
		hits, err := f.store.Search(ctx, cells, q)
		if err != nil {
			return Candidate{}, false, err
		}
		f.add(cells, want, hits)
	}
}

// missing returns the cells that have to be asked before everybody within reach
// is known, and how many candidates to ask of them.
func (f *field) missing(reach float64) ([]geo.Cell, int) {
	home := geo.ShardCell(f.query.Point)
	if f.cells[home] == nil {
		return []geo.Cell{home}, firstWant
	}
	var cells []geo.Cell
	for _, c := range geo.ShardsWithin(f.query.Point, reach) {
		if f.cells[c] == nil {
			cells = append(cells, c)
		}
	}
	if len(cells) > 0 {
		return cells, firstWant
	}
	want := firstWant
	for c, a := range f.cells {
		if reach > a.horizon {
			cells, want = append(cells, c), max(want, a.want*4)
		}
	}
	return cells, want
}

// add takes in what cells answered.
func (f *field) add(cells []geo.Cell, want int, hits []Hits) {
	for i, c := range cells {
		a := &asked{want: want, horizon: math.Inf(1)}
		if n := len(hits[i].Candidates); hits[i].More && n > 0 {
			a.horizon = hits[i].Candidates[n-1].Distance
		}
		f.cells[c] = a
		for _, hit := range hits[i].Candidates {
			f.offer(hit)
		}
	}
}

// offer puts a candidate in its place, if it is within the radius. Of one that is
// listed twice while it crosses shards the newest report counts.
func (f *field) offer(c Candidate) {
	if f.settled[c.Member] || c.Distance > f.query.Radius {
		return
	}
	if i := slices.IndexFunc(f.queue, func(old Candidate) bool { return old.Member == c.Member }); i >= 0 {
		if old := f.queue[i]; old.At > c.At || (old.At == c.At && old.Seq >= c.Seq) {
			return
		}
		f.queue = slices.Delete(f.queue, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(f.queue, c, func(a, b Candidate) int { return cmp.Compare(a.Distance, b.Distance) })
	f.queue = slices.Insert(f.queue, at, c)
}

// settle takes a member out of the search.
func (f *field) settle(m Member) { f.settled[m] = true }
