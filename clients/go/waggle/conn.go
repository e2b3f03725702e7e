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
	// subprotocol is the one that the server selects. The token is offered beside
	// it, and not in the URL, since URLs end up in logs.
	subprotocol = "waggle.v1"
	bearer      = "bearer."
	// maxFrame is API Gateway's limit on a message, in bytes.
	maxFrame = 128 << 10
	// writeTimeout bounds one send. A socket that takes no more bytes is dead.
	writeTimeout = 10 * time.Second
)

// A Conn is one connection and its frames as they are. It resumes nothing and
// sends nothing again. Its methods may be called from several goroutines at once,
// except Receive.
type Conn struct {
	ws      *websocket.Conn
	onFrame func(Direction, []byte, time.Time)
	sending sync.Mutex // so that OnFrame sees frames in the order in which they are sent
}

// Dial connects once. It returns a *HandshakeError if the server refuses. Of the
// options it uses URL, Token, HTTPClient and OnFrame.
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
			body, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // it is part of the error only
			return nil, &HandshakeError{Status: resp.StatusCode, Body: string(body)}
		}
		return nil, fmt.Errorf("waggle: connect: %w", err)
	}
	ws.SetReadLimit(maxFrame)
	return &Conn{ws: ws, onFrame: o.OnFrame}, nil
}

// Send sends one message, such as EncodeMessage returns, within 10 s. If ctx ends
// before it is sent, the connection is closed.
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

// Receive waits for the next frame, which DecodeFrame reads. It returns io.EOF if
// the server has closed the connection normally. If ctx ends, the connection is
// closed.
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

// Close closes the connection, and waits up to 5 s until the server has too.
func (c *Conn) Close() error { return c.ws.Close(websocket.StatusNormalClosure, "") }

// Drop cuts the connection without a close frame, as a failing network does.
func (c *Conn) Drop() { _ = c.ws.CloseNow() } // it is gone, even with an error
