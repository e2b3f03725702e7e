package match

import "errors"

// ErrUnavailable is an error of the cache: what was asked may have been done or
// not, and may be asked again.
var ErrUnavailable = errors.New("the cache cannot be reached")

// ErrConnectionGone is a Pusher's word that a connection is no more.
var ErrConnectionGone = errors.New("the connection is gone")

// A Kind of fault decides how it is answered.
type Kind int

// The kinds.
const (
	Invalid     Kind = iota + 1 // the message asks for what no message may
	Forbidden                   // this member may not
	NotFound                    // there is no such match or request
	Conflict                    // not as things stand
	Stale                       // the report is older than the location TTL
	RateLimited                 // too often
	Replaced                    // a newer connection of the member is there
	Gone                        // the connection has disconnected: nobody to answer
)

// A Fault is a message that cannot be done, in words for who sent it.
type Fault struct {
	Kind Kind
	Text string
	// Retryable tells a conflict that passes by itself.
	Retryable bool
	Now       int64 // with Stale: the server's time, epoch ms
}

// Error implements error.
func (f *Fault) Error() string { return f.Text }

func fault(kind Kind, text string) error { return &Fault{Kind: kind, Text: text} }
