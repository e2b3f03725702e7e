package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// A pipeNetwork is a network in memory, in which time may be fake.
type pipeNetwork struct{ conns chan net.Conn }

func (p pipeNetwork) Accept() (net.Conn, error) {
	c, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipeNetwork) Close() error   { close(p.conns); return nil }
func (p pipeNetwork) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipeNetwork) dial() net.Conn {
	here, there := net.Pipe()
	p.conns <- there
	return here
}

// An HTTP connection on which nothing happens is closed; an upgraded one is not.
func TestIdleHTTPConnectionsAreClosed(t *testing.T) {
	const half = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf"
	for name, test := range map[string]struct {
		sent string
		want time.Duration
	}{
		"says nothing":     {"", 10 * time.Second},
		"half a header":    {"GET / HTTP/1.1\r\nHost: a\r\nX-Ha", 10 * time.Second},
		"half a body":      {half, 30 * time.Second},
		"idle between two": {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2 * time.Minute},
		"never reads":      {"GET /large HTTP/1.1\r\nHost: a\r\n\r\n", 90 * time.Second},
		"a WebSocket": {"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				mux := http.NewServeMux()
				mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
				mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
				mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
					ws, err := websocket.Accept(w, r, nil)
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Hour)
					_ = ws.CloseNow()
				})
				network := pipeNetwork{make(chan net.Conn)}
				server := newServer(mux, quiet())
				go func() { _ = server.Serve(network) }()
				c := network.dial()
				defer c.Close()
				began := time.Now()
				go func() { _, _ = io.WriteString(c, test.sent) }()
				if name == "never reads" {
					time.Sleep(test.want + 400*time.Millisecond) // a read at that very moment could be in time
				}
				_, _ = io.Copy(io.Discard, c) // until the server closes it
				if got := time.Since(began).Round(time.Second); got != test.want {
					t.Errorf("closed after %v, want %v", got, test.want)
				}
				server.Close()
			})
		})
	}
}

func TestALongHeaderIsRefused(t *testing.T) {
	s := runStack(t)
	if status, _ := s.raw("GET / HTTP/1.1\nHost: localhost\nA: " + strings.Repeat("a", 40<<10)); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d, want 431", status)
	}
}
