package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// A target is a running stack that facts are checked on.
type target struct {
	account         *account // nil if it is not on AWS: then checks that need the account are left out
	stack, network  string
	began           time.Time // its checks
	url, management string
	tokens          []string // of two members
	idle            time.Duration
}

// patience is how long a reply may take, longer than a function may run.
const patience = 15 * time.Second

// A connection is one client's WebSocket.
type connection struct {
	*websocket.Conn
	net    net.Conn
	frames chan map[string]any
	empty  atomic.Int32 // frames without content
	end    error        // why it ended; set before frames is closed
}

// connect connects a member, 0 or 1.
func (s *target) connect(ctx context.Context, member int) (*connection, error) {
	dialing, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	w := &connection{frames: make(chan map[string]any, 100)}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		w.net, err = new(net.Dialer).DialContext(ctx, network, address)
		return w.net, err
	}}
	conn, resp, err := websocket.Dial(dialing, s.url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport},
		Subprotocols: []string{"waggle.v1", "bearer." + s.tokens[member]}})
	if err != nil {
		if resp != nil {
			return nil, fmt.Errorf("the handshake was answered with %s", resp.Status)
		}
		return nil, err
	}
	w.Conn = conn
	go func() {
		defer close(w.frames)
		for {
			_, raw, err := conn.Read(ctx)
			if err != nil {
				w.end = err
				return
			}
			if len(raw) == 0 {
				w.empty.Add(1)
			}
			var frame map[string]any
			if json.Unmarshal(raw, &frame) == nil {
				w.frames <- frame
			}
		}
	}()
	return w, nil
}

// await returns the next frame of one of the types; "" is the type of the gateway's own frames. A
// frame of the type error, if that is not asked for, is an error.
func (w *connection) await(ctx context.Context, types ...string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case frame, ok := <-w.frames:
			if !ok {
				return nil, w.end
			}
			got, _ := frame["type"].(string)
			for _, t := range types {
				if got == t {
					return frame, nil
				}
			}
			if got == "error" {
				return nil, fmt.Errorf("error %v", frame["code"])
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("no frame within %v", patience)
		}
	}
}

// request sends a message and awaits the reply.
func (w *connection) request(ctx context.Context, message string, types ...string) (map[string]any, error) {
	if err := w.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		return nil, err
	}
	return w.await(ctx, types...)
}

// closed waits for the close frame and returns its code; 0 where there was none.
func (w *connection) closed(ctx context.Context, within time.Duration) (websocket.StatusCode, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		select {
		case _, ok := <-w.frames:
			if ok {
				continue
			}
			if code := websocket.CloseStatus(w.end); code > 0 {
				return code, nil
			}
			return 0, nil
		case <-ctx.Done():
			return 0, fmt.Errorf("the connection was not closed within %v", within)
		}
	}
}

// refusal returns the status of a handshake with this query.
func (s *target) refusal(ctx context.Context, query string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	conn, resp, err := websocket.Dial(ctx, s.url+query, nil)
	if err == nil {
		_ = conn.CloseNow()
		return resp.StatusCode, nil
	}
	if resp == nil {
		return 0, err
	}
	return resp.StatusCode, nil
}

// function returns the name that the stack gave to a function of internal/topology.
func (s *target) function(ctx context.Context, name string) (string, error) {
	return s.resource(ctx, "AWS::Lambda::Function", name)
}

// resource returns the name of a resource of a type whose logical id begins with Waggle and
// a word, in whatever case.
func (s *target) resource(ctx context.Context, kind, word string) (string, error) {
	var resources struct {
		StackResources []struct{ LogicalResourceId, PhysicalResourceId, ResourceType string }
	}
	if err := s.account.aws(ctx, &resources, "cloudformation", "describe-stack-resources", "--stack-name", s.stack); err != nil {
		return "", err
	}
	for _, r := range resources.StackResources {
		if r.ResourceType == kind && strings.HasPrefix(strings.ToLower(r.LogicalResourceId), "waggle"+word) {
			return r.PhysicalResourceId, nil
		}
	}
	return "", fmt.Errorf("the stack has no %s %s", kind, word)
}

var errNotAWS = errors.New("it needs an AWS account")
