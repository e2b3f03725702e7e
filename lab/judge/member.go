package judge

import (
	"slices"

	"waggle/lab/record"
)

// nearTTL is how close to its TTL a report is in doubt.
const nearTTL = second / 4

// A member is what the record says about one, as far back as it still matters.
type member struct {
	name      string
	reports   []report // as sent
	links     []span   // its connections
	matches   []*match // that it was notified of
	request   *request // its last one
	available bool     // as it said last
	leaving   bool     // it has sent an end or a cancel
	spoke     int64    // when it sent its last frame
	cancel    string   // the id of its cancel
}

// A report is a location message of a member.
type report struct {
	id          string
	at          place
	sent, acked int64 // acked: when it was acknowledged; 0: it was not
	available   bool
	refused     bool
	lost        bool // perhaps the server never had it
}

// taken returns when the server had the report at the latest, 0 if it may not have had it at
// all. If the ack does not come, although nothing else went wrong, only the ack was lost.
func (r *report) taken() int64 {
	if r.acked == 0 && !r.lost {
		return r.sent + slack
	}
	return r.acked
}

// A span of time. If to is 0 it has not ended.
type span struct{ from, to int64 }

func (m *member) connect(t int64) {
	m.links = append(m.links, span{from: t})
	m.available = true
}

func (m *member) disconnect(t int64) {
	if n := len(m.links); n > 0 {
		m.links[n-1].to = t
	}
	m.doubt(t)
}

// doubt notes that the server may not have had what the member sent just before.
func (m *member) doubt(t int64) {
	for i := range m.reports {
		if r := &m.reports[i]; r.acked == 0 && r.sent >= t-slack {
			r.lost = true
		}
	}
}

// move notes a report that was sent.
func (m *member) move(t int64, f record.Frame) {
	if f.Available != nil {
		m.available = *f.Available
	}
	m.reports = append(m.reports, report{id: f.ID, at: placeAt(*f.Lat, *f.Lng), sent: t, available: m.available})
}

// acknowledge notes an acknowledgement, for the latest report with the id.
func (m *member) acknowledge(id string, t int64) {
	for i := len(m.reports) - 1; i >= 0 && id != ""; i-- {
		if r := &m.reports[i]; r.id == id {
			if r.acked == 0 {
				r.acked = t
			}
			return
		}
	}
}

// refuse notes that a report was answered with an error. After an error by which the
// server did not finish, it may have stored the report all the same.
func (m *member) refuse(id, code string) {
	unfinished := code == "unavailable" || code == "internal"
	for i := range m.reports {
		if r := &m.reports[i]; r.id == id {
			r.refused, r.lost = !unfinished, unfinished
		}
	}
}

// spots returns the reports that the server can have had of the member at some time from
// a to b, the latest first: all that were sent by b, back to the last one taken
// by a. known tells whether there is such a one.
func (m *member) spots(a, b int64, spots []*report) (_ []*report, known bool) {
	for i := len(m.reports) - 1; i >= 0; i-- {
		r := &m.reports[i]
		if r.refused || r.sent > b {
			continue
		}
		spots = append(spots, r)
		if t := r.taken(); t != 0 && t <= a {
			return spots, true
		}
	}
	return spots, false
}

// reach returns the smallest distance from a place to one of the reports, and the largest.
func reach(spots []*report, from place) (nearest, farthest float64) {
	for i, r := range spots {
		d := r.at.meters(from)
		if i == 0 {
			nearest = d
		}
		nearest, farthest = min(nearest, d), max(farthest, d)
	}
	return nearest, farthest
}

// A certainty says whether something held, during a span of time.
type certainty int

const (
	no    certainty = iota // at no time
	maybe                  // perhaps at some time
	yes                    // all of the time
)

// over tells whether the member was available from a to b, apart from one match. If that
// is not sure it says why. The spots are those of the time.
func (m *member) over(a, b int64, spots []*report, known bool, ttl int64, but *match) (certainty, string) {
	if len(spots) == 0 {
		return no, "it had not reported"
	}
	c, why := yes, ""
	weigh := func(other certainty, reason string) {
		if other < c {
			c, why = other, reason
		}
	}
	weigh(m.fresh(a, b, spots, known, ttl))
	weigh(m.connected(a, b, spots))
	weigh(willing(spots))
	for _, mt := range m.matches {
		if mt != but {
			weigh(mt.free(m, a, b))
		}
	}
	if c == yes && !known {
		return maybe, "its first report was in flight"
	}
	return c, why
}

// fresh tells whether the member's report was younger than the TTL.
func (m *member) fresh(a, b int64, spots []*report, known bool, ttl int64) (certainty, string) {
	if known {
		// A report extends the time of the one before it, if it was taken in time.
		until := int64(0)
		for i := len(spots) - 1; i >= 0; i-- {
			r := spots[i]
			if i == len(spots)-1 || r.taken() != 0 && r.taken() < until {
				until = max(until, r.sent+ttl-nearTTL)
			}
		}
		if until > b {
			return yes, ""
		}
	}
	for _, r := range spots {
		taken := r.taken()
		if taken == 0 {
			taken = r.sent + grace
		}
		if a-taken <= ttl+nearTTL {
			return maybe, "its report was near its TTL"
		}
	}
	return no, "its report was too old"
}

// connected tells whether the member was connected and had reported since.
func (m *member) connected(a, b int64, spots []*report) (certainty, string) {
	c, why := no, "it was not connected"
	for _, l := range m.links {
		switch {
		case l.from > b || l.to != 0 && l.to < a-slack:
		case l.from <= spots[len(spots)-1].sent && l.from <= a && (l.to == 0 || l.to > b+slack):
			return yes, ""
		default:
			c, why = maybe, "it had just connected or disconnected"
		}
	}
	return c, why
}

// willing tells whether the member was available by its own account.
func willing(spots []*report) (certainty, string) {
	available := 0
	for _, r := range spots {
		if r.available {
			available++
		}
	}
	switch available {
	case 0:
		return no, "it had said available: false"
	case len(spots):
		return yes, ""
	}
	return maybe, "it was just saying whether it is available"
}

// drop drops what no longer matters from floor on. It tells whether nothing is left.
func (m *member) drop(floor int64) bool {
	last := -1
	for i, r := range m.reports {
		if t := r.taken(); !r.refused && t != 0 && t <= floor {
			last = i
		}
	}
	m.reports = slices.Delete(m.reports, 0, max(last, 0))
	m.matches = slices.DeleteFunc(m.matches, func(mt *match) bool { return mt.over(m, floor) })
	gone := func(l span) bool { return l.to != 0 && l.to < floor-slack }
	for len(m.links) > 1 && gone(m.links[0]) {
		m.links = m.links[1:]
	}
	return len(m.matches) == 0 && len(m.links) == 1 && gone(m.links[0])
}
