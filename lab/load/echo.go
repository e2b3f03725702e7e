package load

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// echoEvery is the time between two echoes.
const echoEvery = 50 * time.Millisecond

// echo measures a bare WebSocket echo in this process, as long as a report, until stop is
// called. It shows what the machine takes for a message at that moment.
func (r *runner) echo() (stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the echo: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		ws, err := websocket.Accept(w, q, nil)
		if err != nil {
			return // the client sees it
		}
		defer func() { _ = ws.CloseNow() }() // it is gone either way
		for {
			kind, text, err := ws.Read(ctx)
			if err != nil || ws.Write(ctx, kind, text) != nil {
				return
			}
		}
	})}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // until it is closed
	stop = func() {
		cancel()
		_ = server.Close() // nothing is under way
		running.Wait()
	}
	ws, _, err := websocket.Dial(ctx, "ws://"+listener.Addr().String(), nil)
	if err != nil {
		stop()
		return nil, fmt.Errorf("the echo: %w", err)
	}
	running.Go(func() {
		defer func() { _ = ws.CloseNow() }() // it is gone either way
		report := []byte(strings.Repeat("x", 100))
		for ctx.Err() == nil {
			began := time.Now()
			if ws.Write(ctx, websocket.MessageText, report) != nil {
				return
			}
			if _, _, err := ws.Read(ctx); err != nil {
				return
			}
			r.now.Load().add(echoes, time.Since(began))
			select {
			case <-ctx.Done():
			case <-time.After(echoEvery):
			}
		}
	})
	return stop, nil
}
