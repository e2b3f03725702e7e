package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"waggle/internal/match"
	"waggle/internal/pool"
)

// Connect implements match.Sessions.
func (s *Store) Connect(ctx context.Context, x match.Session, lost bool) (match.Connected, error) {
	expires := ""
	if !x.Expires.IsZero() {
		expires = whole(x.Expires.UnixMilli())
	}
	settings := s.pools.For(x.Pool)
	r, err := s.ask(ctx, s.onMember("connect", x.Member, x.Connection, whole(x.ConnectedAt.UnixMilli()), bit(x.Restricted),
		words(x.Tags), string(x.Card), bit(x.Matchee), bit(settings.Consent == pool.Implied),
		bit(settings.Availability == pool.Kept), decimal(match.ConnectsPerMinute), decimal(match.ConnectsBurst), bit(lost), expires))
	return match.Connected{Status: r.Status, Refusal: r.refusal(), Old: r.Old, Changes: domainChanges(r.Changes)}, err
}

// session has the arguments of enter, in scripts/member.lua. All are empty for a back end.
func (s *Store) session(x match.Session) []string {
	if x.Connection == "" {
		return []string{"", "", "", ""}
	}
	perSecond, burst := "", ""
	if settings := s.pools.For(x.Pool); !x.Admitted {
		perSecond, burst = decimal(settings.MessagesPerSecond), decimal(settings.MessagesBurst)
	}
	return []string{x.Connection, whole(x.ConnectedAt.UnixMilli()), perSecond, burst}
}

// Due implements match.Sessions.
func (s *Store) Due(ctx context.Context, m match.Member) (match.Snapshot, error) {
	r, err := s.ask(ctx, s.onMember("due", m))
	return r.snapshot(), err
}

// Disconnect implements match.Sessions.
func (s *Store) Disconnect(ctx context.Context, m match.Member, connection string, age time.Duration) (match.Disconnected, error) {
	r, err := s.ask(ctx, s.onMember("disconnect", m, connection, millis(age)))
	return match.Disconnected{Status: r.Status, Changes: domainChanges(r.Changes), Presence: r.Presence.domain(), Claim: r.claim(),
		Route: r.route(r.Route)}, err
}

// Peer implements match.Matches.
func (s *Store) Peer(ctx context.Context, m match.Member, p match.PeerState) (match.PeerNoted, error) {
	r, err := s.ask(ctx, s.onMember("peer", m, p.Match, p.State(), whole(p.Since)))
	return match.PeerNoted{Status: r.Status, Tell: bool(r.Tell), Connection: r.Connection}, err
}

// Read implements match.Sessions.
func (s *Store) Read(ctx context.Context, m match.Member, x *match.Session, anew bool) (match.Snapshot, error) {
	if x == nil {
		x = &match.Session{}
	}
	r, err := s.ask(ctx, s.onRead(m, *x, anew))
	return r.snapshot(), err
}

// ReadBoth implements match.Sessions.
func (s *Store) ReadBoth(ctx context.Context, x match.Session, other match.Member) (match.Snapshot, match.Snapshot, error) {
	calls := []call{s.onRead(x.Member, x, false), s.onRead(other, match.Session{}, false)}
	results := s.run(ctx, calls...)
	own, err := s.read(calls[0], results[0])
	if err != nil {
		return match.Snapshot{}, match.Snapshot{}, err
	}
	its, err := s.read(calls[1], results[1])
	return own.snapshot(), its.snapshot(), err
}

func (s *Store) onRead(m match.Member, x match.Session, anew bool) call {
	return s.onMember("read", m, append(s.session(x), bit(anew))...)
}

// Forget implements match.Sessions.
func (s *Store) Forget(ctx context.Context, m match.Member) (match.Forgotten, error) {
	r, err := s.ask(ctx, s.onMember("forget", m))
	return match.Forgotten{Status: r.Status, Changes: domainChanges(r.Changes)}, err
}

// Describe implements match.Sessions.
func (s *Store) Describe(ctx context.Context, m match.Member) (match.Description, error) {
	r, err := s.ask(ctx, s.onMember("describe", m))
	return match.Description{Snapshot: r.snapshot(), ConnectedAt: int64(r.Connected), Heard: int64(r.Heard), Fresh: bool(r.Fresh),
		CoolDowns: int(r.CoolDowns)}, err
}

// Lease implements match.Requests.
func (s *Store) Lease(ctx context.Context, owner match.Member, id string) (match.Leased, error) {
	r, err := s.askOnce(ctx, s.onMember("lease", owner, id))
	return match.Leased{Status: r.Status, Request: r.request()}, err
}

// GiveUp implements match.Requests.
func (s *Store) GiveUp(ctx context.Context, owner match.Member, id string, wait bool) (match.GivenUp, error) {
	how := "none"
	if wait {
		how = "wait"
	}
	r, err := s.ask(ctx, s.onMember("give_up", owner, id, how))
	return match.GivenUp{Status: r.Status, Connection: r.Connection, Request: r.request(), Missed: bool(r.Missed),
		Changes: domainChanges(r.Changes)}, err
}

// Cancel implements match.Requests.
func (s *Store) Cancel(ctx context.Context, x match.Session, id, request string) (match.Cancelled, error) {
	r, err := s.askOnce(ctx, s.onMember("cancel", x.Member, append(s.session(x), id, request)...))
	return match.Cancelled{Status: r.Status, Refusal: r.refusal(), Untold: r.untold(), Request: r.request(), Changes: domainChanges(r.Changes),
		Claim: r.claim(), Route: r.route(r.Route), Offered: r.route(r.Offered)}, err
}

// Retract implements match.Requests.
func (s *Store) Retract(ctx context.Context, owner match.Member, created int64) ([]match.Change, error) {
	r, err := s.ask(ctx, s.onMember("retract", owner, whole(created)))
	return domainChanges(r.Changes), err
}

// Registered implements match.Requests.
func (s *Store) Registered(ctx context.Context, w match.WaitingRequest) (bool, error) {
	r, err := s.ask(ctx, s.onMember("registered", w.Owner, whole(w.Created)))
	return r.Status == match.StatusOK, err
}

// Claim implements match.Matches.
func (s *Store) Claim(ctx context.Context, matcher match.Member, id string, tags []string, c match.Candidate, offer bool) (match.Claimed, error) {
	r, err := s.ask(ctx, s.onMember("claim", c.Member, matcher.ID, id, whole(c.At), whole(c.Seq), words(tags), bit(offer)))
	position := r.position()
	if position != nil {
		position.Point = s.place(c.Pool, position.Point)
	}
	return match.Claimed{Status: r.Status, Now: int64(r.Now), Claim: r.claim(), Position: position, Tell: bool(r.Tell),
		Connection: r.Connection}, err
}

// Offer implements match.Matches.
func (s *Store) Offer(ctx context.Context, matcher match.Member, id string, matchee match.Member, distance float64) (match.OfferMade, error) {
	r, err := s.ask(ctx, s.onMember("offer", matcher, id, matchee.ID, decimal(distance)))
	return match.OfferMade{Status: r.Status, Tell: bool(r.Tell), Connection: r.Connection, Route: r.route(r.Route)}, err
}

// Accept implements match.Matches.
func (s *Store) Accept(ctx context.Context, x match.Session, id string) (match.Snapshot, error) {
	r, err := s.ask(ctx, s.onMember("accept", x.Member, append(s.session(x), id)...))
	return r.snapshot(), err
}

// Decline implements match.Matches.
func (s *Store) Decline(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.Declined, error) {
	r, err := s.ask(ctx, s.onMember("decline", matcher, id, matchee.ID))
	return match.Declined{Status: r.Status, Reason: r.Reason, Tell: bool(r.Tell), Connection: r.Connection}, err
}

// Commit implements match.Matches.
func (s *Store) Commit(ctx context.Context, matcher match.Member, id string, matchee match.Member, distance float64) (match.Committed, error) {
	r, err := s.ask(ctx, s.onMember("commit", matcher, id, matchee.ID, decimal(s.pools.For(matcher.Pool).MatchesPerHour), decimal(distance)))
	return match.Committed{Status: r.Status, Reason: r.Reason, Tell: bool(r.Tell), Connection: r.Connection, Card: r.Card, Request: r.request(),
		Changes: domainChanges(r.Changes)}, err
}

// Confirm implements match.Matches.
func (s *Store) Confirm(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.Confirmed, error) {
	r, err := s.ask(ctx, s.onMember("confirm", matchee, matcher.ID, id))
	return match.Confirmed{Status: r.Status, Tell: bool(r.Tell), Connection: r.Connection, Card: r.Card, Request: r.request(), Position: r.position(),
		Changes: domainChanges(r.Changes)}, err
}

// Release implements match.Matches.
func (s *Store) Release(ctx context.Context, matcher match.Member, id string, matchee match.Member, reason string, early match.By) (match.Released, error) {
	settings := s.pools.For(matcher.Pool)
	r, err := s.ask(ctx, s.onMember("release", matchee, matcher.ID, id, reason, string(early), decimal(settings.RequestsPerMinute),
		decimal(settings.HarvestPerHour), millis(settings.CoolDown)))
	return match.Released{Status: r.Status, Tell: bool(r.Tell), Reason: r.Reason, Confirmed: bool(r.Confirmed), Connection: r.Connection,
		RequestID: r.requestID(), Waits: bool(r.Waits), Changes: domainChanges(r.Changes), Unlisted: int64(r.Unlisted)}, err
}

// Finish implements match.Matches.
func (s *Store) Finish(ctx context.Context, matcher match.Member, id string, matchee match.Member, reason string, by match.By) (match.Finished, error) {
	r, err := s.ask(ctx, s.onMember("finish", matcher, append([]string{id, matchee.ID, reason, string(by)}, s.prices(matcher)...)...))
	return r.finished(), err
}

// End implements match.Matches.
func (s *Store) End(ctx context.Context, x match.Session, id, reason string) (match.Ending, error) {
	r, err := s.ask(ctx, s.onMember("end", x.Member, append(append(s.session(x), id, reason), s.prices(x.Member)...)...))
	if r.Status != match.StatusEnded {
		return match.Ending{Snapshot: r.snapshot()}, err
	}
	finished := r.finished()
	return match.Ending{Snapshot: match.Snapshot{Status: r.Status, Now: int64(r.Now), Untold: r.untold()}, Finished: &finished, Matchee: r.member(r.Matchee)}, err
}

// prices are the pool's limits of what an end can cost its matcher, or give back.
func (s *Store) prices(m match.Member) []string {
	settings := s.pools.For(m.Pool)
	return []string{decimal(settings.RequestsPerMinute), decimal(settings.MatchesPerHour), decimal(settings.HarvestPerHour),
		millis(settings.CoolDown)}
}

// Watch implements match.Matches.
func (s *Store) Watch(ctx context.Context, matcher match.Member, id string, matchee match.Member) (match.WatchedRoute, error) {
	r, err := s.ask(ctx, s.onMember("watch", matcher, id, matchee.ID))
	return match.WatchedRoute{Status: r.Status, Reason: r.Reason, Early: r.Early, Connection: r.Connection,
		Tell: bool(r.Tell), Pushing: bool(r.Pushing), Left: bool(r.Left), Presence: r.Presence.domain()}, err
}

// Told implements match.Matches.
func (s *Store) Told(ctx context.Context, all []match.Told) error {
	var calls []call
	for _, t := range all {
		calls = append(calls, s.onMember("told", t.Member, t.Connection, strings.Join(t.Marks, ","), t.Free))
	}
	var errs []error
	for i, result := range s.run(ctx, calls...) {
		_, err := s.read(calls[i], result)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Finding implements match.Store.
func (s *Store) Finding(found func(match.Unpublished)) match.Store { return &Store{s.cache, found} }

// Published implements match.Events.
func (s *Store) Published(ctx context.Context, all []match.Unpublished) error {
	var calls []call
	for _, u := range all {
		calls = append(calls, s.onMember("published", u.Member, strings.Join(u.Stored, "\n"), u.Matcher.ID))
	}
	var errs []error
	for i, result := range s.run(ctx, calls...) {
		_, err := s.read(calls[i], result)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
