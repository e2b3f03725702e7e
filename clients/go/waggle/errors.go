package waggle

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

var (
	// ErrReplaced ends a client when a newer connection of its member has taken
	// over. It does not connect again, since two clients would replace each other
	// for ever.
	ErrReplaced = errors.New("waggle: replaced: the member has connected elsewhere")
	// ErrClosed is returned by calls on a closed client.
	ErrClosed = errors.New("waggle: the client is closed")
	// ErrOffline is returned by Report while there is no connection. The client keeps the
	// position and sends it with a later report, but not what the report says of Available
	// and Tags.
	ErrOffline = errors.New("waggle: not connected at the moment")
)

// An Error is the server's refusal of a call.
type Error struct {
	Code      Code
	Message   string // what was wrong and what is allowed
	Retryable bool   // the same call can succeed later
	// RetryAfter, with CodeRateLimited, is how long the same call is refused.
	RetryAfter time.Duration
}

func newError(f *ErrorFrame) *Error {
	return &Error{Code: f.Code, Message: f.Message, Retryable: f.Retryable, RetryAfter: time.Duration(f.RetryAfter * float64(time.Second))}
}

func (e *Error) Error() string { return fmt.Sprintf("waggle: %s: %s", e.Code, e.Message) }

func isRefusal(err error, code Code) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Code == code
}

// A HandshakeError is the server's refusal of a connection. With status 409 the
// member has a newer connection, and errors.Is finds ErrReplaced in it.
type HandshakeError struct {
	Status int    // the HTTP status
	Body   string // the first 200 bytes of the response's body
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

// Is implements errors.Is: status 409 is an ErrReplaced.
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
