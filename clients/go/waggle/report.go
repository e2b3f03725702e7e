package waggle

import (
	"context"
	"math"
	"time"
)

// sharedLocation is the last location sent, and when.
type sharedLocation struct {
	at       time.Time // zero: none yet
	lat, lng float64
}

// Report tells the server where the member is, now: whatever the advice says.
// It does not wait for an answer; with l.ID set an *Ack comes as an event. A Seq of
// 0 is the next of the client's own count, so that of two reports in the same
// millisecond the later one counts. While offline it returns ErrOffline.
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
	c.shared = sharedLocation{at: time.Now(), lat: l.Lat, lng: l.Lng}
	c.mu.Unlock()
	return nil
}

// ReportWhenDue reports as the server advises: feed it every fix, and it sends
// those that are wanted. It says whether it sent this one.
func (c *Client) ReportWhenDue(ctx context.Context, l Location) (sent bool, err error) {
	c.mu.Lock()
	due := c.shared.due(c.view.advice, time.Now(), l.Lat, l.Lng)
	c.mu.Unlock()
	if !due {
		return false, nil
	}
	if err := c.Report(ctx, l); err != nil {
		return false, err
	}
	return true, nil
}

// Advice is when the server wants the next location.
func (c *Client) Advice() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.view.advice
}

// due follows advice: so long after the last location, or so far from it. A
// zero asks for nothing.
func (s sharedLocation) due(advice Report, now time.Time, lat, lng float64) bool {
	if s.at.IsZero() {
		return true
	}
	after := time.Duration(advice.AfterSeconds * float64(time.Second))
	if after > 0 && now.Sub(s.at) >= after {
		return true
	}
	return advice.MoveMeters > 0 && metersBetween(s.lat, s.lng, lat, lng) >= advice.MoveMeters
}

// metersBetween takes the Earth as flat and round, which is near enough for
// the tens of metres that advice is about.
func metersBetween(lat1, lng1, lat2, lng2 float64) float64 {
	const metersPerDegree = 6371008.8 * math.Pi / 180
	dLng := math.Remainder(lng2-lng1, 360) // across the antimeridian too
	x := dLng * math.Cos((lat1+lat2)/2*math.Pi/180)
	return metersPerDegree * math.Hypot(x, lat2-lat1)
}
