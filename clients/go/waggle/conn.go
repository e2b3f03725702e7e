package waggle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// subprotocol is what the server selects; the token travels beside it,
	// since a URL ends up in logs.
	subprotocol = "waggle.v1"
	bearer      = "bearer."
	// maxFrame is the platform's limit on a message.
	maxFrame = 128 << 10
	// writeTimeout bounds one send: a socket that takes no more is dead.
	writeTimeout = 10 * time.Second
)

// A Conn is one connection, with frames as they are: nothing is resumed or
// sent again. Its methods may be used at once from several goroutines, except
// Receive.
type Conn struct {
	ws      *websocket.Conn
	onFrame func(Direction, []byte, time.Time)
	sending sync.Mutex // makes OnFrame see what is sent in its order
}

// Dial connects once. A refusal by the server is a *HandshakeError.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	token, err := o.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("waggle: get a token: %w", err)
	}
	ws, resp, err := websocket.Dial(ctx, o.URL, &websocket.DialOptions{
		HTTPClient:   o.HTTPClient,
		Subprotocols: []string{subprotocol, bearer + token},
	})
	if err != nil {
		if resp != nil && resp.StatusCode != 101 {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // only to explain
			return nil, &HandshakeError{Status: resp.StatusCode, Body: string(body)}
		}
		return nil, fmt.Errorf("waggle: connect: %w", err)
	}
	ws.SetReadLimit(maxFrame)
	return &Conn{ws: ws, onFrame: o.OnFrame}, nil
}

// Send sends one text frame. When ctx ends during it the connection is lost.
func (c *Conn) Send(ctx context.Context, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.onFrame != nil {
		c.onFrame(Sent, raw, time.Now())
	}
	return c.ws.Write(ctx, websocket.MessageText, raw)
}

// Receive waits for the next frame. It returns io.EOF when the server has
// closed the connection normally. When ctx ends the connection is lost.
func (c *Conn) Receive(ctx context.Context) ([]byte, error) {
	_, raw, err := c.ws.Read(ctx)
	if err != nil {
		var closed websocket.CloseError
		if errors.As(err, &closed) && closed.Code == websocket.StatusNormalClosure {
			return nil, io.EOF
		}
		return nil, err
	}
	if c.onFrame != nil {
		c.onFrame(Received, raw, time.Now())
	}
	return raw, nil
}

// Close says goodbye, and waits up to 5 s for the server's.
func (c *Conn) Close() error { return c.ws.Close(websocket.StatusNormalClosure, "") }

// Drop cuts the connection without a goodbye, as a lost network does.
func (c *Conn) Drop() { _ = c.ws.CloseNow() } // it is to be gone: how is no matter
