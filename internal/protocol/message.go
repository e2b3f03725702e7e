package protocol

import (
	"encoding/json"
	"fmt"
)

// The actions of protocol v1. In a handler the action is the event's route key;
// on the wire it is the message's "action".
const (
	ActionHello    = "hello"
	ActionPing     = "ping"
	ActionLocation = "location"
	ActionLocate   = "locate"
	ActionMatch    = "match"
	ActionCancel   = "cancel"
	ActionEnd      = "end"
	ActionAccept   = "accept"
	ActionDecline  = "decline"
	ActionSay      = "say"
	ActionNearby   = "nearby"
)

// A Message is what a client sends: one of *Hello, *Ping, *Location, *Locate,
// *Match, *Accept, *Decline, *Cancel, *End, *Say and *Nearby.
//
// The tags of its fields describe the wire. Decode and the sentences for the client
// follow them:
//
//   - json: the field's name
//   - required:"yes": a message without the field is refused
//   - unit and range: of a number, in the words that the client reads. An
//     integer has no unit. A range may end with a number that means unknown,
//     which counts as an absent field. For a string, range is the number of
//     characters
//   - wraps:"yes": the upper bound is the same place as the lower one, and is
//     read as the lower one
//   - oneof: the only strings allowed; default: the one that an absent field means
//   - instead: names of fields that a list of objects stands for: they are refused beside it,
//     and none of them is required
//
// An optional field that is null counts as absent: phones and JSON writers say unknown so. A
// float64 that is no pointer, such as a radius, is refused as null. It is chosen and not
// measured, and JavaScript writes null for a NaN.
//
// A json.RawMessage is any value, even null, without white space around its parts: range is the
// number of its bytes. A list of strings with a range is a list of so many ids, and else one of tags. Of a list of objects, range is the number of them. The
// fields of an embedded struct are fields of the message; those of an embedded pointer come all
// or none.
type Message interface {
	// MessageID is the client's own id of the message, at most 64
	// characters, or "". It comes back on every reply to it.
	MessageID() string
	action() string
}

// Hello asks for the session's state: the answer is a Welcome.
type Hello struct {
	ID string `json:"id" range:"at most 64"`
}

// Ping asks for a Pong. Like any message it is a sign of life.
type Ping struct {
	ID string `json:"id" range:"at most 64"`
}

// Location reports where the caller is. With Points, the newest of them is in the other
// fields too.
type Location struct {
	ID  string  `json:"id" range:"at most 64"`
	Lat float64 `json:"lat" required:"yes" unit:"degrees" range:"-85 to 85"` // WGS84, as Lng
	Lng float64 `json:"lng" required:"yes" unit:"degrees" range:"-180 to 180" wraps:"yes"`
	At  *int64  `json:"at" range:"0 to 9007199254740991"`  // when the fix was taken, epoch ms; nil: on arrival
	Seq int64   `json:"seq" range:"0 to 9007199254740991"` // breaks ties of At
	Motion
	Points    []Fix     `json:"points" range:"1 to 100" instead:"lat,lng,at,seq,accuracy,heading,speed"` // oldest first
	Available *bool     `json:"available"`                                                               // nil: as last said
	Tags      *[]string `json:"tags"`                                                                    // nil: as last said
}

// A Fix is one of several positions in a message or a frame, in degrees WGS84.
type Fix struct {
	Lat float64 `json:"lat" required:"yes" unit:"degrees" range:"-85 to 85"`
	Lng float64 `json:"lng" required:"yes" unit:"degrees" range:"-180 to 180" wraps:"yes"`
	At  int64   `json:"at" required:"yes" range:"0 to 9007199254740991"` // epoch ms
	Seq int64   `json:"seq,omitempty" range:"0 to 9007199254740991"`
	Motion
}

// wrong fills in the newest of the points. It returns what is wrong with their order, or "".
func (m *Location) wrong() string {
	for i := 1; i < len(m.Points); i++ {
		if a, b := m.Points[i-1], m.Points[i]; b.At < a.At || b.At == a.At && b.Seq < a.Seq {
			return fmt.Sprintf("points must be in the order of at and seq, oldest first: points[%d] is older than the one before", i)
		}
	}
	if n := len(m.Points); n > 0 {
		p := m.Points[n-1]
		m.Lat, m.Lng, m.At, m.Seq, m.Motion = p.Lat, p.Lng, &p.At, p.Seq, p.Motion
	}
	return ""
}

// A Motion is the optional data of a fix, besides the point. nil: unknown. The store
// keeps it whole and the matcher gets it whole, so a new field is added only here, in
// the client and in docs/protocol.md.
type Motion struct {
	Accuracy *float64 `json:"accuracy,omitempty" unit:"metres" range:"0 to 100000, or -1 for unknown"`          // metres, the radius of the error
	Heading  *float64 `json:"heading,omitempty" unit:"degrees" range:"0 to 360, or -1 for unknown" wraps:"yes"` // degrees clockwise from north
	Speed    *float64 `json:"speed,omitempty" unit:"metres per second" range:"0 to 1000, or -1 for unknown"`    // m/s
}

// Locate asks where the peer of the match under way is.
type Locate struct {
	ID string `json:"id" range:"at most 64"`
}

// Match asks for the nearest available member.
type Match struct {
	ID     string   `json:"id" range:"at most 64"`
	Radius float64  `json:"radius" unit:"metres" range:"100 to 20000"` // 0: DefaultRadius, or the pool's widest if that is less
	*Point          // where to search; nil: where the caller last reported to be
	Tags   []string `json:"tags"` // all of which the match must have
	Wait   float64  `json:"wait" unit:"seconds" range:"0 to 600"`
	// Confirm is how long the one who is found has to accept. 0: it is not asked.
	Confirm float64 `json:"confirm" unit:"seconds" range:"0 to 600"`
	// Avoid are the ids of matches and offers, of the last ten minutes: those who were in them are not found.
	Avoid []string `json:"avoid" range:"at most 20"`
	Share bool     `json:"share"` // the matchee gets the caller's moves too
	// While nobody is found, the circle of a request with a Wait grows to WidenTo over WidenSeconds. Both or neither.
	WidenTo      float64 `json:"widenTo" unit:"metres" range:"100 to 20000"`
	WidenSeconds float64 `json:"widenSeconds" unit:"seconds" range:"1 to 600"`
}

// wrong returns what is wrong with how the circle is to widen, or "".
func (m *Match) wrong() string {
	switch {
	case m.WidenTo == 0 && m.WidenSeconds == 0:
	case m.WidenTo == 0 || m.WidenSeconds == 0:
		return "widenTo and widenSeconds go together: give both or neither"
	case m.Wait == 0:
		return "widenTo needs a wait of more than 0 seconds: the circle grows while the request waits"
	}
	return ""
}

// A Point is a place on the wire, in degrees WGS84.
type Point struct {
	Lat float64 `json:"lat" required:"yes" unit:"degrees" range:"-85 to 85"`
	Lng float64 `json:"lng" required:"yes" unit:"degrees" range:"-180 to 180" wraps:"yes"`
}

// Cancel withdraws the request under way, or only that of the Match with the id Request.
type Cancel struct {
	ID      string `json:"id" range:"at most 64"`
	Request string `json:"request" range:"at most 64"` // "": whichever is under way
}

// End ends a match.
type End struct {
	ID     string `json:"id" range:"at most 64"`
	Match  string `json:"match" required:"yes" range:"1 to 64"`
	Reason string `json:"reason" oneof:"completed,cancelled" default:"completed"`
}

// Accept accepts the match that is offered to the caller.
type Accept struct {
	ID    string `json:"id" range:"at most 64"`
	Match string `json:"match" required:"yes" range:"1 to 64"`
}

// Decline declines it.
type Decline struct {
	ID    string `json:"id" range:"at most 64"`
	Match string `json:"match" required:"yes" range:"1 to 64"`
}

// Say passes Data on to the other member of a match.
type Say struct {
	ID    string          `json:"id" range:"at most 64"`
	Match string          `json:"match" required:"yes" range:"1 to 64"`
	Data  json.RawMessage `json:"data" required:"yes" range:"at most 1024"`
}

// Nearby asks how many members are near the caller's last location. The answer is a NearbyFrame.
type Nearby struct {
	ID string `json:"id" range:"at most 64"`
}

// MessageID implements Message.
func (m *Hello) MessageID() string    { return m.ID }
func (m *Ping) MessageID() string     { return m.ID }
func (m *Location) MessageID() string { return m.ID }
func (m *Locate) MessageID() string   { return m.ID }
func (m *Match) MessageID() string    { return m.ID }
func (m *Cancel) MessageID() string   { return m.ID }
func (m *End) MessageID() string      { return m.ID }
func (m *Accept) MessageID() string   { return m.ID }
func (m *Decline) MessageID() string  { return m.ID }
func (m *Say) MessageID() string      { return m.ID }
func (m *Nearby) MessageID() string   { return m.ID }

func (*Hello) action() string    { return ActionHello }
func (*Ping) action() string     { return ActionPing }
func (*Location) action() string { return ActionLocation }
func (*Locate) action() string   { return ActionLocate }
func (*Match) action() string    { return ActionMatch }
func (*Cancel) action() string   { return ActionCancel }
func (*End) action() string      { return ActionEnd }
func (*Accept) action() string   { return ActionAccept }
func (*Decline) action() string  { return ActionDecline }
func (*Say) action() string      { return ActionSay }
func (*Nearby) action() string   { return ActionNearby }
