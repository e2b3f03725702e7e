package waggle

import (
	"context"
	"slices"
	"time"
)

// A call waits for the frame that answers its message.
type call struct {
	id      string
	message []byte
	// settles reports whether a frame that may lack the call's id answers
	// it all the same; nil: none does.
	settles func(Frame) bool
	match   bool       // an open request: waiting does not answer it
	answer  chan Frame // holds the one answer
	sentOn  *Conn
	sentAt  time.Time
	asked   standing // what was under way when it was made
}

// An Outcome is how a request ended; exactly one is set.
type Outcome struct {
	Matched *Matched
	NoMatch *NoMatch
	// Ended has Match "" where the request was cancelled; else the match
	// was over before its beginning was heard of.
	Ended *Ended
}

// Hello asks what is under way. The client says it by itself on every
// connection.
func (c *Client) Hello(ctx context.Context) (*Welcome, error) {
	id := c.newID()
	return ask[*Welcome](ctx, c, &call{id: id}, &Hello{ID: id})
}

// Ping asks for the server's time.
func (c *Client) Ping(ctx context.Context) (*Pong, error) {
	id := c.newID()
	return ask[*Pong](ctx, c, &call{id: id}, &Ping{ID: id})
}

// Locate asks where the peer is.
func (c *Client) Locate(ctx context.Context) (*LocationFrame, error) {
	id := c.newID()
	return ask[*LocationFrame](ctx, c, &call{id: id}, &Locate{ID: id})
}

// Match asks for the nearest available member and waits for how that ends: for
// up to m.Wait seconds and the time it takes to say so. An empty m.ID gets a
// fresh one. When ctx ends first the request stays open: the outcome comes as
// an event, or from Match with the same id once more.
func (c *Client) Match(ctx context.Context, m Match) (Outcome, error) {
	if m.ID == "" {
		m.ID = c.newID()
	}
	settles := func(f Frame) bool {
		ended, ok := f.(*Ended)
		return ok && ended.Match == "" // a member has one request at most
	}
	f, err := c.do(ctx, &call{id: m.ID, match: true, settles: settles}, &m)
	if err != nil {
		return Outcome{}, err
	}
	switch f := f.(type) {
	case *Matched:
		return Outcome{Matched: f}, nil
	case *NoMatch:
		return Outcome{NoMatch: f}, nil
	case *Ended:
		return Outcome{Ended: f}, nil
	}
	return Outcome{}, unexpected(f)
}

// Cancel withdraws the open request; it may be repeated. Without one it returns
// an *Error with CodeNotFound, with a match under way one with CodeConflict.
func (c *Client) Cancel(ctx context.Context) (*Ended, error) {
	id := c.newID()
	settles := func(f Frame) bool {
		ended, ok := f.(*Ended)
		return ok && ended.Match == ""
	}
	return ask[*Ended](ctx, c, &call{id: id, settles: settles}, &Cancel{ID: id})
}

// End ends a match with reason Completed or Cancelled ("": Completed). It may
// be repeated.
func (c *Client) End(ctx context.Context, match, reason string) (*Ended, error) {
	id := c.newID()
	settles := func(f Frame) bool {
		ended, ok := f.(*Ended)
		return ok && ended.Match == match
	}
	return ask[*Ended](ctx, c, &call{id: id, settles: settles}, &End{ID: id, Match: match, Reason: reason})
}

// ask is do for a call with one kind of answer.
func ask[T Frame](ctx context.Context, c *Client, k *call, m Message) (T, error) {
	var none T
	f, err := c.do(ctx, k, m)
	if err != nil {
		return none, err
	}
	answer, ok := f.(T)
	if !ok {
		return none, unexpected(f)
	}
	return answer, nil
}

func unexpected(f Frame) error {
	return &Error{Code: CodeInternal, Message: "an answer of another kind: " + f.FrameType()}
}

// do sends a message and waits for its answer, across reconnects.
func (c *Client) do(ctx context.Context, k *call, m Message) (Frame, error) {
	k.message = EncodeMessage(m)
	k.answer = make(chan Frame, 1)
	c.mu.Lock()
	if c.end != nil {
		c.mu.Unlock()
		return nil, c.end
	}
	c.calls = append(c.calls, k)
	conn := c.conn
	k.sentOn, k.sentAt, k.asked = conn, time.Now(), c.view.standing
	c.mu.Unlock()
	defer c.forget(k)
	if conn != nil {
		// A failure shows where the connection is read, and the next
		// one carries the message again.
		_ = c.send(ctx, conn, k.message)
	}
	select {
	case f := <-k.answer:
		if refused, ok := f.(*ErrorFrame); ok {
			return nil, &Error{Code: refused.Code, Message: refused.Message, Retryable: refused.Retryable}
		}
		return f, nil
	case <-c.ended:
		return nil, c.end
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send keeps the connection when the caller's ctx ends during it.
func (c *Client) send(ctx context.Context, conn *Conn, raw []byte) error {
	if err := conn.Send(context.WithoutCancel(ctx), raw); err != nil {
		return err
	}
	c.mu.Lock()
	c.pulse.sent(time.Now())
	c.mu.Unlock()
	c.nudge()
	return nil
}

func (c *Client) newID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nextID()
}

func (c *Client) forget(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = slices.DeleteFunc(c.calls, func(other *call) bool { return other == k })
}

// answer gives a frame to the calls it answers; c.mu is held.
func (c *Client) answer(f Frame) (answered bool) {
	if _, ok := f.(*Waiting); ok {
		return false
	}
	id := frameID(f)
	for _, k := range c.calls {
		if id == "" || id != k.id {
			if k.settles == nil || !k.settles(f) {
				continue
			}
		}
		answered = c.settle(k, f) || answered
	}
	return answered
}

func (c *Client) settle(k *call, f Frame) bool {
	select {
	case k.answer <- f:
		return true
	default:
		return false // it has its answer already
	}
}

// askedWhen is what was under way when the hello that this welcome answers was
// sent, or before; c.mu is held.
func (c *Client) askedWhen(w *Welcome) standing {
	for _, k := range c.calls {
		if w.ID != "" && k.id == w.ID {
			return k.asked
		}
	}
	return c.carried
}

// awaited reports whether a waiting call will be told of this end by the
// server itself, which knows the reason; c.mu is held.
func (c *Client) awaited(ended *Ended) bool {
	return slices.ContainsFunc(c.calls, func(k *call) bool { return k.settles != nil && k.settles(ended) })
}

// resume deals, on a fresh connection, with the calls of lost ones: a request
// that has led to a match is answered, one that is still open goes on, and
// all else is sent again under its id. c.mu is held.
func (c *Client) resume(w *Welcome, conn *Conn) (resend [][]byte) {
	for _, k := range c.calls {
		if k.sentOn == conn {
			continue
		}
		if k.match && w.Match != nil {
			m := w.Match
			c.settle(k, &Matched{ID: k.id, Match: m.Match, Role: m.Role, Peer: m.Peer, Report: w.Report})
			continue
		}
		k.sentOn, k.sentAt = conn, time.Now()
		if k.match && w.Request != nil && w.Request.ID == k.id {
			continue
		}
		resend = append(resend, k.message)
	}
	return resend
}

// overdue are the messages of calls that have waited for so long on this
// connection, to be sent again: an answer can be lost where a connection is not.
// next is when there may be more. c.mu is held.
func (c *Client) overdue(conn *Conn, now time.Time, long time.Duration) (resend [][]byte, next time.Time) {
	next = now.Add(long)
	for _, k := range c.calls {
		if k.sentOn != conn {
			continue
		}
		if now.Sub(k.sentAt) >= long {
			k.sentAt = now
			resend = append(resend, k.message)
		}
		next = earlier(next, k.sentAt.Add(long))
	}
	return resend, next
}

func frameID(f Frame) string {
	switch f := f.(type) {
	case *Welcome:
		return f.ID
	case *Pong:
		return f.ID
	case *Ack:
		return f.ID
	case *NoMatch:
		return f.ID
	case *Matched:
		return f.ID
	case *LocationFrame:
		return f.ID
	case *Ended:
		return f.ID
	case *ErrorFrame:
		return f.ID
	}
	return ""
}
