package waggle

import (
	"context"
	"encoding/json"
	"fmt"
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
	of         string     // a Match or Cancel: the id of the request that it is about, or ""
	match      bool       // it is a Match
	radius     float64    // of a Match, metres; 0: the default, or one that widens
	cancel     bool       // it is a Cancel
	answer     chan Frame // gets the one answer
	answered   bool
	sentOn     *Conn
	sentAt     time.Time
	before     underWay // what was under way when the call was made
	// withheld is an end that the client has found out and the call will tell. If the
	// answer does not, it becomes an event.
	withheld *Ended
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

// Nearby asks how many members are available in the cells around the last report. Without a fresh
// report it returns an *Error with CodeConflict, and if asked too often with CodeRateLimited.
func (c *Client) Nearby(ctx context.Context) (*NearbyFrame, error) {
	id := c.newID()
	return ask[*NearbyFrame](ctx, c, &call{id: id}, &Nearby{ID: id})
}

// Match asks for the nearest available member and waits for the outcome: up to
// m.Wait seconds, and the time that messages take. It fills in an empty m.ID. If
// ctx ends first, the request stays open. Its outcome then comes as an event, or
// from another Match with the same id.
//
// A member has one request at a time. So a Match with another id first withdraws a
// request that no Match waits for: its Ended is an event. If that one has led to a
// match, or another Match waits, it returns an *Error with CodeConflict.
func (c *Client) Match(ctx context.Context, m Match) (Outcome, error) {
	if m.ID == "" {
		m.ID = c.newID()
	}
	k := &call{id: m.ID, match: true, of: m.ID, radius: m.Radius}
	if m.WidenTo != 0 {
		k.radius = 0
	}
	f, err := c.do(ctx, k, &m)
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
	return c.cancelRequest(ctx, c.openRequest())
}

// End ends the match with this id. reason is Completed or Cancelled; "" stands for
// Completed. It may be repeated. If the peer has ended the match first, the Ended
// has the peer's reason. If the server no longer knows the match, its reason is Lost.
func (c *Client) End(ctx context.Context, match, reason string) (*Ended, error) {
	id := c.newID()
	matchEnded := func(f Frame) bool {
		ended, ok := f.(*Ended)
		return ok && ended.Match == match
	}
	ended, err := ask[*Ended](ctx, c, &call{id: id, answeredBy: matchEnded}, &End{ID: id, Match: match, Reason: reason})
	if isRefusal(err, CodeNotFound) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.view.match == match && match != "" {
			return c.view.endForUnknownReason(), nil
		}
	}
	return ended, err
}

// Say passes data, which must become at most 1024 bytes of JSON, on to the other member of the
// match with this id. It is sent again until an answer comes, so that it may arrive twice. The error
// is an *Error with CodeConflict if the peer is not connected now, and with CodeNotFound if the
// match is not, or no longer, this member's.
func (c *Client) Say(ctx context.Context, match string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("waggle: say: %w", err)
	}
	id := c.newID()
	_, err = ask[*Said](ctx, c, &call{id: id}, &Say{ID: id, Match: match, Data: text})
	return err
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
	conn, err := c.begin(ctx, k)
	if err != nil {
		return nil, err
	}
	if conn != nil {
		// session sees a failure when it reads, and the next connection sends the
		// message again.
		_ = c.send(ctx, conn, k.message)
	}
	select {
	case f := <-k.answer:
		return c.settle(k, f, nil)
	case <-c.ended:
		return c.settle(k, nil, c.end)
	case <-ctx.Done():
		return c.settle(k, nil, ctx.Err())
	}
}

// begin makes the call one that waits, and returns the connection to send it on, or nil. For
// a Match it first withdraws each other request.
func (c *Client) begin(ctx context.Context, k *call) (*Conn, error) {
	for {
		conn, other, err := c.enter(k)
		if other == nil || err != nil {
			return conn, err
		}
		if err := c.withdraw(ctx, *other); err != nil {
			return nil, err
		}
	}
}

// enter is begin, unless it returns the id of another request.
func (c *Client) enter(k *call) (conn *Conn, other *string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return nil, nil, c.end
	}
	if k.match {
		if other, err := c.otherRequest(k.id); other != nil || err != nil {
			return nil, other, err
		}
		c.view.reopen(k.id)
		c.left = slices.DeleteFunc(c.left, func(other *call) bool { return other.id == k.id })
	}
	c.calls = append(c.calls, k)
	k.sentOn, k.sentAt, k.before = c.conn, time.Now(), c.view.underWay
	return c.conn, nil, nil
}

// settle ends a call with its answer, or else with why none has come. What the call was to
// tell becomes an event if it does not.
func (c *Client) settle(k *call, f Frame, why error) (Frame, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = slices.DeleteFunc(c.calls, func(other *call) bool { return other == k })
	if f == nil {
		select {
		case f = <-k.answer: // both at once
		default:
		}
	}
	refused, isRefused := f.(*ErrorFrame)
	switch {
	case isRefused && refused.Code == CodeNotFound && k.withheld != nil && !k.match:
		return k.withheld, nil
	case isRefused:
		why = newError(refused)
	case f != nil:
		return f, nil
	}
	if k.withheld != nil {
		c.events.put(k.withheld)
	}
	open := !isRefused || refused.Retryable && refused.Code != CodeRateLimited
	if open && (k.match || k.cancel) && k.sentOn != nil {
		c.leave(k)
	}
	return nil, why
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

// answer gives a frame to the calls that it answers; c.mu is held.
func (c *Client) answer(f Frame) (answered bool) {
	if _, ok := f.(*Waiting); ok {
		return false
	}
	id := frameID(f)
	for _, k := range c.calls {
		if id != "" && id == k.id || c.tells(f, k) {
			answered = k.deliver(f) || answered
		}
	}
	return answered
}

// tells reports whether a frame without the call's id says what the call waits for; c.mu
// is held.
func (c *Client) tells(f Frame, k *call) bool {
	if ended, ok := f.(*Ended); ok && ended.Match == "" && (k.match || k.cancel) {
		over := c.requestOf(ended)
		return over == "" || k.of == "" || over == k.of
	}
	return k.answeredBy != nil && k.answeredBy(f)
}

// deliver reports false if the call has its answer already.
func (k *call) deliver(f Frame) bool {
	if k.answered {
		return false
	}
	k.answered = true
	k.answer <- f
	return true
}

// beforeHello returns what was under way when the hello that this welcome answers
// was sent, or earlier; c.mu is held.
func (c *Client) beforeHello(w *Welcome) underWay {
	for _, k := range c.calls {
		if k.id == w.ID {
			return k.before
		}
	}
	return c.atConnect
}

// tell tells of an end that the client has found out. The server answers a call that waits
// for it with the true reason, or the call tells it. c.mu is held.
func (c *Client) tell(f Frame) {
	if ended, ok := f.(*Ended); ok {
		for _, k := range c.calls {
			if c.tells(ended, k) {
				k.withheld = ended
				return
			}
		}
	}
	if none, ok := f.(*NoMatch); ok {
		for _, k := range slices.Concat(c.calls, c.left) {
			if k.match && k.id == none.ID {
				none.Radius = k.radius
			}
		}
	}
	if !c.answer(f) {
		c.events.put(f)
	}
	c.forget(f)
}

// resume continues the calls of earlier connections on a new one. It answers a
// Match that has led to a match, leaves a Match whose request is still open, and
// returns the messages of all others, to be sent again. c.mu is held.
func (c *Client) resume(w *Welcome, conn *Conn) (resend [][]byte) {
	for _, k := range c.calls {
		if k.sentOn == conn {
			continue
		}
		if k.match && w.Match != nil && c.ledTo(k, w.Match) {
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

// overdue returns the messages to send again, since their answer has not come: it can be
// lost on a connection that works. So can the outcome of a request that waits, which is
// asked for once in the interval. again is when more may be overdue. c.mu is held.
func (c *Client) overdue(conn *Conn, now time.Time, interval time.Duration) (resend [][]byte, again time.Time) {
	again = now.Add(interval)
	for _, k := range c.calls {
		if k.sentOn != conn {
			continue
		}
		long := interval
		if r := c.view.request; r == nil || r.id != k.id {
			long = min(interval, answerInterval)
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
	case *Said:
		return f.ID
	case *NearbyFrame:
		return f.ID
	case *ErrorFrame:
		return f.ID
	}
	return ""
}
