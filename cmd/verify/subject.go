package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// A subject is a running stack that is tried.
type subject struct {
	account         *account // nil: not on AWS, and what needs its command line is not tried
	stack, egress   string
	url, management string
	tokens          []string // of two members
	idle            time.Duration
}

const patience = 15 * time.Second // longer than a function may run

// A wire is one connection, frames as they are. Coming is closed at its end.
type wire struct {
	*websocket.Conn
	net    net.Conn
	coming chan map[string]any
	end    error // once coming is closed
}

// connect connects a member, 0 or 1.
func (s *subject) connect(ctx context.Context, member int) (*wire, error) {
	dialing, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	w := &wire{coming: make(chan map[string]any, 100)}
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
		defer close(w.coming)
		for {
			_, raw, err := conn.Read(ctx)
			if err != nil {
				w.end = err
				return
			}
			var frame map[string]any
			if json.Unmarshal(raw, &frame) == nil {
				w.coming <- frame
			}
		}
	}()
	return w, nil
}

// say sends a message.
func (w *wire) say(ctx context.Context, format string, args ...any) error {
	return w.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...))
}

// hear waits for a frame of one of some types; "" is a frame of the gateway's own.
func (w *wire) hear(ctx context.Context, types ...string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case frame, ok := <-w.coming:
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
			return nil, fmt.Errorf("nothing came within %v", patience)
		}
	}
}

// ask sends and waits for the answer.
func (w *wire) ask(ctx context.Context, message string, types ...string) (map[string]any, error) {
	if err := w.say(ctx, "%s", message); err != nil {
		return nil, err
	}
	return w.hear(ctx, types...)
}

// closed waits for the close frame and returns its code; 0 where there was none.
func (w *wire) closed(ctx context.Context, within time.Duration) (websocket.StatusCode, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		select {
		case _, ok := <-w.coming:
			if ok {
				continue
			}
			if code := websocket.CloseStatus(w.end); code > 0 {
				return code, nil
			}
			return 0, nil
		case <-ctx.Done():
			return 0, fmt.Errorf("it was not closed within %v", within)
		}
	}
}

// refusal is how a handshake is refused.
func (s *subject) refusal(ctx context.Context, query string) (int, error) {
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

// function is the name that the stack gave to one of topology's functions.
func (s *subject) function(ctx context.Context, name string) (string, error) {
	var resources struct {
		StackResources []struct{ LogicalResourceId, PhysicalResourceId, ResourceType string }
	}
	if err := s.account.aws(ctx, &resources, "cloudformation", "describe-stack-resources", "--stack-name", s.stack); err != nil {
		return "", err
	}
	for _, r := range resources.StackResources {
		if r.ResourceType == "AWS::Lambda::Function" && strings.HasPrefix(strings.ToLower(r.LogicalResourceId), "waggle"+name) {
			return r.PhysicalResourceId, nil
		}
	}
	return "", fmt.Errorf("the stack has no function %s", name)
}

var errNotAWS = errors.New("it takes an AWS account")
