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

	"waggle/clients/go/waggle"
	"waggle/internal/protocol"
)

// A rawConn is a connection of a member that can send anything, also what no client
// library would send.
type rawConn struct {
	t  *testing.T
	ws *websocket.Conn
}

// dial connects a member. The query is for its token.
func (s *testStack) dial(member string, query ...string) *rawConn {
	s.t.Helper()
	return s.startDial(member, query...)()
}

// startDial starts to connect a member. The function that it returns waits until the
// member is connected.
func (s *testStack) startDial(member string, query ...string) (connected func() *rawConn) {
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

// sendText sends one text frame.
func (b *rawConn) sendText(text string) { b.t.Helper(); b.send(websocket.MessageText, text) }

// send sends a message with a frame for each part.
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

// receiveRaw returns the payload of the next frame.
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

// receive returns the next frame. An error must not reveal internals.
func (b *rawConn) receive() waggle.Frame {
	b.t.Helper()
	text := b.receiveRaw()
	f, err := waggle.DecodeFrame(text)
	if err != nil {
		b.t.Fatal(err)
	}
	if e, ok := f.(*waggle.ErrorFrame); ok {
		if found := internals().FindString(e.Message); found != "" || e.Message == "" {
			b.t.Errorf("%q in an error for a client: %s", found, text)
		}
	}
	return f
}

// receiveA wants the next frame to be of a type. It skips ended frames, since a client may
// get them twice.
func receiveA[F waggle.Frame](b *rawConn) F {
	b.t.Helper()
	for {
		f := b.receive()
		if wanted, ok := f.(F); ok {
			return wanted
		}
		switch f.(type) {
		case *waggle.Ended, *waggle.PeerFrame: // which may come at any time
		default:
			var wanted F
			b.t.Fatalf("got %T %+v, want a %T", f, f, wanted)
		}
	}
}

// receiveInNewSession is receiveA on a new connection of a member in a match: matched may come once
// more, if the member connected before the store had noted that it was told.
func receiveInNewSession[F waggle.Frame](b *rawConn) F {
	b.t.Helper()
	f := b.receive()
	if _, again := f.(*waggle.Matched); again {
		f = b.receive()
	}
	wanted, ok := f.(F)
	if !ok {
		b.t.Fatalf("got %T %+v, want a %T", f, f, wanted)
	}
	return wanted
}

// internals matches what no client may see: words of Go and of the cache, and addresses.
func internals() *regexp.Regexp {
	return regexp.MustCompile(`(?i)json:|\.go\b|goroutine|panic|strconv|unexpected|context |EOF|dial|\btcp\b|redis|valkey|\blua\b|script|maxmemory|OOM|NOAUTH|\d+\.\d+\.\d+\.\d+|:\d{4,}`)
}

// wantError wants the next frame to be an error with exactly this message.
func (b *rawConn) wantError(code waggle.Code, id, message string) {
	b.t.Helper()
	want := protocol.NewError(protocol.Code(code), id, message)
	got, ok := b.receive().(*waggle.ErrorFrame)
	if ok && code == waggle.CodeStale && time.Since(time.UnixMilli(got.Now)).Abs() < time.Minute {
		want.Now = got.Now
	}
	if encoded(got) != encoded(want) {
		b.t.Errorf("got  %s\nwant %s", encoded(got), encoded(want))
	}
}

func encoded(f any) string { text, _ := json.Marshal(f); return string(text) }

// stillWorks wants the next frame to be the pong of a ping.
func (b *rawConn) stillWorks() {
	b.t.Helper()
	id := fmt.Sprint("ping ", time.Now().UnixNano())
	b.sendText(`{"action":"ping","id":"` + id + `"}`)
	if f, ok := b.receive().(*waggle.Pong); !ok || f.ID != id {
		b.t.Errorf("got %+v, want the pong %q", f, id)
	}
}

// report reports a location, and waits for the ack.
func (b *rawConn) report(lat, lng float64) {
	b.t.Helper()
	b.sendText(at(fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng)))
	receiveA[*waggle.Ack](b)
}

// hello sends hello, and returns the welcome.
func (b *rawConn) hello() *waggle.Welcome {
	b.t.Helper()
	b.sendText(`{"action":"hello"}`)
	return receiveA[*waggle.Welcome](b)
}

// wantClosed wants the connection to be closed without another frame.
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

// stillWorks wants two new members to be matched.
func (s *testStack) stillWorks() {
	s.t.Helper()
	pool := fmt.Sprint("after-", time.Now().UnixNano())
	one, other := s.join("one", "pool", pool), s.join("other", "pool", pool)
	pair(s.t, one, other)
}
