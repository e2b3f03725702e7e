package waggle

import "waggle/internal/protocol"

// What a client sends. Degrees are WGS84, and an ID, of at most 64 characters
// or "", comes back on every answer.
type (
	// Location is a report of where the member is: ID; Lat (at most 85 either
	// way) and Lng, degrees; At, when the fix was taken, epoch ms, nil for on
	// arrival; Seq, which breaks ties of At; Accuracy, metres, Heading, degrees
	// from north, and Speed, m/s, each nil for unknown; Available and Tags, nil
	// for as last said.
	Location = protocol.Location
	// Match asks for the nearest available member: ID; Radius, metres, 100 to
	// 20000, 0 for 3000; Point, nil for the own last location; Tags, all of
	// which it must have; Wait, seconds that the request stays open, 0 to 600.
	Match = protocol.Match
	// Point is a place: Lat and Lng, degrees.
	Point = protocol.Point
)

// What the server pushes. A Frame is a pointer to one of the types after it.
// Where it has an ID, it is that of the message it is about, or "".
type (
	Frame = protocol.Frame
	// Welcome answers hello: ID; Member; Pool; Protocol, which is 1; Now and
	// ExpiresAt, of the session, epoch ms; Report; and what is under way: Match,
	// or Request, or neither, each nil where it is not.
	Welcome = protocol.Welcome
	// Pong answers ping: ID; Now, the server's time, epoch ms.
	Pong = protocol.Pong
	// Ack is the answer to a location with an id, or tells of new advice: ID;
	// Report.
	Ack = protocol.Ack
	// Waiting says that a request is open: ID; ExpiresAt, until when, epoch ms.
	Waiting = protocol.Waiting
	// NoMatch ends a request that found nobody: ID; Radius, metres.
	NoMatch = protocol.NoMatch
	// Matched begins a match: ID; Match, its id; Role, Matcher or Matchee;
	// Peer; Report.
	Matched = protocol.Matched
	// LocationFrame is where the peer is: ID, where it answers Locate; Match;
	// Lat and Lng, degrees; At, epoch ms, and Seq, its order; Accuracy, metres,
	// Heading, degrees from north, and Speed, m/s, each nil for unknown.
	LocationFrame = protocol.LocationFrame
	// Ended ends a match, or a request where Match is "": ID; Match; Reason,
	// such as Completed. With Lost it may be one that the client made.
	Ended = protocol.Ended
	// ErrorFrame is a refusal that answers no waiting call (what answers one is
	// returned by it as an *Error): ID; Code; Message; Retryable; Now, the
	// server's time with CodeStale, epoch ms.
	ErrorFrame = protocol.Error
	// Unknown is a frame of a type that this package does not know: Type, "" for
	// one that is none of Waggle's; Raw, its JSON.
	Unknown = protocol.Unknown
)

// What is in frames.
type (
	// WelcomeMatch is the match under way: Match, its id; Role, Matcher or
	// Matchee; State, "active"; Peer.
	WelcomeMatch = protocol.WelcomeMatch
	// WelcomeRequest is the open request: ID, of its message; Radius, metres;
	// ExpiresAt, epoch ms.
	WelcomeRequest = protocol.WelcomeRequest
	// Peer is the other side: Lat and Lng, degrees, and At, epoch ms, of its
	// last location, for the matchee of the request's fixed point; Distance,
	// metres, from that point; Card, the JSON in its token, or nil.
	Peer = protocol.Peer
	// Report is the advice on when to report next: AfterSeconds after the last
	// report, or MoveMeters away from it, whichever comes first.
	Report = protocol.Report
	// Code names a kind of refusal.
	Code = protocol.Code
)

// The two sides of a match.
const (
	Matcher = protocol.RoleMatcher // asked
	Matchee = protocol.RoleMatchee // was found
)

// Why a match or request ended. End takes the first two.
const (
	Completed = protocol.ReasonCompleted
	Cancelled = protocol.ReasonCancelled
	Declined  = protocol.ReasonDeclined
	Expired   = protocol.ReasonExpired
	Left      = protocol.ReasonLeft
	// Lost is where the server could not keep it, or where the client found
	// it gone, for a reason that is not known.
	Lost = protocol.ReasonLost
)

// What Error.Code can be.
const (
	CodeInvalidMessage  = protocol.CodeInvalidMessage
	CodeUnknownAction   = protocol.CodeUnknownAction
	CodeUnauthenticated = protocol.CodeUnauthenticated
	CodeNotFound        = protocol.CodeNotFound
	CodeConflict        = protocol.CodeConflict
	CodeStale           = protocol.CodeStale
	CodeReplaced        = protocol.CodeReplaced
	CodeTooLarge        = protocol.CodeTooLarge
	CodeRateLimited     = protocol.CodeRateLimited
	CodeForbidden       = protocol.CodeForbidden
	CodeUnavailable     = protocol.CodeUnavailable
	CodeInternal        = protocol.CodeInternal
)
