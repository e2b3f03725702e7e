package waggle

import (
	"errors"
	"fmt"
	"net/http"
)

var (
	// ErrReplaced ends a client whose member has connected elsewhere. It does
	// not connect again: two clients would throw each other out for ever.
	ErrReplaced = errors.New("waggle: replaced: the member has connected elsewhere")
	// ErrClosed is what calls on a closed client return.
	ErrClosed = errors.New("waggle: the client is closed")
	// ErrOffline is what Report returns while there is no connection: a
	// location is not kept, since by then a newer one is known.
	ErrOffline = errors.New("waggle: not connected at the moment")
)

// An Error is the server's refusal of a call.
type Error struct {
	Code      Code
	Message   string // what was wrong and what is allowed
	Retryable bool   // the same call may succeed later
}

func (e *Error) Error() string { return fmt.Sprintf("waggle: %s: %s", e.Code, e.Message) }

// A HandshakeError is a connection refused by the server. With 409, where a
// newer connection of the member is there, it is an ErrReplaced too.
type HandshakeError struct {
	Status int    // the HTTP status
	Body   string // the beginning of what came with it
}

func (e *HandshakeError) Error() string {
	s := fmt.Sprintf("waggle: connection refused: %d %s", e.Status, http.StatusText(e.Status))
	switch e.Status {
	case http.StatusUnauthorized:
		return s + ": the token is missing"
	case http.StatusForbidden:
		return s + ": the token is not valid here"
	case http.StatusConflict:
		return s + ": the member has connected elsewhere"
	}
	if e.Body != "" {
		s += ": " + e.Body
	}
	return s
}

// Is makes a 409 an ErrReplaced.
func (e *HandshakeError) Is(target error) bool {
	return target == ErrReplaced && e.Status == http.StatusConflict
}

// final reports whether connecting again cannot help.
func final(err error) bool {
	if errors.Is(err, ErrReplaced) {
		return true
	}
	var refused *HandshakeError
	return errors.As(err, &refused) &&
		(refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden)
}
