package waggle

import "encoding/json"

// A Frame is what the server sends: a pointer to one of the types below. Where
// a frame has an ID, it is the ID of the message that the frame answers, or ""
// where the frame answers none. Points in time are epoch milliseconds by the
// server's clock.
type Frame interface {
	// FrameType is the frame's "type" on the wire, such as "matched".
	FrameType() string
}

// Welcome answers Hello. Without an ID it comes by itself, after a loss. At most one of
// Match, Offer and Request is set.
type Welcome struct {
	ID        string          `json:"id,omitempty"`
	Member    string          `json:"member"`    // the member's name, from its token
	Pool      string          `json:"pool"`      // the member's pool, from its token
	Protocol  int             `json:"protocol"`  // the version of the protocol, 1
	Now       int64           `json:"now"`       // the server's time, epoch ms
	ExpiresAt int64           `json:"expiresAt"` // when the session ends, epoch ms
	Report    Report          `json:"report"`
	Available bool            `json:"available"`         // whether the member is willing to be found, as the server has it
	Tags      []string        `json:"tags"`              // the member's, as the server has them
	Server    string          `json:"server,omitempty"`  // the server's version, "" if it does not know
	Match     *WelcomeMatch   `json:"match,omitempty"`   // the match under way, or nil
	Offer     *WelcomeOffer   `json:"offer,omitempty"`   // the offer that stands, or nil
	Request   *WelcomeRequest `json:"request,omitempty"` // the open request, or nil
	Unlisted  *Unlisted       `json:"unlisted,omitempty"`
}

// WelcomeMatch is the match under way.
type WelcomeMatch struct {
	Match string `json:"match"` // the match's id
	Role  string `json:"role"`  // this member's: Matcher or Matchee
	State string `json:"state"` // "active"
	Peer  Peer   `json:"peer"`
	// Presence says whether the peer is away, or back. It is nil if the peer was never away.
	Presence *PeerPresence `json:"presence,omitempty"`
}

// PeerPresence says since when the peer is Away, or Back.
type PeerPresence struct {
	State string `json:"state"` // Away or Back
	Since int64  `json:"since"` // epoch ms
}

// The states of a peer. Who is Away beyond the pool's grace time has Left.
const (
	Away = "away" // its connection has ended, or it has been silent for long
	Back = "back"
)

// WelcomeRequest is the open request.
type WelcomeRequest struct {
	ID        string  `json:"id,omitempty"` // of the Match message
	Radius    float64 `json:"radius"`       // metres
	ExpiresAt int64   `json:"expiresAt"`    // the deadline, epoch ms
}

// Peer is the other member of a match. The matcher sees where the matchee was
// last. The matchee sees the point of the request, which does not move, or with Share of the
// Match where the matcher was last.
type Peer struct {
	Lat      float64         `json:"lat"`            // degrees
	Lng      float64         `json:"lng"`            // degrees
	At       int64           `json:"at"`             // when the peer was there, epoch ms
	Distance float64         `json:"distance"`       // metres from the request's point to the matchee
	Card     json.RawMessage `json:"card,omitempty"` // what the peer's token shows of it, JSON or nil
}

// Report is the server's advice: report again after AfterSeconds, or
// MoveMeters away from the last report, whichever comes first.
type Report struct {
	AfterSeconds float64 `json:"afterSeconds"`
	MoveMeters   float64 `json:"moveMeters"`
}

// Pong answers Ping.
type Pong struct {
	ID  string `json:"id,omitempty"`
	Now int64  `json:"now"` // the server's time, epoch ms
}

// Ack answers a Location that has an ID, or brings new advice. What it does not say was
// taken as it was sent.
type Ack struct {
	ID     string `json:"id,omitempty"`
	Report Report `json:"report"`
	// Position is why the position counts for nothing, such as Inaccurate, Jump or Late. It is
	// "" if it was taken.
	Position string `json:"position,omitempty"`
	// Available and Tags are what stands, if that is not what the message said, since a
	// later one said otherwise.
	Available *bool     `json:"available,omitempty"`
	Tags      *[]string `json:"tags,omitempty"`
	Now       int64     `json:"now,omitempty"` // the server's time, epoch ms, if this clock is off
	// Taken is how many of a Location's Points count. It is nil if it had none.
	Taken    *int      `json:"taken,omitempty"`
	Unlisted *Unlisted `json:"unlisted,omitempty"`
}

// Unlisted says until when nobody can find the member, and why. It is nil while the member can be
// found. A report after Until lists the member again.
type Unlisted struct {
	Until  int64  `json:"until"`  // epoch ms
	Reason string `json:"reason"` // such as EndedEarly
}

// Why the position of a Location was not taken.
const (
	Inaccurate = "inaccurate"   // its accuracy is worse than the pool allows
	Jump       = "jump"         // nobody comes there so fast: the next report from there counts
	Late       = "late"         // a newer one, or the same, was there before
	Stale      = "stale"        // it is older than the pool allows
	Limited    = "rate_limited" // too many reports
)

// Waiting says that nobody was found yet and the request stays open.
type Waiting struct {
	ID string `json:"id,omitempty"`
	// Request is the ID of the open request, if that is not the Match that this answers.
	Request   string `json:"request,omitempty"`
	ExpiresAt int64  `json:"expiresAt"` // the request's deadline, epoch ms
}

// NoMatch ends a request that found nobody.
type NoMatch struct {
	ID     string  `json:"id,omitempty"`
	Radius float64 `json:"radius"` // metres
}

// Offered offers a match, which does not exist yet. As the Matchee, Accept or Decline it. As the
// Matcher, wait: after an Ended of this match the request goes on.
type Offered struct {
	ID string `json:"id,omitempty"` // for the Matcher, of its Match
	// Request is the ID of the request that is offered, if that is not the Match that this
	// answers. The Client yields only frames without it.
	Request   string  `json:"request,omitempty"`
	Match     string  `json:"match"`     // the match's id
	Role      string  `json:"role"`      // this member's: Matcher or Matchee
	ExpiresAt int64   `json:"expiresAt"` // until when the Matchee can accept, epoch ms
	Distance  float64 `json:"distance"`  // metres at most between the request's point and the Matchee
}

// WelcomeOffer is the offer that stands, as Offered has it.
type WelcomeOffer struct {
	Match     string  `json:"match"`
	Role      string  `json:"role"`
	ExpiresAt int64   `json:"expiresAt"`
	Distance  float64 `json:"distance"`
}

// Matched begins a match.
type Matched struct {
	ID string `json:"id,omitempty"`
	// Request is the ID of the request that led to the match, if that is not the Match that
	// this answers. The Client returns and yields only frames without it.
	Request string `json:"request,omitempty"`
	Match   string `json:"match"` // the match's id
	Role    string `json:"role"`  // this member's: Matcher or Matchee
	Peer    Peer   `json:"peer"`
	Report  Report `json:"report"`
}

// LocationFrame is the peer's newest location. The server pushes it to the
// matcher, and with Share of the Match to the matchee, and answers Locate with it.
type LocationFrame struct {
	ID    string  `json:"id,omitempty"`
	Match string  `json:"match"` // the match's id
	Lat   float64 `json:"lat"`   // degrees
	Lng   float64 `json:"lng"`   // degrees
	At    int64   `json:"at"`    // when it was measured, epoch ms
	Seq   int64   `json:"seq"`   // orders locations with the same At
	Motion
	Points []Fix `json:"points,omitempty"` // where it was before, as far as not pushed, oldest first
}

// PeerFrame says that the other member of the match is away, or back.
type PeerFrame struct {
	Match string `json:"match"` // the match's id
	PeerPresence
}

// Ended ends a match, or a request where Match is "". With reason Lost the
// client may have made it; see the package comment.
type Ended struct {
	ID       string    `json:"id,omitempty"`
	Match    string    `json:"match,omitempty"` // the match's id, or ""
	Reason   string    `json:"reason"`          // such as Completed
	Unlisted *Unlisted `json:"unlisted,omitempty"`
}

// Said is what the other member of the match said. With an ID it answers Say, and has no Data.
type Said struct {
	ID    string          `json:"id,omitempty"`
	Match string          `json:"match"`          // the match's id
	Data  json.RawMessage `json:"data,omitempty"` // JSON of a stranger: nobody has checked it
}

// NearbyFrame says how many members are available around the member's last location.
type NearbyFrame struct {
	ID    string      `json:"id,omitempty"`
	Cells []CellCount `json:"cells"` // those with at least 3, by name
}

// CellCount is how many available members a cell has.
type CellCount struct {
	Cell  string `json:"cell"` // of H3, resolution 6
	Count int    `json:"count"`
}

// ErrorFrame refuses a message. A call of the client that waits for its answer
// returns it as an *Error instead.
type ErrorFrame struct {
	ID        string `json:"id,omitempty"`
	Code      Code   `json:"code"`
	Message   string `json:"message"`       // what was wrong and what is allowed
	Retryable bool   `json:"retryable"`     // the same message may succeed later
	Now       int64  `json:"now,omitempty"` // with CodeStale the server's time, epoch ms
	// RetryAfter, with CodeRateLimited, is for how many seconds the same message is refused.
	RetryAfter float64 `json:"retryAfter,omitempty"`
}

// Unknown is a frame of a type that this package does not know: one of a newer
// server, or, where Type is "", one of API Gateway's own.
type Unknown struct {
	Type string
	Raw  json.RawMessage // the whole frame
}

// The two roles in a match.
const (
	Matcher = "matcher" // the member who asked
	Matchee = "matchee" // the member who was found
)

// Why a match or a request ended. End takes the first two.
const (
	Completed = "completed"
	Cancelled = "cancelled"
	Declined  = "declined"
	Expired   = "expired"
	Left      = "left" // one of the members was away for too long
	// Lost says that the true reason is not known: the server could not keep
	// the match, or the client found that it was over.
	Lost = "lost"
)

// EndedEarly is the reason of an Unlisted: the member ended too many matches soon after their
// start.
const EndedEarly = "ended_early"

// A Code names a kind of refusal.
type Code string

// The codes of protocol v1.
const (
	CodeInvalidMessage  Code = "invalid_message"
	CodeUnknownAction   Code = "unknown_action"
	CodeUnauthenticated Code = "unauthenticated"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeStale           Code = "stale"
	CodeReplaced        Code = "replaced"
	CodeTooLarge        Code = "too_large"
	CodeRateLimited     Code = "rate_limited"
	CodeForbidden       Code = "forbidden"
	CodeUnavailable     Code = "unavailable"
	CodeInternal        Code = "internal"
)

// FrameType implements Frame.
func (*Welcome) FrameType() string       { return "welcome" }
func (*Pong) FrameType() string          { return "pong" }
func (*Ack) FrameType() string           { return "ack" }
func (*Waiting) FrameType() string       { return "waiting" }
func (*NoMatch) FrameType() string       { return "no_match" }
func (*Offered) FrameType() string       { return "offered" }
func (*Matched) FrameType() string       { return "matched" }
func (*LocationFrame) FrameType() string { return "location" }
func (*PeerFrame) FrameType() string     { return "peer" }
func (*Ended) FrameType() string         { return "ended" }
func (*Said) FrameType() string          { return "said" }
func (*NearbyFrame) FrameType() string   { return "nearby" }
func (*ErrorFrame) FrameType() string    { return "error" }
func (u *Unknown) FrameType() string     { return u.Type }
