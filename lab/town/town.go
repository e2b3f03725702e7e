// Package town makes up a day of a city: members who drive its streets second by
// second, look for fares where and when these are wanted, and have breaks and shifts.
// Its numbers are those of a recorded working day of taxis in San Francisco.
//
// Trace writes such a day in the shape of a recorded one. New and Town.Member give
// single members. The same seed, number and start give the same member on every run,
// whatever other members there are.
package town

import (
	"math/rand/v2"

	"waggle/localstack/streets"
)

// A Town is the streets and the places that draw people. It never changes, so any
// number of members may use it at the same time.
type Town struct {
	streets *streets.Map
	spots   []spot
}

// New makes the town. It is the same every time.
func New() *Town {
	t := &Town{streets: streets.New()}
	t.gather()
	return t
}

// random returns one of a member's sources of randomness: one for its way of life, and
// one for the shifts of each day.
func random(seed uint64, number int, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(number)<<32|purpose))
}
