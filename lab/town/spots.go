package town

import (
	"math"
	"math/rand/v2"
	"sort"

	"waggle/localstack/streets"
)

// A spot is a quarter that many want to go to, and many come from.
type spot struct {
	at         streets.Point
	spread     float64 // metres: the standard deviation to the east and to the north
	day, night float64 // its part of all fares in percent, by day and by clock.night

	corners []int
	until   []float64 // the cumulative probabilities of the corners
}

// hotspots are the quarters where most fares of the real day began or ended, each with
// its part of them. The rest, up to a hundred percent, is anywhere.
func hotspots() []spot {
	return []spot{
		{at: streets.At(37.7873, -122.4085), spread: 270, day: 14.1, night: 12.1}, // Union Square
		{at: streets.At(37.7928, -122.4023), spread: 220, day: 6.7, night: 3.6},   // the banks
		{at: streets.At(37.7935, -122.3964), spread: 170, day: 5.5, night: 3.5},   // the ferries
		{at: streets.At(37.7866, -122.4007), spread: 230, day: 5.6, night: 5.4},   // the fair
		{at: streets.At(37.7888, -122.4193), spread: 320, day: 6.7, night: 7.9},   // Polk Street
		{at: streets.At(37.7786, -122.4179), spread: 310, day: 2.9, night: 2.5},   // the city hall
		{at: streets.At(37.7755, -122.4099), spread: 490, day: 2.2, night: 3.9},   // the clubs
		{at: streets.At(37.7788, -122.3939), spread: 220, day: 3.2, night: 4.0},   // the trains
		{at: streets.At(37.7990, -122.4069), spread: 250, day: 2.7, night: 5.9},   // North Beach
		{at: streets.At(37.8058, -122.4147), spread: 310, day: 4.0, night: 3.2},   // the wharf
		{at: streets.At(37.7980, -122.4230), spread: 300, day: 4.3, night: 4.4},   // Union Street
		{at: streets.At(37.7984, -122.4335), spread: 210, day: 2.0, night: 3.5},   // Cow Hollow
		{at: streets.At(37.8003, -122.4394), spread: 190, day: 1.5, night: 2.3},   // Chestnut Street
		{at: streets.At(37.7869, -122.4354), spread: 410, day: 5.2, night: 5.2},   // Fillmore Street
		{at: streets.At(37.7705, -122.4289), spread: 430, day: 2.8, night: 6.0},   // Hayes Valley
		{at: streets.At(37.7615, -122.4349), spread: 150, day: 0.9, night: 3.1},   // the Castro
		{at: streets.At(37.7638, -122.4210), spread: 180, day: 1.3, night: 3.1},   // the Mission
		{at: streets.At(37.7530, -122.4203), spread: 480, day: 2.5, night: 4.3},   // Valencia
		{at: streets.At(37.7712, -122.4463), spread: 470, day: 2.3, night: 2.8},   // the Haight
		{at: streets.At(37.7832, -122.4584), spread: 430, day: 1.5, night: 1.4},   // the Richmond
		{at: streets.At(37.7635, -122.4628), spread: 280, day: 0.5, night: 0.4},   // the Sunset
		{at: streets.At(37.7599, -122.4021), spread: 680, day: 1.8, night: 0.8},   // Potrero Hill
		{at: streets.At(37.6161, -122.3883), spread: 300, day: 5.2, night: 2.4},   // the airport
	}
}

// The shifts of most members begin and end at a garage, and those of the others where
// they live.
const (
	garageLat, garageLng = 37.7496, -122.3963
	garaged              = 0.8
)

// gather finds the corners of each spot. The last spot is the rest of the town.
func (t *Town) gather() {
	t.spots = hotspots()
	others := spot{spread: math.Inf(1), day: 100, night: 100}
	for _, s := range t.spots {
		others.day -= s.day
		others.night -= s.night
	}
	t.spots = append(t.spots, others)
	for i := range t.spots {
		s := &t.spots[i]
		sum := 0.0
		for c := range t.streets.Corners() {
			off := t.streets.Corner(c).To(s.at) / s.spread
			if off > 3 || t.streets.OnHighway(c) {
				continue
			}
			sum += math.Exp(-off * off / 2)
			s.corners, s.until = append(s.corners, c), append(s.until, sum)
		}
		for j := range s.until {
			s.until[j] /= sum
		}
	}
}

// wanted draws a corner that a fare is at or wants to go to.
func (t *Town) wanted(r *rand.Rand, now clock) int {
	percent := 100 * r.Float64()
	for i := range t.spots {
		part := t.spots[i].day
		if now.night() {
			part = t.spots[i].night
		}
		if percent -= part; percent < 0 {
			return t.spots[i].corner(r)
		}
	}
	return t.anywhere(r)
}

func (t *Town) anywhere(r *rand.Rand) int { return t.spots[len(t.spots)-1].corner(r) }

func (s *spot) corner(r *rand.Rand) int {
	return s.corners[min(sort.SearchFloat64s(s.until, r.Float64()), len(s.corners)-1)]
}
