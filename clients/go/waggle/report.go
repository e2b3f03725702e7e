package waggle

import (
	"context"
	"math"
	"time"
)

// reported is the last location that was sent.
type reported struct {
	at       time.Time // zero: none yet
	lat, lng float64
}

// Report sends a location, whatever the advice. It does not wait for an answer: if
// l.ID is set, an *Ack comes as an event. It fills in a Seq of 0 from a count of its
// own, so that the later of two reports in one millisecond counts. While there is no
// connection it returns ErrOffline.
func (c *Client) Report(ctx context.Context, l Location) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	conn, end := c.conn, c.end
	if l.Seq == 0 {
		c.seq++
		l.Seq = c.seq
	}
	c.mu.Unlock()
	switch {
	case end != nil:
		return end
	case conn == nil:
		return ErrOffline
	}
	if err := c.send(ctx, conn, EncodeMessage(&l)); err != nil {
		return err
	}
	c.mu.Lock()
	c.reported = reported{at: time.Now(), lat: l.Lat, lng: l.Lng}
	c.mu.Unlock()
	return nil
}

// ReportWhenDue sends a location if the server's advice asks for it. Call it with
// every position that is measured. It returns whether it sent this one.
func (c *Client) ReportWhenDue(ctx context.Context, l Location) (sent bool, err error) {
	c.mu.Lock()
	due := c.reported.due(c.view.advice, time.Now(), l.Lat, l.Lng)
	c.mu.Unlock()
	if !due {
		return false, nil
	}
	if err := c.Report(ctx, l); err != nil {
		return false, err
	}
	return true, nil
}

// Advice returns the server's newest advice on when to report.
func (c *Client) Advice() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view.advice
}

// due reports whether the advice asks for a report: so long after the last one, or
// so far from it. A zero asks for nothing.
func (s reported) due(advice Report, now time.Time, lat, lng float64) bool {
	if s.at.IsZero() {
		return true
	}
	after := time.Duration(advice.AfterSeconds * float64(time.Second))
	if after > 0 && now.Sub(s.at) >= after {
		return true
	}
	return advice.MoveMeters > 0 && metersBetween(s.lat, s.lng, lat, lng) >= advice.MoveMeters
}

// metersBetween computes on a plane that touches a spherical Earth, which is exact
// enough for the tens of metres of advice.
func metersBetween(lat1, lng1, lat2, lng2 float64) float64 {
	const metersPerDegree = 6371008.8 * math.Pi / 180
	dLng := math.Remainder(lng2-lng1, 360) // across the antimeridian too
	x := dLng * math.Cos((lat1+lat2)/2*math.Pi/180)
	return metersPerDegree * math.Hypot(x, lat2-lat1)
}
