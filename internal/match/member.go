package match

import (
	"encoding/json"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// A Member is a participant of a pool. Members of different pools are never matched.
type Member struct{ Pool, ID string }

// A Session is a member's connection and what its token says. Without a Connection it is
// no session: so a back end or a timer locates or ends on a member's behalf.
type Session struct {
	Member
	Connection  string
	ConnectedAt time.Time // by the gateway's clock, to the millisecond
	// Expires is the earlier of the token's expiry and the longest connection, zero for never.
	// From then on the member counts as disconnected.
	Expires time.Time
	// Matcher and Matchee are the roles that the member may take.
	Matcher, Matchee bool
	// Tags, where Restricted, are the only ones the member may report. Else there are none.
	Tags       []string
	Restricted bool
	Card       json.RawMessage // what the peer gets, nil if nothing
	// Admitted says that the message was taken from the member's budget by an earlier step.
	Admitted bool
}

// Address returns where replies are pushed to at that time: the connection, marked if the session
// has expired.
func (x Session) Address(now time.Time) string {
	if x.Expires.IsZero() || now.Before(x.Expires) {
		return x.Connection
	}
	return ExpiredMark + x.Connection
}

// ExpiredMark precedes the connection of a session that has expired and was not closed yet. A push
// to it becomes the error that says so.
const ExpiredMark = "expired "

// A Position is a reported place, ordered by (At, Seq).
type Position struct {
	geo.Point
	At, Seq int64 // At in epoch ms
	protocol.Motion
}

// A Claim is the matchee's half of a match. Until it is Confirmed, the match may still be
// undecided.
type Claim struct {
	Matcher   Member
	Match     string // the id of the search, and then of the match
	Confirmed bool
	At        int64 // when it was claimed, epoch ms
	Offer     bool  // the member is asked whether it accepts, or was
	Accepted  bool  // it does
	Left      bool  // with Confirmed: the member was away for longer than the grace time
}

// A Request is what a matcher asked for.
type Request struct {
	ID string // of the match message
	geo.Point
	Radius   float64 // metres, of the circle at the time of the reply
	Widening Widening
	Tags     []string
	Created  int64 // epoch ms, different for each request of a member
	Deadline int64 // epoch ms
	// Wait is true for a request that waits if nobody is found.
	Wait bool
	// Registered says that the request waits in every shard cell that its circle touches.
	Registered bool
	// Share says that the matchee sees the matcher's moves.
	Share bool
	// Apart are members with whom the owner has a cool-down. A search finds one only if it can
	// get nobody else. They are set only for a search.
	Apart []Member
	// Confirm is how long a matchee has to accept. 0: it is not asked.
	Confirm time.Duration
	// Declined are the members who have declined, or did not answer, and those that the owner avoids.
	// They are not asked again.
	Declined []Member
}

// WidenSteps is in how many equal steps the circle of a request widens.
const WidenSteps = 8

// A Widening is how the circle of a waiting request grows while nobody is found: in WidenSteps equal
// steps over that time, from the request's start on. The zero value is none.
type Widening struct {
	From, To float64 // metres
	Over     time.Duration
}

// widest is the widest radius that the request's circle may have.
func (r Request) widest() float64 { return max(r.Radius, r.Widening.To) }

// A State is the state of a routing-table entry. "" means that there is none.
type State string

// The states of a routing-table entry.
const (
	Waiting   State = "waiting"   // a request without an assignment attempt
	Searching State = "searching" // a request with one
	Offered   State = "offered"   // the matchee is asked whether it accepts
	Active    State = "active"    // a match
	Ended     State = "ended"     // a match that is over
)

// A Route is a member's entry in the routing table: the matcher's is the commit record
// of a match.
type Route struct {
	State   State
	Match   string // the id of the search or the match
	Matchee Member // with Offered, Active and Ended
	Reason  string // with Ended
	Until   int64  // with Offered: when the offer expires, epoch ms
	// Distance is, with Offered, how far the matchee is from the request's point at most: metres, one
	// of the bands.
	Distance float64
	// Notified says that both members were released after the end of the match.
	Notified bool
	// Grown says that the circle of the request has widened since it was last searched.
	Grown bool
	// Left says, with Active, that the member was away for longer than the grace time.
	Left    bool
	Request Request
}

// A Change is a change of the index that follows from a change of a record.
type Change struct {
	List  bool // put the member into the cell, else take it out
	Moved bool // the member was listed there before, with the same epoch, and has moved
	Cell  geo.Cell
	Epoch int64 // of the listing
	Position
	Heard   int64  // when the member was last heard, epoch ms
	Session int64  // epoch ms of the session's connect
	Tags    string // separated by spaces
}

// A Candidate is a member that a search saw, as the search saw it.
type Candidate struct {
	Member
	Position
	Distance float64 // metres from the request's point
}

// A WaitingRequest is a request that waits in shard cells.
type WaitingRequest struct {
	Owner Member
	Request
	Distance float64 // metres from its point to the member just listed, 0 if none was
}
