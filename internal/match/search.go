package match

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"waggle/internal/geo"
)

// A search is a nearest-neighbour search around one point. It returns a candidate only when
// every member that may be nearer is known: until then it asks more shard cells, or asks a
// cell for more candidates.
type search struct {
	store    Index
	query    Query
	queue    []Candidate // by distance
	excluded map[Member]bool
	apart    map[Member]bool // to be found last
	aside    []Candidate     // those of them who were found
	cells    map[geo.Cell]*asked
	trips    int // left
	returned int // candidates, by all cells
}

// asked says how far one cell was asked.
type asked struct {
	want    int     // candidates
	horizon float64 // metres from the point, within which all its members are known
	rest    string  // what was left unread, "" if the cell begins anew for more
}

func newSearch(store Index, q Query) *search {
	s := &search{store: store, query: q, excluded: make(map[Member]bool), apart: make(map[Member]bool), cells: make(map[geo.Cell]*asked), trips: maxSearchTrips}
	for _, m := range q.Apart {
		s.apart[m] = true
	}
	return s
}

// nearest returns the nearest candidate that is not excluded, and removes it from the queue.
// Those who are apart come when there is nobody else. It returns false if there is none within
// the radius. An error may wrap ErrUnavailable because the search did not end within its trips.
func (s *search) nearest(ctx context.Context) (Candidate, bool, error) {
	for {
		reach := s.query.Radius
		found := len(s.queue) > 0
		if found {
			reach = s.queue[0].Distance
		}
		cells, want := s.missing(reach)
		if len(cells) == 0 {
			if !found {
				if len(s.aside) == 0 {
					return Candidate{}, false, nil
				}
				s.apart = nil
				for _, c := range s.aside {
					delete(s.excluded, c.Member)
					s.enqueue(c)
				}
				s.aside = nil
				continue
			}
			c := s.queue[0]
			s.queue = s.queue[1:]
			if s.apart[c.Member] {
				s.aside = append(s.aside, c)
				s.exclude(c.Member)
				continue
			}
			return c, true, nil
		}
		if s.trips == 0 {
			return Candidate{}, false, fmt.Errorf("search: %w: too many members who do not fit are nearer than one who does", ErrUnavailable)
		}
		s.trips--
		q := s.query
		q.Want = want
		parts := make([]Part, len(cells))
		for i, c := range cells {
			parts[i].Cell = c
			if a := s.cells[c]; a != nil {
				parts[i].Rest = a.rest
			}
		}
		hits, err := s.store.Search(ctx, parts, q)
		if err != nil {
			return Candidate{}, false, err
		}
		s.add(cells, want, hits)
	}
}

// missing returns the cells that have to be asked before every member within reach
// is known, and how many candidates to ask of them.
func (s *search) missing(reach float64) ([]geo.Cell, int) {
	home := geo.ShardCell(s.query.Point)
	if s.cells[home] == nil {
		return []geo.Cell{home}, firstWant
	}
	var cells []geo.Cell
	for _, c := range geo.ShardsWithin(s.query.Point, reach) {
		if s.cells[c] == nil {
			cells = append(cells, c)
		}
	}
	if len(cells) > 0 {
		return cells, firstWant
	}
	want := firstWant
	for c, a := range s.cells {
		if reach > a.horizon {
			cells = append(cells, c)
			if a.rest == "" {
				want = max(want, min(a.want*4, mostWanted))
			} else {
				want = max(want, a.want) // for fewer, it would stop short of what it knew before
			}
		}
	}
	return cells, want
}

// add adds the hits of cells to the queue.
func (s *search) add(cells []geo.Cell, want int, hits []Hits) {
	for i, c := range cells {
		s.cells[c] = &asked{want: want, horizon: hits[i].Horizon, rest: hits[i].Rest}
		s.returned += len(hits[i].Candidates)
		for _, hit := range hits[i].Candidates {
			s.enqueue(hit)
		}
	}
}

// enqueue sorts a candidate into the queue, if it is within the radius. A member that crosses
// shards may be listed twice: then the newest report counts.
func (s *search) enqueue(c Candidate) {
	if s.excluded[c.Member] || c.Distance > s.query.Radius {
		return
	}
	if i := slices.IndexFunc(s.queue, func(old Candidate) bool { return old.Member == c.Member }); i >= 0 {
		if old := s.queue[i]; old.At > c.At || (old.At == c.At && old.Seq >= c.Seq) {
			return
		}
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	at, _ := slices.BinarySearchFunc(s.queue, c, func(a, b Candidate) int { return cmp.Compare(a.Distance, b.Distance) })
	s.queue = slices.Insert(s.queue, at, c)
}

// exclude takes a member out of the search.
func (s *search) exclude(m Member) { s.excluded[m] = true }
