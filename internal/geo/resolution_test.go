package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/uber/h3-go/v4"
)

// BenchmarkResolution compares the resolutions that shard cells could have, in a
// city of 40 km by 40 km with hot spots. Its result is not its time but two
// metrics: the share of searches that the home cell alone answers, and the share
// of all members who are in the fullest cell, which is one key on one node.
func BenchmarkResolution(b *testing.B) {
	const queries = 400
	for _, members := range []int{100, 1000, 10_000, 100_000} {
		crowd := hotSpots(members+queries, uint64(members))
		searchers, crowd := crowd[:queries], crowd[queries:]
		nearest := make([]float64, queries)
		for i, p := range searchers {
			nearest[i] = math.Inf(1)
			for _, q := range crowd {
				nearest[i] = min(nearest[i], Distance(p, q))
			}
		}
		for resolution := 5; resolution <= 7; resolution++ {
			b.Run(fmt.Sprintf("members=%d/res=%d", members, resolution), func(b *testing.B) {
				var home, fullest float64
				for b.Loop() {
					home, fullest = 0, 0
					for i, p := range searchers {
						if toBoundary(cellAt(b, p, resolution), unit(p.Lat, p.Lng))-boundaryMargin > nearest[i] {
							home++
						}
					}
					perCell := make(map[h3.Cell]float64)
					for _, p := range crowd {
						perCell[cellAt(b, p, resolution)]++
					}
					for _, n := range perCell {
						fullest = max(fullest, n)
					}
				}
				b.ReportMetric(100*home/queries, "%home")
				b.ReportMetric(100*fullest/float64(members), "%fullest")
			})
		}
	}
}

// hotSpots puts four fifths of the points near thirty places, and the rest anywhere.
func hotSpots(n int, seed uint64) []Point {
	random := rand.New(rand.NewPCG(seed, 3))
	anywhere := func() Point { return Point{37.6 + 0.36*random.Float64(), -122.5 + 0.45*random.Float64()} }
	var spots [30]Point
	for i := range spots {
		spots[i] = anywhere()
	}
	points := make([]Point, n)
	for i := range points {
		if points[i] = anywhere(); random.Float64() < 0.8 {
			s := spots[random.IntN(len(spots))]
			points[i] = Point{s.Lat + 0.009*random.NormFloat64(), s.Lng + 0.011*random.NormFloat64()}
		}
	}
	return points
}

func cellAt(b *testing.B, p Point, resolution int) h3.Cell {
	cell, err := h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, resolution)
	if err != nil {
		b.Fatal(err)
	}
	return cell
}
