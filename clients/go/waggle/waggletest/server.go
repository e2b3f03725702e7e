// Package waggletest is a WebSocket server in memory, to test programs that use
// the Waggle client. A script, which is a function, plays the server's side of each
// connection. It uses no network, so it works inside testing/synctest, where time
// moves by itself.
package waggletest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// A Server runs its script for every connection.
type Server struct {
	http     *http.Server
	listener *pipeListener
	client   *http.Client
	script   func(*Socket)
	serving  sync.WaitGroup

	mu       sync.Mutex
	refusals []int
	attempts int
}

// NewServer serves until Close. It calls script for each connection, for several at
// once, and cuts the connection when script returns.
func NewServer(script func(*Socket)) *Server {
	s := &Server{script: script, listener: &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve)}
	s.client = &http.Client{Transport: &http.Transport{DialContext: s.listener.dial, DisableKeepAlives: true}}
	s.serving.Go(func() { _ = s.http.Serve(s.listener) }) // ends by Close
	return s
}

// URL returns the URL for a client that has this server's HTTPClient.
func (s *Server) URL() string { return "ws://waggle.test/prod" }

// HTTPClient returns a client whose connections lead to the server. GET
// /token?member=ana answers "token-of-ana".
func (s *Server) HTTPClient() *http.Client { return s.client }

// Refuse answers the next handshakes with these HTTP statuses; 0 accepts one.
func (s *Server) Refuse(statuses ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals = append(s.refusals, statuses...)
}

// Attempts returns how many handshakes there were.
func (s *Server) Attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

// Close cuts all connections and waits for the scripts.
func (s *Server) Close() {
	_ = s.http.Close() // a listener in memory closes without an error
	s.serving.Wait()
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		_, _ = w.Write([]byte("token-of-" + r.URL.Query().Get("member"))) // the client sees a failure
		return
	}
	s.serving.Add(1)
	defer s.serving.Done()
	s.mu.Lock()
	attempt := s.attempts
	s.attempts++
	status := 0
	if len(s.refusals) > 0 {
		status, s.refusals = s.refusals[0], s.refusals[1:]
	}
	s.mu.Unlock()
	if status != 0 {
		http.Error(w, "refused by the test", status)
		return
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"waggle.v1"}})
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }() // it is gone, even with an error
	_, token, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), "bearer.")
	s.script(&Socket{Attempt: attempt, Token: token, ws: ws})
}

// A Socket is the server's end of a connection.
type Socket struct {
	Attempt int    // the number of the handshake, from 0
	Token   string // the client's token
	ws      *websocket.Conn
}

// A Message is what a client sent, without any check.
type Message struct {
	Action, ID, Match, Request, Reason  string
	Lat, Lng                            *float64
	Radius, Wait, WidenTo, WidenSeconds float64
	Available                           *bool
	Tags                                *[]string
	Points                              []waggle.Fix
	Data                                json.RawMessage
}

// Receive returns the next message. ok is false when the client has disconnected.
func (s *Socket) Receive() (m Message, ok bool) {
	_, raw, err := s.ws.Read(context.Background())
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return m, false
	}
	return m, true
}

// Await returns the next message with this action, and drops others.
func (s *Socket) Await(action string) (m Message, ok bool) {
	for {
		if m, ok = s.Receive(); !ok || m.Action == action {
			return m, ok
		}
	}
}

// Push sends a frame. It is dropped if the client has disconnected.
func (s *Socket) Push(f waggle.Frame) { s.PushRaw(encode(f)) }

// encode writes a frame as the server does: its type first.
func encode(f waggle.Frame) string {
	if unknown, ok := f.(*waggle.Unknown); ok {
		return string(unknown.Raw)
	}
	fields, err := json.Marshal(f)
	if err != nil {
		panic(fmt.Sprintf("waggletest: %T: %v", f, err)) // a test's own mistake
	}
	return fmt.Sprintf(`{"type":%q,%s`, f.FrameType(), fields[1:])
}

// PushRaw sends any text as a frame.
func (s *Socket) PushRaw(text string) {
	_ = s.ws.Write(context.Background(), websocket.MessageText, []byte(text)) // a client that has gone is no error, as for the server
}

// Welcome awaits the hello and answers it with w, of which it sets ID, Protocol and
// Now. A nil w is an empty Welcome.
func (s *Socket) Welcome(w *waggle.Welcome) (ok bool) {
	hello, ok := s.Await("hello")
	if !ok {
		return false
	}
	if w == nil {
		w = &waggle.Welcome{}
	}
	answer := *w
	answer.ID, answer.Protocol, answer.Now = hello.ID, 1, time.Now().UnixMilli()
	s.Push(&answer)
	return true
}

// Lose says that the server has lost or doubts what it knew of the session, as it does with a
// Welcome that answers nothing: w is how things stand. Protocol and Now are set. A nil w is
// an empty Welcome.
func (s *Socket) Lose(w *waggle.Welcome) {
	if w == nil {
		w = &waggle.Welcome{}
	}
	unasked := *w
	unasked.ID, unasked.Protocol, unasked.Now = "", 1, time.Now().UnixMilli()
	s.Push(&unasked)
}

// Drain drops messages until the client has disconnected.
func (s *Socket) Drain() {
	for {
		if _, ok := s.Receive(); !ok {
			return
		}
	}
}

// A pipeListener accepts the connections that its dial makes.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "waggle.test", Net: "memory"} }
