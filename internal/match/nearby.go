package match

import (
	"context"
	"fmt"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// leastShown is the smallest count that a member is told: of fewer, one may be recognised.
const leastShown = 3

// Nearby replies with how many members are available in the caller's shard cell and in each of those
// around it, by its last report. The counts are the same for everybody for CountKept, and a member may
// ask only so often. The error is the fault Conflict without a fresh report, or RateLimited.
func (s *Service) Nearby(ctx context.Context, x Session, id string) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := inSession(ctx, w, x, func(x Session) (Nearby, error) { return w.Store.Nearby(ctx, x) })
		if err != nil {
			return nil, err
		}
		w.lookAfter(ctx, x, r.Snapshot)
		if r.Status == StatusNoLocation {
			return nil, fault(Conflict, fmt.Sprintf("report your location first: nearby needs a report of the last %g seconds",
				w.Pools.For(x.Pool).LocationTTL.Seconds()))
		}
		cells := geo.Around(r.Cell)
		counts, err := w.Store.Count(ctx, x.Pool, cells, r.Now)
		if err != nil {
			return nil, err
		}
		reply := &protocol.NearbyFrame{ID: id, Cells: []protocol.CellCount{}}
		for i, n := range counts {
			if n >= leastShown {
				reply.Cells = append(reply.Cells, protocol.CellCount{Cell: string(cells[i]), Count: n})
			}
		}
		return reply, nil
	})
}
