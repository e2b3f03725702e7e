// Package match is the domain: members, where they are, who asks for whom, and
// who is matched. Service has one method for each message; everything that a
// member is told it is told through the Pusher.
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

// A Pusher sends frames to connections. Push returns ErrConnectionGone for one
// that is no more.
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

// Sleep returns when the time has passed, or with an error when the context ends.
func Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.Join(ErrUnavailable, ctx.Err())
	}
}

const (
	// young is how old a connection must be before a push that finds it gone
	// forgets it: the post may have overtaken the connect.
	young      = 10 * time.Second
	pushAgain  = 250 * time.Millisecond
	maxBehind  = 2 * time.Second // a slower process pushes nothing
	patience   = time.Second     // how long an undecided state is waited for
	undecided  = 3 * time.Second // an unconfirmed claim older than that is resolved
	pollFirst  = 15 * time.Millisecond
	pollSecond = 60 * time.Millisecond
)

// admitted runs a step of a session and refuses one that is not the current. A
// session that the cache has not heard of, or lost, is connected first.
func (s *Service) admitted(ctx context.Context, x Session, step func() (Answer, error)) (Answer, error) {
	a, err := step()
	if err == nil && a.Status == StatusUnknown {
		if err := s.Connect(ctx, x); err != nil {
			return a, err
		}
		a, err = step()
	}
	if err != nil {
		return a, err
	}
	switch a.Status {
	case StatusReplaced, StatusUnknown:
		return a, replaced()
	case StatusGone:
		return a, fault(Gone, "this connection has disconnected")
	}
	if a.Due != nil {
		s.tell(ctx, x.Member, x.Connection, &protocol.NoMatch{ID: a.Due.ID, Radius: a.Due.Radius})
	}
	return a, nil
}

const takenOver = "a newer connection of this member has taken over"

func replaced() error { return fault(Replaced, takenOver) }

// read is the session's sign of life, and says how things stand with it; again
// lists the member again.
func (s *Service) read(ctx context.Context, x Session, again bool) (Answer, error) {
	a, err := s.admitted(ctx, x, func() (Answer, error) { return s.Store.Read(ctx, x.Member, &x, again) })
	if err == nil {
		err = s.free(ctx, x.Member, a.Route)
	}
	return a, err
}

// tell pushes a frame to a member's connection. What cannot be delivered is
// lost without harm: hello and locate give it back.
func (s *Service) tell(ctx context.Context, m Member, connection string, f protocol.Frame) {
	if connection == "" {
		return
	}
	err := s.Push.Push(ctx, connection, f)
	if errors.Is(err, ErrConnectionGone) {
		var a Answer
		if a, err = s.Store.Disconnect(ctx, m, connection, young); err == nil && a.Status == StatusYoung {
			if err = s.Sleep(ctx, pushAgain); err == nil {
				err = s.Push.Push(ctx, connection, f)
			}
		} else if err == nil {
			_, err = s.Store.Apply(ctx, m, a.Changes)
		}
	}
	if err != nil && !errors.Is(err, ErrConnectionGone) {
		s.Log.WarnContext(ctx, "push failed", "connection", connection, "err", err)
	}
}

// together runs the functions at the same time and returns when all have.
func together(all ...func()) {
	var group sync.WaitGroup
	for _, f := range all[1:] {
		group.Go(f)
	}
	all[0]()
	group.Wait()
}

// lost logs an error of work that is not the caller's own: what it was about
// heals with the next message of whom it concerns.
func (s *Service) lost(ctx context.Context, what string, err error) {
	if err != nil {
		s.Log.WarnContext(ctx, what, "err", err)
	}
}
