package match_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

// Without a cache each cell answers exactly, so that only the geometry can be wrong.
func TestNearestAgreesWithTheOracleWithoutACache(t *testing.T) {
	var placements, compared atomic.Int64
	all := spots()
	for i, spot := range all {
		t.Run(spot.Name, func(t *testing.T) {
			t.Parallel()
			random := kit.Random(t, uint64(i))
			var middle oracle.Place
			for n := range kit.Times(40_000, 1_000_000)/len(all) + 1 {
				if n%16 == 0 { // some are slow to compute
					middle = spot.At(random)
				}
				found := newPlacement(t, random, middle).search(t, random)
				placements.Add(1)
				compared.Add(int64(found))
			}
		})
	}
	t.Cleanup(func() {
		t.Logf("note: nearest: %d placements on the geometry alone, of %d kinds, %d candidates in order", placements.Load(), len(all), compared.Load())
	})
}

// A placement has members around a point. It is an index without a cache, in which each
// cell answers exactly.
type placement struct {
	match.Index // only Search is called
	query       match.Query
	listed      map[geo.Cell][]match.Candidate
	records     map[match.Member]match.Position
	crowd       oracle.Crowd
	page        int // candidates that a cell returns before it stops
}

const exact = 0.001 // metres

func newPlacement(t *testing.T, random *rand.Rand, middle oracle.Place) *placement {
	t.Helper()
	p := &placement{listed: make(map[geo.Cell][]match.Candidate), records: make(map[match.Member]match.Position)}
	p.query.Radius = logUniform(random, 100, 20_000)
	at := middle
	if random.IntN(2) == 0 {
		at = oracle.Near(random, middle, p.query.Radius)
	}
	p.query.Point = point(t, at)
	p.query.Self = member("self")
	p.page = math.MaxInt
	if random.IntN(2) == 0 {
		p.page = 5 + random.IntN(10)
	}
	edge := distanceToEdge(p.query.Point)
	p.put(t, "self", at, 1)

	members := 1 + random.IntN(24)
	if random.IntN(16) == 0 {
		members *= 6 // more than a search asks of a cell at first
	}
	for i := range members {
		name := fmt.Sprint("m", i)
		place := oracle.Near(random, at, 1.3*p.query.Radius)
		if random.IntN(5) == 0 { // about as far away as the edge
			nearEdge := oracle.Travel(at, 2*math.Pi*random.Float64(), max(0, edge+12*random.Float64()-2))
			if math.Abs(nearEdge.Lat) <= 85 {
				place = nearEdge
			}
		}
		if random.IntN(8) == 0 { // it has left another shard, which still lists it
			before := oracle.Near(random, place, 3000)
			if geo.ShardCell(point(t, before)) != geo.ShardCell(point(t, place)) {
				p.put(t, name, before, 1)
			}
		}
		p.put(t, name, place, 2)
		p.crowd.Put(oracle.Member{Name: name, Place: place, Reported: time.Unix(1, 0)})
	}
	return p
}

// put lists a member in the cell of its report.
func (p *placement) put(t *testing.T, name string, place oracle.Place, at int64) {
	t.Helper()
	c := match.Candidate{Member: member(name), Position: match.Position{Point: point(t, place), At: at}}
	cell := geo.ShardCell(c.Point)
	p.listed[cell] = append(p.listed[cell], c)
	p.records[c.Member] = c.Position
}

// search compares the candidates with the oracle and returns their number.
func (p *placement) search(t *testing.T, random *rand.Rand) int {
	t.Helper()
	most := math.MaxInt
	if random.IntN(2) == 0 {
		most = 1 + random.IntN(4)
	}
	found, all, err := match.Walk(t.Context(), p, p.query, most, func(m match.Member) (match.Position, bool) { return p.records[m], true })
	if err == nil {
		err = p.crowd.Check(oracle.Query{Place: oracle.Place(p.query.Point), Radius: p.query.Radius}, names(found), all, exact)
	}
	for _, c := range found {
		if d := oracle.Distance(oracle.Place(p.query.Point), oracle.Place(c.Point)); err == nil && math.Abs(c.Distance-d) > exact {
			err = fmt.Errorf("%s is %v m away in the result, want %v", c.ID, c.Distance, d)
		}
	}
	if err != nil {
		t.Fatalf("around %v within %v m: %v\nfound %v, all %v\nlisted %v", p.query.Point, p.query.Radius, err, found, all, p.listed)
	}
	return len(found)
}

// Search implements match.Index. The rest of a part is how many candidates came before.
func (p *placement) Search(_ context.Context, parts []match.Part, q match.Query) ([]match.Hits, error) {
	all := make([]match.Hits, len(parts))
	for i, part := range parts {
		var hits []match.Candidate
		for _, c := range p.listed[part.Cell] {
			c.Distance = geo.Distance(q.Point, c.Point)
			if c.Member != q.Self && c.Distance <= q.Radius+1 {
				hits = append(hits, c)
			}
		}
		slices.SortFunc(hits, func(a, b match.Candidate) int { return cmp.Compare(a.Distance, b.Distance) })
		before, _ := strconv.Atoi(part.Rest)
		left := hits[before:]
		n := min(q.Want, p.page, len(left))
		all[i] = match.Hits{Candidates: left[:n], Horizon: math.Inf(1)}
		if n < len(left) {
			all[i].Horizon = left[n-1].Distance
			if n < q.Want {
				all[i].Rest = strconv.Itoa(before + n)
			}
		}
	}
	return all, nil
}

// point is a place as the wire protocol decodes it: 180 degrees becomes -180.
func point(t *testing.T, p oracle.Place) geo.Point {
	t.Helper()
	if math.Abs(p.Lat) > 85 || math.Abs(p.Lng) > 180 {
		t.Fatalf("%v is not on the globe", p)
	}
	if p.Lng == 180 {
		p.Lng = -180
	}
	return geo.Point(p)
}

func names(found []match.Candidate) []string {
	var all []string
	for _, c := range found {
		all = append(all, c.ID)
	}
	return all
}
