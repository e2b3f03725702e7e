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
	"strings"
	"sync"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/test/kit/caches"
)

// A running stack, started by its command line.
type testStack struct {
	t        *testing.T
	greeting string
	said     outputWrites // after that
	base     string       // http://host:port
	api      string       // of the WebSocket
	end      func() error
}

// begin starts a stack on a free port. It ends with the test, if not before.
func runStack(t *testing.T, args ...string) *testStack {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "-addr") {
		args = append([]string{"-addr", "127.0.0.1:0"}, args...)
	}
	ctx, cancel := context.WithCancel(t.Context())
	greeted := make(outputWrites, 2) // what is said at the end may not be read
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, args, greeted, t.Output()) }()
	s := &testStack{t: t, said: greeted}
	select {
	case s.greeting = <-greeted:
	case err := <-ended:
		cancel()
		t.Fatalf("localstack %s: %v", strings.Join(args, " "), err)
	case <-time.After(20 * time.Second):
		cancel()
		t.Fatal("no greeting")
	}
	over := false
	s.end = func() error {
		if over {
			return nil
		}
		over = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Errorf("the end: %v", err)
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

// eachStack runs a test on stacks with the embedded cache and a real server, and with
// the functions as processes.
func eachStack(t *testing.T, test func(*testing.T, *testStack)) {
	t.Run("embedded", func(t *testing.T) { test(t, runStack(t)) })
	t.Run("server", func(t *testing.T) { test(t, runStack(t, "-cache", caches.Server(t).URL)) })
	t.Run("process", func(t *testing.T) { test(t, runStack(t, asProcesses(t, "-cache", caches.Server(t).URL)...)) })
}

// eachRuntime runs a test with the functions in this process, and as processes: it
// begins its stack with these arguments.
func eachRuntime(t *testing.T, test func(t *testing.T, runtime ...string)) {
	t.Run("inprocess", func(t *testing.T) { test(t) })
	t.Run("process", func(t *testing.T) { test(t, asProcesses(t)...) })
}

var builtOnce = sync.OnceValue(func() error { return buildFunctions(context.Background(), "..", localBuild) })

// asProcesses adds what runs the functions as processes, once they are built.
func asProcesses(t *testing.T, args ...string) []string {
	t.Helper()
	if err := builtOnce(); err != nil {
		t.Fatal(err)
	}
	return append(args, "-runtime", processes, "-functions", "../"+localBuild)
}

// outputWrites takes what a program prints, a piece for each write.
type outputWrites chan string

func (p outputWrites) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

// alone finds the first line that is a URL of that scheme and nothing else.
func urlLine(t *testing.T, text, scheme string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^` + scheme + `://\S+$`).FindString(text)
	if found == "" {
		t.Fatalf("no line is a %s URL alone:\n%s", scheme, text)
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

// token asks for one, by name and value in turn.
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

// join connects a member with what its token is to say.
func (s *testStack) join(member string, query ...string) *waggle.Client {
	s.t.Helper()
	c, err := s.connect(s.token(append(query, "member", member)...))
	if err != nil {
		s.t.Fatalf("%q connects: %v", member, err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// refused is the status that a handshake is refused with; 101 if it is not.
func (s *testStack) refused(token string) int {
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

// feed is what the map shows.
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

// until polls, since a real process cannot be told to be ready.
func until(t *testing.T, what string, ready func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestItSaysWhereItIs(t *testing.T) {
	s := runStack(t)
	u, err := url.Parse(s.api)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() == "0" || u.Path != "/prod" {
		t.Errorf("the API: got %s", s.api)
	}
	for line := range strings.Lines(s.greeting) {
		line = strings.TrimSuffix(line, "\n")
		if strings.Contains(line, "http://") {
			if u, err := url.Parse(line); err != nil || u.Scheme != "http" {
				t.Errorf("not a URL alone: %q", line)
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

func TestTheEndLeavesNothing(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtimeFlags ...string) {
		http.DefaultClient.CloseIdleConnections()
		before := runtime.NumGoroutine()
		s := runStack(t, append(runtimeFlags, "-members", "3")...)
		c := s.join("ana")
		until(t, "three simulated members", func() bool { return len(s.feed().Members) == 3 })
		if err := s.end(); err != nil {
			t.Errorf("got %v", err)
		}
		c.Close()
		http.DefaultClient.CloseIdleConnections()
		if _, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://")); err == nil {
			t.Error("it listens still")
		}
		// Connections that were closed take a moment to be read to their end.
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

func TestAMemberHearsOfTheEnd(t *testing.T) {
	s := runStack(t)
	token := s.token("member", "ana")
	c, err := waggle.Dial(t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Drop()
	heard := make(chan error, 1)
	go func() {
		_, err := c.Receive(context.Background())
		heard <- err
	}()
	if err := s.end(); err != nil {
		t.Error(err)
	}
	if err := <-heard; err == nil || !strings.Contains(err.Error(), "StatusGoingAway") {
		t.Errorf("got %v, want a close with 1001", err)
	}
}
