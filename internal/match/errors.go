package match

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnavailable is an error of the cache. The step may have been done or not, and the
// message may be sent again.
var ErrUnavailable = errors.New("the cache cannot be reached")

// ErrNotDone is an ErrUnavailable of a step that was certainly not done: the cache refused it, or a
// connection.
var ErrNotDone = fmt.Errorf("%w: the step was not done", ErrUnavailable)

// ErrConnectionGone is the error of a Pusher for a connection that does not exist.
var ErrConnectionGone = errors.New("the connection is gone")

// A Kind is the kind of a fault. It decides the error code that the client gets.
type Kind int

// The kinds.
const (
	Invalid     Kind = iota + 1 // no member may send this
	Forbidden                   // this member may not send this
	NotFound                    // there is no such match or request
	Conflict                    // not in the member's present state
	Stale                       // the report is older than the location TTL
	RateLimited                 // too many messages, or too many of this kind
	KeepOut                     // too many of them: the connection is to be closed
	Replaced                    // a newer connection of the member is there
	Gone                        // the connection has disconnected: there is no reply
	Expired                     // the session has outlived its token
)

// A Fault is the error of a message that cannot be done.
type Fault struct {
	Kind Kind
	Text string // for the sender
	// Retryable says that a conflict will pass without another message.
	Retryable bool
	Now       int64 // with Stale: the server's time, epoch ms
	// RetryAfter, with RateLimited and KeepOut, is how long the same message would be refused.
	RetryAfter time.Duration
}

// Error implements error.
func (f *Fault) Error() string { return f.Text }

// SessionExpired returns the fault of a message that comes after the expiry of its session.
func SessionExpired() error {
	return fault(Expired, "the session has expired: connect with a fresh token")
}

func fault(kind Kind, text string) error { return &Fault{Kind: kind, Text: text} }
