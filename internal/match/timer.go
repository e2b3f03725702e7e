package match

import (
	"context"
	"errors"
	"time"

	"waggle/internal/protocol"
)

// Timers have members looked at later, so that they are told on time of what runs out. Nothing else
// depends on them: what has run out is so for whoever looks next.
type Timers interface {
	// Set has Due called for the members after that time, or up to a second later. Now and then it
	// is called twice, or never.
	Set(ctx context.Context, after time.Duration, members ...Member) error
}

// Due tells a member what has run out: an offer or a request of its own, or an offer that it was to
// answer. The request goes on. It also tells both members of a match that this one is away, or has
// left. Due is no sign of life of the member. The error is the Store's.
func (s *Service) Due(ctx context.Context, m Member) error {
	result, err := s.serve(ctx, Session{Member: m}, func(w *work) (protocol.Frame, error) {
		r, err := w.Store.Due(ctx, m)
		if err != nil {
			return nil, err
		}
		if r.Connection != "" { // or else its next session is told
			w.caller.Connection, w.untold = r.Connection, r.Untold
		}
		if err := w.repairEnd(ctx, m, r.Route); err != nil {
			return nil, err
		}
		if r.Look != 0 {
			w.remind(ctx, r.Look, m)
		}
		w.lookAfter(ctx, w.caller, r)
		return nil, nil
	})
	return errors.Join(err, result.Deliver(ctx, func(ctx context.Context, f protocol.Frame) bool {
		return s.Notify(ctx, m, result.work.caller.Connection, f)
	}))
}

// late is how much later than the deadline a timer is due: the clocks of cache and function differ.
const late = 200 * time.Millisecond

// remind has the members looked at when that deadline has passed, in epoch ms.
func (w *work) remind(ctx context.Context, deadline int64, members ...Member) {
	if w.Timers == nil {
		return
	}
	w.concurrently(ctx, func(ctx context.Context) {
		w.logFailure(ctx, "set a timer", w.Timers.Set(ctx, time.UnixMilli(deadline).Sub(w.Now())+late, members...))
	})
}
