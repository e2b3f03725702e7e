package replay

import (
	"errors"
	"sync"
	"time"

	"waggle/clients/go/waggle"
)

// A tally counts what happens, from many goroutines.
type tally struct {
	mu        sync.Mutex
	r         Result
	latencies []float64 // milliseconds
	distances []float64 // metres
}

func newTally(c Config) *tally {
	return &tally{r: Result{
		Members: len(c.Window.Cabs), Skipped: c.Window.Skipped, Speed: c.Speed,
		From: c.Window.From, To: c.Window.To, ErrorsByCode: map[string]int{},
	}}
}

func (t *tally) count(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *tally) reported()       { t.count(&t.r.Reports) }
func (t *tally) noMatch()        { t.count(&t.r.NoMatch) }
func (t *tally) cancelled()      { t.count(&t.r.Cancelled) }
func (t *tally) unanswered()     { t.count(&t.r.Unanswered) }
func (t *tally) seen()           { t.count(&t.r.LocationsSeen) }
func (t *tally) stuck()          { t.count(&t.r.Stuck) }
func (t *tally) lostConnection() { t.count(&t.r.ConnectionsLost) }

// request counts one and returns its number.
func (t *tally) request() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Requests++
	return t.r.Requests
}

func (t *tally) matched(after time.Duration, distance float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Matched++
	t.latencies = append(t.latencies, float64(after)/float64(time.Millisecond))
	t.distances = append(t.distances, distance)
}

// heard counts an event that nobody waits for.
func (t *tally) heard(f waggle.Frame) {
	switch f := f.(type) {
	case *waggle.Ack:
		if f.ID != "" {
			t.count(&t.r.Acknowledged)
		}
	case *waggle.ErrorFrame:
		t.error(string(f.Code))
	case *waggle.Unknown:
		t.error("unknown_frame") // such as the gateway's own, when a function crashed
	}
}

func (t *tally) failed(err error)   { t.error(code(err)) }
func (t *tally) lost(reason string) { t.error("ended_" + reason) }

// ended is the end of a cab's session.
func (t *tally) ended(err error) {
	if !errors.Is(err, waggle.ErrClosed) {
		t.failed(err)
	}
}

func (t *tally) error(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Errors++
	t.r.ErrorsByCode[code]++
}

func (t *tally) behind(by time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.BehindMillisMax = max(t.r.BehindMillisMax, float64(by)/float64(time.Millisecond))
}

func (t *tally) allAcknowledged() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.r.Acknowledged >= t.r.Reports
}

func (t *tally) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Progress{Matched: t.r.Matched, NoMatch: t.r.NoMatch, Errors: t.r.Errors}
}

func (t *tally) played(took time.Duration, interrupted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.WallSeconds, t.r.Interrupted = took.Seconds(), interrupted
}

func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	if r.Requests > 0 {
		r.MatchedShare = float64(r.Matched) / float64(r.Requests)
	}
	r.DistanceMetersP50, r.DistanceMetersP95, r.DistanceMetersP99 = percentiles(t.distances)
	r.MatchMillisP50, r.MatchMillisP95, r.MatchMillisP99 = percentiles(t.latencies)
	return r
}
