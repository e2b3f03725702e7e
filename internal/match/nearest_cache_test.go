package match_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"waggle/internal/match"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// TestNearestOnEveryCache holds the search to the oracle on real servers, where indexes
// measure on another sphere, round coordinates and are a step behind the records.
func TestNearestOnEveryCache(t *testing.T) {
	var placements, crowds []string
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		t.Run("placements", func(t *testing.T) {
			placements = append(placements, fmt.Sprintf("%d on %s", placeAndSearch(t, c), c.Name))
		})
		t.Run("crowd", func(t *testing.T) {
			crowds = append(crowds, fmt.Sprintf("%d on %s", searchCrowd(t, c), c.Name))
		})
	})
	t.Logf("note: nearest: placements with a search after each: %s", strings.Join(placements, ", "))
	t.Logf("note: nearest: searches among %d members within 200 m: %s", crowd, strings.Join(crowds, ", "))
}

// placeAndSearch lets members report places of every awkward kind through the
// service, and searches after each; several markets at a time keep the servers busy.
func placeAndSearch(t *testing.T, c caches.Cache) (placements int) {
	const members, stay = 40, 48
	var markets [4]*market
	var group sync.WaitGroup
	from := kit.Seed(t)
	for i := range markets {
		m := openMarket(t, c, fmt.Sprint("market", i), rand.New(rand.NewPCG(from, uint64(i))), members)
		markets[i] = m
		group.Go(func() {
			kinds := kinds()
			for n := range kit.Times(1600, 100_000) / len(markets) {
				if n%stay == 0 {
					m.spot = kinds[(n/stay*len(markets)+i)%len(kinds)].At(m.random)
				}
				err := m.step(t.Context())
				if err == nil {
					err = m.search(t.Context(), []int{1, 2, 4, math.MaxInt}[m.random.IntN(4)])
				}
				if err == nil && n%16 == 0 {
					err = m.meet(t.Context())
				}
				if err != nil {
					t.Errorf("market %d, placement %d, near %v: %v", i, n, m.spot, err)
					return
				}
			}
		})
	}
	group.Wait()
	var sum tally
	for _, m := range markets {
		sum.add(m.count)
	}
	if sum.candidates < sum.searches || sum.nobody < sum.searches/50 || sum.matches < sum.searches/100 {
		t.Errorf("%+v: too few of one kind to show anything", sum)
	}
	return sum.placements
}

const crowd = 10_000

// searchCrowd searches among very many in one place, where three shards meet, of whom
// a third have gone stale; somebody moves before each search.
func searchCrowd(t *testing.T, c caches.Cache) (searches int) {
	m := openMarket(t, c, "crowd", kit.Random(t, 0), crowd)
	m.spot = shardCorner(m.random)
	var group sync.WaitGroup
	for part := range slices.Chunk(m.members, crowd/4) {
		changes := make([][]match.Change, len(part))
		for i, p := range part {
			changes[i] = m.list(t, p, 200)
		}
		group.Go(func() {
			for i, p := range part {
				if _, err := m.Store.Apply(t.Context(), p.session.Member, changes[i]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	for range kit.Times(30, 2000) {
		p := m.members[m.random.IntN(crowd)]
		_, err := m.Store.Apply(t.Context(), p.session.Member, m.list(t, p, 200))
		if err == nil {
			err = m.search(t.Context(), 1+m.random.IntN(40))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := m.count; n.candidates < 5*n.searches {
		t.Errorf("%+v: too few to show anything", n)
	}
	return m.count.searches
}
