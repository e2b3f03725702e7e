package town

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Member drives about: it looks for fares where they are wanted, takes them where
// they want to go, has breaks, and goes home when its shift ends. How it lives is in
// life.go.
type Member struct {
	town   *Town
	random *rand.Rand
	roster roster
	home   int     // a corner
	pace   float64 // part of the limit that it drives at
	now    clock
	car    car
	doing  deed
	goal   int     // the corner that it is on the way to
	until  clock   // when it has stood long enough
	luck   float64 // what it still needs to find a fare
}

// Member returns a member as it is so long after the midnight of a day: at home if
// it is off then, or else looking for a fare. Members are told apart by their number.
func (t *Town) Member(seed uint64, number int, start time.Duration) *Member {
	m := &Member{town: t, random: random(seed, number, 0), roster: roster{seed: seed, number: number}, now: clock(start / time.Second)}
	m.pace = slowest + (fastest-slowest)*m.random.Float64()
	m.home = t.anywhere(m.random)
	if m.random.Float64() < garaged {
		m.home, _ = t.nearest(t.corners, place(garageLat, garageLng))
	}
	m.luck = m.random.ExpFloat64()
	if _, off := m.roster.span(m.now); off {
		m.put(m.home)
		return m
	}
	m.put(t.wanted(m.random, m.now))
	m.look()
	return m
}

// Online tells whether the member is to be seen: it is off at times.
func (m *Member) Online() bool { return m.doing != away }

// Occupied tells whether the member has a fare.
func (m *Member) Occupied() bool { return m.doing >= riding }

// Place is where the member is, in degrees.
func (m *Member) Place() (lat, lng float64) { return m.car.at(m.town).degrees() }

// Speed is how fast it goes, in metres a second.
func (m *Member) Speed() float64 { return m.car.speed }

// Heading is where it goes, in degrees from north, clockwise, below 360.
func (m *Member) Heading() float64 {
	s := m.town.streets[m.car.street]
	return math.Mod(math.Atan2(s.east, s.north)*180/math.Pi+360, 360)
}

// put puts the member at a corner.
func (m *Member) put(corner int) {
	s := m.town.corners[corner].leave[0] ^ 1
	m.car = car{street: s, along: m.town.streets[s].length}
}

// here is the corner that the member is at, or comes to next.
func (m *Member) here() int { return m.town.streets[m.car.street].to }

// meters are from here to a corner as the crow flies.
func (m *Member) meters(corner int) float64 {
	return m.town.corners[m.here()].at.to(m.town.corners[corner].at)
}
