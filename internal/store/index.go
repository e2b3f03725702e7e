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
func (s *Store) Report(ctx context.Context, x match.Session, r match.Report) (match.Answer, match.Moved, error) {
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
	record := s.onMember("report", x.Member, x.Connection, connected, decimal(r.Lat), decimal(r.Lng), at, whole(r.Seq),
		optional(r.Accuracy), optional(r.Heading), optional(r.Speed), available, retag, tags, string(cell), arrival,
		decimal(settings.ReportsPerSecond), decimal(settings.ReportsBurst))
	index := s.onCell("index", x.Pool, cell, x.ID, decimal(r.Lat), decimal(r.Lng), at, whole(r.Seq), connected, arrival)

	results := s.run(ctx, record, index)
	a, err := readAnswer(record, results[0])
	if err != nil {
		return a, match.Moved{}, err
	}
	said, epoch, waiters, err := readWaiters(index, results[1], r.Point)
	moved := match.Moved{Known: said == "moved", Older: said == "older", Waiters: waiters}
	moved.Behind = moved.Known && a.Listed && epoch != whole(a.Epoch)
	return a, moved, err
}

// Apply implements match.Index.
func (s *Store) Apply(ctx context.Context, m match.Member, changes []match.Change) ([]match.Waiter, error) {
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
	var waiters []match.Waiter
	for i, result := range s.run(ctx, calls...) {
		_, _, more, err := readWaiters(calls[i], result, changes[i].Point)
		if err != nil {
			return waiters, err
		}
		waiters = append(waiters, more...)
	}
	return waiters, nil
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
func (s *Store) Begin(ctx context.Context, x match.Session, o match.Opening) (match.Answer, []match.Hits, error) {
	settings := s.pools.For(x.Pool)
	lat, lng, remote := "", "", ""
	if o.Point != nil {
		lat, lng = decimal(o.Point.Lat), decimal(o.Point.Lng)
	}
	if !settings.RemoteRequests {
		remote = whole(remoteMeters)
	}
	calls := []call{s.onMember("begin", x.Member, x.Connection, whole(x.ConnectedAt.UnixMilli()), o.ID, o.Match, lat, lng,
		decimal(o.Radius), words(o.Tags), millis(o.Patience), bit(o.Wait), decimal(settings.RequestsPerMinute),
		decimal(settings.MatchesPerHour), remote)}
	calls[0].once = true
	if o.Search != nil {
		calls = append(calls, s.search(geo.ShardCell(o.Search.Point), *o.Search))
	}
	results := s.run(ctx, calls...)
	a, err := readAnswer(calls[0], results[0])
	if err != nil || o.Search == nil {
		return a, nil, err
	}
	hits, err := s.hits(calls[1:], results[1:], *o.Search)
	return a, hits, err
}

// waiting is a request as the cells it waits in know it.
type waiting struct {
	ID       string  `json:"id"`
	Lat      float64 `json:"lat"`
	Lng      float64 `json:"lng"`
	Radius   float64 `json:"radius"`
	Tags     string  `json:"tags"`
	Created  int64   `json:"created"`
	Deadline int64   `json:"deadline"`
}

// Register implements match.Requests.
func (s *Store) Register(ctx context.Context, cells []geo.Cell, w match.Waiter, q match.Query) ([]match.Hits, error) {
	text, err := json.Marshal(waiting{ID: w.ID, Lat: w.Lat, Lng: w.Lng, Radius: w.Radius, Tags: words(w.Tags),
		Created: w.Created, Deadline: w.Deadline})
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
func (s *Store) Withdraw(ctx context.Context, cells []geo.Cell, w match.Waiter) error {
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
	const fields = 5
	all := make([]match.Hits, len(results))
	for i, result := range results {
		flat, err := result.AsStrSlice()
		if err != nil {
			return nil, failure(calls[i], err)
		}
		all[i].More = flat[0] == "1"
		for row := flat[1:]; len(row) >= fields; row = row[fields:] {
			var n [fields]float64
			for j := 1; j < fields; j++ {
				if n[j], err = strconv.ParseFloat(row[j], 64); err != nil {
					return nil, fmt.Errorf("script %s: %w", calls[i].script, err)
				}
			}
			c := match.Candidate{Member: match.Member{Pool: q.Self.Pool, ID: row[0]}}
			c.Point = geo.Point{Lat: n[1], Lng: n[2]}
			c.At, c.Seq = int64(n[3]), int64(n[4])
			c.Distance = geo.Distance(q.Point, c.Point)
			all[i].Candidates = append(all[i].Candidates, c)
		}
	}
	return all, nil
}

// readWaiters reads what an index script said, of what epoch the entry is that it
// moved, and who waits for the member.
func readWaiters(c call, result valkey.ValkeyResult, at geo.Point) (said, epoch string, waiters []match.Waiter, err error) {
	flat, err := result.AsStrSlice()
	if err != nil {
		return "", "", nil, failure(c, err)
	}
	said, flat = flat[0], flat[1:]
	if said == "moved" {
		epoch, flat = flat[0], flat[1:]
	}
	for row := flat; len(row) >= 2; row = row[2:] {
		var w waiting
		if err := json.Unmarshal([]byte(row[1]), &w); err != nil {
			return "", "", nil, fmt.Errorf("script %s: %w", c.script, err)
		}
		waiters = append(waiters, match.Waiter{Owner: match.Member{Pool: c.pool, ID: row[0]}, Request: match.Request{
			ID: w.ID, Point: geo.Point{Lat: w.Lat, Lng: w.Lng}, Radius: w.Radius, Created: w.Created, Deadline: w.Deadline, Wait: true},
			Distance: geo.Distance(at, geo.Point{Lat: w.Lat, Lng: w.Lng})})
	}
	return said, epoch, waiters, nil
}
