package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/internal/protocol"
)

// The tests of bad input, listed in docs/bad-input.md: each sends what should
// not be sent to a running stack, wants the answer that is stated there, and
// then that the same client, or a fresh one where that was closed, goes on.

// A bare connection sends what no client library would.
type bare struct {
	t  *testing.T
	ws *websocket.Conn
}

// bare connects a member with what its token is to say.
func (s *running) bare(member string, query ...string) *bare {
	s.t.Helper()
	c, _, err := websocket.Dial(s.t.Context(), s.api, &websocket.DialOptions{
		Subprotocols: []string{protocol.Subprotocol, protocol.BearerPrefix + s.token(append(query, "member", member)...)}})
	if err != nil {
		s.t.Fatalf("%q connects: %v", member, err)
	}
	s.t.Cleanup(func() { _ = c.CloseNow() })
	return &bare{s.t, c}
}

// say sends one frame of text.
func (b *bare) say(text string) { b.t.Helper(); b.send(websocket.MessageText, text) }

// send sends a message, each part in a frame of its own.
func (b *bare) send(kind websocket.MessageType, parts ...string) {
	b.t.Helper()
	if len(parts) == 1 {
		if err := b.ws.Write(b.t.Context(), kind, []byte(parts[0])); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	w, err := b.ws.Writer(b.t.Context(), kind)
	for _, part := range parts {
		if err == nil {
			_, err = w.Write([]byte(part))
		}
	}
	if err = errors.Join(err, w.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// hear returns the next frame. An error's sentence must be fit for a client.
func (b *bare) hear() protocol.Frame {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 15*time.Second)
	defer cancel()
	_, text, err := b.ws.Read(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	f, err := protocol.DecodeFrame(text)
	if err != nil {
		b.t.Fatal(err)
	}
	if e, ok := f.(*protocol.Error); ok {
		if found := internals().FindString(e.Message); found != "" || e.Message == "" {
			b.t.Errorf("%q in what a client is told: %s", found, text)
		}
	}
	return f
}

// internals finds what is no business of clients: Go's and the cache's own
// words, and addresses.
func internals() *regexp.Regexp {
	return regexp.MustCompile(`(?i)json:|\.go\b|goroutine|panic|strconv|unexpected|context |EOF|dial|\btcp\b|redis|valkey|\blua\b|script|maxmemory|OOM|NOAUTH|\d+\.\d+\.\d+\.\d+|:\d{4,}`)
}

// refuse wants the next frame to be an error with exactly this sentence.
func (b *bare) refuse(code protocol.Code, id, message string) {
	b.t.Helper()
	want := protocol.NewError(code, id, message)
	got, ok := b.hear().(*protocol.Error)
	if ok && code == protocol.CodeStale && time.Since(time.UnixMilli(got.Now)).Abs() < time.Minute {
		want.Now = got.Now
	}
	if !ok || *got != *want {
		b.t.Errorf("got  %s\nwant %s", encoded(got), encoded(want))
	}
}

func encoded(f *protocol.Error) string { text, _ := json.Marshal(f); return string(text) }

// goesOn wants nothing else to have been said, and an answer to the next message.
func (b *bare) goesOn() {
	b.t.Helper()
	id := fmt.Sprint("still there ", time.Now().UnixNano())
	b.say(`{"action":"ping","id":"` + id + `"}`)
	if f, ok := b.hear().(*protocol.Pong); !ok || f.ID != id {
		b.t.Errorf("got %+v, want the pong %q", f, id)
	}
}

// closed wants the connection to be closed without a further frame.
func (b *bare) closed(code websocket.StatusCode, reason string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 15*time.Second)
	defer cancel()
	_, text, err := b.ws.Read(ctx)
	var end websocket.CloseError
	if !errors.As(err, &end) || end.Code != code || end.Reason != reason {
		b.t.Errorf("got %s, %v, want a close with %d %q", text, err, code, reason)
	}
}

// goesOn wants two members to find each other.
func (s *running) goesOn() {
	s.t.Helper()
	pool := fmt.Sprint("after-", time.Now().UnixNano())
	one, other := s.join("one", "pool", pool), s.join("other", "pool", pool)
	pair(s.t, one, other)
}
