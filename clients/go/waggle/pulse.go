package waggle

import (
	"context"
	"time"
)

const (
	// idlePing keeps a connection with nothing under way from being closed
	// after the platform's ten silent minutes.
	idlePing = 5 * time.Minute
	// helloAgain is how long to wait for a welcome.
	helloAgain = 5 * time.Second
	// answerTimeout is how long a ping or hello may go without any frame
	// coming back before the connection is taken for dead.
	answerTimeout = 20 * time.Second
	// afterExpiry is how long after a request's deadline the server is asked
	// for its outcome, and how often: nothing there wakes up by itself.
	afterExpiry  = 100 * time.Millisecond
	expiryTries  = 5
	minKeepAlive = 100 * time.Millisecond // of the absurdly small grace times of sped-up pools
)

// A pulse is the times that keep a session alive.
type pulse struct {
	lastSent time.Time
	asked    time.Time // when the oldest unanswered ping or hello was sent, or zero
	welcomed bool
	expiry   time.Time // the deadline last asked about
	tries    int       // how often
}

func (p *pulse) connected(now time.Time) { *p = pulse{lastSent: now, asked: now} }
func (p *pulse) sent(now time.Time)      { p.lastSent = now }
func (p *pulse) heard()                  { p.asked = time.Time{} } // any frame shows life

// asks notes that something is sent that will be answered.
func (p *pulse) asks(now time.Time) {
	p.lastSent = now
	if p.asked.IsZero() {
		p.asked = now
	}
}

// A deed is what the pulse asks for.
type deed int

const (
	rest   deed = iota
	speak       // send a sign of life
	giveUp      // the connection is dead
)

// next says what to do at now, and when to ask again. expiry is the open
// request's deadline by this machine's clock, or zero.
func (p *pulse) next(now time.Time, interval time.Duration, expiry time.Time) (deed, time.Time) {
	wake := p.lastSent.Add(interval)
	if !p.asked.IsZero() {
		dead := p.asked.Add(answerTimeout)
		if !now.Before(dead) {
			return giveUp, now.Add(interval)
		}
		wake = earlier(wake, dead)
	}
	due := !now.Before(p.lastSent.Add(interval))
	if !expiry.IsZero() {
		if !expiry.Equal(p.expiry) {
			p.expiry, p.tries = expiry, 0
		}
		// Later tries are further apart: 0.1, 0.3, 0.7, 1.5, 3.1 s after.
		at := expiry.Add(afterExpiry * (2<<p.tries - 1))
		switch {
		case p.tries == expiryTries:
		case now.Before(at):
			wake = earlier(wake, at)
		default:
			p.tries++
			due = true
		}
	}
	if !due {
		return rest, wake
	}
	p.asks(now)
	return speak, now
}

// beat keeps the session alive until ctx ends.
func (c *Client) beat(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.nudged:
		case <-timer.C:
		}
		c.mu.Lock()
		conn := c.conn
		now := time.Now()
		what, at := rest, now.Add(time.Hour) // offline: connecting nudges
		var messages [][]byte
		if conn != nil {
			what, at = c.pulse.next(now, c.interval(), c.expiry())
			var more time.Time
			messages, more = c.say(conn, now, what)
			at = earlier(at, more)
		}
		c.mu.Unlock()
		timer.Reset(time.Until(at))
		if what == giveUp {
			conn.Drop()
			continue
		}
		for _, message := range messages {
			_ = conn.Send(ctx, message) // a failure shows where it is read
		}
	}
}

// say returns what is to be sent now: what has waited too long for its answer, or
// a ping, where a sign of life is due; and when to look again. c.mu is held.
func (c *Client) say(conn *Conn, now time.Time, what deed) (messages [][]byte, next time.Time) {
	if !c.pulse.welcomed { // the hello itself may have been lost
		if what == speak {
			messages = [][]byte{EncodeMessage(&Hello{})}
		}
		return messages, now.Add(c.interval())
	}
	messages, next = c.overdue(conn, now, c.interval())
	if len(messages) > 0 {
		c.pulse.asks(now)
	} else if what == speak {
		messages = [][]byte{EncodeMessage(&Ping{})}
	}
	return messages, next
}

// interval is the longest silence allowed now; c.mu is held.
func (c *Client) interval() time.Duration {
	third := max(c.opts.Grace/3, minKeepAlive)
	switch {
	case !c.pulse.welcomed:
		return min(third, helloAgain)
	case c.view.match != "" || c.view.request != nil || len(c.calls) > 0:
		return third
	}
	return idlePing
}

// expiry is the open request's deadline by this clock; c.mu is held.
func (c *Client) expiry() time.Time {
	if r := c.view.request; r != nil && r.expiry != 0 {
		return time.UnixMilli(r.expiry).Add(-c.skew)
	}
	return time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
