package apigateway_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"waggle/localstack/apigateway"
)

// raw is a client that can send any frame.
type raw struct {
	t    *testing.T
	conn net.Conn
	r    io.Reader
	id   string
}

func (s *stack) dialRaw() *raw {
	s.t.Helper()
	n := s.count("$connect")
	conn, buffered, _, err := ws.Dial(s.t.Context(), s.url())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	r := &raw{t: s.t.(*testing.T), conn: conn, r: conn, id: connectionID(s.event("$connect", n))}
	if buffered != nil {
		r.r = io.MultiReader(io.LimitReader(buffered, int64(buffered.Buffered())), conn)
	}
	r.r = bufio.NewReader(r.r)
	return r
}

func (r *raw) send(frames ...ws.Frame) {
	r.t.Helper()
	for _, f := range frames {
		if err := ws.WriteFrame(r.conn, ws.MaskFrame(f)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *raw) readFrame() ws.Frame {
	r.t.Helper()
	f, err := ws.ReadFrame(r.r)
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func text(n int) []byte { return []byte(strings.Repeat("x", n)) }

// message is a message of n frames of size bytes each.
func message(n, size int) (frames []ws.Frame) {
	op := ws.OpText
	for i := range n {
		frames = append(frames, ws.NewFrame(op, i == n-1, text(size)))
		op = ws.OpContinuation
	}
	return frames
}

func TestAllowedFramesArrive(t *testing.T) {
	s := startEcho(t, apigateway.Config{})
	for name, test := range map[string]struct {
		frames []ws.Frame
		want   int // length of the message that arrives
	}{
		"empty":           {message(1, 0), 0},
		"one frame":       {message(1, 5), 5},
		"a 32 KB frame":   {message(1, 32<<10), 32 << 10},
		"128 KB in four":  {message(4, 32<<10), 128 << 10},
		"many fragments":  {message(1000, 10), 10000},
		"ping in between": {[]ws.Frame{ws.NewFrame(ws.OpText, false, text(2)), ws.NewPongFrame(nil), ws.NewFrame(ws.OpContinuation, true, text(3))}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.dialRaw()
			r.send(test.frames...)
			got := 0
			for fin := false; !fin; {
				f := r.readFrame()
				if f.Header.OpCode.IsControl() {
					t.Fatalf("got %+v", f)
				}
				got, fin = got+len(f.Payload), f.Header.Fin
			}
			if got != test.want {
				t.Errorf("got %d bytes, want %d", got, test.want)
			}
		})
	}
}

func TestForbiddenFramesCloseTheConnection(t *testing.T) {
	reserved := ws.NewTextFrame(nil)
	reserved.Header.Rsv = 4
	hugeClose := ws.NewCloseFrame(nil)
	hugeClose.Header.Length = 1 << 62
	for name, test := range map[string]struct {
		frames []ws.Frame
		want   ws.StatusCode
	}{
		"frame over 32 KB":            {message(1, 32<<10+1), ws.StatusMessageTooBig},
		"frame of 8 MB":               {message(1, 8<<20), ws.StatusMessageTooBig},
		"message over 128 KB":         {append(message(5, 32<<10)[:4], message(2, 1)[1]), ws.StatusMessageTooBig},
		"binary":                      {[]ws.Frame{ws.NewBinaryFrame(text(3))}, ws.StatusUnsupportedData},
		"not UTF-8":                   {[]ws.Frame{ws.NewTextFrame([]byte{0xff})}, ws.StatusInvalidFramePayloadData},
		"continuation of nothing":     {[]ws.Frame{ws.NewFrame(ws.OpContinuation, true, nil)}, ws.StatusProtocolError},
		"message within a message":    {[]ws.Frame{ws.NewFrame(ws.OpText, false, nil), ws.NewTextFrame(nil)}, ws.StatusProtocolError},
		"reserved bit":                {[]ws.Frame{reserved}, ws.StatusProtocolError},
		"close frame longer than 125": {[]ws.Frame{hugeClose}, ws.StatusProtocolError},
		"fragmented ping":             {[]ws.Frame{ws.NewFrame(ws.OpPing, false, nil)}, ws.StatusProtocolError},
		"close with a reserved code":  {[]ws.Frame{ws.NewCloseFrame(ws.NewCloseFrameBody(1005, ""))}, ws.StatusProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, apigateway.Config{}, nil)
			r := s.dialRaw()
			r.send(test.frames...)
			checkClosed(t, s, r, test.want)
		})
	}
	t.Run("no mask", func(t *testing.T) {
		s := start(t, apigateway.Config{}, nil)
		r := s.dialRaw()
		if err := ws.WriteFrame(r.conn, ws.NewTextFrame(text(3))); err != nil {
			t.Fatal(err)
		}
		checkClosed(t, s, r, ws.StatusProtocolError)
	})
}

func checkClosed(t *testing.T, s *stack, r *raw, want ws.StatusCode) {
	t.Helper()
	f := r.readFrame()
	code, _ := ws.ParseCloseFrameData(f.Payload)
	if f.Header.OpCode != ws.OpClose || code != want {
		t.Fatalf("got opcode %d code %d, want close %d", f.Header.OpCode, code, want)
	}
	// The reply fails if the client's close frame was the error.
	_ = ws.WriteFrame(r.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(code, ""))))
	if _, err := ws.ReadHeader(r.r); err == nil {
		t.Error("the socket is still open")
	}
	if got := requestContext(s.event("$disconnect", 0))["disconnectStatusCode"]; got != float64(want) {
		t.Errorf("disconnectStatusCode: got %v, want %d", got, want)
	}
	if s.count("$default") != 0 {
		t.Error("a function was invoked")
	}
}

func TestPingIsAnswered(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	r := s.dialRaw()
	for _, payload := range []string{"", "are you there"} {
		r.send(ws.NewPingFrame([]byte(payload)))
		if f := r.readFrame(); f.Header.OpCode != ws.OpPong || string(f.Payload) != payload {
			t.Errorf("got opcode %d %q, want a pong %q", f.Header.OpCode, f.Payload, payload)
		}
	}
}

func TestDataInEitherDirectionKeepsAConnectionOpen(t *testing.T) {
	const idle = time.Second
	s := start(t, apigateway.Config{IdleTimeout: idle}, handlers{"$default": answer(200)})
	up, _ := s.connect()
	down, id := s.connect()
	for began, n := time.Now(), 0; time.Since(began) < 2*idle; n++ {
		write(t, up, "up")
		s.event("$default", n)
		if status := s.post(id, []byte("down")); status != http.StatusOK {
			t.Fatalf("post after %v: got %d, want 200", time.Since(began), status)
		}
		read(t, down)
	}
	if got := s.gateway.Connections(); got != 2 {
		t.Errorf("connections: got %d, want 2", got)
	}
}

func TestPostsThatAClientDidNotReadAreLoggedInOneLineWithACount(t *testing.T) {
	var log lockedBuffer
	s := start(t, apigateway.Config{SendBuffer: 64 << 10, Logger: slog.New(slog.NewTextHandler(&log, nil))}, nil)
	slow, id := s.connect()
	refused := 0
	for refused < 500 {
		if s.post(id, text(32<<10)) == http.StatusTooManyRequests {
			refused++
		}
	}
	if log.String() != "" {
		t.Errorf("while it is connected: got log %s", log.String())
	}
	_ = slow.CloseNow()
	s.event("$disconnect", 0)
	want := fmt.Sprintf(`level=WARN msg="apigateway: a client did not read" connection=%q refused=500`, id)
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
		t.Errorf("got log %s, want one line with %s", got, want)
	}
}

func TestPostsToASlowReaderFailAndDelayNobody(t *testing.T) {
	s := start(t, apigateway.Config{SendBuffer: 64 << 10}, nil)
	slow, slowID := s.connect()
	other, otherID := s.connect()
	posted := 0
	for ; posted < 1000; posted++ {
		response := s.management(http.MethodPost, slowID, text(32<<10))
		if response.StatusCode == http.StatusOK {
			continue
		}
		if got := response.Header.Get("x-amzn-errortype"); response.StatusCode != 429 || got != "LimitExceededException" {
			t.Fatalf("got %d %s, want 429 LimitExceededException", response.StatusCode, got)
		}
		break
	}
	if posted == 1000 {
		t.Fatal("a client that does not read took 1000 posts of 32 KB")
	}
	if got := s.post(otherID, []byte("hello")); got != http.StatusOK {
		t.Errorf("other: got %d, want 200", got)
	}
	if got := read(t, other); got != "hello" {
		t.Errorf("other: got %q", got)
	}
	// The accepted messages arrive, and then posts succeed again.
	for n := range posted {
		if got := len(read(t, slow)); got != 32<<10 {
			t.Fatalf("message %d: got %d bytes", n, got)
		}
	}
	for deadline := time.Now().Add(5 * time.Second); s.post(slowID, []byte("one more")) != http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("posts still fail after everything was read")
		}
	}
	if got := read(t, slow); got != "one more" {
		t.Errorf("got %s", fmt.Sprintf("%.20q", got))
	}
}
