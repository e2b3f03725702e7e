package store

import (
	"context"
	"maps"
	"sync"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// Nearby implements match.Sessions.
func (s *Store) Nearby(ctx context.Context, x match.Session) (match.Nearby, error) {
	r, err := s.ask(ctx, s.onMember("nearby", x.Member, append(s.session(x), decimal(s.pools.For(x.Pool).NearbyPerMinute))...))
	return match.Nearby{Snapshot: r.snapshot(), Cell: geo.Cell(r.Cell)}, err
}

// counts are those that the cache keeps for a while, so that most are read without a trip. Each holds
// until a time of the cache's clock, and until then the cache says the same.
type counts struct {
	mu  sync.Mutex
	all map[string]count // by key
}

type count struct {
	members int
	till    int64 // epoch ms
}

// mostCounts is how many a process remembers.
const mostCounts = 10_000

// Count implements match.Index.
func (s *Store) Count(ctx context.Context, pool string, cells []geo.Cell, now int64) ([]int, error) {
	all, unknown := make([]int, len(cells)), make([]int, 0, len(cells))
	s.counts.mu.Lock()
	for i, c := range cells {
		if known := s.counts.all[countKey(pool, c)]; known.till > now {
			all[i] = known.members
		} else {
			unknown = append(unknown, i)
		}
	}
	s.counts.mu.Unlock()
	if len(unknown) == 0 {
		return all, nil
	}
	calls := make([]call, len(unknown))
	for n, i := range unknown {
		calls[n] = s.call("count", pool, append(cellKeys(pool, cells[i]), countKey(pool, cells[i])), nil)
	}
	fresh := make(map[string]count)
	for n, result := range s.run(ctx, calls...) {
		r, err := read(calls[n], result)
		if err != nil {
			return nil, err
		}
		i := unknown[n]
		all[i] = int(r.Count)
		fresh[countKey(pool, cells[i])] = count{all[i], int64(r.Till)}
	}
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	if s.counts.all == nil || len(s.counts.all) > mostCounts {
		s.counts.all = make(map[string]count)
	}
	maps.Copy(s.counts.all, fresh)
	return all, nil
}
