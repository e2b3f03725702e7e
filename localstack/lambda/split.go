package lambda

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
)

// A Split shares the invocations of each function between two releases of it, as an alias of
// Lambda with two versions does. All go to the first release until Shift says otherwise. It is
// safe for concurrent use.
type Split struct {
	First, Second *Processes

	mu     sync.Mutex
	shares map[string]float64 // of the second release
}

// ShiftPath is where the shares are set.
const ShiftPath = "PUT /shift"

// Invoke runs a function of one of the releases.
func (s *Split) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	s.mu.Lock()
	share := s.shares[name]
	s.mu.Unlock()
	if rand.Float64() < share {
		return s.Second.Invoke(ctx, name, payload)
	}
	return s.First.Invoke(ctx, name, payload)
}

// Shift sets which share of the invocations of a function the second release gets. An invocation
// that has begun stays where it is.
func (s *Split) Shift(function string, share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shares == nil {
		s.shares = map[string]float64{}
	}
	s.shares[function] = share
}

// Stats returns the counters of both releases together, by function name.
func (s *Split) Stats() map[string]Stats {
	all := s.First.Stats()
	for name, second := range s.Second.Stats() {
		both := all[name]
		both.Invocations += second.Invocations
		both.Errors += second.Errors
		both.Throttles += second.Throttles
		both.ColdStarts += second.ColdStarts
		both.Starting += second.Starting
		both.Environments += second.Environments
		all[name] = both
	}
	return all
}

// ServeShift serves ShiftPath. The query has share, and function, which may be left out: then it is
// for all functions. The answer is how many invocations each release has had so far.
func (s *Split) ServeShift(w http.ResponseWriter, r *http.Request) {
	share, err := strconv.ParseFloat(r.URL.Query().Get("share"), 64)
	if err != nil || !(share >= 0 && share <= 1) {
		http.Error(w, "share must be 0 to 1", http.StatusBadRequest)
		return
	}
	only := r.URL.Query().Get("function")
	served := map[string]uint64{}
	for release, p := range map[string]*Processes{"first": s.First, "second": s.Second} {
		for name, stats := range p.Stats() {
			if served[release] += stats.Invocations; only == "" || only == name {
				s.Shift(name, share)
			}
		}
	}
	_ = json.NewEncoder(w).Encode(served) // fails if the caller has gone
}
