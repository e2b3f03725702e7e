// Package record is the record of a replay: every frame both ways, and when
// members connected and went, one JSON object a line, gzipped where the file's
// name ends so. The first line is a Header, each other one an Event.
//
// Writer writes one beside the play, Reader reads it again, also one that was
// cut off. ParseFrame reads a frame as far as somebody who only looks on needs it.
package record

import (
	"encoding/json"
	"math"
	"time"
)

// Version is the format's. A Reader reads its own alone.
const Version = 1

// A Header says what was played, and how. Durations are of the wall clock, as
// the stack lives by it, but for Ahead.
type Header struct {
	Version int `json:"waggleRecord"`
	// From and To are the window in the trace, Unix seconds, To excluded. From
	// was at the time of the event Started.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Speed is how many seconds of the trace passed in one.
	Speed float64 `json:"speed"`
	Pool  string  `json:"pool"`
	// LocationTTL and Grace are the pool's settings, Wait is how long requests
	// waited, all in seconds; Radius is theirs in metres, 0 for the default.
	LocationTTL float64 `json:"locationTTL"`
	Grace       float64 `json:"grace"`
	Radius      float64 `json:"radius"`
	Wait        float64 `json:"wait"`
	// Ahead is how many seconds of the trace a passenger asks before it is picked up.
	Ahead int64 `json:"ahead"`
	// Passengers and Probes are what the names of those begin with. Behind it
	// comes the number of the pickup, from 1; or that of the cab that is probed,
	// from 0, as the window has them. All others are cabs.
	Passengers string `json:"passengers"`
	Probes     string `json:"probes"`
}

// ReportID is what the ids of the rows' locations begin with: behind it comes
// the row's number in the window, from 0.
const ReportID = "report-"

// Wall is when a second of the trace came, if the play started then.
func (h Header) Wall(started, unix int64) int64 {
	return started + int64(math.Round(float64(unix-h.From)*1e6/h.Speed))
}

// A Kind of event.
type Kind string

// The kinds.
const (
	Sent     Kind = "sent"     // a frame, when it was given to the socket
	Received Kind = "received" // a frame, when it had been read
	// A connection was made; was lost; was closed by the member.
	Connected Kind = "connected"
	Lost      Kind = "lost"
	Closed    Kind = "closed"
	// Called is a passenger who is about to connect and ask.
	Called Kind = "called"
	// Failed is what a member noticed that is no frame: Code says what, such as
	// timeout, offline, handshake_503.
	Failed Kind = "failed"
	// Started is when the clock of the trace began; Played, or Interrupted, when
	// the window was over. Done is the last line, of a record that is whole.
	Started     Kind = "started"
	Played      Kind = "played"
	Interrupted Kind = "interrupted"
	Done        Kind = "done"
)

func (k Kind) known() bool {
	switch k {
	case Sent, Received, Connected, Lost, Closed, Called, Failed, Started, Played, Interrupted, Done:
		return true
	}
	return false
}

// An Event is one thing that happened.
type Event struct {
	// Micros is when, microseconds since 1970: by the clock of the machine at
	// the beginning, and counted on from there whatever is done to that clock.
	Micros int64  `json:"t"`
	Kind   Kind   `json:"e"`
	Member string `json:"m,omitempty"`
	Code   string `json:"code,omitempty"`
	// Frame is the frame as it was on the wire; Text where that was not JSON on
	// one line.
	Frame json.RawMessage `json:"f,omitempty"`
	Text  string          `json:"x,omitempty"`
}

// A Clock gives the times of a record.
type Clock struct{ base time.Time }

// NewClock starts one.
func NewClock() Clock { return Clock{time.Now()} }

// Micros is the time at, which must come from time.Now.
func (c Clock) Micros(at time.Time) int64 {
	return c.base.UnixMicro() + at.Sub(c.base).Microseconds()
}
