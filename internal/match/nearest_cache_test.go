package match_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/test/kit"
	"waggle/test/kit/caches"
	"waggle/test/kit/oracle"
)

// On a real server the index measures on another sphere, rounds coordinates and may be older
// than the records.
func TestNearestAgreesWithTheOracleOnEveryCache(t *testing.T) {
	var placements, crowds []string
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		t.Run("placements", func(t *testing.T) {
			placements = append(placements, fmt.Sprintf("%d on %s", placeAndSearch(t, c), c.Name))
		})
		t.Run("crowd", func(t *testing.T) {
			crowds = append(crowds, fmt.Sprintf("%d on %s", searchCrowd(t, c), c.Name))
		})
		t.Run("crowd at one point", func(t *testing.T) { searchPoint(t, c) })
	})
	t.Logf("note: nearest: placements with a search after each: %s", strings.Join(placements, ", "))
	t.Logf("note: nearest: searches among %d members within 200 m: %s", crowdSize, strings.Join(crowds, ", "))
}

// placeAndSearch lets members report places of every awkward kind through the service, and
// searches after each report. Several simulations at a time keep the servers busy.
func placeAndSearch(t *testing.T, c caches.Cache) (placements int) {
	const members, stay = 40, 48
	var simulations [4]*simulation
	var group sync.WaitGroup
	from := kit.Seed(t)
	for i := range simulations {
		s := openSimulation(t, c, fmt.Sprint("simulation", i), rand.New(rand.NewPCG(from, uint64(i))), members)
		simulations[i] = s
		group.Go(func() {
			spots := spots()
			for n := range kit.Times(1600, 100_000) / len(simulations) {
				if n%stay == 0 {
					s.middle = spots[(n/stay*len(simulations)+i)%len(spots)].At(s.random)
				}
				err := s.reportOne(t.Context())
				if err == nil {
					err = s.search(t.Context(), []int{1, 2, 4, math.MaxInt}[s.random.IntN(4)])
				}
				if err == nil && n%16 == 0 {
					err = s.matchOrEnd(t.Context())
				}
				if err != nil {
					t.Errorf("simulation %d, placement %d, near %v: %v", i, n, s.middle, err)
					return
				}
			}
		})
	}
	group.Wait()
	var sum counts
	for _, s := range simulations {
		sum.add(s.count)
	}
	if sum.candidates < sum.searches || sum.nobody < sum.searches/50 || sum.matches < sum.searches/100 {
		t.Errorf("%+v: too few of one kind to prove anything", sum)
	}
	return sum.placements
}

const crowdSize = 10_000

// searchCrowd searches among very many members in one place, where three shards meet. A
// third of them are stale. One member moves before each search.
func searchCrowd(t *testing.T, c caches.Cache) (searches int) {
	s := openSimulation(t, c, "crowd", kit.Random(t, 0), crowdSize)
	s.middle = shardCorner(s.random)
	var group sync.WaitGroup
	for part := range slices.Chunk(s.members, crowdSize/4) {
		changes := make([][]match.Change, len(part))
		for i, p := range part {
			changes[i] = s.listing(t, p, 200)
		}
		group.Go(func() {
			for i, p := range part {
				if _, err := s.Store.Apply(t.Context(), p.session.Member, changes[i]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for range kit.Times(30, 2000) {
		p := s.members[s.random.IntN(crowdSize)]
		_, err := s.Store.Apply(t.Context(), p.session.Member, s.listing(t, p, 200))
		if err == nil {
			err = s.search(t.Context(), 1+s.random.IntN(40))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := s.count; n.candidates < 5*n.searches {
		t.Errorf("%+v: too few candidates to prove anything", n)
	}
	return s.count.searches
}

// searchPoint searches a cell for all of many members at one point, a third of whom are stale.
// Nobody is missed while the cell drops the stale ones and stops in the middle of such a crowd.
func searchPoint(t *testing.T, c caches.Cache) {
	s := openSimulation(t, c, "point", kit.Random(t, 0), 700)
	s.middle = shardEdge(s.random)
	for i, p := range s.members {
		if i == len(s.members)/2 {
			s.offset += locationTTL * 9 / 10 // mostly to the next generation
		}
		if _, err := s.Store.Apply(t.Context(), p.session.Member, s.listing(t, p, 0)); err != nil {
			t.Fatal(err)
		}
	}
	all := make(map[string]bool)
	at := s.members[0].position.Point
	part := match.Part{Cell: geo.ShardCell(at)}
	for trip := 0; trip == 0 || part.Rest != ""; trip++ {
		hits, err := s.Store.Search(t.Context(), []match.Part{part}, match.Query{Self: s.matchers[0].session.Member, Point: at, Radius: 100, Want: 1000})
		if err != nil || trip > 10 {
			t.Fatalf("trip %d: %v", trip, err)
		}
		part.Rest = hits[0].Rest
		for _, name := range names(hits[0].Candidates) {
			all[name] = true
		}
	}
	q := oracle.Query{Place: s.middle, Radius: 100, Since: epoch().Add(s.offset - locationTTL)}
	for _, hit := range s.crowd.Nearest(q) {
		if !all[hit.Name] {
			t.Errorf("%s is missing, at %v m", hit.Name, hit.Distance)
		}
	}
}
