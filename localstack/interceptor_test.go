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
type interceptor struct {
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
	release    func()
}

// arrive waits until the event is there.
func (h *held) waitUntilHeld(t *testing.T) { t.Helper(); await(t, "an event to come", h.here) }

// finish lets it go, and waits until it is done with.
func (h *held) releaseAndWait(t *testing.T) {
	t.Helper()
	h.release()
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
	connectEvent    = "CONNECT"
	messageEvent    = "MESSAGE"
	disconnectEvent = "DISCONNECT"
)

// Where members are in these tests.
const lat, lng = 37.7793, -122.4193

// A controlledStack stack is one that runs by a script.
type controlledStack struct {
	*testStack
	*interceptor
}

// eachControlledStack runs a test on controlledStack stacks with the embedded cache and a real server.
func eachControlledStack(t *testing.T, test func(*testing.T, *controlledStack)) {
	caches.Each(t, func(t *testing.T, cache caches.Cache) {
		s := &interceptor{served: make(map[string]int), connection: make(map[string]string)}
		test(t, &controlledStack{startStack(t, config{Cache: cache.URL, Faults: s, Offset: s.offset}), s})
	})
}

// beginWith starts a stack that no command line can.
func startStack(t *testing.T, c config) *testStack {
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
	return &testStack{t: t, base: s.url("http", ""), api: s.url("ws", "/"+stage), end: s.close}
}

// hold keeps back the next event of a kind and member, with that text in it.
func (s *interceptor) hold(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { wait(); serve(); close(h.over) }})
	return h
}

// holdAnswer lets the next such event be served, and keeps back the answer.
func (s *interceptor) holdAnswer(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { serve(); wait(); close(h.over) }})
	return h
}

// watch lets the next such event pass; its finish waits until it is done with.
func (s *interceptor) watch(kind, member, text string) *held {
	h := s.hold(kind, member, text)
	h.release()
	return h
}

// lose loses all such events from now on.
func (s *interceptor) drop(kind, member, text string) {
	s.add(&rule{kind, member, text, false, func(func()) {}})
}

func (s *interceptor) newHeld() (h *held, wait func()) {
	release := make(chan struct{})
	h = &held{here: make(chan struct{}), over: make(chan struct{}), release: sync.OnceFunc(func() { close(release) })}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, h)
	return h, func() { close(h.here); <-release }
}

func (s *interceptor) add(r *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, r)
}

// rule is the first that an event falls under; one that is for once is spent.
func (s *interceptor) rule(kind, member, body string) func(serve func()) {
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
func (s *interceptor) onPost(post func(connection string) (refused int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post = post
}

// holdPost holds up the next post to a connection.
func (s *interceptor) holdPost(connection string) *held {
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
func (s *interceptor) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed += d
}

func (s *interceptor) offset() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed
}

// count is how many events of a kind of a member are over.
func (s *interceptor) count(kind, member string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[kind+" of "+member]
}

// of is the newest connection of a member.
func (s *interceptor) connectionOf(member string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connection[member]
}

// Events implements injector.
func (s *interceptor) Events(next apigateway.Invoker) apigateway.Invoker {
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
		if kind == connectEvent {
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

// Post implements injector.
func (s *interceptor) Post(connection string) (refused int) {
	s.mu.Lock()
	post := s.post
	s.mu.Unlock()
	if post == nil {
		return 0
	}
	return post(connection)
}

// Trip implements injector.
func (s *interceptor) Trip(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
	send(ctx)
}

// Stop implements injector.
func (s *interceptor) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		h.release()
	}
}

// finds asks who is within 100 m of a place, and lets whom it finds go.
func (s *testStack) isFoundAt(lat, lng float64) bool {
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
