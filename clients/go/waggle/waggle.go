// Package waggle is the Go client of Waggle: realtime matching by place.
//
// Connect returns a Client, which is what most programs need: it says hello on
// every connection, so that a match or request under way is resumed, connects
// again when the socket drops, keeps a match or request alive, and drops what
// the server repeats. Report tells where the member is, Match asks for the
// nearest other one, and Events (or Next) gives what the server pushes.
//
// Four guarantees: a call that waits for an answer survives reconnects, and the
// loss of that answer, since it is sent again under the same id, which the server
// serves once; a frame that answers a waiting call is returned by that call and is
// not an event too; a match that was told of is followed by one *Ended, from the
// events or from End, unless the client ends first; and when Close has returned,
// no goroutine of the client is left.
//
// A match or request that was over before the client was back, or whose end was
// lost on the way, is noticed when the server no longer knows of it. The client
// then makes an *Ended itself, with reason Lost: how it really ended is not
// known.
//
// Dial gives a Conn instead: one socket and its frames as they are.
package waggle

import (
	"context"
	"net/http"
	"time"
)

// Options say where and as whom to connect. URL and Token are required.
type Options struct {
	// URL of the WebSocket API, ws:// or wss://.
	URL string
	// Token gives the member's JWT. It is asked before every connection, so
	// that a reconnect never offers an expired one.
	Token func(context.Context) (string, error)
	// HTTPClient makes the handshake; nil: http.DefaultClient.
	HTTPClient *http.Client
	// Backoff between attempts to connect again; zero: 250 ms to 20 s.
	Backoff Backoff
	// Grace is the pool's: a request whose member has been silent for longer
	// is passed over when somebody who fits comes near. A match stays, however
	// silent its members. While matched or waiting, or while a call waits for
	// its answer, the client sends something at least every third of it. Zero:
	// a minute, the pools' default.
	Grace time.Duration
	// OnFrame sees every raw frame sent or received, in order for each
	// direction. It is called where the socket is read and written, so it must
	// be quick, and is not called twice at once for the same direction. The
	// bytes are not to be kept.
	OnFrame func(dir Direction, raw []byte, at time.Time)
	// OnConnect hears of each connection, before its first frame is sent.
	OnConnect func(at time.Time)
	// OnDisconnect hears that it is gone, after its last frame: closed is whether
	// by Close. Both must be quick.
	OnDisconnect func(closed bool, at time.Time)
	// OnDrop hears why the connection was lost and when the next attempt
	// comes. It must be quick.
	OnDrop func(err error, retryIn time.Duration)
}

// A Direction is the way of a frame.
type Direction int

// The two ways.
const (
	Sent     Direction = iota // from the client
	Received                  // from the server
)
