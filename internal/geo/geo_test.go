package geo

import (
	"math"
	"math/rand/v2"
	"testing"

	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

func TestDistanceAgreesWithTheOracle(t *testing.T) {
	random := kit.Random(t, 0)
	check := func(a, b Point) {
		t.Helper()
		got, want := Distance(a, b), sphereDistance(a, b)
		tolerance := 1e-6
		if want > math.Pi*earthRadius-100_000 {
			tolerance = 0.5
		}
		if !(math.Abs(got-want) <= tolerance) {
			t.Fatalf("Distance(%v, %v) = %v, want %v ± %v", a, b, got, want, tolerance)
		}
		if back := Distance(b, a); back != got {
			t.Fatalf("Distance(%v, %v) = %v, and %v the other way", a, b, got, back)
		}
	}
	for range kit.Times(100_000, 1_000_000) {
		a := somewhere(random)
		check(a, somewhere(random))
		check(a, travel(a, random.Float64()*2*math.Pi, math.Pow(10, random.Float64()*9-2)))
		check(a, Point{-a.Lat, a.Lng + 180 + (random.Float64()-0.5)*math.Pow(10, -12*random.Float64())})
		check(a, a)
	}
	// Calculated by hand: degrees of a meridian, and two points either side of the antimeridian.
	degree := earthRadius * math.Pi / 180
	for _, test := range []struct {
		a, b Point
		want float64
	}{
		{Point{10, 20}, Point{11, 20}, degree},
		{Point{0, 179.5}, Point{0, -179.5}, degree},
		{Point{85, 0}, Point{85, -180}, 10 * degree},
		{Point{0, 0}, Point{0, -180}, 180 * degree},
	} {
		if got := Distance(test.a, test.b); math.Abs(got-test.want) > 1e-6 {
			t.Errorf("Distance(%v, %v) = %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

// Any two numbers make a Point by hand. Nothing panics on it, and a point of the globe has
// its shard cell.
func FuzzNothingPanicsOnAPoint(f *testing.F) {
	f.Add(0.0, 180.0, 3000.0)
	f.Add(-85.0, -180.0, 0.0)
	f.Add(90.0, 1e300, math.Inf(1))
	f.Add(math.NaN(), math.Inf(-1), math.NaN())
	f.Fuzz(func(t *testing.T, lat, lng, radius float64) {
		p := Point{lat, lng}
		cell, shards := ShardCell(p), ShardsWithin(p, radius)
		if onGlobe(p) && cell == "" || (cell == "") != (len(shards) == 0) || cell != "" && shards[0] != cell {
			t.Fatalf("%v: ShardCell = %q, ShardsWithin = %q", p, cell, shards)
		}
		if edge := edgeDistance(p, cell); !(edge >= 0 && edge < 5000) {
			t.Fatalf("edgeDistance(%v, %q) = %v", p, cell, edge)
		}
	})
}

// The oracle shares nothing with the code under test.

func sphereDistance(a, b Point) float64 { return oracle.Distance(oracle.Place(a), oracle.Place(b)) }

// travel may end beyond 85 degrees.
func travel(p Point, bearing, meters float64) Point {
	return Point(oracle.Travel(oracle.Place(p), bearing, meters))
}

// eachPlace calls check with n random points of each kind of awkward place, and with
// n more from anywhere.
func eachPlace(t *testing.T, n int, random *rand.Rand, check func(*testing.T, Point)) {
	t.Helper()
	for _, spot := range oracle.Spots() {
		t.Run(spot.Name, func(t *testing.T) {
			for range n {
				check(t, place(spot.At(random)))
			}
		})
	}
}

// somewhere is a random point anywhere.
func somewhere(random *rand.Rand) Point { return place(oracle.Spots()[0].At(random)) }

// place is a place of the oracle as the wire protocol lets it in: 180 degrees is -180.
func place(at oracle.Place) Point {
	if at.Lng == 180 {
		at.Lng = -180
	}
	return Point(at)
}

func onGlobe(p Point) bool {
	return math.Abs(p.Lat) <= maxLatitude && math.Abs(p.Lng) <= 180
}

// maxLatitude in degrees, north and south, is as far as a Point may be.
const maxLatitude = 85
