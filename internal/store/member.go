package store

import (
	"context"
	"time"

	"waggle/internal/match"
	"waggle/internal/pool"
)

// Connect implements match.Sessions.
func (s *Store) Connect(ctx context.Context, x match.Session) (match.Answer, error) {
	implied := s.pools.For(x.Pool).Consent == pool.Implied
	return s.ask(ctx, s.onMember("connect", x.Member, x.Connection, whole(x.ConnectedAt.UnixMilli()), bit(x.Restricted), words(x.Tags), string(x.Card), bit(x.Matchee), bit(implied)))
}

// Disconnect implements match.Sessions.
func (s *Store) Disconnect(ctx context.Context, m match.Member, connection string, age time.Duration) (match.Answer, error) {
	return s.ask(ctx, s.onMember("disconnect", m, connection, millis(age)))
}

// Read implements match.Sessions.
func (s *Store) Read(ctx context.Context, m match.Member, x *match.Session, again bool) (match.Answer, error) {
	connection, connected := "", ""
	if x != nil {
		connection, connected = x.Connection, whole(x.ConnectedAt.UnixMilli())
	}
	return s.ask(ctx, s.onMember("read", m, connection, connected, bit(again)))
}

// Relist implements match.Index.
func (s *Store) Relist(ctx context.Context, m match.Member) (match.Answer, error) {
	return s.ask(ctx, s.onMember("relist", m))
}

// Lease implements match.Requests.
func (s *Store) Lease(ctx context.Context, owner match.Member, id string) (match.Answer, error) {
	return s.askOnce(ctx, s.onMember("lease", owner, id))
}

// Fall implements match.Requests.
func (s *Store) Fall(ctx context.Context, owner match.Member, id string, wait bool) (match.Answer, error) {
	how := "none"
	if wait {
		how = "wait"
	}
	return s.ask(ctx, s.onMember("fall", owner, id, how))
}

// Cancel implements match.Requests.
func (s *Store) Cancel(ctx context.Context, x match.Session) (match.Answer, error) {
	return s.askOnce(ctx, s.onMember("cancel", x.Member, x.Connection, whole(x.ConnectedAt.UnixMilli())))
}

// Registered implements match.Requests.
func (s *Store) Registered(ctx context.Context, w match.Waiter) (bool, error) {
	a, err := s.ask(ctx, s.onMember("registered", w.Owner, whole(w.Created)))
	return a.Status == match.StatusOK, err
}

// Claim implements match.Matches.
func (s *Store) Claim(ctx context.Context, matcher match.Member, id string, tags []string, c match.Candidate) (match.Answer, error) {
	return s.ask(ctx, s.onMember("claim", c.Member, matcher.ID, id, whole(c.At), whole(c.Seq), words(tags)))
}

// Commit implements match.Matches.
func (s *Store) Commit(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask(ctx, s.onMember("commit", matcher, id, matchee.ID, decimal(s.pools.For(matcher.Pool).MatchesPerHour)))
}

// Confirm implements match.Matches.
func (s *Store) Confirm(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask(ctx, s.onMember("confirm", matchee, matcher.ID, id))
}

// Release implements match.Matches.
func (s *Store) Release(ctx context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Answer, error) {
	return s.ask(ctx, s.onMember("release", matchee, matcher.ID, id, reason))
}

// Finish implements match.Matches.
func (s *Store) Finish(ctx context.Context, matcher match.Member, id string, matchee match.Member, reason string) (match.Answer, error) {
	return s.ask(ctx, s.onMember("finish", matcher, id, matchee.ID, reason))
}

// Watch implements match.Matches.
func (s *Store) Watch(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.Answer, error) {
	return s.ask(ctx, s.onMember("watch", matcher, id, matchee.ID))
}

// Told implements match.Matches.
func (s *Store) Told(ctx context.Context, matcher match.Member, id string, state match.State) error {
	_, err := s.ask(ctx, s.onMember("told", matcher, id, string(state)))
	return err
}
