package streets

import "math"

// How a car is driven, in metres and seconds.
const (
	accelerate = 2.0 // m/s²
	brake      = 2.5 // m/s²
	turning    = 4.5 // m/s, also the speed across a corner where a car yields
	bend       = 0.8 // a smaller cosine between two streets makes it a turn
	cycle      = 76  // s, of the lights: each direction is green for half of it
	slack      = 0.1 // m, for rounding when a car brakes to a stop
)

// A Car is on a street. It is driven by one goroutine at a time.
type Car struct {
	streets *Map
	street  int
	along   float64 // metres from the beginning of the street
	speed   float64 // metres a second
}

// Park returns a car that stands at a corner.
func (m *Map) Park(corner int) Car {
	s := m.corners[corner].leave[0] ^ 1
	return Car{streets: m, street: s, along: m.streets[s].length}
}

// Drive drives towards a corner for one second, by the fastest route, and tells
// whether the car has arrived and stands there. now is the time in whole seconds, by
// which the lights change. pace is the part of the speed limit that the car drives at.
func (c *Car) Drive(goal int, now int64, pace float64) (arrived bool) {
	m := c.streets
	s := m.streets[c.street]
	if s.to == goal && c.along >= s.length {
		c.speed = 0
		return true
	}
	next, across := -1, 0.0
	if s.to != goal {
		next = m.next(s.to, goal)
		across = m.crossing(c.street, next, pace)
	}
	if next >= 0 && m.corners[s.to].rule == lights && !m.green(c.street, now) && c.CanStop() {
		across = 0 // a car that is too close to stop drives on
	}
	// After this second it must still be able to slow down to the speed across the corner.
	safe := math.Sqrt(brake*brake+2*brake*(s.length-c.along)+across*across) - brake
	c.speed = max(min(c.speed+accelerate, s.kind.limit()*pace, safe), 0)
	c.along += c.speed
	if c.along < s.length-0.01 {
		return false
	}
	if across == 0 {
		c.along, c.speed = s.length, 0
		return next < 0
	}
	c.along, c.street = min(max(c.along-s.length, 0), m.streets[next].length), next
	c.speed = min(c.speed, across)
	return false
}

// Stand stops the car where it is.
func (c *Car) Stand() { c.speed = 0 }

// Corner returns the corner that the car stands at, or the next one on its street.
func (c *Car) Corner() int { return c.streets.streets[c.street].to }

// CanStop tells whether the car can still stop at the corner ahead.
func (c *Car) CanStop() bool {
	return c.streets.streets[c.street].length-c.along >= c.speed*c.speed/(2*brake)-slack
}

// At returns where the car is.
func (c *Car) At() Point {
	s := c.streets.streets[c.street]
	p := c.streets.corners[s.from].at
	return Point{p.X + s.east*c.along, p.Y + s.north*c.along}
}

// Speed returns the speed in metres a second.
func (c *Car) Speed() float64 { return c.speed }

// Heading returns the direction of the street, in degrees clockwise from north, from 0
// to below 360.
func (c *Car) Heading() float64 {
	s := c.streets.streets[c.street]
	return math.Mod(math.Atan2(s.east, s.north)*180/math.Pi+360, 360)
}

// crossing is how fast a car may drive from a street into another one.
func (m *Map) crossing(street, next int, pace float64) float64 {
	a, b := m.streets[street], m.streets[next]
	fast := pace * min(a.kind.limit(), b.kind.limit())
	turns := a.east*b.east+a.north*b.north < bend
	if turns || m.corners[a.to].rule == yield && a.kind == side {
		return min(fast, turning)
	}
	return fast
}

// green tells whether the light at the end of a street is green. Opposite directions
// are green together, and the crossing streets are green in the other half of the cycle.
func (m *Map) green(street int, now int64) bool {
	s := m.streets[street]
	first := m.streets[m.corners[s.to].leave[0]]
	along := math.Abs(s.east*first.east+s.north*first.north) > math.Sqrt2/2
	offset := int64(s.to * 37) // corners differ
	second := ((now+offset)%cycle + cycle) % cycle
	return (second < cycle/2) == along
}
