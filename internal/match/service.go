// Package match is the domain: members, their locations, their requests and their
// matches. Service has one method for each message. A match is made in the order
// request, search, claim, commit, confirm, notify: read request.go, attempt.go and
// search.go. Requests that stay open are in waiting.go. Repairs of what another process
// left half done are in repair.go.
//
// The route of the matcher is the commit record of a match. A match exists exactly while
// that route is active and names the matchee, and the matchee's claim has the match's
// id. So a match needs two slots and no lock. A process that finds only one half reads the
// other, and finishes or undoes the match.
package match

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// A Pusher sends frames to connections, and closes them. Both methods return
// ErrConnectionGone if there is no such connection.
type Pusher interface {
	Push(ctx context.Context, connection string, f protocol.Frame) error
	Close(ctx context.Context, connection string) error
}

// Service serves the messages of members. It has no state except what the Store keeps, and
// is safe for concurrent use.
//
// An error is a *Fault if the message cannot be done: Replaced or Gone if it is from a
// connection that is not the member's current one, else as the method says. Any other error
// is the Store's or Sleep's.
type Service struct {
	Store Store
	Push  Pusher
	// Timers is nil if there are none.
	Timers Timers
	// Bus is nil if the application gets no events. Else the Store must write them.
	Bus   Bus
	Pools pool.Pools
	// NewID returns an id that was never used before.
	NewID func() string
	Now   func() time.Time
	// Sleep pauses, as the function Sleep does.
	Sleep func(context.Context, time.Duration) error
	Log   *slog.Logger
	// Version is the server's, as members are told it, "" if unknown.
	Version string
	// Partners are nil if none are to be remembered.
	Partners *Partners
	// Measure gets the figures of each message once its work is done. nil: nobody measures.
	Measure func(Figures)
}

// A Result has the replies to a message and the work that is left to do. Call Deliver even if
// the method returned an error too.
type Result struct {
	// Replies are for the caller, in order. The last one answers the message. Others may
	// precede it, such as the no_match of an earlier request.
	Replies []protocol.Frame
	work    *work
}

// Deliver passes the replies to reply while other members are notified. reply returns whether the
// push succeeded: only then the store notes that the caller was told. Then Deliver does the work
// that nobody waits for, and returns the error of that work.
func (r Result) Deliver(ctx context.Context, reply func(context.Context, protocol.Frame) bool) error {
	if r.work == nil {
		return nil
	}
	r.work.push(ctx, r.work.others, r.work.replies, reply)
	var errs []error
	for _, do := range r.work.rest {
		errs = append(errs, do(ctx))
	}
	r.work.makeAttempts(ctx)
	r.work.publish(ctx)
	if r.work.Measure != nil {
		r.work.count(func(f *Figures) { r.work.Measure(*f) })
	}
	return errors.Join(errs...)
}

// Answer takes the last reply out of the result, and returns it, if it may reach the caller in any way:
// it is an ack or a pong, and the store does not note whether it was sent. Else it returns nil.
func (r *Result) Answer() protocol.Frame {
	last := len(r.Replies) - 1
	if last < 0 || len(r.work.replies[last].marks) > 0 {
		return nil
	}
	answer := r.Replies[last]
	switch answer.(type) {
	case *protocol.Ack, *protocol.Pong:
		r.Replies, r.work.replies = r.Replies[:last], r.work.replies[:last]
		return answer
	}
	return nil
}

// Sleep returns nil after d. If the context ends first, it returns an error that wraps
// ErrUnavailable and the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.Join(ErrUnavailable, ctx.Err())
	}
}

// Notify pushes a frame to a member's connection, and returns whether that succeeded. "" is no
// connection. A failed push is logged. A connection that is gone is disconnected in the store,
// unless it is so new that the push may have overtaken its connect: then Notify pushes once more,
// after a pause. The client of an expired session gets the error that says so in place of the frame,
// and the connection is closed.
func (s *Service) Notify(ctx context.Context, m Member, connection string, f protocol.Frame) bool {
	if connection == "" {
		return false
	}
	if connection, expired := strings.CutPrefix(connection, ExpiredMark); expired {
		s.endExpired(ctx, m, connection)
		return false
	}
	err := s.Push.Push(ctx, connection, f)
	if errors.Is(err, ErrConnectionGone) {
		var d Disconnected
		if d, err = s.Store.Disconnect(ctx, m, connection, justConnected); err == nil && d.Status == StatusJustConnected {
			if err = s.Sleep(ctx, pushPause); err == nil {
				err = s.Push.Push(ctx, connection, f)
			}
		} else if err == nil {
			if err = s.disconnected(ctx, m, d); err == nil {
				err = ErrConnectionGone
			}
		}
	}
	if err != nil && !errors.Is(err, ErrConnectionGone) {
		s.Log.WarnContext(ctx, "push failed", "connection", connection, "err", err)
	}
	return err == nil
}

// endExpired tells the client of an expired session so, and closes its connection.
func (s *Service) endExpired(ctx context.Context, m Member, connection string) {
	s.logFailure(ctx, "end an expired session", s.endSession(ctx, m, connection, expiredFrame()))
}

func expiredFrame() *protocol.Error {
	return protocol.NewError(protocol.CodeUnauthenticated, "", SessionExpired().Error())
}

// unlist applies changes that list nobody, so that no waiting request is woken.
func (s *Service) unlist(ctx context.Context, m Member, changes []Change) error {
	_, err := s.Store.Apply(ctx, m, changes)
	return err
}

// logFailure logs an error of work for others. The next message of a member concerned
// repairs what the work left half done.
func (s *Service) logFailure(ctx context.Context, what string, err error) {
	if err != nil {
		s.Log.WarnContext(ctx, what, "err", err)
	}
}

// together runs the functions concurrently and returns when all have returned.
func together(ctx context.Context, all ...func(context.Context)) {
	var group sync.WaitGroup
	for _, f := range all[1:] {
		group.Go(func() { f(ctx) })
	}
	all[0](ctx)
	group.Wait()
}
