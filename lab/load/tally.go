package load

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// A latency is one of the times that are measured.
type latency int

const (
	echoes   latency = iota // a bare echo, there and back
	connects                // from the handshake's first byte to the open connection
	acks                    // from a report to its acknowledgement
	pushes                  // from a report to the push at the follower
	matches                 // from a request to its match
	latencies
)

// notSent is the outcome of a report whose connection was down, or took no more.
const notSent = "not sent"

// A tally counts a part of the run. Many goroutines may use it.
type tally struct {
	began time.Time
	rate  float64 // of reports, as offered
	cores float64 // that the server used; 0: not known

	mu                  sync.Mutex
	ended               time.Time // zero: not yet
	sent, acked, inTime int
	refusedReports      int           // by a frame that names them, or notSent
	gateway             int           // frames of API Gateway, which do not name a message
	late                time.Duration // how far the sender was behind its rate, at most
	refused             map[string]int
	times               [latencies][]time.Duration

	requests, noMatch, unanswered, allAsking int
}

func newTally(rate float64) *tally {
	return &tally{began: time.Now(), rate: rate, refused: map[string]int{}}
}

func (t *tally) add(l latency, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times[l] = append(t.times[l], took)
}

func (t *tally) count(n *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*n++
}

func (t *tally) refuse(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused[code]++
}

// refuseOne counts a refusal also in n.
func (t *tally) refuseOne(code string, n *int) {
	t.refuse(code)
	t.count(n)
}

// acknowledge counts a report that was acknowledged.
func (t *tally) acknowledge(at time.Time, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acked++
	t.times[acks] = append(t.times[acks], took)
	if t.ended.IsZero() || at.Before(t.ended) {
		t.inTime++
	}
}

func (t *tally) behind(late time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late = max(t.late, late)
}

func (t *tally) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = time.Now()
}

// phase returns what was counted. A frame of API Gateway is taken for the answer to a report.
func (t *tally) phase() Phase {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := Phase{Offered: t.rate, Cores: t.cores, NoAnswer: max(0, t.sent-t.acked-t.refusedReports-t.gateway), Took: t.ended.Sub(t.began), Sent: t.sent, Acknowledged: t.acked, InTime: t.inTime, Late: t.late,
		Refused: maps.Clone(t.refused), Requests: t.requests, Matched: len(t.times[matches]), NoMatch: t.noMatch, Unanswered: t.unanswered, AllAsking: t.allAsking}
	for l := range latencies {
		p.Times[l] = spreadOf(t.times[l])
	}
	return p
}

// A Spread has percentiles by nearest rank.
type Spread struct {
	N             int
	P50, P95, P99 time.Duration
}

func spreadOf(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	at := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return Spread{len(sorted), at(50), at(95), at(99)}
}

// A ledger knows when each report was sent, by its seq. It keeps the newest.
type ledger struct {
	mu      sync.Mutex
	next    int64
	entries []entry
}

type entry struct {
	seq      int64
	at       time.Time
	tally    *tally
	answered bool
	done     chan string // gets "" or why it was refused; nil: nobody waits
}

// kept is how many reports the ledger keeps: those of some seconds at the highest rate.
const kept = 1 << 18

func newLedger() *ledger { return &ledger{entries: make([]entry, kept)} }

// add enters a report that is sent now, and returns its seq.
func (l *ledger) add(t *tally, done chan string) int64 {
	t.count(&t.sent)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	l.entries[l.next%kept] = entry{seq: l.next, at: time.Now(), tally: t, done: done}
	return l.next
}

// answer notes the first answer to a report. A code says why it was refused.
func (l *ledger) answer(seq int64, code string, at time.Time) {
	l.mu.Lock()
	e := &l.entries[seq%kept]
	if e.seq != seq || e.answered {
		l.mu.Unlock()
		return
	}
	e.answered = true
	found := *e
	l.mu.Unlock()
	if code == "" {
		found.tally.acknowledge(at, at.Sub(found.at))
	} else {
		found.tally.refuseOne(code, &found.tally.refusedReports)
	}
	if found.done != nil {
		found.done <- code
	}
}

// pushed notes that a report arrived at the follower.
func (l *ledger) pushed(seq int64, at time.Time) {
	l.mu.Lock()
	e := l.entries[seq%kept]
	l.mu.Unlock()
	if e.seq == seq && seq > 0 {
		e.tally.add(pushes, at.Sub(e.at))
	}
}
