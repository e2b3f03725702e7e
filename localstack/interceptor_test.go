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

	"waggle/internal/store"
	"waggle/localstack/apigateway"
	"waggle/test/kit/caches"
)

// An interceptor controls the events and the pushes of a stack, and its clock.
type interceptor struct {
	mu     sync.Mutex
	rules  []*rule
	held   []*held
	post   func(connection string) (refused int)
	passed time.Duration
	// served counts the events that were served or dropped.
	served map[string]int
	// connection has the id of each member's newest connection.
	connection map[string]string
}

// A rule says what to do with matching events.
type rule struct {
	kind, member, text string // text is part of the body
	once               bool
	do                 func(serve func())
}

// A held event waits until it is released.
type held struct {
	arrived, done chan struct{} // closed when the event arrives, and when it was handled
	release       func()
}

// waitUntilHeld waits until the event has arrived.
func (h *held) waitUntilHeld(t *testing.T) { t.Helper(); await(t, "an event to arrive", h.arrived) }

// releaseAndWait releases the event, and waits until it was handled.
func (h *held) releaseAndWait(t *testing.T) {
	t.Helper()
	h.release()
	await(t, "an event to be handled", h.done)
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
	}
}

// The kinds of events.
const (
	connectEvent    = "CONNECT"
	messageEvent    = "MESSAGE"
	disconnectEvent = "DISCONNECT"
)

// The location of members in these tests.
const lat, lng = 37.7793, -122.4193

// A controlledStack is a stack with an interceptor.
type controlledStack struct {
	*testStack
	*interceptor
}

// eachControlledStack runs a test on controlled stacks with the embedded cache and a real server.
func eachControlledStack(t *testing.T, test func(*testing.T, *controlledStack)) {
	caches.Each(t, func(t *testing.T, cache caches.Cache) {
		s := &interceptor{served: make(map[string]int), connection: make(map[string]string)}
		test(t, &controlledStack{startStack(t, config{Cache: cache.URL, Faults: s, Offset: s.offset}), s})
	})
}

// startStack starts a stack with a configuration that flags cannot express.
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
			t.Errorf("stop: %v", err)
		}
	})
	return &testStack{t: t, base: s.url("http", ""), api: s.url("ws", "/"+stage), stop: s.close}
}

// hold holds back the next event of the kind and member with the text in its body.
func (s *interceptor) hold(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { wait(); serve(); close(h.done) }})
	return h
}

// holdResult lets the next such event be served, and holds back the result.
func (s *interceptor) holdResult(kind, member, text string) *held {
	h, wait := s.newHeld()
	s.add(&rule{kind, member, text, true, func(serve func()) { serve(); wait(); close(h.done) }})
	return h
}

// watch does not hold back the next such event; releaseAndWait waits until it was
// handled.
func (s *interceptor) watch(kind, member, text string) *held {
	h := s.hold(kind, member, text)
	h.release()
	return h
}

// drop drops all such events from now on.
func (s *interceptor) drop(kind, member, text string) {
	s.add(&rule{kind, member, text, false, func(func()) {}})
}

func (s *interceptor) newHeld() (h *held, wait func()) {
	release := make(chan struct{})
	h = &held{arrived: make(chan struct{}), done: make(chan struct{}), release: sync.OnceFunc(func() { close(release) })}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, h)
	return h, func() { close(h.arrived); <-release }
}

func (s *interceptor) add(r *rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, r)
}

// rule returns the action of the first rule that matches an event. A rule that applies
// once is removed.
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

// onPost decides about posts from now on.
func (s *interceptor) onPost(post func(connection string) (refused int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.post = post
}

// holdPost holds back the next post to a connection.
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

// advance moves the clock.
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

// count returns how many events of a kind and member were handled.
func (s *interceptor) count(kind, member string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served[kind+" of "+member]
}

// connectionOf returns the id of a member's newest connection.
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
			return next.Invoke(ctx, function, payload) // an event of the authorizer
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
