package apigateway_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/localstack/apigateway"
)

// blocking is a function that waits until it is released, and says when it was entered.
func blocking() (f func(object) (object, error), entered, release chan struct{}) {
	entered, release = make(chan struct{}, 100), make(chan struct{})
	return func(object) (object, error) {
		entered <- struct{}{}
		<-release
		return object{"statusCode": 200}, nil
	}, entered, release
}

func TestInvocationsBeyondTheConcurrencyAreRefusedAtOnce(t *testing.T) {
	slow, entered, release := blocking()
	s := start(t, apigateway.Config{Concurrency: 2, Authorizer: "authorizer"},
		handlers{"slow": slow, "fast": answer(200), "authorizer": allow(object{"member": "ana"})})
	c, id := s.connect()
	leaving := s.dial(nil)
	for range 2 {
		write(t, c, `{"action":"slow"}`)
		<-entered
	}
	for range 3 {
		write(t, c, `{"action":"fast"}`)
		checkErrorFrame(t, read(t, c), "Internal server error", id)
	}
	if got := s.count("fast"); got != 0 {
		t.Errorf("%d of the refused messages were served", got)
	}
	if got := s.gateway.Throttled(); got != 3 {
		t.Errorf("got %d throttled, want 3", got)
	}
	if status, _ := s.refused(nil); status != http.StatusInternalServerError {
		t.Errorf("an upgrade whose authorizer is throttled: got %d, want 500", status)
	}
	leaving.CloseNow()
	time.Sleep(20 * time.Millisecond)
	if got := s.count("$disconnect"); got != 0 {
		t.Errorf("got %d $disconnect, want it to wait", got)
	}
	close(release)
	s.event("$disconnect", 0)
	write(t, c, `{"action":"fast"}`)
	s.event("fast", 0)
}

func TestAThrottledConnectIsRefusedWith502(t *testing.T) {
	slow, entered, release := blocking()
	s := start(t, apigateway.Config{Concurrency: 1}, handlers{"slow": slow})
	defer close(release)
	c := s.dial(nil)
	write(t, c, `{"action":"slow"}`)
	<-entered
	if status, body := s.refused(nil); status != http.StatusBadGateway || !strings.Contains(body, "Internal server error") {
		t.Errorf("got %d %s, want 502", status, body)
	}
}

// Four times as many clients as can be served at a time get no less done than a quarter of
// them would. The rest is refused.
func TestGoodputDoesNotFallUnderOverload(t *testing.T) {
	const concurrency, clients, messages, work = 5, 20, 40, 5 * time.Millisecond
	s := start(t, apigateway.Config{Concurrency: concurrency}, handlers{"work": func(object) (object, error) {
		time.Sleep(work)
		return object{"statusCode": 200}, nil
	}})
	var connections []*websocket.Conn
	for range clients {
		connections = append(connections, s.dial(nil))
	}
	var sending sync.WaitGroup
	for _, c := range connections {
		sending.Go(func() {
			for range messages {
				write(t, c, `{"action":"work"}`)
				time.Sleep(work)
			}
		})
	}
	sending.Wait()
	waitUntil(t, "each message is served or refused", func() bool {
		return s.count("work")+int(s.gateway.Throttled()) == clients*messages
	})
	if served := s.count("work"); served < concurrency*messages/2 { // half is left to a busy machine
		t.Errorf("%d messages were served, want about the %d that %d clients send", served, concurrency*messages, concurrency)
	}
}

func TestAFloodOfFailuresIsLoggedInFewLines(t *testing.T) {
	slow, entered, release := blocking()
	var log lockedBuffer
	s := start(t, apigateway.Config{Concurrency: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))}, handlers{"slow": slow})
	defer close(release)
	c := s.dial(nil)
	write(t, c, `{"action":"slow"}`)
	<-entered
	flood := func(n int) {
		for range n {
			write(t, c, `{"action":"slow"}`)
			read(t, c)
		}
	}
	flood(200)
	if got := strings.Count(log.String(), "\n"); got < 1 || got > 100 {
		t.Errorf("got %d lines for 200 failures", got)
	}
	time.Sleep(1100 * time.Millisecond)
	flood(1)
	if !strings.Contains(log.String(), "leftOut=") {
		t.Errorf("no line says how many were left out:\n%s", log.String())
	}
}

// A lockedBuffer may be written by many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func waitUntil(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// BenchmarkRefuse measures one message that is refused, since too many are being served.
func BenchmarkRefuse(b *testing.B) {
	slow, entered, release := blocking()
	s := start(b, apigateway.Config{Concurrency: 1}, handlers{"slow": slow})
	defer close(release)
	c := s.dial(nil)
	write(b, c, `{"action":"slow"}`)
	<-entered
	const batch = 100
	for i := 0; i < b.N; i += batch {
		for range batch {
			write(b, c, `{"action":"location","id":"r12345","lat":37.7749123,"lng":-122.4194123,"seq":12345}`)
		}
		for range batch {
			read(b, c)
		}
	}
}
