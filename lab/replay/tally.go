package replay

import (
	"sync"

	"waggle/lab/stats"
)

// A tally counts the results. Many goroutines may use it. Its times are those of the
// record, in microseconds.
type tally struct {
	mu        sync.Mutex
	r         stats.Result
	acked     []bool // by row
	offers    map[string]offerState
	latencies []float64 // milliseconds
	distances []float64 // metres
	waits     []float64 // seconds of the trace
	probes    bool      // the window has ended, and the probes have begun
}

func newTally(c Config) *tally {
	return &tally{acked: make([]bool, len(c.Window.Reports)), offers: map[string]offerState{}, r: stats.Result{
		Members: len(c.Window.Cabs), Skipped: c.Window.Skipped, Speed: c.Speed,
		From: c.Window.From, To: c.Window.To, AheadSeconds: c.ahead(), AskedBefore: c.Window.Earlier, ErrorsByCode: map[string]int{},
	}}
}

func (t *tally) count(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *tally) noMatch()        { t.count(&t.r.NoMatch) }
func (t *tally) cancelled()      { t.count(&t.r.Cancelled) }
func (t *tally) unanswered()     { t.count(&t.r.Unanswered) }
func (t *tally) seen()           { t.count(&t.r.LocationsSeen) }
func (t *tally) lostConnection() { t.count(&t.r.ConnectionsLost) }

// request counts a request, and returns its number.
func (t *tally) request() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Requests++
	return t.r.Requests
}

// reported counts a row that was sent, and how late it was.
func (t *tally) reported(late int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Reports++
	t.late(late)
}

// called counts how late a passenger began.
func (t *tally) called(late int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late(late)
}

func (t *tally) late(micros int64) {
	t.r.BehindMillisMax = max(t.r.BehindMillisMax, float64(micros)/1e3)
}

func (t *tally) acknowledged(row int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.acked[row] {
		t.acked[row] = true
		t.r.Acknowledged++
	}
}

func (t *tally) matched(after int64, waited bool, distance float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Matched++
	t.distances = append(t.distances, distance)
	if waited {
		t.r.Waited++
		t.waits = append(t.waits, float64(after)/1e6*t.r.Speed)
		return
	}
	t.latencies = append(t.latencies, float64(after)/1e3)
}

func (t *tally) error(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Errors++
	t.r.ErrorsByCode[code]++
}

func (t *tally) played(took int64, interrupted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.WallSeconds, t.r.Interrupted = float64(took)/1e6, interrupted
}

func (t *tally) probing() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.probes = true
}

func (t *tally) probed(stuck bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.r.Probed++
	if stuck {
		t.r.Stuck++
	}
}

func (t *tally) allAcknowledged() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.r.Acknowledged >= t.r.Reports
}

func (t *tally) progress() Progress {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Progress{Matched: t.r.Matched, NoMatch: t.r.NoMatch, Errors: t.r.Errors, Probing: t.probes, Probed: t.r.Probed}
}

func (t *tally) result() stats.Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.r
	r.Shares(t.distances, t.latencies, t.waits)
	return r
}
