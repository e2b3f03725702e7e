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

// A bare connection sends what no client library would.
type rawConn struct {
	t  *testing.T
	ws *websocket.Conn
}

// bare connects a member with what its token is to say.
func (s *testStack) dial(member string, query ...string) *rawConn {
	s.t.Helper()
	return s.startDial(member, query...)()
}

// opening begins to connect a member; what it returns waits until that is done.
func (s *testStack) startDial(member string, query ...string) (opened func() *rawConn) {
	s.t.Helper()
	token := s.token(append(query, "member", member)...)
	b, failed := &rawConn{t: s.t}, make(chan error, 1)
	go func() {
		var err error
		b.ws, _, err = websocket.Dial(s.t.Context(), s.api, &websocket.DialOptions{
			Subprotocols: []string{protocol.Subprotocol, protocol.BearerPrefix + token}})
		failed <- err
	}()
	return func() *rawConn {
		s.t.Helper()
		if err := <-failed; err != nil {
			s.t.Fatalf("%q connects: %v", member, err)
		}
		s.t.Cleanup(func() { _ = b.ws.CloseNow() })
		return b
	}
}

// say sends one frame of text.
func (b *rawConn) sendText(text string) { b.t.Helper(); b.send(websocket.MessageText, text) }

// send sends a message, each part in a frame of its own.
func (b *rawConn) send(kind websocket.MessageType, parts ...string) {
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

// raw returns the next frame as it came.
func (b *rawConn) receiveRaw() []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 15*time.Second)
	defer cancel()
	_, text, err := b.ws.Read(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// hear returns the next frame. An error's sentence must be fit for a client.
func (b *rawConn) receive() protocol.Frame {
	b.t.Helper()
	text := b.receiveRaw()
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

// hears wants the next frame to be of a type. An end may be told twice, and is
// passed over.
func receive[F protocol.Frame](b *rawConn) F {
	b.t.Helper()
	for {
		f := b.receive()
		if wanted, ok := f.(F); ok {
			return wanted
		}
		if _, ok := f.(*protocol.Ended); !ok {
			var wanted F
			b.t.Fatalf("got %T %+v, want a %T", f, f, wanted)
		}
	}
}

// internals finds what is no business of clients: Go's and the cache's own
// words, and addresses.
func internals() *regexp.Regexp {
	return regexp.MustCompile(`(?i)json:|\.go\b|goroutine|panic|strconv|unexpected|context |EOF|dial|\btcp\b|redis|valkey|\blua\b|script|maxmemory|OOM|NOAUTH|\d+\.\d+\.\d+\.\d+|:\d{4,}`)
}

// refuse wants the next frame to be an error with exactly this sentence.
func (b *rawConn) wantError(code protocol.Code, id, message string) {
	b.t.Helper()
	want := protocol.NewError(code, id, message)
	got, ok := b.receive().(*protocol.Error)
	if ok && code == protocol.CodeStale && time.Since(time.UnixMilli(got.Now)).Abs() < time.Minute {
		want.Now = got.Now
	}
	if !ok || *got != *want {
		b.t.Errorf("got  %s\nwant %s", encoded(got), encoded(want))
	}
}

func encoded(f *protocol.Error) string { text, _ := json.Marshal(f); return string(text) }

// stillWorks wants nothing else to have been said, and an answer to the next message.
func (b *rawConn) stillWorks() {
	b.t.Helper()
	id := fmt.Sprint("still there ", time.Now().UnixNano())
	b.sendText(`{"action":"ping","id":"` + id + `"}`)
	if f, ok := b.receive().(*protocol.Pong); !ok || f.ID != id {
		b.t.Errorf("got %+v, want the pong %q", f, id)
	}
}

// report reports a location, and takes the ack.
func (b *rawConn) report(lat, lng float64) {
	b.t.Helper()
	b.sendText(at(fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng)))
	receive[*protocol.Ack](b)
}

// hello says hello, and takes the welcome.
func (b *rawConn) hello() *protocol.Welcome {
	b.t.Helper()
	b.sendText(`{"action":"hello"}`)
	return receive[*protocol.Welcome](b)
}

// closed wants the connection to be closed without a further frame.
func (b *rawConn) wantClosed(code websocket.StatusCode, reason string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 15*time.Second)
	defer cancel()
	_, text, err := b.ws.Read(ctx)
	var end websocket.CloseError
	if !errors.As(err, &end) || end.Code != code || end.Reason != reason {
		b.t.Errorf("got %s, %v, want a close with %d %q", text, err, code, reason)
	}
}

// stillWorks wants two members to find each other.
func (s *testStack) stillWorks() {
	s.t.Helper()
	pool := fmt.Sprint("after-", time.Now().UnixNano())
	one, other := s.join("one", "pool", pool), s.join("other", "pool", pool)
	pair(s.t, one, other)
}
