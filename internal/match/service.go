// Package match is the domain: members, where they are, who asks for whom, and
// who is matched. Service has one method for each message. A match comes about in the
// order request, search, claim, commit, confirm, notify: read request.go, attempt.go
// and search.go; waiting.go has the requests that stay open, repair.go what another
// process left half done.
//
// The routing-table entry of the matcher is the commit record of a match: a
// match exists exactly while that entry is active and names the matchee and the
// matchee's claim carries its id. So two slots suffice, no lock is left behind,
// and whoever meets one half alone knows from the other what became of it.
package match

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// A Pusher sends frames to connections. Push returns ErrConnectionGone if there is no
// such connection.
type Pusher interface {
	Push(ctx context.Context, connection string, f protocol.Frame) error
	Close(ctx context.Context, connection string) error
}

// Service serves members. It holds no state of its own and is safe for
// concurrent use.
type Service struct {
	Store Store
	Push  Pusher
	Pools pool.Pools
	// NewID returns an id that was never used before.
	NewID func() string
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	Log   *slog.Logger
}

// A Result is what a message came to. Deliver it even if there is an error beside it.
type Result struct {
	// Replies are for the caller, in order. The last one answers the message; before
	// it may come what the caller must know besides, such as the no_match of an earlier
	// request.
	Replies []protocol.Frame
	work    *work
}

// Deliver hands the replies to the caller while other members are notified, and then
// does the work that nobody waits for. The error is about that work.
func (r Result) Deliver(ctx context.Context, reply func(context.Context, protocol.Frame)) error {
	if r.work == nil {
		return nil
	}
	replies := func(ctx context.Context) {
		for _, f := range r.Replies {
			reply(ctx, f)
		}
	}
	together(ctx, append(r.work.others, replies)...)
	var errs []error
	for _, do := range r.work.rest {
		errs = append(errs, do(ctx))
	}
	r.work.makeAttempts(ctx)
	return errors.Join(errs...)
}

// Sleep returns when the time has passed, or with an error when the context ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.Join(ErrUnavailable, ctx.Err())
	}
}

// Notify pushes a frame to a member's connection. A push that fails loses no state:
// hello and locate give it back. A connection that is gone is ended in the store.
func (s *Service) Notify(ctx context.Context, m Member, connection string, f protocol.Frame) {
	if connection == "" {
		return
	}
	err := s.Push.Push(ctx, connection, f)
	if errors.Is(err, ErrConnectionGone) {
		var d Disconnected
		if d, err = s.Store.Disconnect(ctx, m, connection, justConnected); err == nil && d.Status == StatusYoung {
			if err = s.Sleep(ctx, pushPause); err == nil {
				err = s.Push.Push(ctx, connection, f)
			}
		} else if err == nil {
			err = s.unlist(ctx, m, d.Changes)
		}
	}
	if err != nil && !errors.Is(err, ErrConnectionGone) {
		s.Log.WarnContext(ctx, "push failed", "connection", connection, "err", err)
	}
}

// unlist applies changes that list nobody, so that no waiting request is woken.
func (s *Service) unlist(ctx context.Context, m Member, changes []Change) error {
	_, err := s.Store.Apply(ctx, m, changes)
	return err
}

// logFailure logs an error of work that is not the caller's own: what it was about
// is repaired with the next message of a member whom it concerns.
func (s *Service) logFailure(ctx context.Context, what string, err error) {
	if err != nil {
		s.Log.WarnContext(ctx, what, "err", err)
	}
}

// together runs the functions at the same time and returns when all have.
func together(ctx context.Context, all ...func(context.Context)) {
	var group sync.WaitGroup
	for _, f := range all[1:] {
		group.Go(func() { f(ctx) })
	}
	all[0](ctx)
	group.Wait()
}
