// Package compare compares a made-up day of a city with a real one: where members are, how
// long rides take, when fares begin. Start with a Measure of each, and Days.
package compare

import (
	"math"
	"time"

	"waggle/internal/geo"
	"waggle/lab/trace"
	"waggle/localstack/streets"
)

// A Day is what a trace shows of a city. How often members report does not matter: a
// report counts for the time until the member's next one, or not at all if that is more
// than five minutes.
type Day struct {
	Members int
	Seconds map[Cell]float64 // that members spent in each cell
	Online  [24]float64      // members on average, by the hour
	Pickups [24]int          // fares that begin, by the hour
	Meters  []float64        // of the rides, as the crow flies
	Took    []float64        // seconds, of the rides
}

// gap is the longest time between two reports of a member that is online.
const gap = 300

// A Cell is a square of the city, counted from its centre to the east and north.
type Cell struct{ East, North int }

// side is the side of a cell, in metres.
const side = 500.0

const metersPerDegree = math.Pi / 180 * 6_371_007

func cellOf(lat, lng float64) Cell {
	east := (lng - streets.CentreLng) * metersPerDegree * math.Cos(streets.CentreLat*math.Pi/180)
	north := (lat - streets.CentreLat) * metersPerDegree
	return Cell{int(math.Floor(east / side)), int(math.Floor(north / side))}
}

// centre returns the middle of a cell, in degrees.
func (c Cell) centre() (lat, lng float64) {
	lat = streets.CentreLat + (float64(c.North)+0.5)*side/metersPerDegree
	lng = streets.CentreLng + (float64(c.East)+0.5)*side/metersPerDegree/math.Cos(streets.CentreLat*math.Pi/180)
	return lat, lng
}

// A Measure computes the Day of a trace from its rows.
type Measure struct {
	zone *time.Location
	day  Day
	last map[string]trace.Row
	ride map[string]trace.Row // where the current ride of a cab began
}

// NewMeasure returns a Measure with the hours of a zone.
func NewMeasure(zone *time.Location) *Measure {
	return &Measure{zone: zone, day: Day{Seconds: map[Cell]float64{}}, last: map[string]trace.Row{}, ride: map[string]trace.Row{}}
}

// Add adds the next row, in the order of time. Like a replay it skips a row without a place.
func (m *Measure) Add(r trace.Row) {
	if !r.Located() {
		return
	}
	before, seen := m.last[r.Cab]
	m.last[r.Cab] = r
	if !seen {
		m.day.Members++
		return
	}
	if seconds := float64(r.Unix - before.Unix); seconds <= gap {
		m.day.Seconds[cellOf(before.Lat, before.Lng)] += seconds
		m.day.Online[m.hour(before)] += seconds / 3600
	}
	switch {
	case r.Occupied && !before.Occupied:
		m.day.Pickups[m.hour(r)]++
		m.ride[r.Cab] = r
	case !r.Occupied && before.Occupied:
		if from, ok := m.ride[r.Cab]; ok {
			m.day.Meters = append(m.day.Meters, geo.Distance(geo.Point{Lat: from.Lat, Lng: from.Lng}, geo.Point{Lat: r.Lat, Lng: r.Lng}))
			m.day.Took = append(m.day.Took, float64(r.Unix-from.Unix))
			delete(m.ride, r.Cab)
		}
	}
}

func (m *Measure) hour(r trace.Row) int { return time.Unix(r.Unix, 0).In(m.zone).Hour() }

// Day returns the Day of the rows so far.
func (m *Measure) Day() Day { return m.day }
