package match

import (
	"context"
	"time"

	"waggle/internal/geo"
)

// A Status is what one step on a member's slot came to. Each step's script says
// which of them it gives.
type Status string

// The statuses.
const (
	StatusOK          Status = "ok"
	StatusGone        Status = "gone"     // the connection has disconnected
	StatusReplaced    Status = "replaced" // a newer connection is there
	StatusUnknown     Status = "unknown"  // the cache has not heard of the session
	StatusYoung       Status = "young"
	StatusOther       Status = "other"
	StatusLate        Status = "late"
	StatusStale       Status = "stale"
	StatusRateLimited Status = "rate_limited"
	StatusNoLocation  Status = "no_location"
	StatusTooFar      Status = "too_far"
	StatusRepeat      Status = "repeat"
	StatusYours       Status = "yours"
	StatusClaimed     Status = "claimed"
	StatusTaken       Status = "taken"
	StatusBusy        Status = "busy"
	StatusUnavailable Status = "unavailable"
	StatusMoved       Status = "moved"
	StatusRefused     Status = "refused"
	StatusReleased    Status = "released"
	StatusPast        Status = "past"
	StatusSilent      Status = "silent"
	StatusWaiting     Status = "waiting"
	StatusSearching   Status = "searching"
	StatusActive      Status = "active"
	StatusNoMatch     Status = "no_match"
	StatusEnded       Status = "ended"
	StatusCancelled   Status = "cancelled"
)

// An Answer is what one step said: its status, and of the rest what that step
// knows.
type Answer struct {
	Status     Status
	Now        int64 // the cache's clock, epoch ms
	Old        string
	Connection string // the slot's member's current one, "" if there is none
	Reason     string
	Changes    []Change
	Back       []Change // what undoes an index that a refused report moved
	Claim      *Claim
	Route      *Route
	Request    *Request
	Position   *Position
	Card       string
	Available  string  // "1", "0", or "" where nothing is known of the member
	Outcome    Outcome // with StatusRepeat
	Due        *Due    // a no_match that the owner has not been told
	Confirmed  bool
	Told       bool
	Again      bool // fall: somebody came meanwhile whom the search may have missed
	State      State
	Listed     bool // report: the index should have known the member
	At         int64
	Epoch      int64
	Advice     Advice
	Advised    bool // the advice is another than last time
	Past       []Past
}

// An Outcome of a request id.
type Outcome struct {
	ID, Kind, Match, Reason string
	Radius                  float64
}

// Due is a request that expired and whose owner has not been told.
type Due struct {
	ID     string
	Radius float64
}

// Past is a match that ended not long ago.
type Past struct {
	Match, Reason string
	Matcher       Member // with an ID for a matchee
	At            int64
}

// A Report is a location as it arrived.
type Report struct {
	Position           // At 0: on arrival
	Arrival  time.Time // by the gateway's clock
	// Available is nil where the last word stays; so is Tags.
	Available *bool
	Tags      *[]string
}

// Moved says what a report did to the index, and who waits there.
type Moved struct {
	Known   bool // the member was listed in the cell: its entry has moved
	Behind  bool // that is of a listing before the record's, which is still to come
	Older   bool // the entry there is newer than the report
	Waiters []Waiter
}

// A Query is a search around a point.
type Query struct {
	Self   Member // not to be found
	Point  geo.Point
	Radius float64 // metres
	Tags   []string
	Want   int // how many candidates of a cell
}

// An Opening is a request as it arrived. Where Point is nil the caller's own last
// report is meant.
type Opening struct {
	ID     string
	Match  string // the id of the search
	Point  *geo.Point
	Radius float64
	Tags   []string
	// Patience is how long the request stays open; Wait is whether it was asked to.
	Patience time.Duration
	Wait     bool
	// Search is sent along with the request.
	Search *Query
}

// Store keeps what Waggle knows, each step atomic. Every error is one of the
// cache: the step may have been done or not. It may be repeated, but for Begin
// and Lease, which then want a fresh match id, and Cancel: a first try that
// comes late would reopen a search given up, or end another request.
type Store interface {
	Sessions
	Index
	Requests
	Matches
}

// Sessions keeps who is connected.
type Sessions interface {
	Connect(context.Context, Session) (Answer, error)
	// Disconnect forgets a connection that is the current one and older than age.
	Disconnect(ctx context.Context, m Member, connection string, age time.Duration) (Answer, error)
	// Read returns a member's record and route. With a session it is that
	// session's sign of life; again lists the member again.
	Read(ctx context.Context, m Member, x *Session, again bool) (Answer, error)
}

// Index keeps where members are.
type Index interface {
	// Report stores a location and moves it in the index, in one trip.
	Report(context.Context, Session, Report) (Answer, Moved, error)
	Relist(context.Context, Member) (Answer, error)
	// Apply changes the index, in one trip, and returns who waits for whom it listed.
	Apply(context.Context, Member, []Change) ([]Waiter, error)
	// Search asks the cells for the nearest, in one trip.
	Search(context.Context, []geo.Cell, Query) ([]Hits, error)
}

// Requests keeps who waits for whom.
type Requests interface {
	// Begin opens a request and a search for it, and sends the search along.
	Begin(context.Context, Session, Opening) (Answer, []Hits, error)
	// Lease hands a waiting request to a new search.
	Lease(ctx context.Context, owner Member, match string) (Answer, error)
	// Fall ends a search that found nobody, back to waiting if it may.
	Fall(ctx context.Context, owner Member, match string, wait bool) (Answer, error)
	Cancel(context.Context, Session) (Answer, error)
	// Register lets the request wait in the cells and searches them.
	Register(context.Context, []geo.Cell, Waiter, Query) ([]Hits, error)
	// Registered notes that all cells know of the request; false: it is over.
	Registered(context.Context, Waiter) (bool, error)
	Withdraw(context.Context, []geo.Cell, Waiter) error
}

// Matches keeps who is matched with whom. Every step names matcher, match and
// matchee and is idempotent.
type Matches interface {
	// Claim takes a candidate as the search saw it.
	Claim(ctx context.Context, matcher Member, match string, tags []string, c Candidate) (Answer, error)
	// Commit makes the search a match.
	Commit(ctx context.Context, matcher Member, match string, matchee Member) (Answer, error)
	// Confirm makes the claim final.
	Confirm(ctx context.Context, matcher Member, match string, matchee Member) (Answer, error)
	// Release undoes a claim, or ends it for that reason.
	Release(ctx context.Context, matcher Member, match string, matchee Member, reason string) (Answer, error)
	// Finish ends the match on the matcher's side: that is the end.
	Finish(ctx context.Context, matcher Member, match string, matchee Member, reason string) (Answer, error)
	// Watch tells whether the route still carries the match.
	Watch(ctx context.Context, matcher Member, match string, matchee Member) (Answer, error)
	// Told notes that both sides were sent their match (Active), or that both
	// are free again after its end (Ended).
	Told(ctx context.Context, matcher Member, match string, state State) error
}
