package waggle

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// retryPause is how long after a refusal a report is due again, unless the server says longer.
const retryPause = time.Second

// reported is what was sent last in this session: a new one begins with nothing, since
// the server may know nothing.
type reported struct {
	at       time.Time // zero: nothing
	lat, lng float64
	choice
	restated bool      // the choice is one of an earlier session
	again    time.Time // it was refused: when the next one is due, or zero
}

// A choice is what a member has said of itself. Nil: nothing.
type choice struct {
	available *bool
	tags      *[]string
}

// Report sends a location, whatever the advice. It does not wait for an answer: if
// l.ID is set, an *Ack comes as an event. It fills in a Seq of 0 from a count of its
// own, so that the later of two reports in one millisecond counts. The first report of
// a new session says the last Tags once more, and the last Available if that was false,
// unless l has its own: the server may have lost them. While there is no connection it
// returns ErrOffline, and the position goes along with the next report, as the last 99 do
// that could not be sent.
func (c *Client) Report(ctx context.Context, l Location) error {
	_, err := c.report(ctx, l, false)
	return err
}

// ReportWhenDue sends a location if the server's advice asks for it, if Available or Tags
// are not what was sent last, or if nothing was sent in this session. Call it with every
// position that is measured. It returns whether it sent this one.
func (c *Client) ReportWhenDue(ctx context.Context, l Location) (sent bool, err error) {
	return c.report(ctx, l, true)
}

func (c *Client) report(ctx context.Context, l Location, ifDue bool) (sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	c.reporting.Lock() // they are sent in the order in which they are noted
	defer c.reporting.Unlock()
	conn, err := c.note(&l, ifDue)
	if conn == nil || err != nil {
		return false, err
	}
	// If it fails, the connection is dead, and the next session begins with nothing.
	if err := c.send(ctx, conn, EncodeMessage(&l)); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.keep(&l)
		return false, err
	}
	return true, nil
}

// note completes a report and notes it as sent. It returns the connection to send it on,
// or nil if it is not due.
func (c *Client) note(l *Location, ifDue bool) (*Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.end != nil:
		return nil, c.end
	case ifDue && !c.reported.due(c.view.advice, now, l):
		return nil, nil
	case c.conn == nil:
		c.number(l)
		c.keep(l)
		return nil, ErrOffline
	}
	c.number(l)
	c.addUnsent(l)
	restated := c.restate && l.restate(c.chosen)
	c.restate = false
	c.chosen = c.chosen.with(l)
	c.reported = reported{at: now, lat: l.Lat, lng: l.Lng, choice: c.reported.with(l), restated: restated}
	return c.conn, nil
}

// number gives a report its Seq; c.mu is held.
func (c *Client) number(l *Location) {
	if l.Seq == 0 {
		c.seq++
		l.Seq = c.seq
	}
}

// mostUnsent is how many positions are kept that could not be sent.
const mostUnsent = 99

// keep keeps the positions of a report that could not be sent; c.mu is held.
func (c *Client) keep(l *Location) {
	c.unsent = append(c.unsent, c.points(l)...)
	c.unsent = c.unsent[max(0, len(c.unsent)-mostUnsent):]
}

// addUnsent makes a report one of all that was not sent and is older; c.mu is held.
func (c *Client) addUnsent(l *Location) {
	if len(c.unsent) == 0 || l.Points != nil {
		return
	}
	own := c.points(l)
	all := append(c.unsent, own...)
	order := func(a, b Fix) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq)) }
	slices.SortStableFunc(all, order)
	l.Points, c.unsent = slices.DeleteFunc(all, func(p Fix) bool { return order(p, own[0]) > 0 }), nil
}

// points returns the positions of a report. One without a time was measured now. Digits that
// mean nothing are left out, so that all fit into one message.
func (c *Client) points(l *Location) []Fix {
	if l.Points != nil {
		return l.Points
	}
	at := time.Now().Add(c.clockSkew).UnixMilli()
	if l.At != nil {
		at = *l.At
	}
	p := Fix{Lat: math.Round(l.Lat*1e7) / 1e7, Lng: math.Round(l.Lng*1e7) / 1e7, At: at, Seq: l.Seq, Motion: l.Motion}
	for _, v := range []**float64{&p.Accuracy, &p.Heading, &p.Speed} {
		if *v != nil {
			*v = new(math.Round(**v*100) / 100)
		}
	}
	return []Fix{p}
}

// restate fills in what the member has said before. It does not say true for available:
// an operator may want a new consent for each session, and the Welcome shows what counts.
func (l *Location) restate(said choice) (restated bool) {
	if l.Available == nil && said.available != nil && !*said.available {
		l.Available, restated = said.available, true
	}
	if l.Tags == nil && said.tags != nil {
		l.Tags, restated = said.tags, true
	}
	return restated
}

// with returns the choice after a report. It keeps nothing that the program may change.
func (o choice) with(l *Location) choice {
	if l.Available != nil {
		o.available = new(*l.Available)
	}
	if l.Tags != nil {
		o.tags = new(slices.Sorted(slices.Values(*l.Tags)))
	}
	return o
}

// newSession forgets what an earlier session was told; c.mu is held.
func (c *Client) newSession() { c.reported, c.restate = reported{}, true }

// noteRefusal makes a report due again if the frame may have refused it and a repeat can
// succeed. c.mu is held.
func (c *Client) noteRefusal(f Frame) {
	last := &c.reported
	if last.at.IsZero() {
		return
	}
	pause := retryPause
	switch f := f.(type) {
	case *Unknown:
		if f.Type != "" { // API Gateway's own error says not whose it is
			return
		}
	case *ErrorFrame:
		switch {
		case f.Retryable:
			pause = max(pause, newError(f).RetryAfter)
		case f.Code == CodeForbidden && last.restated: // the token no longer allows these tags
			c.chosen.tags, pause = nil, 0
		default:
			return
		}
	default:
		return
	}
	last.again = time.Now().Add(pause)
}

// Advice returns the server's newest advice on when to report.
func (c *Client) Advice() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view.advice
}

// due reports whether the advice asks for a report, so long after the last one or so far
// from it, or whether one must be sent whatever the advice. A zero asks for nothing.
func (s reported) due(advice Report, now time.Time, l *Location) bool {
	switch {
	case s.at.IsZero() || s.changes(l):
		return true
	case !s.again.IsZero():
		return !now.Before(s.again)
	}
	after := time.Duration(advice.AfterSeconds * float64(time.Second))
	if after > 0 && now.Sub(s.at) >= after {
		return true
	}
	return advice.MoveMeters > 0 && metersBetween(s.lat, s.lng, l.Lat, l.Lng) >= advice.MoveMeters
}

// changes reports whether a report says something else than the choice.
func (o choice) changes(l *Location) bool {
	return l.Available != nil && (o.available == nil || *l.Available != *o.available) ||
		l.Tags != nil && (o.tags == nil || !slices.Equal(slices.Sorted(slices.Values(*l.Tags)), *o.tags))
}

// metersBetween computes on a plane that touches a spherical Earth, which is exact
// enough for the tens of metres of advice.
func metersBetween(lat1, lng1, lat2, lng2 float64) float64 {
	const metersPerDegree = 6371008.8 * math.Pi / 180
	dLng := math.Remainder(lng2-lng1, 360) // across the antimeridian too
	x := dLng * math.Cos((lat1+lat2)/2*math.Pi/180)
	return metersPerDegree * math.Hypot(x, lat2-lat1)
}
