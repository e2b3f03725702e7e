// Package protocol is Waggle's wire protocol v1: JSON text frames over one
// WebSocket.
//
// It is the server's side: Decode reads what a client sends, and Encode writes
// what the server answers. Decode is strict, since the server stores and matches
// what a message says. The client's side is clients/go/waggle; a test in test/wire
// holds the two together.
//
// Each message and each frame is a struct, and the struct is the only
// description of it: to add a field, add a line to the struct. Then add it to a
// golden file in testdata and to docs/protocol.md, which describes the protocol
// for authors of clients. Tests hold both to this package.
package protocol

// Names and limits of protocol v1.
const (
	// Version is the version in a Welcome.
	Version = 1
	// Subprotocol is the WebSocket subprotocol that the server selects, and
	// BearerPrefix begins the one that carries the token, "bearer.<JWT>".
	Subprotocol  = "waggle.v1"
	BearerPrefix = "bearer."
	// MaxMessageBytes is the size of the largest message a client may send.
	MaxMessageBytes = 16 * 1024
	// DefaultRadius is a Match's radius when it names none, in metres.
	DefaultRadius = 3000

	maxDepth = 32 // nested arrays and objects in one message
)
