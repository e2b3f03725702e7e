package town

import "math"

// A deed is what a member is doing.
type deed uint8

const (
	away     deed = iota
	resting       // at home, about to leave or to go offline
	homeward      // the shift is over
	cruising      // on the way to where fares are wanted
	waiting       // at the kerb
	stopping      // somebody waves
	boarding
	riding
	paying
)

// How members live, chosen so that a day of theirs is like the real one. The lengths
// of rides are those of the real day within the city, as the crow flies.
const (
	slowest, fastest = 0.6, 0.9             // part of the limit that a member drives at
	rest             = 25 * float64(minute) // on average, at home
	stand            = 5 * float64(minute)  // on average, where it hopes for a fare
	getIn, getOut    = 20, 25               // s
	median, spread   = 1950.0, 0.8          // m, of the rides, and of its logarithm, a normal distribution
	choices          = 24                   // destinations of which the one fitting the ride's length is taken
	far              = 14_000.0             // m: who wants to go that far goes there, whatever the length
	haunts           = 3                    // places of which a free member goes to the nearest
	staying          = 0.25                 // part of the times that it stays where it is
	queueing         = 0.95                 // the same, where everything else is far
)

// Step lets a second pass.
func (m *Member) Step() {
	m.now++
	switch m.doing {
	case away:
		m.comeBack()
	case resting:
		if m.now >= m.until {
			m.free()
		}
	case homeward:
		if m.drive() {
			m.stay(resting, rest*m.random.ExpFloat64())
		}
	case cruising:
		there := m.drive()
		switch {
		case m.lucky() && m.town.corners[m.here()].rule != open && m.car.stops(m.town):
			m.doing, m.goal = stopping, m.here()
		case there:
			m.stay(waiting, stand*m.random.ExpFloat64())
		}
	case waiting:
		switch {
		case m.lucky():
			m.stay(boarding, getIn)
		case m.now >= m.until:
			m.free()
		}
	case stopping:
		if m.drive() {
			m.stay(boarding, getIn)
		}
	case boarding:
		if m.now >= m.until {
			m.doing, m.goal = riding, m.destination()
		}
	case riding:
		if m.drive() {
			m.stay(paying, getOut)
		}
	case paying:
		if m.now >= m.until {
			m.luck = m.random.ExpFloat64()
			m.free()
		}
	}
}

func (m *Member) drive() (there bool) {
	return m.car.drive(m.town, m.goal, m.now, m.pace*m.now.traffic())
}

// stay stands for so many seconds.
func (m *Member) stay(doing deed, seconds float64) {
	m.doing, m.until, m.car.speed = doing, m.now+clock(math.Ceil(seconds)), 0
}

// lucky tells whether a fare has turned up by this second.
func (m *Member) lucky() bool {
	m.luck -= fares(m.now.hour()) / float64(hour)
	return m.luck <= 0
}

// comeBack goes online where the member went off, once its time off is over.
func (m *Member) comeBack() {
	if _, off := m.roster.span(m.now); off {
		return
	}
	if m.here() == m.home {
		m.stay(resting, rest*m.random.ExpFloat64())
	} else {
		m.look()
	}
}

// free goes on without a fare: off, if it is time, or to look for the next.
func (m *Member) free() {
	switch off, is := m.roster.span(m.now); {
	case is && off.home && m.here() != m.home:
		m.doing, m.goal = homeward, m.home
	case is:
		m.doing = away
	default:
		m.look()
	}
}

// look goes where fares are wanted, rather near than far, or stays.
func (m *Member) look() {
	nearest, stays := math.Inf(1), staying
	for range haunts {
		c := m.town.wanted(m.random, m.now)
		if meters := m.meters(c); meters < nearest {
			m.goal, nearest = c, meters
		}
	}
	if nearest > far/2 {
		stays = queueing
	}
	m.doing = cruising
	if m.here() != m.home && m.random.Float64() < stays {
		m.stay(waiting, stand*m.random.ExpFloat64())
	}
}

// destination is where the next fare wants to go: of several places the one whose
// distance comes nearest to how long the ride is to be.
func (m *Member) destination() int {
	length := median * math.Exp(spread*m.random.NormFloat64())
	chosen, differs := m.home, math.Inf(1)
	for i := range choices {
		c := m.town.wanted(m.random, m.now)
		meters := m.meters(c)
		if i == 0 && meters > far {
			return c
		}
		if c == m.here() {
			continue
		}
		if d := math.Abs(math.Log(meters / length)); d < differs {
			chosen, differs = c, d
		}
	}
	return chosen
}
