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

// A market is a pool on a cache in which members come, move, fall silent, say that
// they are not available, are matched and go; and what is true of them. It has a
// clock of its own, moved by hand in steps so large that how long a test takes
// makes nobody stale.
type market struct {
	delivering
	pool    string
	random  *rand.Rand
	offset  time.Duration // of the clock
	spot    oracle.Place  // whereabouts the next reports come from
	crowd   oracle.Crowd
	members []*participant
	by      map[string]*participant
	seekers []*participant
	count   tally
	ids     atomic.Int64

	mu     sync.Mutex
	frames map[string]protocol.Frame // the last one of each connection
}

// A tally says what a market has seen.
type tally struct{ placements, searches, candidates, nobody, matches int }

// A participant is a member, and the session that it has now.
type participant struct {
	session   match.Session
	truth     oracle.Member
	position  match.Position // by its record
	connected bool
	available bool   // by its own word
	match     string // that it is in
}

const (
	marketTTL = 600 * time.Second
	// marketStep takes a third of that: after three somebody silent is stale.
	marketStep = marketTTL / 3
	settings   = `{"pools":{"default":{"locationTTL":600,"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6}}}`
)

// epoch is when the markets' clocks begin for the oracle, which knows no other.
func epoch() time.Time { return time.Unix(0, 0) }

// openMarket returns a market with so many members, who are not there yet.
func openMarket(t *testing.T, c caches.Cache, name string, random *rand.Rand, members int) *market {
	t.Helper()
	m := &market{pool: name, random: random, by: make(map[string]*participant), frames: make(map[string]protocol.Frame)}
	pools, err := pool.Parse([]byte(settings))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{URL: c.URL, Pools: pools, Offset: func() time.Duration { return m.offset }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	m.Service = &match.Service{Store: s, Push: m, Pools: pools, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Now:   func() time.Time { return time.Now().Add(m.offset) },
		NewID: func() string { return fmt.Sprint(name, m.ids.Add(1)) },
		Sleep: func(context.Context, time.Duration) error { return errors.New("there is nothing to wait for") }}
	for i := range members {
		p := m.participant(fmt.Sprint("m", i))
		p.session.Matchee = true
		m.members, m.by[p.truth.Name] = append(m.members, p), p
	}
	for i := range 3 {
		p := m.participant(fmt.Sprint("seeker", i))
		p.session.Matcher = true
		m.seekers = append(m.seekers, p)
	}
	return m
}

func (m *market) participant(name string) *participant {
	p := &participant{truth: oracle.Member{Name: name}}
	p.session.Member, p.session.Card = match.Member{Pool: m.pool, ID: name}, json.RawMessage(strconv.Quote(name))
	m.connection(p)
	return p
}

// connection gives a member a new connection, made at least a millisecond after the one
// before.
func (m *market) connection(p *participant) {
	p.session.Connection = fmt.Sprint(m.pool, "-", m.ids.Add(1))
	before := p.session.ConnectedAt.Add(time.Millisecond)
	if p.session.ConnectedAt = m.Now(); p.session.ConnectedAt.Before(before) {
		p.session.ConnectedAt = before
	}
}

// step lets somebody report a place, which is a placement, and now and then
// something else happen.
func (m *market) step(ctx context.Context) error {
	p := m.members[m.random.IntN(len(m.members))]
	if m.random.IntN(len(m.members)) == 0 {
		m.offset += marketStep
	}
	if p.connected && m.random.IntN(12) == 0 {
		if err := m.Disconnect(ctx, p.session.Member, p.session.Connection); err != nil {
			return err
		}
		p.connected = false
		m.know(p)
		p = m.members[m.random.IntN(len(m.members))]
	}
	if !p.connected || m.random.IntN(20) == 0 {
		if err := m.connect(ctx, p); err != nil {
			return err
		}
	}
	m.count.placements++
	return m.report(ctx, p, oracle.Near(m.random, m.spot, spread(m.random, 100, 16_000)))
}

// connect begins a session, which may take an older one's place; half of the time
// only the first report does.
func (m *market) connect(ctx context.Context, p *participant) error {
	m.connection(p)
	p.connected, p.available = true, true
	if m.random.IntN(2) == 0 {
		return nil
	}
	m.know(p)
	return m.Connect(ctx, p.session)
}

// report sends a location, sometimes with a word on more than the place, and
// sometimes one that comes too late to count.
func (m *market) report(ctx context.Context, p *participant, at oracle.Place) error {
	arrival := m.Now()
	fields, late := place(at), p.position.At > 0 && m.random.IntN(25) == 0
	available, tags := p.available, p.truth.Tags
	if m.random.IntN(6) == 0 {
		available = m.random.IntN(3) > 0
		fields += fmt.Sprintf(`,"available":%v`, available)
	}
	if m.random.IntN(4) == 0 {
		tags = m.tags()
		fields += `,"tags":` + list(tags)
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
	err = m.Report(ctx, p.session, q, arrival)
	var fault *match.Fault
	if late && errors.As(err, &fault) && fault.Kind == match.Stale {
		err = nil
	}
	if err == nil && !late {
		p.position, p.available = next, available
		p.truth.Place, p.truth.Tags, p.truth.Reported = at, tags, epoch().Add(m.offset)
	}
	m.know(p)
	return err
}

// list puts a member into the index without a record, and into the crowd: the changes
// that a record would ask for. A third are stale by then.
func (m *market) list(t *testing.T, p *participant, meters float64) []match.Change {
	t.Helper()
	before, now := p.position, m.Now()
	p.connected, p.available = true, true
	p.truth.Place, p.truth.Tags, p.truth.Reported = oracle.Near(m.random, m.spot, meters), m.tags(), epoch().Add(m.offset)
	if m.random.IntN(3) == 0 {
		now, p.truth.Reported = now.Add(-marketTTL), p.truth.Reported.Add(-marketTTL)
	}
	p.position = match.Position{Point: point(t, p.truth.Place), At: now.UnixMilli(), Seq: before.Seq + 1}
	m.know(p)
	cell := geo.ShardCell(p.position.Point)
	changes := []match.Change{{List: true, Cell: cell, Epoch: p.position.Seq, Position: p.position, Heard: p.position.At,
		Tags: strings.Join(p.truth.Tags, " ")}}
	if from := geo.ShardCell(before.Point); before.Seq > 0 && from != cell {
		changes = append(changes, match.Change{Cell: from, Epoch: before.Seq})
	}
	return changes
}

// know tells the oracle of a member.
func (m *market) know(p *participant) {
	p.truth.Unavailable = !p.connected || !p.available || p.match != ""
	m.crowd.Put(p.truth)
}

// tags are some of three, each rarer than the one before.
func (m *market) tags() []string {
	return [][]string{{}, {}, {"tall"}, {"tall"}, {"tall", "calm"}, {"calm"}, {"rare"}}[m.random.IntN(7)]
}

// Push implements match.Pusher.
func (m *market) Push(_ context.Context, connection string, f protocol.Frame) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.frames[connection] = f
	return nil
}

// Close implements match.Pusher.
func (m *market) Close(context.Context, string) error { return nil }

// last is what a connection was sent last.
func (m *market) last(connection string) protocol.Frame {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.frames[connection]
}

func (t *tally) add(more tally) {
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

func place(p oracle.Place) string {
	return `"lat":` + strconv.FormatFloat(p.Lat, 'f', -1, 64) + `,"lng":` + strconv.FormatFloat(p.Lng, 'f', -1, 64)
}

func list(tags []string) string { return strings.ReplaceAll(fmt.Sprintf("%q", tags), " ", ",") }
