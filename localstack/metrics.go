package main

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"waggle/localstack/apigateway"
)

const (
	latencySamples = 256              // the latest replies, of which the status shows the median
	forgetAfter    = 15 * time.Minute // a requester that is silent for longer is forgotten: no request waits so long
)

// metrics counts what passes through the gateway. It is safe for concurrent use.
type metrics struct {
	mu         sync.Mutex
	reports    uint64 // location messages received
	matches    uint64 // matched frames sent to matchers, without repeats
	errors     uint64 // error frames sent
	requesters map[string]*requester
	latencies  []time.Duration // from a match message to its reply; a ring buffer
	next       int             // the next index of the ring buffer
	swept      time.Time
}

// A requester is a connection that has sent match messages.
type requester struct {
	id        string    // of the newest match message
	since     time.Time // when that came; zero once it has its reply
	lastFrame time.Time
	match     string // the last match that it was notified of
}

func newMetrics() *metrics {
	return &metrics{requesters: make(map[string]*requester)}
}

// observe counts one frame.
func (m *metrics) observe(frame apigateway.Frame) {
	var body struct{ Action, Type, ID, Match, Role string }
	if json.Unmarshal(frame.Payload, &body) != nil {
		return // not a frame of the protocol; the handlers refuse such a message
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if frame.Direction == apigateway.In {
		switch body.Action {
		case "location":
			m.reports++
		case "match":
			m.addRequest(frame.ConnectionID, body.ID, frame.Time)
		}
		return
	}
	if body.Type == "error" {
		m.errors++
	}
	if r := m.requesters[frame.ConnectionID]; r != nil {
		m.addReply(r, body.Type, body.ID, body.Match, body.Role, frame.Time)
	}
}

func (m *metrics) addRequest(connection, id string, now time.Time) {
	m.sweep(now)
	r := m.requesters[connection]
	if r == nil {
		r = &requester{}
		m.requesters[connection] = r
	}
	r.id, r.since, r.lastFrame = id, now, now
}

func (m *metrics) addReply(r *requester, kind, id, match, role string, now time.Time) {
	r.lastFrame = now
	found := kind == "matched" && role == "matcher"
	// The reply to a repeated request names the same match.
	if found && r.match != match {
		r.match = match
		m.matches++
	}
	if id != r.id || r.since.IsZero() {
		return
	}
	switch {
	case found, kind == "no_match":
		m.addLatency(now.Sub(r.since))
		r.since = time.Time{}
	case kind == "waiting", kind == "error": // how long a request waits is not the server's latency
		r.since = time.Time{}
	}
}

func (m *metrics) addLatency(took time.Duration) {
	if len(m.latencies) < latencySamples {
		m.latencies = append(m.latencies, took)
		return
	}
	m.latencies[m.next] = took
	m.next = (m.next + 1) % latencySamples
}

// sweep forgets requesters that are silent: no frame says that a connection has closed.
func (m *metrics) sweep(now time.Time) {
	if now.Sub(m.swept) < time.Minute {
		return
	}
	m.swept = now
	for connection, r := range m.requesters {
		if now.Sub(r.lastFrame) > forgetAfter {
			delete(m.requesters, connection)
		}
	}
}

// A snapshot is the metrics at one moment.
type snapshot struct {
	at                       time.Time
	members                  int
	reports, matches, errors uint64
	median                   time.Duration // from a match message to its reply, over the latest samples
	samples                  int
	environments             int // of functions that run as processes
	coldStarts               uint64
}

func (m *metrics) read(now time.Time) snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := snapshot{at: now, reports: m.reports, matches: m.matches, errors: m.errors, samples: len(m.latencies)}
	if sorted := slices.Sorted(slices.Values(m.latencies)); len(sorted) > 0 {
		s.median = sorted[len(sorted)/2]
	}
	return s
}
