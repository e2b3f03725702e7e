package match

import (
	"time"

	"waggle/internal/protocol"
)

// Figures are what the work of one message came to, for those who measure. They have no member, no
// match and no position.
type Figures struct {
	Outcomes map[RequestOutcome]int // of requests
	// MatchedAfter is from the message to the push of matched, if the message is a request that was
	// matched at once; else 0.
	MatchedAfter time.Duration
	WaitedFor    []time.Duration // how old the waiting requests were that were matched or offered
	ShownAfter   []time.Duration // from the arrival of a report to the end of its push to the peer
	Searches     []Searched
	Refused      map[Status]int // claims, by their status
	Repairs      map[Repair]int
	Unpublished  int // events
}

// A RequestOutcome is what a request has come to.
type RequestOutcome string

// The outcomes of requests. One that waits or is offered has another outcome later.
const (
	OutcomeMatched   RequestOutcome = "matched"
	OutcomeOffered   RequestOutcome = "offered"
	OutcomeWaiting   RequestOutcome = "waiting"
	OutcomeNoMatch   RequestOutcome = "no_match"
	OutcomeCancelled RequestOutcome = "cancelled"
)

// A Repair is what became of half a match that another process had left.
type Repair string

// The repairs.
const (
	RepairFinished Repair = "finished" // the match has begun, or its members were told so
	RepairUndone   Repair = "undone"   // one half was taken back
	RepairEnded    Repair = "ended"    // the end was completed
)

// Searched is how far a search went.
type Searched struct{ Cells, Candidates int }

// count changes the figures. Jobs of the same message run at the same time.
func (w *work) count(change func(*Figures)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.figures)
}

func (w *work) countOutcome(o RequestOutcome) {
	w.count(func(f *Figures) { f.Outcomes = plusOne(f.Outcomes, o) })
}

func (w *work) countRepair(r Repair) {
	w.count(func(f *Figures) { f.Repairs = plusOne(f.Repairs, r) })
}

func plusOne[K comparable](m map[K]int, k K) map[K]int {
	if m == nil {
		m = make(map[K]int)
	}
	m[k]++
	return m
}

// countAnswer counts a reply that was pushed and noted.
func (w *work) countAnswer(f protocol.Frame) {
	if m, ok := f.(*protocol.Matched); ok && m.Role == protocol.RoleMatcher && w.asked {
		w.count(func(f *Figures) { f.MatchedAfter = w.Now().Sub(w.began) })
	}
}
