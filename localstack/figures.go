package main

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"waggle/localstack/apigateway"
)

const (
	medianOf  = 256              // the latest answers that the median is of
	forgotten = 15 * time.Minute // after which a silent asker is: no request waits so long
)

// figures counts what passes through the gateway. It is safe for concurrent use.
type figures struct {
	mu      sync.Mutex
	reports uint64 // location messages that came in
	matches uint64 // as their matchers were told
	errors  uint64 // error frames that went out
	askers  map[string]*asker
	took    []time.Duration // the latest answers, in a ring
	next    int             // place in the ring
	swept   time.Time
}

// An asker is a connection that has sent match messages.
type asker struct {
	id    string    // of the newest one
	since time.Time // when it came; zero once it is answered
	heard time.Time
	match string // the last one it was told of
}

func newFigures() *figures {
	return &figures{askers: make(map[string]*asker)}
}

// observe takes in one frame.
func (f *figures) observe(frame apigateway.Frame) {
	var body struct{ Action, Type, ID, Match, Role string }
	if json.Unmarshal(frame.Payload, &body) != nil {
		return // no frame of ours, nor one that will be taken
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if frame.Direction == apigateway.In {
		switch body.Action {
		case "location":
			f.reports++
		case "match":
			f.asks(frame.ConnectionID, body.ID, frame.Time)
		}
		return
	}
	if body.Type == "error" {
		f.errors++
	}
	if a := f.askers[frame.ConnectionID]; a != nil {
		f.told(a, body.Type, body.ID, body.Match, body.Role, frame.Time)
	}
}

func (f *figures) asks(connection, id string, now time.Time) {
	f.sweep(now)
	a := f.askers[connection]
	if a == nil {
		a = &asker{}
		f.askers[connection] = a
	}
	a.id, a.since, a.heard = id, now, now
}

func (f *figures) told(a *asker, kind, id, match, role string, now time.Time) {
	a.heard = now
	found := kind == "matched" && role == "matcher"
	// A repeat is told of the same match again.
	if found && a.match != match {
		a.match = match
		f.matches++
	}
	if id != a.id || a.since.IsZero() {
		return
	}
	switch {
	case found, kind == "no_match":
		f.answered(now.Sub(a.since))
		a.since = time.Time{}
	case kind == "waiting", kind == "error": // how long it waits says nothing of us
		a.since = time.Time{}
	}
}

func (f *figures) answered(took time.Duration) {
	if len(f.took) < medianOf {
		f.took = append(f.took, took)
		return
	}
	f.took[f.next] = took
	f.next = (f.next + 1) % medianOf
}

// sweep forgets connections that are long gone, since nobody tells of their end.
func (f *figures) sweep(now time.Time) {
	if now.Sub(f.swept) < time.Minute {
		return
	}
	f.swept = now
	for connection, a := range f.askers {
		if now.Sub(a.heard) > forgotten {
			delete(f.askers, connection)
		}
	}
}

// A reading is what the figures are at one moment.
type reading struct {
	at                       time.Time
	members                  int
	reports, matches, errors uint64
	median                   time.Duration // from match to its answer, over the last of them
	answers                  int           // that it is of
	environments             int           // of functions as processes
	coldStarts               uint64
}

func (f *figures) read(now time.Time) reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := reading{at: now, reports: f.reports, matches: f.matches, errors: f.errors, answers: len(f.took)}
	if sorted := slices.Sorted(slices.Values(f.took)); len(sorted) > 0 {
		r.median = sorted[len(sorted)/2]
	}
	return r
}
