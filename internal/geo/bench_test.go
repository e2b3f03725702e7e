package geo

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// The points of a benchmark are spread over a city of 40 km by 40 km.
func cityPoints() []Point {
	random := rand.New(rand.NewPCG(7, 7))
	points := make([]Point, 1024)
	for i := range points {
		points[i] = Point{37.6 + 0.36*random.Float64(), -122.5 + 0.45*random.Float64()}
	}
	return points
}

func BenchmarkDistance(b *testing.B) {
	points := cityPoints()
	sum := 0.0
	for i := 0; b.Loop(); i++ {
		sum += Distance(points[i%1024], points[(i+1)%1024])
	}
	if sum == 0 {
		b.Fatal("all points are in one place")
	}
}

func BenchmarkShardCell(b *testing.B) {
	points := cityPoints()
	for i := 0; b.Loop(); i++ {
		ShardCell(points[i%1024])
	}
}

func BenchmarkShardsWithin(b *testing.B) {
	points := cityPoints()
	for _, radius := range []float64{500, 3000, 20_000} {
		b.Run(fmt.Sprintf("%vm", radius), func(b *testing.B) {
			shards := 0
			for i := 0; b.Loop(); i++ {
				shards += len(ShardsWithin(points[i%1024], radius))
			}
			b.ReportMetric(float64(shards)/float64(b.N), "shards/op")
		})
	}
}
