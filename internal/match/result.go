package match

import (
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// A Status is the outcome of a step on one slot. Each result below lists its statuses.
type Status string

// The statuses.
const (
	StatusOK            Status = "ok"
	StatusGone          Status = "gone"     // the connection has ended
	StatusExpired       Status = "expired"  // the session has outlived its token
	StatusReplaced      Status = "replaced" // a newer connection is there
	StatusUnknown       Status = "unknown"  // the cache does not know the session
	StatusJustConnected Status = "just_connected"
	StatusOther         Status = "other"
	StatusLate          Status = "late"
	StatusChosen        Status = "chosen"
	StatusStale         Status = "stale"
	StatusRateLimited   Status = "rate_limited"
	StatusKeptOut       Status = "kept_out" // refused too often
	StatusNoLocation    Status = "no_location"
	StatusTooFar        Status = "too_far"
	StatusRepeat        Status = "repeat"
	StatusYours         Status = "yours"
	StatusClaimed       Status = "claimed"
	StatusTaken         Status = "taken"
	StatusBusy          Status = "busy"
	StatusUnavailable   Status = "unavailable"
	StatusMoved         Status = "moved"
	StatusAbsent        Status = "absent"
	StatusRefused       Status = "refused"
	StatusReleased      Status = "released"
	StatusAlreadyEnded  Status = "already_ended"
	StatusSilent        Status = "silent"
	StatusWaiting       Status = "waiting"
	StatusSearching     Status = "searching"
	StatusActive        Status = "active"
	StatusNoMatch       Status = "no_match"
	StatusEnded         Status = "ended"
	StatusCancelled     Status = "cancelled"
	StatusOffered       Status = "offered"
)

// The results below are those of the steps of a Store. Connection is a member's current
// connection, "" if there is none, with ExpiredMark if its session has expired. Changes are the
// changes of the index that follow from the step. Untold is what the caller must be told with
// this message. Tell says that the member is not yet told of the match or the end. A field with
// a status in its comment is set only with that status.

// A Refusal is part of the results of a session's steps. It is set with rate_limited and
// kept_out: the step did nothing.
type Refusal struct {
	Limit      Limit         // with rate_limited
	RetryAfter time.Duration // until the same message may be sent again
}

// A Limit is what a member has used up.
type Limit string

// The limits.
const (
	LimitMessages Limit = "messageRate"
	LimitReports  Limit = "reportRate"
	LimitRequests Limit = "requestRate"
	LimitMatches  Limit = "matchRate"
	LimitConnects Limit = "connectRate"
	LimitHarvest  Limit = "harvestRate"
	LimitNearby   Limit = "nearbyRate"
)

// Connected is the result of Connect: ok, rate_limited, kept_out, replaced, gone or expired.
type Connected struct {
	Status Status
	Refusal
	Old     string // ok: the connection that it replaces, "" if none
	Changes []Change
}

// Disconnected is the result of Disconnect: ok, just_connected (not older than the age) or other
// (not the current connection).
type Disconnected struct {
	Status  Status
	Changes []Change
	// With ok, of a member of a match, as far as its slot shows:
	Presence
	Claim *Claim
	Route *Route
}

// A Snapshot is the result of Read: ok, rate_limited, kept_out, replaced, gone, expired or unknown.
type Snapshot struct {
	Status Status
	Refusal
	Now        int64 // the cache's clock, epoch ms
	Untold     []Untold
	Connection string
	Claim      *Claim
	Position   *Position
	Card       string
	Available  string // "1" or "0"; "" without a record
	Tags       string // separated by spaces
	Route      *Route
	// Searched says that the last search for the request began less than SearchAgain ago.
	Searched bool
	// Tell says, without a session, that the member is not yet told of its match, and that no
	// other process is about to do it.
	Tell bool
	// Pushing says, without a session, that another process is about to.
	Pushing bool
	// Check says that the other half of the member's match is to be looked at.
	Check    bool
	Ends     []End // the last few, oldest first
	Changes  []Change
	Unlisted int64 // until when the member is not listed: see Reported
	Presence
	// Look is, with Due, when the member of a match is to be looked at again: epoch ms, 0 if not by
	// this timer.
	Look int64
}

// Presence is whether a member of a match is away, as its own slot shows. It is zero without a match.
type Presence struct {
	Away  int64     // since when it is away from the match: epoch ms, 0 if it is not
	Heard int64     // its last sign of life, epoch ms
	Known PeerState // what it is to know of its peer
}

// A PeerState says that the peer in a match is away, or back. The zero value is that of a peer that was never away.
type PeerState struct {
	Match string
	Away  bool
	Since int64 // epoch ms. A later one is newer.
}

// State is the state as a Peer has it.
func (p PeerState) State() string {
	if p.Away {
		return protocol.PeerAway
	}
	return protocol.PeerBack
}

// PeerNoted is the result of Peer: ok or other (the member is not in that match, or that is no news).
type PeerNoted struct {
	Status     Status
	Tell       bool
	Connection string
}

// Nearby is the result of Nearby: ok, no_location (there is no fresh report), or what Read says.
type Nearby struct {
	Snapshot
	Cell geo.Cell // of the last report
}

// Forgotten is the result of Forget: ok or busy.
type Forgotten struct {
	Status  Status
	Changes []Change
}

// A Description is the result of Describe: ok or absent (there is no record, or it was erased).
type Description struct {
	Snapshot
	ConnectedAt int64 // the begin of the last session, by the gateway's clock, epoch ms
	Heard       int64 // the last sign of life, epoch ms
	Fresh       bool  // the position is
	CoolDowns   int   // members with whom the member has a cool-down
}

// Reported is the result of Report: ok; late or chosen (the position was not stored, but what the
// member chose); stale, rate_limited or kept_out (nothing was stored); replaced, gone, expired or
// unknown. A late report may be a repeat, and then has Changes.
type Reported struct {
	Status Status
	Refusal
	Now     int64 // epoch ms
	Untold  []Untold
	Advice  Advice
	Changes []Change
	// Unlisted is until when the member is not listed, since it ended too many matches Early:
	// epoch ms, 0 if it may be listed.
	Unlisted int64
	// NotTaken is why the position counts for nothing, as Ack has it: "" if it was taken.
	NotTaken string
	Stands   Choice        // only what a later message said otherwise
	Mark     string        // of the changed advice, "" if it is that of the last report
	Lag      time.Duration // how old reports are on arrival, in steps; 0 if that does no harm
	ClockOff bool          // by more than ClockOff, and no push has told so in this session: see ClockMark

	// With ok:
	At    int64 // epoch ms
	Claim *Claim
	Known PeerState // see Presence
	// Skipped are the positions in this match that no push has shown to the peer, oldest first.
	Skipped []protocol.Fix
	Since   int64 // with a Claim or a Route that shares: the time of the position before, 0 if there was none
	Route   *Route
}

// Begun is the result of Begin. Status is ok; repeat; claimed; active, waiting, searching or
// offered (another request is under way); no_location, too_far, absent (a back end asks for a
// member who is not connected), rate_limited, kept_out,
// replaced, gone, expired or unknown. Only ok has opened anything.
type Begun struct {
	Status Status
	Refusal
	Untold []Untold
	// Request is the request that was opened. Unfinished is the caller's last match, if its
	// end may be half done.
	Request    *Request
	Unfinished *Route
	Outcome    Outcome // with repeat
	Claim      *Claim  // with claimed
	Route      *Route  // with active, waiting, searching, offered
}

// Leased is the result of Lease: ok, claimed (the owner is claimed, which suspends the
// request), searching (another attempt has the lease), silent (the owner was not heard within
// the grace time) or other (the request is over).
type Leased struct {
	Status  Status
	Request *Request // with ok and searching
}

// GivenUp is the result of GiveUp: waiting, no_match or other (the attempt does not
// have the lease).
type GivenUp struct {
	Status     Status
	Connection string
	Request    *Request
	// Missed says that a member was listed during the search, which may have missed it.
	Missed  bool
	Changes []Change
}

// Cancelled is the result of Cancel: cancelled, active (it has led to a match), other
// (there is none), rate_limited, kept_out, replaced, gone, expired or unknown.
type Cancelled struct {
	Status Status
	Refusal
	Untold  []Untold
	Request *Request // unless it was cancelled just now, only the ID
	Changes []Change
	Claim   *Claim // with active, as Route: if the other half of the match is to be looked at
	Route   *Route
	Offered *Route // the offer that was cancelled, nil if none
}

// Claimed is the result of Claim: yours; claimed (by another), taken (it is a matcher in a
// match), busy (it is searching itself) or unavailable; or moved.
type Claimed struct {
	Status   Status
	Now      int64     // epoch ms
	Claim    *Claim    // with claimed
	Position *Position // with moved
	// With yours, of a claim for an offer:
	Tell       bool
	Connection string
}

// An OfferMade is the result of Offer, about the matcher: yours, active (it is accepted by now) or
// refused.
type OfferMade struct {
	Status     Status
	Tell       bool
	Connection string
	Route      *Route // with yours
}

// Declined is the result of Decline, about the matcher: ok, active (the offer is accepted by now) or
// other.
type Declined struct {
	Status     Status
	Reason     string // with other: why the offer ended, "" if not known
	Tell       bool
	Connection string
}

// Committed is the result of Commit, about the matcher: yours or refused.
type Committed struct {
	Status     Status
	Reason     string // with refused: why the offer ended, "" if there was none
	Tell       bool
	Connection string
	Card       string
	Request    *Request
	Changes    []Change
}

// Confirmed is the result of Confirm, about the matchee: yours or refused.
type Confirmed struct {
	Status     Status
	Tell       bool
	Connection string
	Card       string
	Request    *Request // the matchee's own, which the match answers; of a repeat only the ID
	Position   *Position
	Changes    []Change
}

// A By is who ended a match: one of its members, or nobody if a back end or a repair did. ""
// is unknown.
type By string

// Who can end a match.
const (
	ByMatcher By = "matcher"
	ByMatchee By = "matchee"
	ByNobody  By = "nobody"
)

// Released is the result of Release, about the matchee: released, already_ended or other.
type Released struct {
	Status     Status
	Reason     string
	Confirmed  bool // the claim was confirmed
	Tell       bool
	Connection string
	RequestID  string // of the matchee's own request that led to the match
	Waits      bool   // its own request, which the claim had suspended, waits again
	Unlisted   int64  // until when the matchee is not listed: see Reported
	Changes    []Change
}

// Finished is the result of Finish, about the matcher: ended, already_ended or other.
type Finished struct {
	Status     Status
	Reason     string
	Tell       bool
	Early      By // who ended the match Early, "" if it was not early
	Connection string
	RequestID  string
	Unlisted   int64 // until when the matcher is not listed: see Reported
	Changes    []Change
}

// An Ending is the result of End. If the member is the matcher it has what Finish did, and the
// matchee; of the Snapshot then only Status, Now and Untold. Else Finished is nil.
type Ending struct {
	Snapshot
	Finished *Finished
	Matchee  Member
}

// A WatchedRoute is the result of Watch: active, offered, searching, already_ended or other.
type WatchedRoute struct {
	Status     Status
	Reason     string // with already_ended
	Early      By     // with already_ended: who ended the match Early
	Connection string // of the matcher
	Tell       bool   // with active: the matcher is not yet told of the match
	Pushing    bool   // with Tell: another process began to tell it less than NotifyAgain ago
	Left       bool   // with active: the matcher was away for longer than the grace time
	Presence          // with active
}

// An Outcome is the outcome of the request of an id.
type Outcome struct {
	ID, Kind, Match, Reason string
	Radius                  float64
}

// An End is a match that ended not long ago.
type End struct {
	Match, Reason string
	Matcher       Member // the zero Member if the reader was the matcher
	At            int64  // epoch ms
	Early         By     // who ended the match Early, "" if it was not early
}
