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

// TestHistories sends random messages of a crowd, half of which never asks for a match. Some
// messages arrive twice, late, in another order or never. Meanwhile processes die, replies
// are lost and time passes. What the members were sent must be the history of members who
// are in one match after the other. In the end nobody is stuck.
func TestHistories(t *testing.T) {
	faults := odds{cut: 3, lost: 10, twice: 10, held: 4}
	for kind, start := range map[string]func(testing.TB) caches.Cache{"embedded": caches.Embedded, "cluster": aCluster} {
		t.Run(kind, func(t *testing.T) {
			cache, first := start(t), kit.Seed(t)
			for part := range uint64(kit.Times(3, 100)) {
				simulate(t, cache, faults, rand.New(rand.NewPCG(first, part)), func(s *simulation) {
					h := newHistory(s, fmt.Sprint("history-", part), 36)
					h.sendRandom(1000)
					h.checkNobodyIsStuck()
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

func TestASeedDecidesEveryStep(t *testing.T) {
	var traces [][]string
	first := kit.Seed(t)
	for range 2 {
		simulate(t, caches.Embedded(t), odds{cut: 5, lost: 20, twice: 20, held: 5}, rand.New(rand.NewPCG(first, 7)), func(s *simulation) {
			h := newHistory(s, "repeats", 12)
			h.sendRandom(200)
			traces = append(traces, s.trace)
		})
	}
	if len(traces[0]) == 0 {
		t.Fatal("got no steps, want some")
	}
	if d := cmp.Diff(traces[0], traces[1]); d != "" {
		t.Errorf("the same seed led to other steps:\n%s", d)
	}
}

// A history is what a crowd sent and was sent.
type history struct {
	*simulation
	crowd []*participant
	left  int // messages to be begun
	ids   int // ids given to messages
	// asked has the first request of each member, ending and accepting the first end and accept
	// message of each match. Times are counts of steps.
	asked, ending, accepting map[string]int64
	reads                    []read
	ticks                    map[string][]int64 // when each frame arrived, by connection
}

// A read is a reply to hello: the member was in that match at some time between the call
// and the reply.
type read struct {
	member, match string
	call, reply   int64
}

// A participant is a member of the crowd, on its newest connection.
type participant struct {
	*client
	passive  bool // it never asks for a match
	lat, lng float64
	spoke    time.Time
	old      []*client // its older connections
}

func newHistory(s *simulation, pool string, size int) *history {
	h := &history{simulation: s, asked: make(map[string]int64), ending: make(map[string]int64), accepting: make(map[string]int64), ticks: make(map[string][]int64)}
	observe := func(connection string) { h.ticks[connection] = append(h.ticks[connection], s.tick()) }
	s.onFrame.Store(&observe)
	p, q := acrossEdge(37.7749, -122.4194)
	for i := range size {
		at := p
		if i%4 < 2 {
			at = q
		}
		c := s.newClient(identity(pool, fmt.Sprintf("m%02d", i)))
		h.crowd = append(h.crowd, &participant{client: c, passive: i%2 == 0, lat: at.Lat + float64(i)/2e4, lng: at.Lng})
		s.begin(func(ctx context.Context) { c.connectIn(ctx) })
	}
	s.drain()
	for _, p := range h.crowd {
		h.message(p, "location", h.location(p))
	}
	s.drain()
	return h
}

// drain runs everything that is under way to its end.
func (s *simulation) drain() { s.run(func() bool { return false }) }

// sendRandom sends so many random messages. A few of them are under way at any time.
func (h *history) sendRandom(messages int) {
	h.left = messages
	h.run(func() bool {
		h.mu.Lock()
		room := h.underWay < 10
		h.mu.Unlock()
		if h.left > 0 && room && h.random.IntN(3) == 0 {
			h.left--
			p := h.crowd[h.random.IntN(len(h.crowd))]
			for _, other := range h.crowd {
				if now := time.Now(); now.Sub(other.spoke) > 20*time.Second && other.spoke.Before(p.spoke) {
					p = other // or else it would leave its match, in a minute of silence
				}
			}
			p.spoke = time.Now()
			h.act(p)
		}
		return h.left > 0
	})
}

// act sends one message of a member, which depends on the match that it was notified of.
func (h *history) act(p *participant) {
	match, offer := p.announced(), p.offer()
	switch n := h.random.IntN(20); {
	case n == 0: // a new socket; the old one may still be there
		p.old = append(p.old, p.client)
		p.client = p.next()
		c := p.client
		h.begin(func(ctx context.Context) { c.connectIn(ctx) })
	case n == 1 && len(p.old) > 0: // so $disconnect is late, or never comes
		c := p.old[len(p.old)-1]
		h.begin(func(ctx context.Context) { c.disconnectIn(ctx) })
	case n == 2 && len(p.old) > 0:
		c := p.old[h.random.IntN(len(p.old))]
		h.begin(func(ctx context.Context) { c.serve(ctx, "location", h.location(p)) })
	case n == 3:
		h.read(p)
	case n == 4:
		h.message(p, "locate", "")
	case n == 5:
		h.message(p, "location", h.location(p)+`,"available":`+fmt.Sprint(h.random.IntN(3) > 0))
	case n > 5 && n < 17 && offer != "":
		h.note(h.accepting, offer)
		h.message(p, "accept", `"match":"`+offer+`"`)
	case n == 17 && offer != "":
		h.message(p, "decline", `"match":"`+offer+`"`)
	case n < 10 && match != "":
		h.note(h.ending, match)
		h.message(p, "end", `"match":"`+match+`"`)
	case n < 13 && match == "" && !p.passive:
		h.ids++
		h.note(h.asked, p.id.Member)
		h.message(p, "match", fmt.Sprintf(`"id":"r%d","radius":2000,"wait":%d,"confirm":%d`, h.ids,
			[]int{0, 0, 20}[h.random.IntN(3)], []int{0, 5}[h.random.IntN(2)]))
	case n == 13 && !p.passive:
		h.message(p, "cancel", "")
	default:
		p.lat += (h.random.Float64() - 0.5) / 1000
		p.lng += (h.random.Float64() - 0.5) / 1000
		h.message(p, "location", h.location(p))
	}
}

// note notes when something was done for the first time.
func (h *history) note(when map[string]int64, what string) {
	if _, already := when[what]; !already {
		when[what] = h.tick()
	}
}

// message sends a message. Some arrive twice, some never.
func (h *history) message(p *participant, action, fields string) {
	c := p.client
	switch n := h.random.IntN(20); {
	case n == 0 && h.left > 0:
		return
	case n == 1:
		h.begin(func(ctx context.Context) { c.serve(ctx, action, fields) })
	}
	h.begin(func(ctx context.Context) { c.serve(ctx, action, fields) })
}

func (h *history) location(p *participant) string {
	p.reported++
	return fmt.Sprintf(`"lat":%v,"lng":%v,"seq":%d`, p.lat, p.lng, p.reported)
}

// read says hello, and keeps the reply.
func (h *history) read(p *participant) {
	c, call := p.client, h.tick()
	h.ids++
	id := fmt.Sprint("h", h.ids)
	h.begin(func(ctx context.Context) {
		c.serve(ctx, "hello", `"id":"`+id+`"`)
		for _, f := range c.sent() {
			if welcome, ok := f.(*protocol.Welcome); ok && welcome.ID == id {
				r := read{member: c.id.Member, call: call, reply: h.tick()}
				if welcome.Match != nil {
					r.match = welcome.Match.Match
				}
				h.mu.Lock()
				h.reads = append(h.reads, r)
				h.mu.Unlock()
				return
			}
		}
	})
}

// checkNobodyIsStuck ends all faults. 16 s later every member connects anew and says hello.
// Each of them is then in a match, or can be found.
func (h *history) checkNobodyIsStuck() {
	h.t.Helper()
	h.odds = odds{}
	h.left = 0
	h.drain()
	time.Sleep(16 * time.Second)
	for _, p := range h.crowd {
		p.old = append(p.old, p.client)
		p.client = p.next()
		h.begin(func(ctx context.Context) { p.connectIn(ctx) })
		h.drain()
		h.read(p)
		h.drain()
	}
	time.Sleep(30 * time.Second) // by then every offer and every waiting request is over
	for i, p := range h.crowd {
		h.read(p)
		h.drain()
		if p.announced() != "" {
			continue
		}
		h.begin(func(ctx context.Context) { p.serve(ctx, "cancel", "") })
		h.drain()
		p.lat, p.lng = -10, float64(i)
		h.begin(func(ctx context.Context) { p.serve(ctx, "location", h.location(p)+`,"available":true`) })
		h.drain()
		seeker := identity(p.id.Pool, fmt.Sprint("probe", i))
		seeker.Matchee = false
		probe := h.newClient(seeker)
		h.note(h.asked, probe.id.Member)
		h.begin(func(ctx context.Context) {
			probe.connectIn(ctx)
			probe.serve(ctx, "match", fmt.Sprintf(`"lat":%v,"lng":%v,"radius":100`, p.lat, p.lng))
		})
		h.drain()
		if m, ok := last[*protocol.Matched](probe); !ok || string(m.Peer.Card) != `"`+p.id.Member+`"` {
			h.t.Errorf("%s is not in a match and cannot be found: %s", p.id.Member, probe.all())
		}
	}
	synctest.Wait()
}

// offer is the match that is offered to the member, as its newest connection was told, or "".
func (c *client) offer() (match string) {
	for _, f := range c.sent() {
		switch f := f.(type) {
		case *protocol.Offered:
			if f.Role == protocol.RoleMatchee {
				match = f.Match
			}
		case *protocol.Matched:
			match = ""
		case *protocol.Ended:
			if f.Match == match {
				match = ""
			}
		}
	}
	return match
}
