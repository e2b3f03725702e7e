package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/localstack/faults"
)

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

// Each post to these clients is refused, as if they read nothing. They go on sending.
func TestClientsThatReadNothingCauseALineEachInTheLog(t *testing.T) {
	const clients = 3
	full, err := faults.New("limit=1")
	if err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	running, err := start(t.Context(), config{Addr: "127.0.0.1:0", Cache: embeddedCache, Runtime: inProcess, Faults: full,
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})), Pools: `{"pools":{"default":{"messagesPerSecond":1000000,"messagesBurst":1000000}}}`})
	if err != nil {
		t.Fatal(err)
	}
	s := &testStack{t: t, base: running.url("http", ""), api: running.url("ws", "/"+stage)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sending sync.WaitGroup
	for i := range clients {
		c := s.dial(fmt.Sprint("member-", i)).ws
		sending.Go(func() {
			for c.Write(ctx, websocket.MessageText, []byte(`{"action":"ping"}`)) == nil {
			}
		})
	}
	until(t, "a line for each client", func() bool { return strings.Count(log.String(), "\n") >= clients })
	time.Sleep(2 * time.Second) // in which there is no other line
	cancel()
	sending.Wait()
	if pings := running.stats()["connect"].Invocations; pings < 20*clients {
		t.Errorf("only %d messages were served", pings)
	}
	if err := running.close(); err != nil {
		t.Error(err)
	}
	if got := strings.Count(log.String(), "\n"); got != clients {
		t.Errorf("got %d lines, want one for each of %d clients:\n%s", got, clients, log.String())
	}
}
