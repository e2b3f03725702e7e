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
// Its methods may be called from several goroutines at once.
type Client struct {
	opts   Options
	events *queue
	prefix string // of this client's message ids

	cancel  context.CancelFunc
	running sync.WaitGroup
	first   chan struct{} // closed by the first welcome
	ended   chan struct{} // closed when the client ends
	changed chan struct{} // holds a token when the keep-alive must be decided anew

	mu    sync.Mutex
	conn  *Conn // nil while offline
	end   error // why it ended, or nil
	calls []*call
	ids   int // how many message ids were made
	view  view
	// atConnect is what was under way when this connection began.
	atConnect underWay
	alive     keepAlive
	// clockSkew is the server's clock minus this machine's, by the last welcome.
	clockSkew time.Duration
	seq       int64 // of the last report that came without a Seq
	unsent    []Fix // what could not be sent, oldest first
	reported  reported
	chosen    choice // what the member has said last, in any session
	restate   bool   // the next report must say it once more

	reporting sync.Mutex // held before mu
}

// Connect connects, says hello and waits for the welcome, which becomes the first
// event. It fails if the first attempt does. Afterwards the client connects again
// by itself whenever the connection drops, until one of these ends it: Close; a
// newer connection of the member, which is ErrReplaced; a handshake that the
// server refuses with 401, 403 or 409, which is a *HandshakeError. The end of ctx
// does not end the client: ctx bounds Connect alone.
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
		first: make(chan struct{}), ended: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	c.running.Go(func() { c.run(running, conn) })
	c.running.Go(func() { c.keepAlive(running) })
	select {
	case <-c.first:
		return c, nil
	case <-c.ended:
		select {
		case <-c.first: // it was welcomed, so Next returns why it ended
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

// Close closes the connection and waits for the client's goroutines. A match goes
// on until one side ends it. A request stays open until its deadline, but matches
// pass over it once the member has been silent for longer than the pool's grace
// time. Close may be called again.
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

// Next waits for the next event. After the last event it returns why the client
// ended: ErrClosed, ErrReplaced or a *HandshakeError.
func (c *Client) Next(ctx context.Context) (Frame, error) { return c.events.next(ctx) }

// Events yields what Next returns, until the client or ctx ends. Of consecutive
// locations of the peer the client keeps the newest. It keeps at most 1024 unread
// events: it drops the oldest, and those that say how a match or a request stands last.
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

// Drop cuts the connection as a failing network does. The client then connects
// again. It is there to test a program.
func (c *Client) Drop() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		conn.Drop()
	}
}

// run keeps one connection after the other until the client ends.
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
			if refused := (*Error)(nil); errors.As(err, &refused) {
				wait += refused.RetryAfter
			}
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

// dial bounds an attempt, since a network that swallows packets gives no error.
func (c *Client) dial(ctx context.Context) (*Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return Dial(ctx, c.opts)
}

// keptOutWithin is how soon after a refusal the server closes the connection of a member that
// it was the last one for. A later close has another reason.
const keptOutWithin = 5 * time.Second

// session says hello and handles frames until the connection fails. welcomed
// reports whether a welcome came.
func (c *Client) session(ctx context.Context, conn *Conn) (welcomed bool, err error) {
	defer conn.Drop()
	if c.opts.OnConnect != nil {
		c.opts.OnConnect(time.Now())
	}
	c.mu.Lock()
	c.conn = conn
	c.atConnect = c.view.underWay
	c.alive.connected(time.Now())
	c.newSession()
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
	c.change()
	if err := conn.Send(ctx, EncodeMessage(hello)); err != nil {
		return false, err
	}
	var refused *ErrorFrame // the last frame, if it was one
	var at time.Time
	for {
		raw, err := conn.Receive(ctx)
		if err != nil {
			if refused != nil && refused.RetryAfter > 0 && time.Since(at) < keptOutWithin {
				err = newError(refused) // the server has closed the connection for it
			}
			return welcomed, err
		}
		frame, err := DecodeFrame(raw)
		if err != nil {
			continue // no frame of Waggle's; OnFrame has seen it
		}
		refused, _ = frame.(*ErrorFrame)
		if refused != nil && refused.Code == CodeReplaced {
			return welcomed, ErrReplaced
		}
		at = time.Now()
		resend := c.handle(frame, conn)
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

// handle applies a frame to the view and gives it to the call that it answers, or
// else to the events. Before it go the Ended frames that the client makes itself.
// After a welcome it returns the messages that must be sent again.
func (c *Client) handle(frame Frame, conn *Conn) (resend [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.change()
	now := time.Now()
	c.alive.received()
	welcome, isWelcome := frame.(*Welcome)
	before := c.atConnect
	if isWelcome {
		before = c.beforeHello(welcome)
	}
	over, fresh := c.view.apply(frame, before)
	for _, ended := range over {
		if !c.awaited(ended) {
			c.events.put(ended)
		}
	}
	if isWelcome {
		c.alive.welcomed = true
		c.clockSkew = time.UnixMilli(welcome.Now).Sub(now)
		if welcome.ID == "" {
			c.newSession() // the server has lost the old one
		}
	}
	answered := c.answer(frame)
	if !answered {
		c.noteRefusal(frame)
	}
	if isWelcome {
		resend = c.resume(welcome, conn)
	}
	if _, isPong := frame.(*Pong); fresh && !answered && !isPong { // a pong that no call waits for answers a keep-alive
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

// finish ends the client. Only the first reason counts.
func (c *Client) finish(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return
	}
	c.end = why
	close(c.ended)
	c.events.finish(why)
	if !errors.Is(why, ErrClosed) { // Close stops the goroutines itself, once the connection is closed
		c.cancel()
	}
}

// nextID returns an id that no other message of this member has; c.mu is held.
func (c *Client) nextID() string {
	c.ids++
	return c.prefix + strconv.Itoa(c.ids)
}
