package waggle

import (
	"context"
	"time"
)

const (
	// idleInterval is the longest silence with nothing under way. API Gateway
	// closes a connection after ten silent minutes.
	idleInterval = 5 * time.Minute
	// answerInterval is how long an answer may take before the message is sent again.
	answerInterval = 5 * time.Second
	// answerTimeout is how long after a ping or hello no frame may come before
	// the client takes the connection for dead.
	answerTimeout = 20 * time.Second
	// The server tells a request's end by itself, but may miss the moment. So the
	// client pings deadlinePings times, for the first time deadlineDelay after the
	// deadline.
	deadlineDelay = 100 * time.Millisecond
	deadlinePings = 5
	// minInterval bounds the interval in pools whose clock was sped up for a replay.
	minInterval = 100 * time.Millisecond
)

// keepAlive decides when to send a keep-alive on one connection.
type keepAlive struct {
	lastSent time.Time
	asked    time.Time // when the oldest unanswered question was sent, or zero
	askedOn  time.Time // when the newest question was sent
	welcomed bool
	deadline time.Time // the deadline that pings counts for
	pings    int       // sent after that deadline
}

func (k *keepAlive) connected(now time.Time) { *k = keepAlive{lastSent: now, asked: now, askedOn: now} }
func (k *keepAlive) sent(now time.Time)      { k.lastSent = now }
func (k *keepAlive) received()               { k.asked = time.Time{} } // any frame shows that the connection works

// sentQuestion notes that a message was sent which the server will answer.
func (k *keepAlive) sentQuestion(now time.Time) {
	k.lastSent, k.askedOn = now, now
	if k.asked.IsZero() {
		k.asked = now
	}
}

// A step is what the client has to do for its connection.
type step int

const (
	wait step = iota
	sendKeepAlive
	dropConnection // it is dead
)

// next returns what to do now, and when to call it again. interval is the longest
// silence allowed. deadline is the open request's by this machine's clock, or zero.
func (k *keepAlive) next(now time.Time, interval time.Duration, deadline time.Time) (step, time.Time) {
	again := k.lastSent.Add(interval)
	due := !now.Before(again)
	if !k.asked.IsZero() {
		dead := k.asked.Add(answerTimeout)
		if !now.Before(dead) {
			return dropConnection, now.Add(interval)
		}
		again = earlier(again, dead)
	}
	// Only a welcome answers the hello: API Gateway may have refused it while others were served.
	if !k.asked.IsZero() || !k.welcomed {
		repeat := k.askedOn.Add(min(interval, answerInterval))
		due = due || !now.Before(repeat)
		again = earlier(again, repeat)
	}
	if !deadline.IsZero() {
		if !deadline.Equal(k.deadline) {
			k.deadline, k.pings = deadline, 0
		}
		// The pings come 0.1, 0.3, 0.7, 1.5 and 3.1 s after the deadline.
		ping := deadline.Add(deadlineDelay * (2<<k.pings - 1))
		switch {
		case k.pings == deadlinePings:
		case now.Before(ping):
			again = earlier(again, ping)
		default:
			k.pings++
			due = true
		}
	}
	if !due {
		return wait, again
	}
	k.sentQuestion(now)
	return sendKeepAlive, now
}

// keepAlive sends keep-alives, and messages whose answer is overdue, until ctx ends.
func (c *Client) keepAlive(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		case <-timer.C:
		}
		c.mu.Lock()
		conn := c.conn
		now := time.Now()
		what, at := wait, now.Add(time.Hour) // offline: a new connection comes as a change
		var messages [][]byte
		if conn != nil {
			what, at = c.alive.next(now, c.interval(), c.deadline())
			var overdue time.Time
			messages, overdue = c.toSend(conn, now, what)
			at = earlier(at, overdue)
		}
		c.mu.Unlock()
		timer.Reset(time.Until(at))
		if what == dropConnection {
			conn.Drop()
			continue
		}
		for _, message := range messages {
			_ = conn.Send(ctx, message) // session sees the failure when it reads
		}
	}
}

// toSend returns the messages whose answer is overdue, or a ping if there are none
// and a keep-alive is due; and when to look again. c.mu is held.
func (c *Client) toSend(conn *Conn, now time.Time, what step) (messages [][]byte, again time.Time) {
	if !c.alive.welcomed { // the hello may have been lost
		if what == sendKeepAlive {
			messages = [][]byte{c.hello}
		}
		return messages, now.Add(c.interval())
	}
	messages, again = c.overdue(conn, now, c.interval())
	if len(messages) > 0 {
		c.alive.sentQuestion(now)
	} else if what == sendKeepAlive {
		messages = [][]byte{EncodeMessage(&Ping{})}
	}
	return messages, again
}

// interval is the longest silence allowed now; c.mu is held.
func (c *Client) interval() time.Duration {
	if !c.alive.welcomed || c.view.match != "" || c.view.request != nil || len(c.calls) > 0 {
		return max(c.opts.Grace/3, minInterval)
	}
	return idleInterval
}

// deadline is the open request's, by this machine's clock, or zero; c.mu is held.
func (c *Client) deadline() time.Time {
	if r := c.view.request; r != nil && r.deadline != 0 {
		return time.UnixMilli(r.deadline).Add(-c.clockSkew)
	}
	return time.Time{}
}

// change makes the keep-alive goroutine decide anew.
func (c *Client) change() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
