package match

import (
	"encoding/json"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// A Member is a participant of a pool. Members of different pools never meet.
type Member struct{ Pool, ID string }

// A Session is a member's connection and what its token says.
type Session struct {
	Member
	Connection  string
	ConnectedAt time.Time // by the gateway's clock, to the millisecond
	Expires     time.Time // the earlier of the token's expiry and the longest connection
	// Matcher and Matchee are the roles that the member may take.
	Matcher, Matchee bool
	// Tags, where Restricted, are the only ones the member may report.
	Tags       []string
	Restricted bool
	Card       json.RawMessage // what the peer gets to see
}

// A Position is a reported place, ordered by (At, Seq).
type Position struct {
	geo.Point
	At, Seq int64 // At in epoch ms
	protocol.Motion
}

// A Claim binds a matchee to a matcher's search (Match is the search's id),
// and once Confirmed to its match.
type Claim struct {
	Matcher   Member
	Match     string
	Confirmed bool
	At        int64 // epoch ms
}

// A Request is what a matcher asked for.
type Request struct {
	ID string // of the match message
	geo.Point
	Radius   float64 // metres
	Tags     []string
	Created  int64 // epoch ms, which also tells one request of a member from the next
	Deadline int64 // epoch ms
	// Wait is false for a request that is answered at once.
	Wait bool
	// Registered says that every shard cell which the circle touches knows of it.
	Registered bool
}

// A State of a routing-table entry; "" is none.
type State string

// The states of a routing-table entry.
const (
	Waiting   State = "waiting"
	Searching State = "searching"
	Active    State = "active"
	Ended     State = "ended"
)

// A Route is a member's entry in the routing table: the matcher's is the commit record
// of a match.
type Route struct {
	State   State
	Match   string
	Matchee Member
	Reason  string // why it ended
	// Notified says that both sides were notified of the match, or are free after its end.
	Notified bool
	Request  Request
}

// A Change of the index that follows from a change of a record.
type Change struct {
	List  bool // put into the cell, or taken out of it
	Cell  geo.Cell
	Epoch int64 // of the listing
	Position
	Heard   int64 // epoch ms
	Session int64 // epoch ms of the session's connect
	Tags    string
}

// A Candidate is a member that a search saw, as it saw it.
type Candidate struct {
	Member
	Position
	Distance float64 // metres from the request's point
}

// A WaitingRequest is somebody's request that a member just listed would fit.
type WaitingRequest struct {
	Owner Member
	Request
	Distance float64 // metres from the request's point to the member
}
