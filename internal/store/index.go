package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// remoteMeters is how far from its own report a member may ask where a pool
// refuses remote requests.
const remoteMeters = 20_000

// Report implements match.Index.
func (s *Store) Report(ctx context.Context, x match.Session, r match.Report) (match.Reported, error) {
	settings := s.pools.For(x.Pool)
	cell := geo.ShardCell(r.Point)
	at, connected, arrival := "", whole(x.ConnectedAt.UnixMilli()), whole(r.Arrival.UnixMilli())
	if r.At != 0 {
		at = whole(r.At)
	}
	available, retag, tags := "", "0", ""
	if r.Available != nil {
		available = bit(*r.Available)
	}
	if r.Tags != nil {
		retag, tags = "1", words(*r.Tags)
	}
	motion, err := json.Marshal(r.Motion)
	if err != nil {
		return match.Reported{}, fmt.Errorf("report: %w", err)
	}
	record := s.onMember("report", x.Member, append(s.session(x), decimal(r.Lat), decimal(r.Lng), at, whole(r.Seq),
		string(motion), available, retag, tags, string(cell), arrival, decimal(settings.ReportsPerSecond), decimal(settings.ReportsBurst))...)
	index := s.onCell("move", x.Pool, cell, x.ID, decimal(r.Lat), decimal(r.Lng), at, whole(r.Seq), connected, arrival)

	results := s.run(ctx, record, index)
	said, err := read(record, results[0])
	if err != nil {
		return match.Reported{}, err
	}
	reported := match.Reported{Status: said.Status, Refusal: said.refusal(), Now: int64(said.Now), NoMatch: said.noMatch(), Advice: said.Advice,
		AdviceChanged: bool(said.AdviceChanged), Undo: domainChanges(said.Undo), At: int64(said.At), Claim: said.claim(),
		Route: said.route(said.Route), Listed: bool(said.Listed), Epoch: int64(said.Epoch), Changes: domainChanges(said.Changes)}
	moved, err := read(index, results[1])
	if err == nil {
		reported.Index = match.Move{Status: moved.Status, Epoch: int64(moved.Epoch)}
		reported.Index.Waiting, err = moved.waiting(r.Point)
	}
	return reported, err
}

// Apply implements match.Index.
func (s *Store) Apply(ctx context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	calls := make([]call, len(changes))
	for i, c := range changes {
		if c.List {
			calls[i] = s.onCell("list", m.Pool, c.Cell, m.ID, decimal(c.Lat), decimal(c.Lng), whole(c.At), whole(c.Seq),
				whole(c.Heard), whole(c.Session), whole(c.Epoch), c.Tags)
		} else {
			calls[i] = s.onCell("unlist", m.Pool, c.Cell, m.ID, whole(c.Epoch))
		}
	}
	var all []match.WaitingRequest
	for i, result := range s.run(ctx, calls...) {
		r, err := read(calls[i], result)
		if err != nil {
			return all, err
		}
		waiting, err := r.waiting(changes[i].Point)
		if err != nil {
			return all, err
		}
		all = append(all, waiting...)
	}
	return all, nil
}

// Search implements match.Index.
func (s *Store) Search(ctx context.Context, cells []geo.Cell, q match.Query) ([]match.Hits, error) {
	calls := make([]call, len(cells))
	for i, c := range cells {
		calls[i] = s.search(c, q)
	}
	return s.hits(calls, s.run(ctx, calls...), q)
}

func (s *Store) search(c geo.Cell, q match.Query) call {
	return s.onCell("search", q.Self.Pool, c, s.query(q)...)
}

func (s *Store) query(q match.Query) []string {
	return []string{decimal(q.Point.Lat), decimal(q.Point.Lng), decimal(geo.SearchRadius(q.Radius)), words(q.Tags),
		strconv.Itoa(q.Want), q.Self.ID}
}

// Begin implements match.Requests.
func (s *Store) Begin(ctx context.Context, x match.Session, q match.NewRequest) (match.Begun, []match.Hits, error) {
	settings := s.pools.For(x.Pool)
	lat, lng, remote := "", "", ""
	if q.Point != nil {
		lat, lng = decimal(q.Point.Lat), decimal(q.Point.Lng)
	}
	if !settings.RemoteRequests {
		remote = whole(remoteMeters)
	}
	calls := []call{s.onMember("begin", x.Member, append(s.session(x), q.ID, q.Match, lat, lng,
		decimal(q.Radius), words(q.Tags), millis(q.Open), bit(q.Wait), decimal(settings.RequestsPerMinute),
		decimal(settings.MatchesPerHour), remote)...)}
	calls[0].once = true
	if q.Search != nil {
		calls = append(calls, s.search(geo.ShardCell(q.Search.Point), *q.Search))
	}
	results := s.run(ctx, calls...)
	r, err := read(calls[0], results[0])
	begun := match.Begun{Status: r.Status, Refusal: r.refusal(), NoMatch: r.noMatch(), Request: r.request(), Unfinished: r.route(r.Unfinished),
		Outcome: r.outcome(), Claim: r.claim(), Route: r.route(r.Route)}
	if err != nil || q.Search == nil {
		return begun, nil, err
	}
	hits, err := s.hits(calls[1:], results[1:], *q.Search)
	return begun, hits, err
}

// Register implements match.Requests.
func (s *Store) Register(ctx context.Context, cells []geo.Cell, w match.WaitingRequest, q match.Query) ([]match.Hits, error) {
	text, err := json.Marshal(request{ID: w.ID, Lat: number(w.Lat), Lng: number(w.Lng), Radius: number(w.Radius), Tags: words(w.Tags),
		Created: number(w.Created), Deadline: number(w.Deadline)})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	calls := make([]call, len(cells))
	for i, c := range cells {
		calls[i] = s.onCell("register", w.Owner.Pool, c, append(s.query(q), string(text), whole(w.Created))...)
	}
	return s.hits(calls, s.run(ctx, calls...), q)
}

// Withdraw implements match.Requests.
func (s *Store) Withdraw(ctx context.Context, cells []geo.Cell, w match.WaitingRequest) error {
	calls := make([]call, len(cells))
	for i, c := range cells {
		calls[i] = s.onCell("withdraw", w.Owner.Pool, c, w.Owner.ID, whole(w.Created))
	}
	for i, result := range s.run(ctx, calls...) {
		if err := result.Error(); err != nil {
			return failure(calls[i], err)
		}
	}
	return nil
}

// hits reads what searches found.
func (s *Store) hits(calls []call, results []valkey.ValkeyResult, q match.Query) ([]match.Hits, error) {
	all := make([]match.Hits, len(results))
	for i, result := range results {
		r, err := read(calls[i], result)
		if err != nil {
			return nil, err
		}
		all[i] = r.hits(q.Point)
	}
	return all, nil
}
