package waggle

import (
	"context"
	"slices"
	"sync"
)

// maxQueued is how many unread events are kept. A program that reads none misses the
// oldest ones that do not say how things stand, and then the oldest of all. The calls
// that wait for answers still get them.
const maxQueued = 1024

// A queue holds the unread events.
type queue struct {
	mu     sync.Mutex
	events []Frame
	end    error         // set when no more events will come
	ready  chan struct{} // holds a token when events or end were added
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

// put appends an event. A location of the peer replaces an unread one before it.
func (q *queue) put(f Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at, ok := f.(*LocationFrame); ok {
		if n := len(q.events); n > 0 {
			if last, ok := q.events[n-1].(*LocationFrame); ok && last.Match == at.Match {
				q.events[n-1] = f
				return
			}
		}
	}
	if len(q.events) == maxQueued {
		oldest := max(0, slices.IndexFunc(q.events, expendable))
		q.events = slices.Delete(q.events, oldest, oldest+1)
	}
	q.events = append(q.events, f)
	q.wake()
}

// expendable reports whether a program that misses the event still knows its match and request.
func expendable(f Frame) bool {
	switch f.(type) {
	case *Welcome, *Matched, *Ended, *NoMatch:
		return false
	}
	return true
}

// finish ends the queue. The events in it can still be read.
func (q *queue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end = err
	q.wake()
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) next(ctx context.Context) (Frame, error) {
	for {
		q.mu.Lock()
		if len(q.events) > 0 {
			f := q.events[0]
			q.events = q.events[1:]
			if len(q.events) > 0 {
				q.wake() // for another reader
			}
			q.mu.Unlock()
			return f, nil
		}
		if q.end != nil {
			q.wake()
			q.mu.Unlock()
			return nil, q.end
		}
		q.mu.Unlock()
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
