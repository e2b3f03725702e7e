package town

import (
	"math/rand/v2"
	"time"

	"waggle/localstack/streets"
)

// A Member looks for fares, takes them where they want to go, has breaks, and goes home
// when its shift ends. life.go has the rules.
type Member struct {
	town   *Town
	random *rand.Rand
	roster roster
	home   int     // a corner
	pace   float64 // the part of the speed limit that it drives at
	now    clock
	car    streets.Car
	doing  activity
	goal   int     // the corner that it is on the way to
	until  clock   // when it has stood long enough
	luck   float64 // 0 or less: it finds a fare
}

// Member returns a member as it is so long after the midnight of a day: at home if it
// is off at that time, and looking for a fare otherwise. The number distinguishes it
// from other members.
func (t *Town) Member(seed uint64, number int, start time.Duration) *Member {
	m := &Member{town: t, random: random(seed, number, 0), roster: roster{seed: seed, number: number}, now: clock(start / time.Second)}
	m.pace = slowest + (fastest-slowest)*m.random.Float64()
	m.home = t.anywhere(m.random)
	if m.random.Float64() < garaged {
		m.home = t.streets.Nearest(streets.At(garageLat, garageLng))
	}
	m.luck = m.random.ExpFloat64()
	if _, off := m.roster.span(m.now); off {
		m.car = t.streets.Park(m.home)
		return m
	}
	m.car = t.streets.Park(t.wanted(m.random, m.now))
	m.look()
	return m
}

// Online tells whether the member reports: it does not while it is off.
func (m *Member) Online() bool { return m.doing != away }

// Occupied tells whether the member has a fare.
func (m *Member) Occupied() bool { return m.doing >= riding }

// Place returns where the member is, in degrees.
func (m *Member) Place() (lat, lng float64) { return m.car.At().Degrees() }

// here returns the corner that the member is at, or the next one on its street.
func (m *Member) here() int { return m.car.Corner() }

// meters returns the distance from here to a corner, as the crow flies.
func (m *Member) meters(corner int) float64 {
	return m.town.streets.Corner(m.here()).To(m.town.streets.Corner(corner))
}

// Motion returns the speed in metres a second, and the heading in degrees clockwise from
// north.
func (m *Member) Motion() (speed, heading float64) { return m.car.Speed(), m.car.Heading() }
