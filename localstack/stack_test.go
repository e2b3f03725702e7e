package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/test/kit/caches"
)

// A testStack is a running stack.
type testStack struct {
	t        *testing.T
	greeting string
	output   outputWrites // after the greeting
	base     string       // http://host:port
	api      string       // URL of the WebSocket API
	stop     func() error
}

// runStack runs the command line on a free port. The stack stops when the test ends, if
// not earlier.
func runStack(t *testing.T, args ...string) *testStack {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "-addr") {
		args = append([]string{"-addr", "127.0.0.1:0"}, args...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	output := make(outputWrites, 2) // the test may leave the last write unread
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, output, t.Output()) }()
	s := &testStack{t: t, output: output}
	select {
	case s.greeting = <-output:
	case err := <-ended:
		cancel()
		t.Fatalf("localstack %s: %v", strings.Join(args, " "), err)
	case <-time.After(20 * time.Second):
		cancel()
		t.Fatal("no greeting")
	}
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	s.api = urlLine(t, s.greeting, "ws")
	u, err := url.Parse(s.api)
	if err != nil {
		t.Fatal(err)
	}
	s.base = "http://" + u.Host
	return s
}

// eachStack runs a test on a stack with the embedded cache, on one with a real server,
// and on one with the functions as processes. The arguments are for each.
func eachStack(t *testing.T, test func(*testing.T, *testStack), args ...string) {
	onServer := func(t *testing.T) []string { return append(slices.Clip(args), "-cache", caches.Server(t).URL) }
	t.Run("embedded", func(t *testing.T) { test(t, runStack(t, args...)) })
	t.Run("server", func(t *testing.T) { test(t, runStack(t, onServer(t)...)) })
	t.Run("process", func(t *testing.T) { test(t, runStack(t, asProcesses(t, onServer(t)...)...)) })
}

// eachRuntime runs a test for each runtime of the functions, with the arguments for its
// stack.
func eachRuntime(t *testing.T, test func(t *testing.T, runtime ...string)) {
	t.Run("inprocess", func(t *testing.T) { test(t) })
	t.Run("process", func(t *testing.T) { test(t, asProcesses(t)...) })
}

var builtOnce = sync.OnceValue(func() error { return buildFunctions(context.Background(), "..", localBuild) })

// asProcesses adds the arguments for functions as processes, and builds the functions.
func asProcesses(t *testing.T, args ...string) []string {
	t.Helper()
	if err := builtOnce(); err != nil {
		t.Fatal(err)
	}
	return append(args, "-runtime", processes, "-functions", "../"+localBuild)
}

// outputWrites is a writer that sends each write on a channel.
type outputWrites chan string

func (p outputWrites) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

// urlLine returns the first line that is just a URL of the scheme.
func urlLine(t *testing.T, text, scheme string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + scheme + `://\S+$`).FindString(text)
	if found == "" {
		t.Fatalf("no line is just a %s URL:\n%s", scheme, text)
	}
	return found
}

// get returns a page's status and body.
func (s *testStack) get(path string) (status int, body string) {
	s.t.Helper()
	answer, err := http.Get(s.base + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// token requests a token. The query alternates names and values.
func (s *testStack) token(query ...string) string {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Set(query[i], query[i+1])
	}
	status, body := s.get("/token?" + values.Encode())
	if status != http.StatusOK {
		s.t.Fatalf("/token %v: got %d %s", query, status, body)
	}
	return body
}

func (s *testStack) connect(token string) (*waggle.Client, error) {
	return waggle.Connect(s.t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) { return token, nil },
		Backoff: waggle.Backoff{Min: time.Millisecond}})
}

// join connects a member. The query is for its token.
func (s *testStack) join(member string, query ...string) *waggle.Client {
	s.t.Helper()
	c, err := s.connect(s.token(append(query, "member", member)...))
	if err != nil {
		s.t.Fatalf("%q connects: %v", member, err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// handshakeStatus connects, and returns the status of the handshake: 101 if it succeeds.
func (s *testStack) handshakeStatus(token string) int {
	s.t.Helper()
	c, err := s.connect(token)
	if err == nil {
		c.Close()
		return http.StatusSwitchingProtocols
	}
	var refusal *waggle.HandshakeError
	if !errors.As(err, &refusal) {
		s.t.Fatal(err)
	}
	return refusal.Status
}

// feed is the data of the map.
type feed struct {
	Members []struct {
		Pool, Member, Match string
		Lat, Lng            float64
		Waiting             bool
	}
	Matches [][2]string
}

func (s *testStack) feed() feed {
	s.t.Helper()
	status, body := s.get("/feed")
	var f feed
	if err := json.Unmarshal([]byte(body), &f); status != http.StatusOK || err != nil {
		s.t.Fatalf("/feed: got %d %s, %v", status, body, err)
	}
	return f
}

// until polls a condition.
func until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
	}
}

func TestTheGreetingHasURLsThatWork(t *testing.T) {
	s := runStack(t)
	u, err := url.Parse(s.api)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() == "0" || u.Path != "/prod" {
		t.Errorf("the API: got %s", s.api)
	}
	for line := range strings.Lines(s.greeting) {
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, "http://") {
			if u, err := url.Parse(line); err != nil || u.Scheme != "http" {
				t.Errorf("not just a URL: %q", line)
				continue
			}
			if status, body := s.get(strings.TrimPrefix(line, s.base)); status != http.StatusOK || body == "" {
				t.Errorf("%s: got %d %q", line, status, body)
			}
		}
	}
	for _, path := range []string{"/\n", "/token?member=ana\n"} {
		if !strings.Contains(s.greeting, s.base+path) {
			t.Errorf("no %s in:\n%s", s.base+path, s.greeting)
		}
	}
	for path, want := range map[string]string{
		"/":                                 "<title>Waggle</title>",
		"/healthz":                          "ok",
		"/.well-known/openid-configuration": `"issuer":"` + s.base + `"`,
		"/feed":                             `"members":[]`,
	} {
		if status, body := s.get(path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.200s, want %s", path, status, body, want)
		}
	}
	if status, _ := s.get("/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: got %d", status)
	}
}

func TestAStoppedStackLeavesNoGoroutinesAndNoListener(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtimeFlags ...string) {
		http.DefaultClient.CloseIdleConnections()
		before := runtime.NumGoroutine()
		s := runStack(t, append(runtimeFlags, "-members", "3")...)
		c := s.join("ana")
		until(t, "three simulated members", func() bool { return len(s.feed().Members) == 3 })
		if err := s.stop(); err != nil {
			t.Errorf("got %v", err)
		}
		c.Close()
		http.DefaultClient.CloseIdleConnections()
		if _, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://")); err == nil {
			t.Error("it still listens")
		}
		// The readers of closed connections take a moment to end.
		for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				var stacks bytes.Buffer
				if err := pprof.Lookup("goroutine").WriteTo(&stacks, 1); err != nil {
					t.Fatal(err)
				}
				t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), &stacks)
			}
		}
	})
}

func TestAStoppedStackClosesConnectionsWith1001(t *testing.T) {
	s := runStack(t)
	token := s.token("member", "ana")
	c, err := waggle.Dial(t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	received := make(chan error, 1)
	go func() {
		_, err := c.Receive(context.Background())
		received <- err
	}()
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if err := <-received; err == nil || !strings.Contains(err.Error(), "StatusGoingAway") {
		t.Errorf("got %v, want a close with 1001", err)
	}
}
