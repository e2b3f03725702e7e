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
	// answeredBy reports whether a frame without the call's id answers it all the
	// same. Nil: none does.
	answeredBy func(Frame) bool
	match      bool       // it is a Match
	answer     chan Frame // holds the one answer
	sentOn     *Conn
	sentAt     time.Time
	before     underWay // what was under way when the call was made
}

// An Outcome is how a request ended. Exactly one field is set.
type Outcome struct {
	Matched *Matched
	NoMatch *NoMatch
	// Ended has Match "" if the request was cancelled. Otherwise the match ended
	// before a Matched came.
	Ended *Ended
}

// Hello asks what is under way. The client does so by itself on every connection.
func (c *Client) Hello(ctx context.Context) (*Welcome, error) {
	id := c.newID()
	return ask[*Welcome](ctx, c, &call{id: id}, &Hello{ID: id})
}

// Ping asks for the server's time.
func (c *Client) Ping(ctx context.Context) (*Pong, error) {
	id := c.newID()
	return ask[*Pong](ctx, c, &call{id: id}, &Ping{ID: id})
}

// Locate asks for the peer's location. Without a match it returns an *Error with
// CodeNotFound.
func (c *Client) Locate(ctx context.Context) (*LocationFrame, error) {
	id := c.newID()
	return ask[*LocationFrame](ctx, c, &call{id: id}, &Locate{ID: id})
}

// Match asks for the nearest available member and waits for the outcome: up to
// m.Wait seconds, and the time that messages take. It fills in an empty m.ID. If
// ctx ends first, the request stays open. Its outcome then comes as an event, or
// from another Match with the same id.
func (c *Client) Match(ctx context.Context, m Match) (Outcome, error) {
	if m.ID == "" {
		m.ID = c.newID()
	}
	f, err := c.do(ctx, &call{id: m.ID, match: true, answeredBy: requestEnded}, &m)
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

// Cancel withdraws the open request. It may be repeated. It returns an *Error with
// CodeNotFound if there is no request, and with CodeConflict during a match.
func (c *Client) Cancel(ctx context.Context) (*Ended, error) {
	id := c.newID()
	return ask[*Ended](ctx, c, &call{id: id, answeredBy: requestEnded}, &Cancel{ID: id})
}

// requestEnded reports whether a frame ends the request. It needs no id, since a
// member has at most one request.
func requestEnded(f Frame) bool {
	ended, ok := f.(*Ended)
	return ok && ended.Match == ""
}

// End ends the match with this id. reason is Completed or Cancelled; "" stands for
// Completed. It may be repeated. If the peer has ended the match first, the Ended
// has the peer's reason.
func (c *Client) End(ctx context.Context, match, reason string) (*Ended, error) {
	id := c.newID()
	matchEnded := func(f Frame) bool {
		ended, ok := f.(*Ended)
		return ok && ended.Match == match
	}
	return ask[*Ended](ctx, c, &call{id: id, answeredBy: matchEnded}, &End{ID: id, Match: match, Reason: reason})
}

// ask is do for a call that has one type of answer.
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

// do sends a message and waits for its answer, across connections.
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
	k.sentOn, k.sentAt, k.before = conn, time.Now(), c.view.underWay
	c.mu.Unlock()
	defer c.forget(k)
	if conn != nil {
		// session sees a failure when it reads, and the next connection sends the
		// message again.
		_ = c.send(ctx, conn, k.message)
	}
	select {
	case f := <-k.answer:
		if refused, ok := f.(*ErrorFrame); ok {
			return nil, newError(refused)
		}
		return f, nil
	case <-c.ended:
		return nil, c.end
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// send sends a message. The end of ctx does not cut it short, since half a frame
// would break the connection.
func (c *Client) send(ctx context.Context, conn *Conn, raw []byte) error {
	if err := conn.Send(context.WithoutCancel(ctx), raw); err != nil {
		return err
	}
	c.mu.Lock()
	c.alive.sent(time.Now())
	c.mu.Unlock()
	c.change()
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

// answer gives a frame to the calls that it answers; c.mu is held.
func (c *Client) answer(f Frame) (answered bool) {
	if _, ok := f.(*Waiting); ok {
		return false
	}
	id := frameID(f)
	for _, k := range c.calls {
		if id != "" && id == k.id || k.answeredBy != nil && k.answeredBy(f) {
			answered = k.deliver(f) || answered
		}
	}
	return answered
}

// deliver reports false if the call has its answer already.
func (k *call) deliver(f Frame) bool {
	select {
	case k.answer <- f:
		return true
	default:
		return false
	}
}

// beforeHello returns what was under way when the hello that this welcome answers
// was sent, or earlier; c.mu is held.
func (c *Client) beforeHello(w *Welcome) underWay {
	for _, k := range c.calls {
		if w.ID != "" && k.id == w.ID {
			return k.before
		}
	}
	return c.atConnect
}

// awaited reports whether a call waits for this end. The server will answer that
// call with the true reason. c.mu is held.
func (c *Client) awaited(ended *Ended) bool {
	return slices.ContainsFunc(c.calls, func(k *call) bool { return k.answeredBy != nil && k.answeredBy(ended) })
}

// resume continues the calls of earlier connections on a new one. It answers a
// Match that has led to a match, leaves a Match whose request is still open, and
// returns the messages of all others, to be sent again. c.mu is held.
func (c *Client) resume(w *Welcome, conn *Conn) (resend [][]byte) {
	for _, k := range c.calls {
		if k.sentOn == conn {
			continue
		}
		if k.match && w.Match != nil {
			m := w.Match
			k.deliver(&Matched{ID: k.id, Match: m.Match, Role: m.Role, Peer: m.Peer, Report: w.Report})
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

// overdue returns the messages to send again, since their answer has not come for
// so long: an answer can be lost on a connection that works. again is when more may
// be overdue. c.mu is held.
func (c *Client) overdue(conn *Conn, now time.Time, long time.Duration) (resend [][]byte, again time.Time) {
	again = now.Add(long)
	for _, k := range c.calls {
		if k.sentOn != conn {
			continue
		}
		if now.Sub(k.sentAt) >= long {
			k.sentAt = now
			resend = append(resend, k.message)
		}
		again = earlier(again, k.sentAt.Add(long))
	}
	return resend, again
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
