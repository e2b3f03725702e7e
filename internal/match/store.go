package match

import (
	"context"
	"time"

	"waggle/internal/geo"
)

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
	Connect(context.Context, Session) (Connected, error)
	// Disconnect ends a connection that is the current one and older than age.
	Disconnect(ctx context.Context, m Member, connection string, age time.Duration) (Disconnected, error)
	// Read returns what is stored of a member. With a session it is that session's
	// sign of life; anew lists the member anew.
	Read(ctx context.Context, m Member, x *Session, anew bool) (Snapshot, error)
}

// Index keeps where members are.
type Index interface {
	// Report stores a location and moves it in the index, in one trip.
	Report(context.Context, Session, Report) (Reported, error)
	// Relist lists a member anew from its record.
	Relist(context.Context, Member) ([]Change, error)
	// Apply changes the index, in one trip, and returns the requests that wait for a
	// member whom it listed.
	Apply(context.Context, Member, []Change) ([]WaitingRequest, error)
	// Search asks the cells for the nearest, in one trip.
	Search(context.Context, []geo.Cell, Query) ([]Hits, error)
}

// Requests keeps who asks for whom.
type Requests interface {
	// Begin opens a request and a search for it, and sends the search along.
	Begin(context.Context, Session, NewRequest) (Begun, []Hits, error)
	// Lease hands a waiting request to a new assignment attempt.
	Lease(ctx context.Context, owner Member, match string) (Leased, error)
	// GiveUp ends a search that found nobody, back to waiting if it may.
	GiveUp(ctx context.Context, owner Member, match string, wait bool) (GivenUp, error)
	Cancel(context.Context, Session) (Cancelled, error)
	// Register lets the request wait in the cells and searches them.
	Register(context.Context, []geo.Cell, WaitingRequest, Query) ([]Hits, error)
	// Registered notes that all cells know of the request; false: it is over.
	Registered(context.Context, WaitingRequest) (bool, error)
	Withdraw(context.Context, []geo.Cell, WaitingRequest) error
}

// Matches keeps who is matched with whom. Every step names matcher, match and
// matchee and is idempotent.
type Matches interface {
	// Claim takes a candidate as the search saw it.
	Claim(ctx context.Context, matcher Member, match string, tags []string, c Candidate) (Claimed, error)
	// Commit makes the search a match.
	Commit(ctx context.Context, matcher Member, match string, matchee Member) (Committed, error)
	// Confirm makes the claim final.
	Confirm(ctx context.Context, matcher Member, match string, matchee Member) (Confirmed, error)
	// Release undoes a claim, or ends it for that reason.
	Release(ctx context.Context, matcher Member, match string, matchee Member, reason string) (Released, error)
	// Finish ends the match on the matcher's side: that is the end.
	Finish(ctx context.Context, matcher Member, match string, matchee Member, reason string) (Finished, error)
	// Watch tells whether the route still carries the match.
	Watch(ctx context.Context, matcher Member, match string, matchee Member) (WatchedRoute, error)
	// Notified notes that both sides were notified of their match (Active), or that
	// both are free again after its end (Ended).
	Notified(ctx context.Context, matcher Member, match string, state State) error
}

// A Report is a location as it arrived.
type Report struct {
	Position           // At 0: on arrival
	Arrival  time.Time // by the gateway's clock
	// Available is nil where the last choice stays; so is Tags.
	Available *bool
	Tags      *[]string
}

// A NewRequest is a request as it arrived. Where Point is nil the caller's own last
// report is meant.
type NewRequest struct {
	ID     string
	Match  string // the id of the search
	Point  *geo.Point
	Radius float64
	Tags   []string
	// Open is how long the request stays open; Wait is whether it was asked to.
	Open time.Duration
	Wait bool
	// Search is sent along with the request.
	Search *Query
}

// A Query is a search around a point.
type Query struct {
	Self   Member // not to be found
	Point  geo.Point
	Radius float64 // metres
	Tags   []string
	Want   int // how many candidates of a cell
}

// Hits are the nearest candidates of one shard cell. With More there are others
// beyond the last.
type Hits struct {
	Candidates []Candidate
	More       bool
}
