package town

import "math"

// How a car is driven, in metres and seconds.
const (
	pickUp  = 2.0 // m/s²
	brake   = 2.5 // m/s²
	turning = 4.5 // m/s, and across a corner where one yields
	bend    = 0.8 // the cosine from which on it is a turn
	cycle   = 76  // s, of the lights: green for half of it
	slack   = 0.1 // m: who brakes as it must is not beyond it by rounding
)

// A car is on a street, so far along it.
type car struct {
	street       int
	along, speed float64
}

// drive goes on towards a corner for a second, and tells whether it is there. A car
// stops only at corners.
func (c *car) drive(t *Town, goal int, now clock, pace float64) (there bool) {
	s := t.streets[c.street]
	if s.to == goal && c.along >= s.length {
		c.speed = 0
		return true
	}
	next, across := -1, 0.0
	if s.to != goal {
		next = t.way(s.to, goal)
		across = t.crossing(c.street, next, pace)
	}
	if next >= 0 && t.corners[s.to].rule == lights && !t.green(c.street, now) && c.stops(t) {
		across = 0 // who cannot stop any more goes on
	}
	// It must be able to slow down to what the corner allows after this second.
	able := math.Sqrt(brake*brake+2*brake*(s.length-c.along)+across*across) - brake
	c.speed = max(min(c.speed+pickUp, s.kind.Limit()*pace, able), 0)
	c.along += c.speed
	if c.along < s.length-0.01 {
		return false
	}
	if across == 0 {
		c.along, c.speed = s.length, 0
		return next < 0
	}
	c.along, c.street = min(max(c.along-s.length, 0), t.streets[next].length), next
	c.speed = min(c.speed, across)
	return false
}

// stops tells whether it can still stop at the corner ahead.
func (c *car) stops(t *Town) bool {
	return t.streets[c.street].length-c.along >= c.speed*c.speed/(2*brake)-slack
}

// crossing is how fast one may go from a street into another.
func (t *Town) crossing(street, next int, pace float64) float64 {
	a, b := t.streets[street], t.streets[next]
	fast := pace * min(a.kind.Limit(), b.kind.Limit())
	turns := a.east*b.east+a.north*b.north < bend
	if turns || t.corners[a.to].rule == yield && a.kind == Street {
		return min(fast, turning)
	}
	return fast
}

// green tells whether a street's lights are. Those who come from ahead have it at
// the same time, those from the sides in the other half.
func (t *Town) green(street int, now clock) bool {
	s := t.streets[street]
	first := t.streets[t.corners[s.to].leave[0]]
	along := math.Abs(s.east*first.east+s.north*first.north) > math.Sqrt2/2
	offset := clock(s.to * 37) // corners differ
	return ((now.second()+offset)%cycle < cycle/2) == along
}

func (c *car) at(t *Town) point {
	s := t.streets[c.street]
	p := t.corners[s.from].at
	return point{p.x + s.east*c.along, p.y + s.north*c.along}
}
