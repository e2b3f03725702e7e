package match

import (
	"context"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// Store keeps the state of all members. A step is atomic on each slot that it uses. After an
// error, which wraps ErrUnavailable if the cache failed, the step may have been done or not.
// It may be repeated, with three exceptions. Begin and Lease need a fresh match id, and Cancel
// must not be repeated: a first try that arrives late would reopen a search that was given up,
// or cancel another request. If the error wraps ErrNotDone, the step was not done.
type Store interface {
	Sessions
	Index
	Requests
	Matches
	Events
	// Finding returns the same Store, whose steps pass on what they find that is not yet published.
	Finding(func(Unpublished)) Store
}

// Sessions keeps which members are connected.
type Sessions interface {
	// Connect makes a session the member's current one, unless a newer one is there. With lost,
	// the cache did not know the session of a message: the member is then to be told the state.
	Connect(ctx context.Context, x Session, lost bool) (Connected, error)
	// Disconnect ends a connection, if it is the member's current one and older than age.
	Disconnect(ctx context.Context, m Member, connection string, age time.Duration) (Disconnected, error)
	// Read returns what is stored of a member. With a session it also keeps that session
	// fresh. With anew, its changes list the member anew.
	Read(ctx context.Context, m Member, x *Session, anew bool) (Snapshot, error)
	// ReadBoth is Read of a session's member, and of another one, in one trip.
	ReadBoth(ctx context.Context, x Session, other Member) (Snapshot, Snapshot, error)
	// Due is Read without a session, with what the member is not yet told.
	Due(ctx context.Context, m Member) (Snapshot, error)
	// Nearby is Read for a member that asks how many members are near, and takes the question from
	// its budget.
	Nearby(context.Context, Session) (Nearby, error)
	// Forget erases what is stored of a member who has no connection, no request and no match. Its
	// changes take the member out of the index.
	Forget(ctx context.Context, m Member) (Forgotten, error)
	// Describe returns what a back end may know of a member.
	Describe(ctx context.Context, m Member) (Description, error)
}

// Index keeps the locations of members, and finds members by place.
type Index interface {
	// Report stores a location. Its changes move the member's listing.
	Report(context.Context, Session, Report) (Reported, error)
	// Skip keeps positions of the member that no push has shown to its peer in the match: the
	// newest 99, for the grace time. The next Report returns them. Shown forgets them, if
	// that one is the last of them.
	Skip(ctx context.Context, m Member, match string, points []protocol.Fix) error
	Shown(ctx context.Context, m Member, last protocol.Fix) error
	// Apply changes the index. It returns the waiting requests that the member fits where it
	// is listed now, but not those that it fitted already where a moved listing was just before.
	Apply(context.Context, Member, []Change) ([]WaitingRequest, error)
	// Search returns the nearest candidates of each part, in one trip. For many parts, another
	// trip comes before, which leaves out cells that have no members.
	Search(context.Context, []Part, Query) ([]Hits, error)
	// Count returns how many available members each of the cells has, in one trip, or in none if all
	// counts of the last CountKept are known. now is the cache's clock, epoch ms.
	Count(ctx context.Context, pool string, cells []geo.Cell, now int64) ([]int, error)
}

// Requests keeps the requests and the leases of their assignment attempts.
type Requests interface {
	// Begin opens a request and leases it. Without a session a back end does it for the member.
	Begin(context.Context, Session, NewRequest) (Begun, error)
	// Lease gives the lease of a waiting request to a new assignment attempt.
	Lease(ctx context.Context, owner Member, match string) (Leased, error)
	// GiveUp ends an assignment attempt that found nobody. With wait the request waits again,
	// until its deadline.
	GiveUp(ctx context.Context, owner Member, match string, wait bool) (GivenUp, error)
	// Retract takes back the request of that moment, if it is still open: a repeat of its id
	// begins anew.
	Retract(ctx context.Context, owner Member, created int64) ([]Change, error)
	// Cancel cancels the request of the session's member: the one with the id request, or with ""
	// any. id is that of the message, by which a repeat is recognised, or "".
	Cancel(ctx context.Context, x Session, id, request string) (Cancelled, error)
	// Register lets the request wait in the cells and searches them, in one trip, for so many
	// candidates of each. A request that widens waits in its widest circle; the search is of its
	// Radius.
	Register(ctx context.Context, cells []geo.Cell, w WaitingRequest, want int) ([]Hits, error)
	// Registered notes that the request waits in all cells. It returns false if the request
	// is over.
	Registered(context.Context, WaitingRequest) (bool, error)
	// Withdraw takes the request out of the cells.
	Withdraw(context.Context, []geo.Cell, WaitingRequest) error
}

// Matches keeps claims and matches. Every step names matcher, match and matchee, and is
// idempotent.
type Matches interface {
	// Claim claims a candidate, if it still is as the search saw it: for a match, or for an offer.
	Claim(ctx context.Context, matcher Member, match string, tags []string, c Candidate, offer bool) (Claimed, error)
	// Offer notes on the matcher's route that the match is offered to the matchee, who is so many
	// metres away: from here on the offer stands.
	Offer(ctx context.Context, matcher Member, match string, matchee Member, distance float64) (OfferMade, error)
	// Accept notes that the session's member accepts the offer. The Snapshot has the claim. Status
	// is yours, active (it is committed by now), other, or that of Read where it refuses.
	Accept(ctx context.Context, x Session, match string) (Snapshot, error)
	// Decline takes the offer back to its request.
	Decline(ctx context.Context, matcher Member, match string, matchee Member) (Declined, error)
	// Commit makes the matcher's route active: from here on the match exists. An offer must have
	// been accepted. The matchee is so many metres away, 0 if not known: for the event.
	Commit(ctx context.Context, matcher Member, match string, matchee Member, distance float64) (Committed, error)
	// Confirm makes the claim final.
	Confirm(ctx context.Context, matcher Member, match string, matchee Member) (Confirmed, error)
	// Release removes a claim. If it was confirmed, the matchee remembers the reason, and pays or
	// gets back what the match took, by who ended it early.
	Release(ctx context.Context, matcher Member, match string, matchee Member, reason string, early By) (Released, error)
	// End is Finish for a member that ends its match: a matcher. For others it is Read.
	End(ctx context.Context, x Session, match, reason string) (Ending, error)
	// Finish ends the match on the matcher's route: from here on it is over. The matcher pays or
	// gets back what the match took if it was early.
	Finish(ctx context.Context, matcher Member, match string, matchee Member, reason string, by By) (Finished, error)
	// Watch returns whether the matcher's route still has the match.
	Watch(ctx context.Context, matcher Member, match string, matchee Member) (WatchedRoute, error)
	// Peer notes in the record of a member of a match that its peer is away or back, unless something
	// newer is known.
	Peer(ctx context.Context, m Member, p PeerState) (PeerNoted, error)
	// Told notes what pushes have told members, in one trip.
	Told(ctx context.Context, all []Told) error
}

// Events keeps the events that are not yet published. The step that commits what an event tells of
// writes it, with the matcher.
type Events interface {
	// Published takes out what was published, in one trip. It finds what is left.
	Published(ctx context.Context, all []Unpublished) error
}

// A Report is a location as it arrived.
type Report struct {
	Position           // with At 0, Arrival counts
	Arrival  time.Time // by the gateway's clock
	Choice
	// Points are those of a message with several, oldest first; the last one is the Position. The
	// store ignores them.
	Points []protocol.Fix
}

// A Choice is what a member says of whether it may be found and of its tags. nil is nothing.
type Choice struct {
	Available *bool
	Tags      *[]string
}

// A NewRequest is a request as it arrived.
type NewRequest struct {
	ID       string
	Match    string     // the id of the search
	Point    *geo.Point // nil: the point of the caller's last report
	Radius   float64    // metres
	Widening Widening
	Tags     []string
	Open     time.Duration // until the deadline
	Wait     bool          // the request waits if nobody is found
	Confirm  time.Duration // how long a matchee has to accept; 0: it is not asked
	Share    bool          // the matchee is to see the matcher's moves
	Avoid    []string      // the ids of matches and offers whose peers are not to be found
}

// A Query is a search around a point.
type Query struct {
	Self   Member // not to be found
	Point  geo.Point
	Radius float64 // metres
	Tags   []string
	Want   int // candidates of each cell
	// Apart are found only if nobody else is. A Store takes no notice of them.
	Apart []Member
}

// A Part is what a search asks a shard cell for: with Rest, what an earlier search of it left.
type Part struct {
	Cell geo.Cell
	Rest string
}

// Hits are candidates of one part, nearest first. Nobody nearer than the Horizon, in metres, is
// missing. It is infinite if nobody within the radius is. Rest is what was left unread, "" if
// the search of this part must begin anew for more.
type Hits struct {
	Candidates []Candidate
	Horizon    float64
	Rest       string
}
