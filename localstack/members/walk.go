package members

import (
	"math/rand/v2"

	"waggle/localstack/streets"
)

// How a member drives and asks.
const (
	slowest, fastest = 0.5, 0.8 // part of the speed limit
	standing         = 60       // seconds at a goal, on average
	asking           = 480      // seconds between two requests, on average
	choices          = 3        // corners, of which the nearest is the next goal
)

// A walk goes from one random corner to another, with a stop at each. The same seed and
// number give the same walk.
type walk struct {
	random *rand.Rand
	city   *streets.Map
	car    streets.Car
	pace   float64 // part of the speed limit
	goal   int     // a corner
	now    int64   // seconds
	until  int64   // when the stop ends
}

func newWalk(m *streets.Map, seed uint64, number int) *walk {
	w := &walk{random: rand.New(rand.NewPCG(seed, uint64(number))), city: m}
	w.pace = slowest + (fastest-slowest)*w.random.Float64()
	w.car = m.Park(w.corner())
	w.goal = w.next()
	return w
}

// step lets one second pass, and tells whether the member asks for another one now.
func (w *walk) step() (asks bool) {
	w.now++
	switch {
	case w.until == 0:
		if w.car.Drive(w.goal, w.now, w.pace) {
			w.until = w.now + 1 + int64(standing*w.random.ExpFloat64())
		}
	case w.now >= w.until:
		w.goal, w.until = w.next(), 0
	}
	return w.random.Float64() < 1.0/asking
}

// next returns the nearest of some random corners.
func (w *walk) next() int {
	here, nearest := w.city.Corner(w.car.Corner()), w.corner()
	for range choices - 1 {
		if c := w.corner(); here.To(w.city.Corner(c)) < here.To(w.city.Corner(nearest)) {
			nearest = c
		}
	}
	return nearest
}

// corner returns a random corner where a car may stop.
func (w *walk) corner() int {
	for {
		if c := w.random.IntN(w.city.Corners()); !w.city.OnHighway(c) {
			return c
		}
	}
}
