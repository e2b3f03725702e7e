package waggle

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"
)

// A Client is one member's session, across as many connections as it takes.
// Its methods may be used at once from several goroutines.
type Client struct {
	opts   Options
	events *queue
	prefix string // of this client's message ids

	cancel  context.CancelFunc
	running sync.WaitGroup
	first   chan struct{} // closed by the first welcome
	ended   chan struct{} // closed when the client has given up or was closed
	nudged  chan struct{} // holds a token when the pulse is to be taken anew

	mu    sync.Mutex
	conn  *Conn // nil while offline
	end   error // why it ended
	calls []*call
	ids   int
	view  view
	// carried is what was under way when this connection began.
	carried standing
	pulse   pulse
	// skew is the server's clock less ours, as of the last welcome.
	skew time.Duration
	// shared is what Due compares with: the last location sent.
	shared sharedLocation
	seq    int64 // of the last location that named none
}

// Connect connects, says hello and waits for the welcome, which is the first
// event. When the first attempt fails it returns why; from then on the client
// connects again by itself, until Close, ErrReplaced, or a handshake refused
// with 401, 403, or 409, which is an ErrReplaced: the member's newer connection
// is there already. ctx bounds only the connecting.
func Connect(ctx context.Context, o Options) (*Client, error) {
	o.Backoff = o.Backoff.withDefaults()
	if o.Grace <= 0 {
		o.Grace = time.Minute
	}
	conn, err := Dial(ctx, o)
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &Client{
		opts: o, events: newQueue(), prefix: rand.Text()[:10] + "-", cancel: cancel,
		first: make(chan struct{}), ended: make(chan struct{}), nudged: make(chan struct{}, 1),
	}
	c.running.Go(func() { c.run(running, conn) })
	c.running.Go(func() { c.beat(running) })
	select {
	case <-c.first:
		return c, nil
	case <-c.ended:
		select {
		case <-c.first: // it was welcomed: what came after is for Next to tell
			return c, nil
		default:
		}
		c.Close()
		return nil, c.end
	case <-ctx.Done():
		c.Close()
		return nil, fmt.Errorf("waggle: connected, but no welcome came: %w", ctx.Err())
	}
}

// Close says goodbye to the server and waits for the client's goroutines. A
// match goes on without it until one side ends it. A request stays open until
// its deadline, but is passed over once the member has been silent for longer
// than the pool's grace time. Close is repeatable.
func (c *Client) Close() {
	c.finish(ErrClosed)
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // it is gone either way
	}
	c.cancel()
	c.running.Wait()
}

// Next waits for the next event. After the last one it returns why the client
// ended: ErrClosed, ErrReplaced, a *HandshakeError.
func (c *Client) Next(ctx context.Context) (Frame, error) { return c.events.next(ctx) }

// Events are what Next gives, until the client or ctx ends. Only the newest
// 1024 unread events are kept, and of the peer's locations in a row the newest.
func (c *Client) Events(ctx context.Context) iter.Seq[Frame] {
	return func(yield func(Frame) bool) {
		for {
			f, err := c.Next(ctx)
			if err != nil || !yield(f) {
				return
			}
		}
	}
}

// Drop cuts the connection as a lost network does; the client then connects
// again. It is for trying out what a program does.
func (c *Client) Drop() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.Drop()
	}
}

// run has one connection after the other until there is nothing more to try.
func (c *Client) run(ctx context.Context, conn *Conn) {
	for attempt := 0; ; {
		welcomed, err := c.session(ctx, conn)
		if welcomed {
			attempt = 0
		}
		for conn = nil; conn == nil; attempt++ {
			if ctx.Err() != nil || c.hasEnded() {
				return
			}
			if final(err) {
				c.finish(err)
				return
			}
			wait := c.opts.Backoff.wait(attempt)
			if c.opts.OnDrop != nil {
				c.opts.OnDrop(err, wait)
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			conn, err = c.dial(ctx)
		}
	}
}

// dial bounds an attempt: a network that swallows packets must not hold the
// client for ever.
func (c *Client) dial(ctx context.Context) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return Dial(ctx, c.opts)
}

// session says hello and takes in frames until the connection is lost.
func (c *Client) session(ctx context.Context, conn *Conn) (welcomed bool, err error) {
	defer conn.Drop()
	if c.opts.OnConnect != nil {
		c.opts.OnConnect(time.Now())
	}
	c.mu.Lock()
	c.conn = conn
	c.carried = c.view.standing
	c.pulse.connected(time.Now())
	hello := &Hello{ID: c.nextID()}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.conn = nil
		closed := errors.Is(c.end, ErrClosed)
		c.mu.Unlock()
		if c.opts.OnDisconnect != nil {
			c.opts.OnDisconnect(closed, time.Now())
		}
	}()
	c.nudge()
	if err := conn.Send(ctx, EncodeMessage(hello)); err != nil {
		return false, err
	}
	for {
		raw, err := conn.Receive(ctx)
		if err != nil {
			return welcomed, err
		}
		frame, err := DecodeFrame(raw)
		if err != nil {
			continue // not of this protocol; OnFrame has shown it
		}
		if refused, ok := frame.(*ErrorFrame); ok && refused.Code == CodeReplaced {
			return welcomed, ErrReplaced
		}
		resend := c.take(frame, conn)
		if _, ok := frame.(*Welcome); ok {
			welcomed = true
		}
		for _, message := range resend {
			if err := conn.Send(ctx, message); err != nil {
				return welcomed, err
			}
		}
	}
}

// take brings what is known up to date, hands the frame to the call it
// answers or else to the events, and returns what a welcome shows to have to be
// sent again. The end of what the frame shows to be over comes before it.
func (c *Client) take(frame Frame, conn *Conn) (resend [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.nudge()
	now := time.Now()
	c.pulse.heard()
	welcome, isWelcome := frame.(*Welcome)
	asked := c.carried
	if isWelcome {
		asked = c.askedWhen(welcome)
	}
	over, fresh := c.view.admit(frame, asked)
	for _, ended := range over {
		if !c.awaited(ended) {
			c.events.put(ended)
		}
	}
	if isWelcome {
		c.pulse.welcomed = true
		c.skew = time.UnixMilli(welcome.Now).Sub(now)
	}
	answered := c.answer(frame)
	if isWelcome {
		resend = c.resume(welcome, conn)
	}
	if _, isPong := frame.(*Pong); fresh && !answered && !isPong { // a stray pong answers the pulse
		c.events.put(frame)
	}
	if isWelcome {
		select {
		case <-c.first:
		default:
			close(c.first)
		}
	}
	return resend
}

func (c *Client) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// finish ends the client once; the first reason stays.
func (c *Client) finish(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return
	}
	c.end = why
	close(c.ended)
	c.events.finish(why)
	c.cancelUnlessClosing(why)
}

// cancelUnlessClosing stops the goroutines; Close does so itself, after its
// goodbye.
func (c *Client) cancelUnlessClosing(why error) {
	if !errors.Is(why, ErrClosed) {
		c.cancel()
	}
}

// nextID gives an id no other message of this member has; c.mu is held.
func (c *Client) nextID() string {
	c.ids++
	return c.prefix + strconv.Itoa(c.ids)
}

func (c *Client) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}
