package waggle

import "encoding/json"

// A Message is what a client sends: *Hello, *Ping, *Location, *Locate, *Match,
// *Cancel, *End, *Say or *Nearby. The methods of Client send them all; only a program on a
// Conn needs those that no method takes.
//
// Every message has an ID of at most 64 characters, or "". It comes back on
// each frame that answers the message.
type Message interface{ action() string }

// Hello asks what is under way. The answer is a Welcome.
type Hello struct{ ID string }

// Ping asks for a Pong. Like any message it is a sign of life.
type Ping struct{ ID string }

// Location is a location report: where the member is.
type Location struct {
	ID string
	// Lat and Lng are degrees in WGS84: -85 to 85, and -180 to 180.
	Lat, Lng float64
	// At is when the position was measured, in epoch milliseconds. Nil stands
	// for the moment in which the server gets the report.
	At *int64
	// Seq orders reports that have the same At. It is 0 or greater.
	Seq int64
	Motion
	// Available is whether the member is willing to be found. Nil: as last reported.
	Available *bool
	// Points are 1 to 100 positions, oldest first, in place of the one above: nothing of that is
	// sent. Positions that are not finite are left out.
	Points []Fix
	// Tags are at most 16 words of 1 to 32 characters out of a-z, 0-9, _ and -.
	// Nil: as last reported. An empty list removes all tags.
	Tags *[]string
}

// A Fix is one of several positions.
type Fix struct {
	Lat float64 `json:"lat"`           // degrees
	Lng float64 `json:"lng"`           // degrees
	At  int64   `json:"at"`            // when it was measured, epoch ms
	Seq int64   `json:"seq,omitempty"` // orders positions with the same At
	Motion
}

// Motion is what a device may know beside the place. Nil, -1, or a number that is not
// finite: unknown.
type Motion struct {
	Accuracy *float64 `json:"accuracy,omitempty"` // metres, 0 to 100 000
	Heading  *float64 `json:"heading,omitempty"`  // degrees clockwise from north, 0 to 360
	Speed    *float64 `json:"speed,omitempty"`    // metres per second, 0 to 1000
}

// Locate asks for the peer's location. The answer is a LocationFrame.
type Locate struct{ ID string }

// Match asks for the nearest available member.
type Match struct {
	ID string
	// Radius is in metres, 100 to 20 000. Zero: 3000, or the pool's largest if
	// that is less.
	Radius float64
	// Point is where to search. Nil: at the member's last location.
	Point *Point
	// Tags are those that the other member must have, all of them.
	Tags []string
	// Wait is for how many seconds the request stays open when nobody is
	// found, 0 to 600.
	Wait float64
	// Confirm is how many seconds the member who is found has to accept, 0 to 600. 0: it is not
	// asked. An Offered says that somebody is asked.
	Confirm float64
	// WidenTo is the radius to which the circle of a request with a Wait grows over
	// WidenSeconds (1 to 600) while nobody is found, in metres, Radius to 20 000. Both or neither.
	WidenTo, WidenSeconds float64
	// Avoid are the ids of up to 20 matches and offers of the last ten minutes: the members who were in
	// them with this one are not found.
	Avoid []string
	// Share lets the member who is found follow this one too, while the match lasts.
	Share bool
}

// A Point is a place. Lat and Lng are degrees in WGS84.
type Point struct{ Lat, Lng float64 }

// Accept accepts the match that is offered. The answer is a Matched, or an Ended if the offer is over.
type Accept struct {
	ID    string
	Match string // the match's id
}

// Decline declines it. The answer is an Ended.
type Decline struct {
	ID    string
	Match string // the match's id
}

// Cancel withdraws the open request. The answer is an Ended.
type Cancel struct {
	ID string
	// Request is the ID of the Match that is meant. "": whichever is open.
	Request string
}

// End ends a match. The answer is an Ended.
type End struct {
	ID     string
	Match  string // the match's id
	Reason string // Completed or Cancelled; "" stands for Completed
}

// Say passes data on to the other member of a match. The answer is a Said without Data.
type Say struct {
	ID    string
	Match string          // the match's id
	Data  json.RawMessage // at most 1024 bytes
}

// Nearby asks how many members are near. The answer is a NearbyFrame.
type Nearby struct{ ID string }

func (*Hello) action() string    { return "hello" }
func (*Ping) action() string     { return "ping" }
func (*Location) action() string { return "location" }
func (*Locate) action() string   { return "locate" }
func (*Match) action() string    { return "match" }
func (*Accept) action() string   { return "accept" }
func (*Decline) action() string  { return "decline" }
func (*Cancel) action() string   { return "cancel" }
func (*End) action() string      { return "end" }
func (*Say) action() string      { return "say" }
func (*Nearby) action() string   { return "nearby" }
