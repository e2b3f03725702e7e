package match

import (
	"context"
	"errors"
	"strings"

	"waggle/internal/protocol"
)

// Connect begins a session. The member's older connection is notified and closed. The error is
// the fault Replaced if a newer connection is there already, RateLimited if the member connects
// too often, and KeepOut while the member is kept out.
func (s *Service) Connect(ctx context.Context, x Session) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) { return nil, w.connect(ctx, x, false) })
}

func (w *work) connect(ctx context.Context, x Session, lost bool) error {
	r, err := w.Store.Connect(ctx, x, lost)
	if err != nil {
		return err
	}
	switch r.Status {
	case StatusOK:
	case StatusRateLimited, StatusKeptOut:
		return w.tooMany(x, r.Status, r.Refusal)
	default:
		return replaced()
	}
	together(ctx, func(ctx context.Context) {
		if r.Old != "" {
			w.replace(ctx, r.Old)
		}
	}, func(ctx context.Context) { err = w.apply(ctx, x.Member, r.Changes) })
	return err
}

// replace notifies a connection that it was replaced, or that it has expired, and closes it.
func (s *Service) replace(ctx context.Context, connection string) {
	f := protocol.NewError(protocol.CodeReplaced, "", takenOver)
	if old, expired := strings.CutPrefix(connection, ExpiredMark); expired {
		connection, f = old, expiredFrame()
	}
	_ = s.dismiss(ctx, connection, f) // it may be gone
}

// dismiss pushes an error to a connection and closes it. It returns the error of the close.
func (s *Service) dismiss(ctx context.Context, connection string, f *protocol.Error) error {
	_ = s.Push.Push(ctx, connection, f) // a client that does not read is closed as well
	return s.Push.Close(ctx, connection)
}

// endSession ends the session of that connection with an error, in the store too: a $disconnect
// may never come.
func (s *Service) endSession(ctx context.Context, m Member, connection string, f *protocol.Error) error {
	err := s.dismiss(ctx, connection, f)
	if err == nil || errors.Is(err, ErrConnectionGone) {
		err = s.Disconnect(ctx, m, connection)
	}
	return err
}

// Disconnect ends a session, if that connection is the member's current one. Searches no
// longer find the member. Its match or request stays, and a new session resumes it. The peer is
// told that the member is away.
func (s *Service) Disconnect(ctx context.Context, m Member, connection string) error {
	r, err := s.Store.Disconnect(ctx, m, connection, 0)
	if err != nil {
		return err
	}
	return s.disconnected(ctx, m, r)
}

// Ping replies with a Pong and keeps the session fresh.
func (s *Service) Ping(ctx context.Context, x Session, id string) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, err := w.read(ctx, x, false)
		if err != nil {
			return nil, err
		}
		w.lookAfter(ctx, x, r)
		return &protocol.Pong{ID: id, Now: r.Now}, nil
	})
}

// lookAfter repairs the caller's match or request after the replies, as any message of it does.
func (w *work) lookAfter(ctx context.Context, x Session, r Snapshot) {
	_ = w.afterwards(ctx, func(ctx context.Context) error {
		if r.Check {
			if _, err := w.repair(ctx, x.Member, r); err != nil {
				return err
			}
		}
		w.repairRegistration(ctx, x.Member, r.Route)
		return nil
	})
}

// Hello replies with a Welcome, which has the member's match or waiting request: with it a
// member resumes. Hello also lists the member anew and repairs what another process left
// half done, so that the member and its peer can be matched again.
func (s *Service) Hello(ctx context.Context, x Session, id string) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		r, p, err := w.current(ctx, x, true)
		if err != nil {
			return nil, err
		}
		var o *protocol.Offered
		if p == nil {
			if o, err = w.offerOf(ctx, x.Member, r); err != nil {
				return nil, err
			}
		}
		welcome := w.welcome(x, id, r, p, o)
		_ = w.afterwards(ctx, func(ctx context.Context) error {
			if err := w.apply(ctx, x.Member, r.Changes); err != nil || p != nil {
				return err
			}
			w.makeAttempts(ctx)
			if err := w.repairLastEnd(ctx, r); err != nil {
				return err
			}
			if welcome.Request == nil || r.Searched || !r.Route.Request.Registered {
				w.repairRegistration(ctx, x.Member, r.Route)
			} else {
				w.plan(pending{owner: x.Member})
			}
			return nil
		})
		return welcome, nil
	})
}

// welcome says how things stand for the caller: the match or the waiting request under way.
func (w *work) welcome(x Session, id string, r Snapshot, p *pair, o *protocol.Offered) *protocol.Welcome {
	settings := w.Pools.For(x.Pool)
	welcome := &protocol.Welcome{ID: id, Member: x.ID, Pool: x.Pool, Protocol: protocol.Version, Now: r.Now,
		ExpiresAt: x.Expires.UnixMilli(), Report: Unavailable.Report(settings, 0), Available: r.Available == "1",
		Tags: strings.Fields(r.Tags), Server: w.Version}
	willing := welcome.Available && x.Matchee && r.Unlisted == 0
	switch {
	case p != nil:
		welcome.Match = &protocol.WelcomeMatch{Match: p.match, Role: p.role, State: string(Active), Peer: p.peer, Presence: p.known.presence()}
		welcome.Report = p.advice().Report(settings, 0)
	case o != nil:
		welcome.Offer = &protocol.WelcomeOffer{Match: o.Match, Role: o.Role, ExpiresAt: o.ExpiresAt, Distance: o.Distance}
		welcome.Report = Available.Report(settings, 0)
	case willing:
		welcome.Report = Available.Report(settings, 0)
	}
	if p == nil {
		welcome.Unlisted = unlisted(r.Unlisted, r.Now, &welcome.Report)
	}
	if q := r.Route; p == nil && q != nil && q.Request.Wait && (q.State == Waiting || q.State == Searching) {
		welcome.Request = &protocol.WelcomeRequest{ID: q.Request.ID, Radius: q.Request.Radius, ExpiresAt: q.Request.Deadline}
		if !willing {
			welcome.Report = Watching.Report(settings, 0) // a request is passed over if its owner is silent
		}
	}
	return welcome
}

// Locate replies with the location of the peer: the last report of a matchee, or the
// request's point of a matcher. Without a match the error is the fault NotFound.
func (s *Service) Locate(ctx context.Context, x Session, id string) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		_, p, err := w.current(ctx, x, false)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, fault(NotFound, "there is no match under way")
		}
		return p.location(id), nil
	})
}

// apply changes the index, and wakes the requests that wait for a member whom it lists.
func (w *work) apply(ctx context.Context, m Member, changes []Change) error {
	waiting, err := w.Store.Apply(ctx, m, changes)
	if err != nil {
		return err
	}
	w.wake(m, waiting)
	return nil
}
