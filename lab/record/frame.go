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
	Confirm      float64
	Available    *bool
	Share        bool
	// Now is the server's time, and ExpiresAt until when something lasts, in milliseconds
	// since 1970. Distance is that of an offer, in metres.
	Now, ExpiresAt int64
	Distance       float64
	// Offer is the offer of a welcome.
	Offer  *Offer
	Report *Advice
	// Request tells whether a welcome names a request.
	Request bool
}

// A Peer is the other member of a match, as matched shows it.
type Peer struct{ Lat, Lng, Distance float64 }

// An Offer is a match that is offered.
type Offer struct {
	Match, Role string
	ExpiresAt   int64
	Distance    float64
}

// Offered returns the offer that an offered or a welcome has, or nil.
func (f Frame) Offered() *Offer {
	if f.Type == "offered" {
		return &Offer{f.Match, f.Role, f.ExpiresAt, f.Distance}
	}
	return f.Offer
}

// Advice is when the server wants the next location.
type Advice struct{ AfterSeconds, MoveMeters float64 }

// Known tells whether the protocol has this type of frame.
func (f Frame) Known() bool {
	switch f.Type {
	case "welcome", "pong", "ack", "waiting", "no_match", "offered", "matched", "location", "peer", "ended", "said", "nearby", "error":
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
