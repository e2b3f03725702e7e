// Package protocol is Waggle's wire protocol v1: JSON text frames over one
// WebSocket.
//
// It is the server's side: Decode reads what a client sends, and Encode writes
// what the server answers. Reading is strict, since the server stores what it
// accepts and matches on it. The client's side is clients/go/waggle; a test in
// test/wire holds the two together.
//
// docs/protocol.md describes the protocol for authors of clients. Its examples
// are the files in testdata, which the tests hold to this package.
package protocol

// Names and limits of protocol v1.
const (
	// Version is what a Welcome carries.
	Version = 1
	// Subprotocol is the WebSocket subprotocol that the server selects, and
	// BearerPrefix begins the one that carries the token, "bearer.<JWT>".
	Subprotocol  = "waggle.v1"
	BearerPrefix = "bearer."
	// MaxMessageBytes is the size of the largest message a client may send.
	MaxMessageBytes = 16 * 1024
	// DefaultRadius is a Match's radius when it names none, in metres.
	DefaultRadius = 3000
)

// Limits of single fields, in characters or entries.
const (
	maxID    = 64
	maxTags  = 16
	maxTag   = 32
	maxDepth = 32        // nested arrays and objects in one message
	maxInt   = 1<<53 - 1 // the largest integer that every JSON reader keeps
)
