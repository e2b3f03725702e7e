package protocol

// The route keys of protocol v1. In a handler the action is the event's route
// key; on the wire it is the message's "action".
const (
	ActionHello    = "hello"
	ActionPing     = "ping"
	ActionLocation = "location"
	ActionLocate   = "locate"
	ActionMatch    = "match"
	ActionCancel   = "cancel"
	ActionEnd      = "end"
)

// A Message is what a client sends: one of *Hello, *Ping, *Location, *Locate,
// *Match, *Cancel and *End.
type Message interface {
	// MessageID is the client's own id of the message, at most 64
	// characters, or "". It comes back on every reply to it.
	MessageID() string
}

// Hello asks for the session's state: the answer is a Welcome.
type Hello struct{ ID string }

// Ping asks for a Pong. Like any message it is a sign of life.
type Ping struct{ ID string }

// Location reports where the caller is.
type Location struct {
	ID       string
	Lat, Lng float64 // degrees WGS84, |Lat| ≤ 85, -180 ≤ Lng < 180
	// At is when the fix was taken, in epoch milliseconds; nil: on arrival.
	At  *int64
	Seq int64 // breaks ties of At
	Motion
	// Available is nil where the last word stays.
	Available *bool
	// Tags is nil where the last ones stay.
	Tags *[]string
}

// A Motion is what a device may know of a fix beyond the place. nil: unknown.
type Motion struct {
	Accuracy *float64 `json:"accuracy,omitempty"` // metres
	Heading  *float64 `json:"heading,omitempty"`  // degrees clockwise from north
	Speed    *float64 `json:"speed,omitempty"`    // m/s
}

// Locate asks where the peer of the match under way is.
type Locate struct{ ID string }

// Match asks for the nearest available member.
type Match struct {
	ID     string
	Radius float64 // metres; 0: DefaultRadius, or the pool's widest if that is less
	// Point is nil where the caller's own last location is meant.
	Point *Point
	// Tags that the match must all have.
	Tags []string
	Wait float64 // seconds
}

// A Point is a place on the wire, in degrees WGS84.
type Point struct{ Lat, Lng float64 }

// Cancel withdraws the request under way.
type Cancel struct{ ID string }

// End ends a match.
type End struct {
	ID    string
	Match string
	// Reason is ReasonCompleted or ReasonCancelled.
	Reason string
}

// MessageID implements Message.
func (m *Hello) MessageID() string    { return m.ID }
func (m *Ping) MessageID() string     { return m.ID }
func (m *Location) MessageID() string { return m.ID }
func (m *Locate) MessageID() string   { return m.ID }
func (m *Match) MessageID() string    { return m.ID }
func (m *Cancel) MessageID() string   { return m.ID }
func (m *End) MessageID() string      { return m.ID }
