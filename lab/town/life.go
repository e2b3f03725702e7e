package town

import "math"

// An activity is what a member is doing.
type activity uint8

const (
	away     activity = iota
	resting           // at home, about to leave or to go offline
	homeward          // the shift is over
	cruising          // on the way to a place where fares are wanted
	waiting           // at the kerb
	stopping          // for a fare at the next corner
	boarding
	riding
	paying
)

// How members live, chosen so that their day is like the real one. The lengths of
// rides are those of the real day within the city, as the crow flies.
const (
	slowest, fastest = 0.6, 0.9             // part of the speed limit that a member drives at
	rest             = 25 * float64(minute) // on average, at home
	stand            = 5 * float64(minute)  // on average, while it hopes for a fare
	getIn, getOut    = 20, 25               // s
	median, spread   = 1950.0, 0.8          // of the rides: the median in metres, and the spread of the logarithm, which is normal
	choices          = 24                   // destinations, of which the ride takes the one that fits its length best
	far              = 14_000.0             // m: a destination so far away is taken whatever the length
	places           = 3                    // of these a free member goes to the nearest
	staying          = 0.25                 // the chance that a free member stays where it is
	queueing         = 0.95                 // the same, where everything else is far away
)

// Step lets one second pass.
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
		arrived := m.drive()
		switch {
		case m.lucky() && !m.town.streets.OnHighway(m.here()) && m.car.CanStop():
			m.doing, m.goal = stopping, m.here()
		case arrived:
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

func (m *Member) drive() (arrived bool) {
	return m.car.Drive(m.goal, int64(m.now.second()), m.pace*m.now.traffic())
}

// stay lets the member stand for so many seconds.
func (m *Member) stay(doing activity, seconds float64) {
	m.doing, m.until = doing, m.now+clock(math.Ceil(seconds))
	m.car.Stand()
}

// lucky tells whether the member finds a fare in this second.
func (m *Member) lucky() bool {
	m.luck -= fares(m.now.hour()) / float64(hour)
	return m.luck <= 0
}

// comeBack brings the member online where it went off, once its time off is over.
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

// free decides what a member without a fare does: it goes off if it is time, or looks
// for the next fare.
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

// look goes to the nearest of some places where fares are wanted, or stays.
func (m *Member) look() {
	nearest, stays := math.Inf(1), staying
	for range places {
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

// destination returns the corner that a fare wants to go to. It draws the length of the
// ride, and several places, of which it takes the one at the best distance.
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
