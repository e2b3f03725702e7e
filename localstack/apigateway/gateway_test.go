package apigateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/apigateway"
	"waggle/localstack/lambda"
)

type object = map[string]any

// stack is a Gateway on a real server. The test supplies its functions.
type stack struct {
	t       testing.TB
	gateway *apigateway.Gateway
	server  *httptest.Server

	mu     sync.Mutex
	events map[string][]object // by function
	change chan struct{}       // closed and replaced with each event
}

type handlers map[string]func(event object) (object, error)

// start serves each handler as the function of the route of its name. There are always
// handlers for $connect and $disconnect.
func start(t testing.TB, config apigateway.Config, functions handlers) *stack {
	t.Helper()
	s := &stack{t: t, events: map[string][]object{}, change: make(chan struct{})}
	routes := map[string]string{}
	inProcess := map[string]any{}
	add := func(name string, f func(object) (object, error)) {
		routes[name] = name
		inProcess[name] = func(event object) (object, error) {
			s.record(name, event)
			return f(event)
		}
	}
	add("$connect", answer(200))
	add("$disconnect", answer(200))
	for name, f := range functions {
		add(name, f)
	}
	delete(routes, "authorizer")
	config.Stage = "prod"
	config.Routes = routes
	functionsInProcess := lambda.New(inProcess, 0)
	config.Invoker = functionsInProcess
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	s.gateway = apigateway.New(config)
	s.server = httptest.NewServer(s.gateway)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.gateway.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		s.server.Close()
		functionsInProcess.Wait()
	})
	return s
}

// answer is a function that only returns a status.
func answer(status int) func(object) (object, error) {
	return func(object) (object, error) { return object{"statusCode": status}, nil }
}

func (s *stack) record(function string, event object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[function] = append(s.events[function], event)
	close(s.change)
	s.change = make(chan struct{})
}

// event waits for the nth event (from 0) of a function.
func (s *stack) event(function string, n int) object {
	s.t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		s.mu.Lock()
		events, change := s.events[function], s.change
		s.mu.Unlock()
		if n < len(events) {
			return events[n]
		}
		select {
		case <-change:
		case <-timeout:
			s.t.Fatalf("%s: got %d events in 5 s, want %d", function, len(events), n+1)
		}
	}
}

func (s *stack) count(function string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events[function])
}

func (s *stack) url() string { return "ws" + strings.TrimPrefix(s.server.URL, "http") + "/prod" }

func (s *stack) dial(options *websocket.DialOptions) *websocket.Conn {
	s.t.Helper()
	c, response, err := websocket.Dial(s.t.Context(), s.url(), options)
	if err != nil {
		s.t.Fatalf("dial: %v (%v)", err, response)
	}
	s.t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(1 << 20)
	return c
}

// connect dials, and returns the new connection's id too. It must not run concurrently.
func (s *stack) connect() (*websocket.Conn, string) {
	s.t.Helper()
	n := s.count("$connect")
	c := s.dial(nil)
	return c, connectionID(s.event("$connect", n))
}

func (s *stack) refused(options *websocket.DialOptions) (status int, body string) {
	s.t.Helper()
	c, response, err := websocket.Dial(s.t.Context(), s.url(), options)
	if err == nil {
		c.CloseNow()
		s.t.Fatal("the upgrade was accepted")
	}
	if response == nil {
		s.t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(text))
}

// management calls @connections with a signature.
func (s *stack) management(method, id string, body []byte) *http.Response {
	s.t.Helper()
	request, err := http.NewRequest(method, s.server.URL+"/prod/@connections/"+url.QueryEscape(id), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	response.Body = io.NopCloser(bytes.NewReader(text))
	return response
}

func (s *stack) post(id string, body []byte) int {
	s.t.Helper()
	return s.management(http.MethodPost, id, body).StatusCode
}

func requestContext(event object) object { return event["requestContext"].(object) }
func connectionID(event object) string   { return requestContext(event)["connectionId"].(string) }

func write(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func read(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, text, err := c.Read(ctx)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(text)
}

// readClose reads until the connection is closed.
func readClose(t testing.TB, c *websocket.Conn) (websocket.StatusCode, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			var closed websocket.CloseError
			if !errors.As(err, &closed) {
				t.Fatalf("got %v, want a close frame", err)
			}
			return closed.Code, closed.Reason
		}
	}
}

// echo posts each message back to its sender.
func (s *stack) echo(event object) (object, error) {
	if status := s.post(connectionID(event), []byte(event["body"].(string))); status != http.StatusOK {
		return nil, fmt.Errorf("post: status %d", status)
	}
	return object{"statusCode": 200}, nil
}

// startEcho starts a stack whose $default is echo.
func startEcho(t testing.TB, config apigateway.Config) *stack {
	var s *stack
	ready := make(chan struct{})
	s = start(t, config, handlers{"$default": func(event object) (object, error) {
		<-ready
		return s.echo(event)
	}})
	close(ready)
	return s
}

func TestOtherPathsAndRequestsAreRefused(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	got := map[string]int{}
	for _, path := range []string{"/", "/prod", "/prod/", "/production", "/prod/more", "/prod/@connections"} {
		response, err := http.Get(s.server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		got[path] = response.StatusCode
	}
	want := map[string]int{"/": 403, "/prod": 426, "/prod/": 426, "/production": 403, "/prod/more": 403, "/prod/@connections": 403}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("status by path (-want +got)\n%s", diff)
	}
}

func TestObserveSeesMessagesBothWays(t *testing.T) {
	type seen struct {
		ID, Direction, Payload string
		Authorizer             map[string]string
	}
	var mu sync.Mutex
	var got []seen
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := start(t, apigateway.Config{
		Authorizer: "authorizer",
		Now:        func() time.Time { return now },
		Observe: func(f apigateway.Frame) {
			mu.Lock()
			defer mu.Unlock()
			if !f.Time.Equal(now) {
				t.Errorf("time: got %v, want %v", f.Time, now)
			}
			got = append(got, seen{f.ConnectionID, string(f.Direction), string(f.Payload), f.Authorizer})
		},
	}, handlers{"authorizer": allow(object{"member": "ana"}), "$default": answer(200)})
	c, id := s.connect()
	write(t, c, "up")
	s.event("$default", 0)
	s.post(id, []byte("down"))
	read(t, c)
	mu.Lock()
	defer mu.Unlock()
	context := map[string]string{"principalId": "user", "member": "ana"}
	want := []seen{{id, "in", "up", context}, {id, "out", "down", context}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCloseSends1001ToAllAndWaitsForGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	s := startEcho(t, apigateway.Config{})
	var clients sync.WaitGroup
	for range 20 {
		c := s.dial(nil)
		write(t, c, "hello")
		if got := read(t, c); got != "hello" {
			t.Fatalf("got %q, want hello", got)
		}
		clients.Go(func() {
			code, reason := readClose(t, c)
			if code != websocket.StatusGoingAway || reason != "Going away" {
				t.Errorf("got %d %q, want 1001 Going away", code, reason)
			}
		})
	}
	if got := s.gateway.Connections(); got != 20 {
		t.Errorf("connections: got %d, want 20", got)
	}
	if err := s.gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	if got := s.count("$disconnect"); got != 20 {
		t.Errorf("$disconnect: got %d, want 20", got)
	}
	if got := s.gateway.Connections(); got != 0 {
		t.Errorf("connections: got %d, want 0", got)
	}
	if status, _ := s.refused(nil); status != http.StatusServiceUnavailable {
		t.Errorf("upgrade after Close: got %d, want 503", status)
	}
	s.server.Close()
	http.DefaultClient.CloseIdleConnections()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("goroutines: got %d, want %d\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestCloseAbortsWhatDoesNotEnd(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := start(t, apigateway.Config{}, handlers{"$default": func(object) (object, error) {
		<-release
		return nil, nil
	}})
	write(t, s.dial(nil), "stuck")
	s.event("$default", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.gateway.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestEachOfManyConnectionsGetsItsOwnMessages(t *testing.T) {
	const connections, messages = 100, 20
	s := startEcho(t, apigateway.Config{})
	var clients sync.WaitGroup
	for range connections {
		c := s.dial(nil)
		clients.Go(func() {
			want, got := map[string]int{}, map[string]int{}
			for n := range messages {
				text := fmt.Sprint("message ", n)
				want[text] = 1
				if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
					t.Error(err)
					return
				}
			}
			for range messages {
				_, text, err := c.Read(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got[string(text)]++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	clients.Wait()
}

// BenchmarkEcho measures one message, its function and one post back.
func BenchmarkEcho(b *testing.B) {
	s := startEcho(b, apigateway.Config{})
	b.RunParallel(func(pb *testing.PB) {
		c := s.dial(nil)
		for pb.Next() {
			write(b, c, `{"action":"ping"}`)
			read(b, c)
		}
	})
}
