package protocol

import "encoding/json"

// A Frame is what the server sends: one of the types below. Encode writes its
// "type" first.
type Frame interface{ frameType() string }

// Why a match or a request ended. What is lost, because one half of a match is gone, is
// decided in internal/match/repair.go, and in end.go if an end finds nothing to end.
const (
	ReasonCompleted = "completed"
	ReasonCancelled = "cancelled"
	ReasonLost      = "lost"
	ReasonDeclined  = "declined"
	ReasonExpired   = "expired"
	ReasonLeft      = "left" // one of the members was away for longer than the grace time
)

// The states of a Peer.
const (
	PeerAway = "away"
	PeerBack = "back"
)

// Why the position of a report was not taken. internal/store/scripts/member/report.lua decides.
const (
	PositionInaccurate = "inaccurate"   // its accuracy is worse than the pool allows
	PositionJump       = "jump"         // nobody comes there so fast: a second report is needed
	PositionLate       = "late"         // a newer one, or the same, was there before
	PositionStale      = "stale"        // it is older than the location TTL
	PositionLimited    = "rate_limited" // too many reports
)

// The two sides of a match.
const (
	RoleMatcher = "matcher"
	RoleMatchee = "matchee"
)

// Report says when the next location is wanted: after so many seconds or so
// many metres, whichever comes first.
type Report struct {
	AfterSeconds float64 `json:"afterSeconds"`
	MoveMeters   float64 `json:"moveMeters"`
}

// Welcome answers hello; at most one of Match, Offer and Request is there.
type Welcome struct {
	ID        string          `json:"id,omitempty"`
	Member    string          `json:"member"`
	Pool      string          `json:"pool"`
	Protocol  int             `json:"protocol"`
	Now       int64           `json:"now"`       // epoch ms
	ExpiresAt int64           `json:"expiresAt"` // of the session, epoch ms
	Report    Report          `json:"report"`
	Available bool            `json:"available"`        // what the member last said of it, or else the pool's default
	Tags      []string        `json:"tags"`             // likewise; never nil
	Server    string          `json:"server,omitempty"` // the version of the server, "" if unknown
	Match     *WelcomeMatch   `json:"match,omitempty"`
	Offer     *WelcomeOffer   `json:"offer,omitempty"`
	Request   *WelcomeRequest `json:"request,omitempty"`
	Unlisted  *Unlisted       `json:"unlisted,omitempty"`
}

// WelcomeMatch is the match under way.
type WelcomeMatch struct {
	Match string `json:"match"`
	Role  string `json:"role"`
	State string `json:"state"` // "active"
	Peer  Peer   `json:"peer"`
	// Presence is what the last PeerFrame says, nil if the peer was never away.
	Presence *PeerPresence `json:"presence,omitempty"`
}

// WelcomeOffer is the offer that stands, as Offered has it.
type WelcomeOffer struct {
	Match     string  `json:"match"`
	Role      string  `json:"role"`
	ExpiresAt int64   `json:"expiresAt"` // epoch ms
	Distance  float64 `json:"distance"`  // metres at most
}

// WelcomeRequest is the request under way; ID is the match message's.
type WelcomeRequest struct {
	ID        string  `json:"id,omitempty"`
	Radius    float64 `json:"radius"`
	ExpiresAt int64   `json:"expiresAt"`
}

// Peer is the other side of a match: its last location and its token's card.
// For the matchee it is the request's fixed point, unless the matcher shares its moves.
type Peer struct {
	Lat      float64         `json:"lat"`
	Lng      float64         `json:"lng"`
	At       int64           `json:"at"`
	Distance float64         `json:"distance"` // metres, from the request's point
	Card     json.RawMessage `json:"card,omitempty"`
}

// Pong answers ping.
type Pong struct {
	ID  string `json:"id,omitempty"`
	Now int64  `json:"now"`
}

// Ack answers a location that has an id, or brings new reporting advice. What it does not say
// was taken as it was sent.
type Ack struct {
	ID       string `json:"id,omitempty"`
	Report   Report `json:"report"`
	Position string `json:"position,omitempty"` // why the position was not taken
	Taken    *int   `json:"taken,omitempty"`    // how many points of a batch count; nil: it was none
	// Available and Tags are what stands, if that is not what this message said.
	Available *bool     `json:"available,omitempty"`
	Tags      *[]string `json:"tags,omitempty"`
	Now       int64     `json:"now,omitempty"` // the server's time, epoch ms, for a clock that is off
	Unlisted  *Unlisted `json:"unlisted,omitempty"`
}

// Unlisted says until when nobody can find the member, and why.
type Unlisted struct {
	Until  int64  `json:"until"` // epoch ms
	Reason string `json:"reason"`
}

// ReasonEndedEarly is that of a member who has ended too many matches soon after their start.
const ReasonEndedEarly = "ended_early"

// Waiting says that the request stays open until ExpiresAt.
type Waiting struct {
	ID        string `json:"id,omitempty"`
	Request   string `json:"request,omitempty"` // the open one, if the message with the ID has not opened it
	ExpiresAt int64  `json:"expiresAt"`
}

// NoMatch ends a request that found nobody.
type NoMatch struct {
	ID     string  `json:"id,omitempty"`
	Radius float64 `json:"radius"`
}

// Offered asks the matchee whether it accepts a match, and tells the matcher that it is asked.
type Offered struct {
	ID        string  `json:"id,omitempty"`
	Request   string  `json:"request,omitempty"` // the one that is offered, if the message with the ID has not opened it
	Match     string  `json:"match"`
	Role      string  `json:"role"`
	ExpiresAt int64   `json:"expiresAt"` // epoch ms
	Distance  float64 `json:"distance"`  // metres at most between the request's point and the matchee
}

// Matched begins a match.
type Matched struct {
	ID      string `json:"id,omitempty"`
	Request string `json:"request,omitempty"` // the one that led to the match, if the message with the ID has not opened it
	Match   string `json:"match"`
	Role    string `json:"role"`
	Peer    Peer   `json:"peer"`
	Report  Report `json:"report"`
}

// A LocationFrame is the peer's newest location: pushed to those who follow it, and the
// answer to locate.
type LocationFrame struct {
	ID    string  `json:"id,omitempty"`
	Match string  `json:"match"`
	Lat   float64 `json:"lat"`
	Lng   float64 `json:"lng"`
	At    int64   `json:"at"`
	Seq   int64   `json:"seq"`
	Motion
	Points []Fix `json:"points,omitempty"` // those before it that were not pushed, oldest first
}

// A PeerFrame says that the other member of the match is away, or back.
type PeerFrame struct {
	Match string `json:"match"`
	PeerPresence
}

// A PeerPresence is since when the peer is away, or back. One with an earlier Since is out of date.
type PeerPresence struct {
	State string `json:"state"` // PeerAway or PeerBack
	Since int64  `json:"since"` // epoch ms
}

// Ended ends a match, or a request where Match is "".
type Ended struct {
	ID       string    `json:"id,omitempty"`
	Match    string    `json:"match,omitempty"`
	Reason   string    `json:"reason"`
	Unlisted *Unlisted `json:"unlisted,omitempty"`
}

// Said is what the other member of a match said. With an ID and without Data it answers Say.
type Said struct {
	ID    string          `json:"id,omitempty"`
	Match string          `json:"match"`
	Data  json.RawMessage `json:"data,omitempty"`
}

// A NearbyFrame has the available members of each shard cell around the caller that has enough.
type NearbyFrame struct {
	ID    string      `json:"id,omitempty"`
	Cells []CellCount `json:"cells"` // by name; never nil
}

// A CellCount is how many members a cell has.
type CellCount struct {
	Cell  string `json:"cell"` // of H3, in hex
	Count int    `json:"count"`
}

// An Error answers a message that the server refuses or cannot serve.
type Error struct {
	ID        string `json:"id,omitempty"`
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	Retryable bool   `json:"retryable"`
	Now       int64  `json:"now,omitempty"` // with CodeStale, epoch ms
	// RetryAfter, with CodeRateLimited, is for how many seconds the same message is refused.
	RetryAfter float64 `json:"retryAfter,omitempty"`
}

// A Code names a kind of error on the wire.
type Code string

// The codes of protocol v1. internal/handler/errors.go says which error gets which;
// docs/architecture.md says how to add one.
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

// NewError returns the answer to the message with this id. The id is "" where
// the message has none or none that could be read. The text is for the client:
// what was wrong and what is allowed. Retryable is the code's default.
func NewError(code Code, id, message string) *Error {
	return &Error{ID: id, Code: code, Message: message, Retryable: DefaultRetryable(code)}
}

// DefaultRetryable says whether the same message may succeed later, as far as
// the code alone can say. A caller that knows better sets Error.Retryable:
// waiting does not help against a conflict with a match under way.
func DefaultRetryable(code Code) bool {
	return code == CodeRateLimited || code == CodeUnavailable || code == CodeInternal
}

func (*Welcome) frameType() string       { return "welcome" }
func (*Pong) frameType() string          { return "pong" }
func (*Ack) frameType() string           { return "ack" }
func (*Waiting) frameType() string       { return "waiting" }
func (*NoMatch) frameType() string       { return "no_match" }
func (*Offered) frameType() string       { return "offered" }
func (*Matched) frameType() string       { return "matched" }
func (*LocationFrame) frameType() string { return "location" }
func (*PeerFrame) frameType() string     { return "peer" }
func (*Ended) frameType() string         { return "ended" }
func (*Said) frameType() string          { return "said" }
func (*NearbyFrame) frameType() string   { return "nearby" }
func (*Error) frameType() string         { return "error" }
