// Package waggle is the Go client of Waggle: realtime matching by place.
//
// Most programs need Connect, which returns a Client. Report says where the
// member is, Match asks for the nearest available member, and Events (or Next)
// yields what the server pushes. The client says hello on every connection,
// connects again when a connection drops, resumes the match or request under
// way, sends keep-alives, and drops frames that the server repeats.
//
// It guarantees four things:
//
//   - A call that waits for an answer survives a reconnect, and the loss of the
//     answer. The client sends the message again under the same id, and the
//     server executes it once.
//   - A frame that answers a waiting call is returned by that call. It is not
//     an event too. A call never returns the answer to another one.
//   - After a Matched comes exactly one Ended of that match, as an event or from
//     End, unless the client is closed first.
//   - When Close has returned, no goroutine of the client is left.
//
// A match or request can end while the client is offline, and the frame that
// says so can be lost. The client notices when a Welcome no longer names it, and
// then makes an Ended itself. Its reason is Lost, since the true one is not known.
//
// A Welcome without an ID comes unasked: the server has lost or doubts what it knew of the
// session. What it does not name is over: a match with an Ended for reason Lost, a request
// with a NoMatch, whose Radius is 0 if the client does not know it.
//
// Dial returns a Conn, which is one connection and its frames as they are.
// EncodeMessage and DecodeFrame go with it.
package waggle

import (
	"context"
	"net/http"
	"time"
)

// Options are how Connect and Dial connect. URL and Token are required.
type Options struct {
	// URL of the WebSocket API, ws:// or wss://.
	URL string
	// Token returns the member's JWT. The client calls it before every
	// connection, so that it never sends an expired token.
	Token func(context.Context) (string, error)
	// HTTPClient makes the handshake. Nil: http.DefaultClient.
	HTTPClient *http.Client
	// Backoff is the wait before each attempt to connect again. Zero: 250 ms to 20 s.
	Backoff Backoff
	// Grace is the pool's grace time. Matches pass over a waiting request whose
	// member has been silent for longer; a match does not end by silence. During
	// a match, a request or a call, the client sends something at least every
	// third of Grace. Zero: a minute, which is the default of pools. A message that
	// gets no answer is sent again after 5 s.
	Grace time.Duration
	// OnFrame gets every frame sent and received, in order for each direction.
	// It runs where the connection is read and written, so it must be quick. It
	// never runs twice at once for one direction, and must not keep raw.
	OnFrame func(dir Direction, raw []byte, at time.Time)
	// OnConnect runs after each handshake, before the first frame is sent. It
	// must be quick.
	OnConnect func(at time.Time)
	// OnDisconnect runs when a connection is gone, after its last frame. closed
	// tells whether Close closed it. It must be quick.
	OnDisconnect func(closed bool, at time.Time)
	// OnDrop gets why a connection or an attempt failed, and how long the client
	// waits before the next attempt. It must be quick.
	OnDrop func(err error, retryIn time.Duration)
}

// A Direction is the way that a frame goes.
type Direction int

// The two directions.
const (
	Sent     Direction = iota // from the client to the server
	Received                  // from the server to the client
)
