package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/internal/store"
	"waggle/localstack/apigateway"
	"waggle/test/kit/caches"
)

// A script has in hand what passes between the gateway, the functions and the
// clients of a stack, and the time.
type script struct {
	mu     sync.Mutex
	rules  []*rule
	held   []*held
	post   func(connection string) (refused int)
	passed time.Duration
	// served counts the events that have been served, or lost.
	served map[string]int
	// connection is the newest of a member.
	connection map[string]string
}

// A rule says what becomes of events.
type rule struct {
	kind, member, text string // with the text in the body
	once               bool
	do                 func(serve func())
}

// A held event waits to be let go.
type held struct {
	here, over chan struct{} // closed when it is there, and when it is done with
	letGo      func()
}

// arrive waits until the event is there.
func (h *held) arrive(t *testing.T) { t.Helper(); await(t, "an event to come", h.here) }

// finish lets it go, and waits until it is done with.
func (h *held) finish(t *testing.T) {
	t.Helper()
	h.letGo()
	await(t, "an event to be done with", h.over)
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

// The kinds of events.
const (
	connecting    = "CONNECT"
	saying        = "MESSAGE"
	disconnecting = "DISCONNECT"
)

// Where members are in these tests.
const lat, lng = 37.7793, -122.4193

// A staged stack is one that runs by a script.
type staged struct {
	*running
	*script
}

// onStage runs a test on staged stacks with the embedded cache and a real server.
func onStage(t *testing.T, test func(*testing.T, *staged)) {
	caches.Each(t, func(t *testing.T, cache caches.Cache) {
		s := &script{served: make(map[string]int), connection: make(map[string]string)}
		test(t, &staged{beginWith(t, config{Cache: cache.URL, Faults: s, Offset: s.offset}), s})
	})
}

// beginWith starts a stack that no command line can.
func beginWith(t *testing.T, c config) *running {
	t.Helper()
	c.Addr = "127.0.0.1:0"
	c.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("the end: %v", err)
		}
	})
	return &running{t: t, base: s.url("http", ""), api: s.url("ws", "/"+stage), end: s.close}
}

// hold keeps back the next event of a kind and member, with that text in it.
func (s *script) hold(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { wait(); serve(); close(h.over) }})
	return h
}

// holdAnswer lets the next such event be served, and keeps back the answer.
func (s *script) holdAnswer(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { serve(); wait(); close(h.over) }})
	return h
}

// watch lets the next such event pass; its finish waits until it is done with.
func (s *script) watch(kind, member, text string) *held {
	h := s.hold(kind, member, text)
	h.letGo()
	return h
}

// lose loses all such events from now on.
func (s *script) lose(kind, member, text string) {
	s.add(&rule{kind, member, text, false, func(func()) {}})
}

func (s *script) newHeld() (h *held, wait func()) {
	letGo := make(chan struct{})
	h = &held{here: make(chan struct{}), over: make(chan struct{}), letGo: sync.OnceFunc(func() { close(letGo) })}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, h)
	return h, func() { close(h.here); <-letGo }
}

func (s *script) add(r *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, r)
}

// rule is the first that an event falls under; one that is for once is spent.
func (s *script) rule(kind, member, body string) func(serve func()) {
	for i, r := range s.rules {
		if r.kind == kind && r.member == member && strings.Contains(body, r.text) {
			if r.once {
				s.rules = slices.Delete(s.rules, i, i+1)
			}
			return r.do
		}
	}
	return func(serve func()) { serve() }
}

// onPost says what becomes of posts from now on.
func (s *script) onPost(post func(connection string) (refused int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post = post
}

// holdPost holds up the next post to a connection.
func (s *script) holdPost(connection string) *held {
	h, wait := s.newHeld()
	var first atomic.Bool
	s.onPost(func(to string) int {
		if to == connection && first.CompareAndSwap(false, true) {
			wait()
		}
		return 0
	})
	return h
}

// pass moves time on.
func (s *script) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed += d
}

func (s *script) offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed
}

// count is how many events of a kind of a member are over.
func (s *script) count(kind, member string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[kind+" of "+member]
}

// of is the newest connection of a member.
func (s *script) of(member string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connection[member]
}

// Events implements mischief.
func (s *script) Events(next apigateway.Invoker) apigateway.Invoker {
	return invoker(func(ctx context.Context, function string, payload []byte) (answer []byte, err error) {
		var seen struct {
			Type, Body     string
			RequestContext struct {
				EventType, ConnectionID string
				Authorizer              struct{ Member string }
			}
		}
		if err := json.Unmarshal(payload, &seen); err != nil || seen.Type != "" {
			return next.Invoke(ctx, function, payload) // of the authorizer
		}
		kind, member := seen.RequestContext.EventType, seen.RequestContext.Authorizer.Member
		answer = []byte(`{"statusCode":200}`)
		s.mu.Lock()
		if kind == connecting {
			s.connection[member] = seen.RequestContext.ConnectionID
		}
		do := s.rule(kind, member, seen.Body)
		s.mu.Unlock()
		do(func() { answer, err = next.Invoke(ctx, function, payload) })
		s.mu.Lock()
		s.served[kind+" of "+member]++
		s.mu.Unlock()
		return answer, err
	})
}

// invoker makes a function an apigateway.Invoker.
type invoker func(ctx context.Context, function string, payload []byte) ([]byte, error)

func (i invoker) Invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	return i(ctx, function, payload)
}

// Post implements mischief.
func (s *script) Post(connection string) (refused int) {
	s.mu.Lock()
	post := s.post
	s.mu.Unlock()
	if post == nil {
		return 0
	}
	return post(connection)
}

// Trip implements mischief.
func (s *script) Trip(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
	send(ctx)
}

// Stop implements mischief.
func (s *script) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		h.letGo()
	}
}

// finds asks who is within 100 m of a place, and lets whom it finds go.
func (s *running) finds(lat, lng float64) bool {
	s.t.Helper()
	seeker := s.join("seeker")
	defer seeker.Close()
	outcome, err := seeker.Match(s.t.Context(), waggle.Match{Radius: 100, Point: &waggle.Point{Lat: lat, Lng: lng}})
	if err != nil {
		s.t.Fatal(err)
	}
	if outcome.Matched == nil {
		return false
	}
	if _, err := seeker.End(s.t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
		s.t.Fatal(err)
	}
	return true
}
