// Package record writes and reads the record of a replay: each frame in both directions,
// and when members connected and disconnected. It is a JSON object a line, gzipped if the
// file's name ends in .gz. The first line is a Header, and each other line an Event.
//
// Writer writes a record during the replay. Reader reads it, also if it is cut off.
// ParseFrame reads as much of a frame as an observer needs.
package record

import (
	"encoding/json"
	"math"
	"time"
)

// Version is the version of the format. A Reader reads no other.
const Version = 1

// A Header says what was played, and how. Its durations are of the wall clock, except
// Ahead.
type Header struct {
	Version int `json:"waggleRecord"`
	// From and To are the window of the trace in Unix seconds, To excluded. From was
	// played at the time of the event Started.
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
	// Ahead is how long before its pickup a passenger asks, in seconds of the trace.
	Ahead int64 `json:"ahead"`
	// Passengers and Probes are the prefixes of their names. After it comes the number of
	// the pickup in the window, from 1, or of the probed cab, from 0. All other members
	// are cabs.
	Passengers string `json:"passengers"`
	Probes     string `json:"probes"`
}

// ReportID is the prefix of the ids of the trace's reports. After it comes the number of
// the row in the window, from 0.
const ReportID = "report-"

// Wall returns when a second of the trace was due, in a replay that started at a time.
// Both times are microseconds of the record.
func (h Header) Wall(started, unix int64) int64 {
	return started + int64(math.Round(float64(unix-h.From)*1e6/h.Speed))
}

// A Kind of event.
type Kind string

// The kinds.
const (
	Sent     Kind = "sent"     // a frame, when it was given to the socket
	Received Kind = "received" // a frame, when it had been read
	// A connection was made, broke, or was closed by the member.
	Connected Kind = "connected"
	Lost      Kind = "lost"
	Closed    Kind = "closed"
	// Called is the moment before a passenger connects and asks.
	Called Kind = "called"
	// Failed is an error that is not a frame. Code is its kind, such as timeout, offline,
	// handshake_503.
	Failed Kind = "failed"
	// Started is when the window of the trace began, and Played or Interrupted when it
	// ended. Done is the last line of a whole record.
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
	// Micros is the time in microseconds since 1970. It is read from the machine's clock
	// at the beginning, and counted from there, even if that clock is changed.
	Micros int64  `json:"t"`
	Kind   Kind   `json:"e"`
	Member string `json:"m,omitempty"`
	Code   string `json:"code,omitempty"`
	// Frame is the frame as it was on the wire, if that was JSON on one line. Otherwise it
	// is in Text.
	Frame json.RawMessage `json:"f,omitempty"`
	Text  string          `json:"x,omitempty"`
}

// A Clock measures the times of a record.
type Clock struct{ base time.Time }

// NewClock starts a clock.
func NewClock() Clock { return Clock{time.Now()} }

// Micros returns a time of time.Now in microseconds since 1970.
func (c Clock) Micros(at time.Time) int64 {
	return c.base.UnixMicro() + at.Sub(c.base).Microseconds()
}
