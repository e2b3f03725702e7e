package compare

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"waggle/localstack/streets"
)

// A Comparison is a real day and a made-up one, and how they differ.
type Comparison struct {
	Real, Made Day
	Density    Fit     // of the seconds of made-up members and real ones, by cell
	Uniform    Fit     // for reference: of equal seconds in each cell with a street
	Outside    float64 // percent of the real members' seconds in cells without a street
	Rides      float64 // percent: the largest difference between the parts of rides up to the same length
	Hours      float64 // percent: the largest difference between an hour's parts of the fares
	Furthest   []Spot  // the cells where density differs most
}

// A Fit says how similar two densities are.
type Fit struct {
	Correlation float64 // of the cells: 1 is equal, 0 is unrelated
	Overlap     float64 // the percentage that they have in common
}

// A Spot is a cell, and its parts of the seconds in percent.
type Spot struct {
	Cell       Cell
	Real, Made float64
}

// spots is how many of them the table shows.
const spots = 5

// Days compares two days.
func Days(real, made Day) Comparison {
	l := Comparison{Real: real, Made: made}
	cells := withStreet()
	l.Density, l.Uniform = fit(real.Seconds, made.Seconds), fit(real.Seconds, cells)
	allReal, allMade := max(sum(real.Seconds), 1), max(sum(made.Seconds), 1)
	for _, c := range slices.SortedFunc(maps.Keys(real.Seconds), byPlace) {
		if cells[c] == 0 {
			l.Outside += 100 * real.Seconds[c] / allReal
		}
	}
	l.Rides = apart(real.Meters, made.Meters)
	a, b := Parts(real.Pickups), Parts(made.Pickups)
	for h := range a {
		l.Hours = max(l.Hours, math.Abs(a[h]-b[h]))
	}
	for _, c := range union(real.Seconds, made.Seconds) {
		l.Furthest = append(l.Furthest, Spot{c, 100 * real.Seconds[c] / allReal, 100 * made.Seconds[c] / allMade})
	}
	slices.SortStableFunc(l.Furthest, func(a, b Spot) int { return cmp.Compare(math.Abs(b.Real-b.Made), math.Abs(a.Real-a.Made)) })
	l.Furthest = l.Furthest[:min(spots, len(l.Furthest))]
	return l
}

// Parts returns the fares of each hour, in percent of the day's.
func Parts(hours [24]int) (parts [24]float64) {
	all := 0
	for _, n := range hours {
		all += n
	}
	for h, n := range hours {
		parts[h] = 100 * float64(n) / float64(max(all, 1))
	}
	return parts
}

// withStreet returns 1 for each cell with a street in it.
func withStreet() map[Cell]float64 {
	cells := map[Cell]float64{}
	for _, l := range streets.New().Lines() {
		lat, lng := l.ToLat-l.FromLat, l.ToLng-l.FromLng
		pieces := 1 + int(math.Hypot(lat, lng)*metersPerDegree/(side/20))
		for i := range pieces + 1 {
			part := float64(i) / float64(pieces)
			cells[cellOf(l.FromLat+part*lat, l.FromLng+part*lng)] = 1
		}
	}
	return cells
}

func fit(a, b map[Cell]float64) (f Fit) {
	allA, allB := sum(a), sum(b)
	if allA == 0 || allB == 0 {
		return f
	}
	cells := union(a, b)
	var ab, aa, bb float64
	for _, c := range cells {
		p, q := a[c]/allA, b[c]/allB
		f.Overlap += 100 * min(p, q)
		mean := 1 / float64(len(cells))
		ab, aa, bb = ab+(p-mean)*(q-mean), aa+(p-mean)*(p-mean), bb+(q-mean)*(q-mean)
	}
	if aa*bb > 0 {
		f.Correlation = ab / math.Sqrt(aa*bb)
	}
	return f
}

// union returns all cells of both. They are sorted, so that sums are the same every time.
func union(a, b map[Cell]float64) []Cell {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return slices.SortedFunc(maps.Keys(both), byPlace)
}

func byPlace(a, b Cell) int {
	return cmp.Or(cmp.Compare(a.North, b.North), cmp.Compare(a.East, b.East))
}

func sum(cells map[Cell]float64) float64 {
	all := 0.0
	for _, seconds := range cells {
		all += seconds // whole numbers, so the order does not matter
	}
	return all
}

// apart returns the Kolmogorov–Smirnov distance of two samples, in percent: the largest
// difference between the parts of each up to the same value.
func apart(a, b []float64) float64 {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	if len(a) == 0 || len(b) == 0 {
		return 100
	}
	most, i, j := 0.0, 0, 0
	for i < len(a) && j < len(b) {
		v := min(a[i], b[j])
		for i < len(a) && a[i] <= v {
			i++
		}
		for j < len(b) && b[j] <= v {
			j++
		}
		most = max(most, 100*math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}
