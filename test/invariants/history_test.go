package invariants_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/protocol"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// TestHistories has a crowd, half of which never asks, send messages at random, of
// which some come twice, late, in another order or never, while processes vanish,
// replies are lost and time passes. What the members saw must be the history of
// members that are in one match after the other; and at rest nobody is stuck.
func TestHistories(t *testing.T) {
	rough := odds{cut: 3, lost: 10, twice: 10, held: 4}
	for kind, start := range map[string]func(testing.TB) caches.Cache{"embedded": caches.Embedded, "cluster": aCluster} {
		t.Run(kind, func(t *testing.T) {
			cache, first := start(t), kit.Seed(t)
			for part := range uint64(kit.Times(3, 100)) {
				simulate(t, cache, rough, rand.New(rand.NewPCG(first, part)), func(s *simulation) {
					h := newHistory(s, fmt.Sprint("history-", part), 36)
					h.live(1000)
					h.rest()
					h.check()
				})
				if t.Failed() {
					t.Logf("in part %d", part)
					return
				}
			}
		})
	}
}

// TestSimulationRepeats: a seed decides every step.
func TestSimulationRepeats(t *testing.T) {
	var traces [][]string
	first := kit.Seed(t)
	for range 2 {
		simulate(t, caches.Embedded(t), odds{cut: 5, lost: 20, twice: 20, held: 5}, rand.New(rand.NewPCG(first, 7)), func(s *simulation) {
			h := newHistory(s, "repeats", 12)
			h.live(200)
			traces = append(traces, s.trace)
		})
	}
	if len(traces[0]) == 0 {
		t.Fatal("got no steps, want some")
	}
	if d := cmp.Diff(traces[0], traces[1]); d != "" {
		t.Errorf("the same seed took other steps:\n%s", d)
	}
}

// A history is what a crowd did and was told.
type history struct {
	*simulation
	crowd []*player
	left  int // messages not begun yet
	sent  int
	// asked and ending are when a member first asked for a match, and when somebody
	// first asked for the end of one.
	asked, ending map[string]int64
	reads         []read
	// ticks are when each frame came, by connection.
	ticks map[string][]int64
}

// A read is an answer of hello: which match the member was in, at some time between
// the call and the answer.
type read struct {
	member, match string
	call, answer  int64
}

// A player is a member of the crowd.
type player struct {
	*client
	passive  bool // never asks
	lat, lng float64
	old      []*client // its earlier connections
}

func newHistory(s *simulation, pool string, size int) *history {
	h := &history{simulation: s, asked: make(map[string]int64), ending: make(map[string]int64), ticks: make(map[string][]int64)}
	observe := func(connection string) { h.ticks[connection] = append(h.ticks[connection], s.tick()) }
	s.came.Store(&observe)
	p, q := across(37.7749, -122.4194)
	for i := range size {
		at := p
		if i%4 < 2 {
			at = q
		}
		c := s.newClient(identity(pool, fmt.Sprintf("m%02d", i)))
		h.crowd = append(h.crowd, &player{client: c, passive: i%2 == 0, lat: at.Lat + float64(i)/2e4, lng: at.Lng})
		s.begin(func(ctx context.Context) { c.connectIn(ctx) })
	}
	s.calm()
	for _, p := range h.crowd {
		h.tell(p, "location", h.location(p))
	}
	s.calm()
	return h
}

// calm runs what is under way to its end.
func (s *simulation) calm() { s.run(func() bool { return false }) }

// live has the crowd send so many messages, a few of them under way at any time.
func (h *history) live(messages int) {
	h.left = messages
	h.run(func() bool {
		h.mu.Lock()
		room := h.under < 10
		h.mu.Unlock()
		if h.left > 0 && room && h.random.IntN(3) == 0 {
			h.left--
			h.act(h.crowd[h.random.IntN(len(h.crowd))])
		}
		return h.left > 0
	})
}

// act is one message of a member: what it does depends on what it has been told.
func (h *history) act(p *player) {
	match := p.believes()
	switch n := h.random.IntN(20); {
	case n == 0: // a new socket, while the old one may still be there
		p.old = append(p.old, p.client)
		p.client = p.again()
		c := p.client
		h.begin(func(ctx context.Context) { c.connectIn(ctx) })
	case n == 1 && len(p.old) > 0: // late, or never
		c := p.old[len(p.old)-1]
		h.begin(func(ctx context.Context) { c.disconnectIn(ctx) })
	case n == 2 && len(p.old) > 0:
		c := p.old[h.random.IntN(len(p.old))]
		h.begin(func(ctx context.Context) { c.serve(ctx, "location", h.location(p)) })
	case n == 3:
		h.hello(p)
	case n == 4:
		h.tell(p, "locate", "")
	case n == 5:
		h.tell(p, "location", h.location(p)+`,"available":`+fmt.Sprint(h.random.IntN(3) > 0))
	case n < 10 && match != "":
		h.note(h.ending, match)
		h.tell(p, "end", `"match":"`+match+`"`)
	case n < 13 && match == "" && !p.passive:
		h.sent++
		h.note(h.asked, p.id.Member)
		h.tell(p, "match", fmt.Sprintf(`"id":"r%d","radius":2000,"wait":%d`, h.sent, []int{0, 0, 20}[h.random.IntN(3)]))
	case n == 13 && !p.passive:
		h.tell(p, "cancel", "")
	default:
		p.lat += (h.random.Float64() - 0.5) / 1000
		p.lng += (h.random.Float64() - 0.5) / 1000
		h.tell(p, "location", h.location(p))
	}
}

// note keeps when something was done for the first time.
func (h *history) note(when map[string]int64, what string) {
	if _, already := when[what]; !already {
		when[what] = h.tick()
	}
}

// tell sends a message: some come twice, some never.
func (h *history) tell(p *player, action, fields string) {
	c := p.client
	switch n := h.random.IntN(20); {
	case n == 0 && h.left > 0:
		return
	case n == 1:
		h.begin(func(ctx context.Context) { c.serve(ctx, action, fields) })
	}
	h.begin(func(ctx context.Context) { c.serve(ctx, action, fields) })
}

func (h *history) location(p *player) string {
	p.reported++
	return fmt.Sprintf(`"lat":%v,"lng":%v,"seq":%d`, p.lat, p.lng, p.reported)
}

// hello asks how things stand, and keeps the answer.
func (h *history) hello(p *player) {
	c, call := p.client, h.tick()
	h.sent++
	id := fmt.Sprint("h", h.sent)
	h.begin(func(ctx context.Context) {
		c.serve(ctx, "hello", `"id":"`+id+`"`)
		for _, f := range c.sent() {
			if w, ok := f.(*protocol.Welcome); ok && w.ID == id {
				r := read{member: c.id.Member, call: call, answer: h.tick()}
				if w.Match != nil {
					r.match = w.Match.Match
				}
				h.mu.Lock()
				h.reads = append(h.reads, r)
				h.mu.Unlock()
				return
			}
		}
	})
}

// believes is the match that a member takes itself to be in, "" for none.
func (p *player) believes() string {
	match := ""
	for _, b := range p.beliefs() {
		if b.open() {
			match = b.match
		}
	}
	return match
}

// rest ends all mishaps; 15 s later everybody connects anew and says hello. Whoever is
// not in a match then can be found.
func (h *history) rest() {
	h.t.Helper()
	h.odds = odds{}
	h.left = 0
	h.calm()
	time.Sleep(16 * time.Second)
	for _, p := range h.crowd {
		p.old = append(p.old, p.client)
		p.client = p.again()
		h.begin(func(ctx context.Context) { p.connectIn(ctx) })
		h.calm()
		h.hello(p)
		h.calm()
	}
	for i, p := range h.crowd {
		h.hello(p)
		h.calm()
		if p.believes() != "" {
			continue
		}
		h.begin(func(ctx context.Context) { p.serve(ctx, "cancel", "") })
		h.calm()
		p.lat, p.lng = -10, float64(i)
		h.begin(func(ctx context.Context) { p.serve(ctx, "location", h.location(p)) })
		h.calm()
		seeker := identity(p.id.Pool, fmt.Sprint("probe", i))
		seeker.Matchee = false
		probe := h.newClient(seeker)
		h.note(h.asked, probe.id.Member)
		h.begin(func(ctx context.Context) {
			probe.connectIn(ctx)
			probe.serve(ctx, "match", fmt.Sprintf(`"lat":%v,"lng":%v,"radius":100`, p.lat, p.lng))
		})
		h.calm()
		if m, ok := last[*protocol.Matched](probe); !ok || string(m.Peer.Card) != `"`+p.id.Member+`"` {
			h.t.Errorf("%s is in no match and cannot be found: %s", p.id.Member, probe.all())
		}
	}
	synctest.Wait()
}
