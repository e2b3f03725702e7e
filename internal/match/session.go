package match

import (
	"context"

	"waggle/internal/protocol"
)

// Connect begins a session; the member's older connection is told and closed.
// Replaced: a newer connection is there already.
func (s *Service) Connect(ctx context.Context, x Session) error {
	a, err := s.Store.Connect(ctx, x)
	if err != nil {
		return err
	}
	if a.Status != StatusOK {
		return replaced()
	}
	together(func() {
		if a.Old != "" {
			s.dismiss(ctx, a.Old)
		}
	}, func() { err = s.apply(ctx, x.Member, a.Changes) })
	return err
}

// dismiss tells a connection that it was replaced, and closes it.
func (s *Service) dismiss(ctx context.Context, connection string) {
	// Its own failure is of no interest: it may be long gone.
	_ = s.Push.Push(ctx, connection, protocol.NewError(protocol.CodeReplaced, "", takenOver))
	_ = s.Push.Close(ctx, connection)
}

// Disconnect ends a session. The member is not found any more; its match or
// request stays, and a new session resumes it.
func (s *Service) Disconnect(ctx context.Context, m Member, connection string) error {
	a, err := s.Store.Disconnect(ctx, m, connection, 0)
	if err != nil {
		return err
	}
	_, err = s.Store.Apply(ctx, m, a.Changes)
	return err
}

// Ping answers, and is a sign of life.
func (s *Service) Ping(ctx context.Context, x Session, id string) error {
	a, err := s.read(ctx, x, false)
	if err != nil {
		return err
	}
	s.tell(ctx, x.Member, x.Connection, &protocol.Pong{ID: id, Now: a.Now})
	s.attend(ctx, x.Member, a.Route)
	return nil
}

// Hello tells the member how things stand with it: this is how it resumes. What a
// process that vanished left half done is finished, so that the member and who it
// was matched with can be found again.
func (s *Service) Hello(ctx context.Context, x Session, id string) error {
	a, pair, err := s.standing(ctx, x, true)
	if err != nil {
		return err
	}
	settings := s.Pools.For(x.Pool)
	w := &protocol.Welcome{ID: id, Member: x.ID, Pool: x.Pool, Protocol: protocol.Version, Now: a.Now, ExpiresAt: x.Expires.UnixMilli(),
		Report: Unavailable.Report(settings)}
	switch {
	case pair != nil:
		w.Match = &protocol.WelcomeMatch{Match: pair.match, Role: pair.role, State: string(Active), Peer: pair.peer}
		w.Report = pair.advice().Report(settings)
	case a.Available == "1" && x.Matchee:
		w.Report = Available.Report(settings)
	}
	if r := a.Route; pair == nil && r != nil && r.Request.Wait && (r.State == Waiting || r.State == Searching) {
		w.Request = &protocol.WelcomeRequest{ID: r.Request.ID, Radius: r.Request.Radius, ExpiresAt: r.Request.Deadline}
	}
	s.tell(ctx, x.Member, x.Connection, w)
	if err := s.apply(ctx, x.Member, a.Changes); err != nil || pair != nil {
		return err
	}
	if err := s.freeMatcher(ctx, a); err != nil {
		return err
	}
	if w.Request != nil && a.Route.Request.Registered {
		s.newDriver().resume(ctx, x.Member)
	} else {
		s.attend(ctx, x.Member, a.Route)
	}
	return nil
}

// freeMatcher finishes the last end for the matcher that this matchee had.
func (s *Service) freeMatcher(ctx context.Context, a Answer) error {
	if len(a.Past) == 0 {
		return nil
	}
	last := a.Past[len(a.Past)-1]
	if last.Matcher.ID == "" || a.Now-last.At >= remembered.Milliseconds() {
		return nil
	}
	other, err := s.Store.Read(ctx, last.Matcher, nil, false)
	if err != nil || other.Route == nil || other.Route.Match != last.Match {
		return err
	}
	return s.free(ctx, last.Matcher, other.Route)
}

// Locate answers with the location of the peer, through the routing table.
func (s *Service) Locate(ctx context.Context, x Session, id string) error {
	_, pair, err := s.standing(ctx, x, false)
	if err != nil {
		return err
	}
	if pair == nil {
		return fault(NotFound, "there is no match under way")
	}
	s.tell(ctx, x.Member, x.Connection, pair.location(id))
	return nil
}

// attend completes the registration of a waiting request that a crash or a
// lapsed search left open.
func (s *Service) attend(ctx context.Context, m Member, r *Route) {
	if r != nil && r.State == Waiting && r.Request.Wait && !r.Request.Registered {
		d := s.newDriver()
		s.lost(ctx, "attend to a request", d.register(ctx, Waiter{Owner: m, Request: r.Request}))
	}
}

// apply changes the index and serves who waits for what was listed.
func (s *Service) apply(ctx context.Context, m Member, changes []Change) error {
	waiters, err := s.Store.Apply(ctx, m, changes)
	if err != nil {
		return err
	}
	s.newDriver().wake(ctx, m, waiters)
	return nil
}
