package match_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/test/kit/caches"
	"waggle/test/kit/oracle"
)

// A simulation has the members of a pool on a cache, who connect, move, stop reporting,
// become unavailable, are matched and disconnect. It knows the truth about each of them.
// Its clock is moved by hand, in steps so large that the time that the test itself takes
// makes nobody stale.
type simulation struct {
	delivering
	pool     string
	random   *rand.Rand
	offset   time.Duration // of the clock
	middle   oracle.Place  // the next reports are near this place
	crowd    oracle.Crowd
	members  []*participant
	byName   map[string]*participant
	matchers []*participant
	count    counts
	ids      atomic.Int64

	mu     sync.Mutex
	frames map[string]protocol.Frame // the last one of each connection
}

// counts are what a simulation has done so far.
type counts struct{ placements, searches, candidates, nobody, matches int }

// A participant is a simulated member and its current session.
type participant struct {
	session   match.Session
	truth     oracle.Member
	position  match.Position // as its record should have it
	connected bool
	left      bool   // since its last report: the record may have no position
	available bool   // as it said in its last report
	match     string // the match that it is in, "" if none
}

const (
	locationTTL = 600 * time.Second
	// clockStep is a third of that: a member without a report in three steps is stale.
	clockStep = locationTTL / 3
	settings  = `{"pools":{"default":{"locationTTL":600,"grace":7200,"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6,"harvestPerHour":1e6,"messagesPerSecond":1e6,"messagesBurst":1e6,"maxSpeed":0,"coolDown":0}}}`
)

// epoch is the start of a simulation's clock for the oracle.
func epoch() time.Time { return time.Unix(0, 0) }

// openSimulation returns a simulation with so many members, who are not connected yet.
func openSimulation(t *testing.T, c caches.Cache, name string, random *rand.Rand, members int) *simulation {
	t.Helper()
	s := &simulation{pool: name, random: random, byName: make(map[string]*participant), frames: make(map[string]protocol.Frame)}
	pools, err := pool.Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := store.Open(store.Options{URL: c.URL, Pools: pools, Offset: func() time.Duration { return s.offset }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	s.Service = &match.Service{Store: cache, Push: s, Pools: pools, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now:   func() time.Time { return time.Now().Add(s.offset) },
		NewID: func() string { return fmt.Sprint(name, s.ids.Add(1)) },
		Sleep: func(context.Context, time.Duration) error { return errors.New("a simulation does not wait") }}
	for i := range members {
		p := s.participant(fmt.Sprint("m", i))
		p.session.Matchee = true
		s.members, s.byName[p.truth.Name] = append(s.members, p), p
	}
	for i := range 3 {
		p := s.participant(fmt.Sprint("matcher", i))
		p.session.Matcher = true
		s.matchers = append(s.matchers, p)
	}
	return s
}

func (s *simulation) participant(name string) *participant {
	p := &participant{truth: oracle.Member{Name: name}, available: true}
	p.session.Member, p.session.Card = match.Member{Pool: s.pool, ID: name}, json.RawMessage(strconv.Quote(name))
	s.connection(p)
	return p
}

// connection gives a member a new connection, at least a millisecond later than its
// previous one.
func (s *simulation) connection(p *participant) {
	p.session.Connection = fmt.Sprint(s.pool, "-", s.ids.Add(1))
	before := p.session.ConnectedAt.Add(time.Millisecond)
	if p.session.ConnectedAt = s.Now(); p.session.ConnectedAt.Before(before) {
		p.session.ConnectedAt = before
	}
}

// reportOne lets a random member report a place, which is one placement. At random it
// also moves the clock, disconnects a member or connects one.
func (s *simulation) reportOne(ctx context.Context) error {
	p := s.members[s.random.IntN(len(s.members))]
	if s.random.IntN(len(s.members)) == 0 {
		s.offset += clockStep
	}
	if p.connected && s.random.IntN(12) == 0 {
		if err := s.Disconnect(ctx, p.session.Member, p.session.Connection); err != nil {
			return err
		}
		p.connected, p.left = false, true
		s.updateOracle(p)
		p = s.members[s.random.IntN(len(s.members))]
	}
	if !p.connected || s.random.IntN(20) == 0 {
		if err := s.connect(ctx, p); err != nil {
			return err
		}
	}
	s.count.placements++
	return s.report(ctx, p, oracle.Near(s.random, s.middle, logUniform(s.random, 100, 16_000)))
}

// connect begins a session, which may replace an older one. In half of the cases the
// connect is lost, and the first report begins the session.
func (s *simulation) connect(ctx context.Context, p *participant) error {
	s.connection(p)
	p.connected = true
	if s.random.IntN(2) == 0 {
		return nil
	}
	s.updateOracle(p)
	return s.Connect(ctx, p.session)
}

// report sends a location, at random with a change of availability or tags, and at random
// a late one, which changes only these two.
func (s *simulation) report(ctx context.Context, p *participant, at oracle.Place) error {
	arrival := s.Now()
	fields, late := jsonPoint(at), p.position.At > 0 && !p.left && s.random.IntN(25) == 0
	available, tags := p.available, p.truth.Tags
	if s.random.IntN(6) == 0 {
		available = s.random.IntN(3) > 0
		fields += fmt.Sprintf(`,"available":%v`, available)
	}
	if s.random.IntN(4) == 0 {
		tags = s.tags()
		fields += `,"tags":` + jsonList(tags)
	}
	next := match.Position{At: arrival.UnixMilli(), Seq: p.position.Seq + 1}
	if late {
		next = match.Position{At: p.position.At, Seq: p.position.Seq}
		fields += fmt.Sprintf(`,"at":%d`, next.At)
	}
	q, err := decode[*protocol.Location](protocol.ActionLocation, fields+fmt.Sprintf(`,"seq":%d`, next.Seq))
	if err != nil {
		return err
	}
	next.Point = geo.Point{Lat: q.Lat, Lng: q.Lng}
	err = s.Report(ctx, p.session, q, arrival)
	var fault *match.Fault
	if late && errors.As(err, &fault) && fault.Kind == match.Stale {
		err = nil
	}
	if err == nil {
		p.available, p.truth.Tags = available, tags
	}
	if err == nil && !late {
		p.position, p.left = next, false
		p.truth.Place, p.truth.Reported = at, epoch().Add(s.offset)
	}
	s.updateOracle(p)
	return err
}

// listing returns the changes that list a member in the index without a record, and tells
// the oracle. A third of the listings are stale.
func (s *simulation) listing(t *testing.T, p *participant, meters float64) []match.Change {
	t.Helper()
	before, now := p.position, s.Now()
	p.connected, p.available = true, true
	p.truth.Place, p.truth.Tags, p.truth.Reported = oracle.Near(s.random, s.middle, meters), s.tags(), epoch().Add(s.offset)
	if s.random.IntN(3) == 0 {
		now, p.truth.Reported = now.Add(-locationTTL), p.truth.Reported.Add(-locationTTL)
	}
	p.position = match.Position{Point: point(t, p.truth.Place), At: now.UnixMilli(), Seq: before.Seq + 1}
	s.updateOracle(p)
	cell := geo.ShardCell(p.position.Point)
	changes := []match.Change{{List: true, Cell: cell, Epoch: p.position.Seq, Position: p.position, Heard: p.position.At,
		Tags: strings.Join(p.truth.Tags, " ")}}
	if from := geo.ShardCell(before.Point); before.Seq > 0 && from != cell {
		changes = append(changes, match.Change{Cell: from, Epoch: before.Seq})
	}
	return changes
}

// updateOracle gives the oracle the truth about a member.
func (s *simulation) updateOracle(p *participant) {
	p.truth.Unavailable = !p.connected || !p.available || p.match != ""
	s.crowd.Put(p.truth)
}

// tags returns up to two of three tags, some of which are rarer.
func (s *simulation) tags() []string {
	return [][]string{{}, {}, {"tall"}, {"tall"}, {"tall", "calm"}, {"calm"}, {"rare"}}[s.random.IntN(7)]
}

// Push implements match.Pusher.
func (s *simulation) Push(_ context.Context, connection string, f protocol.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames[connection] = f
	return nil
}

// Close implements match.Pusher.
func (s *simulation) Close(context.Context, string) error { return nil }

// lastFrame returns the last frame pushed to a connection.
func (s *simulation) lastFrame(connection string) protocol.Frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames[connection]
}

func (t *counts) add(more counts) {
	t.placements += more.placements
	t.searches += more.searches
	t.candidates += more.candidates
	t.nobody += more.nobody
	t.matches += more.matches
}

func decode[M protocol.Message](action, fields string) (M, error) {
	q, bad := protocol.Decode(action, []byte(`{"action":"`+action+`",`+fields+`}`))
	if bad != nil {
		var none M
		return none, errors.New(bad.Message)
	}
	return q.(M), nil
}

func jsonPoint(p oracle.Place) string {
	return `"lat":` + strconv.FormatFloat(p.Lat, 'f', -1, 64) + `,"lng":` + strconv.FormatFloat(p.Lng, 'f', -1, 64)
}

func jsonList(tags []string) string { return strings.ReplaceAll(fmt.Sprintf("%q", tags), " ", ",") }
