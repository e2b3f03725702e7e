package record

import (
	"bytes"
	"encoding/json"
)

// A Frame is a frame of either side, read loosely: a field that is missing or unknown is
// zero. A frame of a member has an Action, and one of the server a Type.
type Frame struct {
	Action, Type, ID, Code, Reason string
	// Match is the match's id. A welcome with a match has Role and Peer too, as matched has.
	Match, Role  string
	Peer         *Peer
	Lat, Lng     *float64
	Radius, Wait float64
	Available    *bool
	Share        bool
	Report       *Advice
	// Request tells whether a welcome names a request.
	Request bool
}

// A Peer is the other member of a match, as matched shows it.
type Peer struct{ Lat, Lng, Distance float64 }

// Advice is when the server wants the next location.
type Advice struct{ AfterSeconds, MoveMeters float64 }

// Known tells whether the protocol has this type of frame.
func (f Frame) Known() bool {
	switch f.Type {
	case "welcome", "pong", "ack", "waiting", "no_match", "matched", "location", "ended", "error":
		return true
	}
	return false
}

// ParseFrame reads a frame; false: it is not a JSON object, or not that of a frame.
func ParseFrame(raw []byte) (Frame, bool) {
	var w struct {
		Frame
		Match, Request json.RawMessage
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || json.Unmarshal(raw, &w) != nil {
		return Frame{}, false
	}
	f := w.Frame
	f.Request = w.Request != nil
	if w.Match == nil {
		return f, true
	}
	if w.Match[0] != '{' {
		return f, json.Unmarshal(w.Match, &f.Match) == nil
	}
	var under struct {
		Match, Role string
		Peer        *Peer
	}
	if json.Unmarshal(w.Match, &under) != nil {
		return Frame{}, false
	}
	f.Match, f.Role, f.Peer = under.Match, under.Role, under.Peer
	return f, true
}
