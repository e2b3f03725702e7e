package geo

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

func TestNewPoint(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	below, above := math.Nextafter(85, 0), math.Nextafter(85, 90)
	for _, test := range []struct {
		lat, lng float64
		want     Point
		refused  string // what the error must say is allowed
	}{
		{lat: 52.52, lng: 13.405, want: Point{52.52, 13.405}},
		{lat: 0, lng: 180, want: Point{0, -180}},
		{lat: 0, lng: -180, want: Point{0, -180}},
		{lat: 0, lng: math.Nextafter(180, 0), want: Point{0, math.Nextafter(180, 0)}},
		{lat: 85, lng: 0, want: Point{85, 0}},
		{lat: -85, lng: 180, want: Point{-85, -180}},
		{lat: below, lng: 1, want: Point{below, 1}},
		{lat: above, lng: 0, refused: "lat must be a number from -85 to 85"},
		{lat: -above, lng: 0, refused: "lat must be a number from -85 to 85"},
		{lat: nan, lng: 0, refused: "lat must be a number from -85 to 85"},
		{lat: inf, lng: 0, refused: "lat must be a number from -85 to 85"},
		{lat: -inf, lng: nan, refused: "lat must be a number from -85 to 85"},
		{lat: 0, lng: math.Nextafter(180, 200), refused: "lng must be a number from -180 to 180"},
		{lat: 0, lng: -180.5, refused: "lng must be a number from -180 to 180"},
		{lat: 0, lng: nan, refused: "lng must be a number from -180 to 180"},
		{lat: 0, lng: -inf, refused: "lng must be a number from -180 to 180"},
	} {
		got, err := NewPoint(test.lat, test.lng)
		switch {
		case test.refused == "" && (err != nil || got != test.want):
			t.Errorf("NewPoint(%v, %v) = %v, %v, want %v", test.lat, test.lng, got, err, test.want)
		case test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)):
			t.Errorf("NewPoint(%v, %v) = %v, %v, want an error saying %q", test.lat, test.lng, got, err, test.refused)
		}
	}
}

func TestDistance(t *testing.T) {
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
			t.Fatalf("Distance(%v, %v) = %v, and %v the other way round", a, b, got, back)
		}
	}
	for range kit.Times(100_000, 1_000_000) {
		a := somewhere(t, random)
		check(a, somewhere(t, random))
		check(a, travel(a, random.Float64()*2*math.Pi, math.Pow(10, random.Float64()*9-2)))
		check(a, Point{-a.Lat, a.Lng + 180 + (random.Float64()-0.5)*math.Pow(10, -12*random.Float64())})
		check(a, a)
	}
	// By hand: one degree of a meridian, and two points either side of the antimeridian.
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

// TestSearchRadius puts members on the circle, stores them as the cache does (26 bits a
// coordinate) and measures as the cache does: none may fall out.
func TestSearchRadius(t *testing.T) {
	random := kit.Random(t, 0)
	const cacheRadius = 6372797.560856
	round := func(degrees, limit float64) float64 {
		step := 2 * limit / (1 << 26)
		return (math.Floor((degrees+limit)/step)+0.5)*step - limit
	}
	for range kit.Times(200_000, 2_000_000) {
		centre, meters := somewhere(t, random), math.Pow(10, 4.4*random.Float64())
		member := travel(centre, random.Float64()*2*math.Pi, meters)
		stored := Point{round(member.Lat, 85.05112878), round(member.Lng, 180)}
		if math.Abs(member.Lat) > maxLatitude {
			continue
		}
		measured := sphereDistance(centre, stored) / earthRadius * cacheRadius
		if got := SearchRadius(meters); got < measured || got > meters*1.001+1 {
			t.Fatalf("SearchRadius(%v) = %v, want at least %v and little more", meters, got, measured)
		}
	}
}

func TestBand(t *testing.T) {
	for _, test := range []struct{ meters, want float64 }{
		{-1, 100}, {0, 100}, {100, 100}, {100.01, 250}, {250, 250}, {251, 500}, {500.5, 1000}, {1000, 1000},
		{1001, 2000}, {2001, 5000}, {5001, 10000}, {10000, 10000}, {10001, 20000}, {20000, 20000},
		{20001, 20000}, {math.Inf(1), 20000}, {math.NaN(), 20000},
	} {
		if got := Band(test.meters); got != test.want {
			t.Errorf("Band(%v) = %v, want %v", test.meters, got, test.want)
		}
	}
}

func FuzzNewPoint(f *testing.F) {
	f.Add(0.0, 180.0, 3000.0)
	f.Add(-85.0, -180.0, 0.0)
	f.Add(90.0, 1e300, math.Inf(1))
	f.Add(math.NaN(), math.Inf(-1), math.NaN())
	f.Fuzz(func(t *testing.T, lat, lng, radius float64) {
		p, err := NewPoint(lat, lng)
		valid := lat >= -85 && lat <= 85 && lng >= -180 && lng <= 180
		if valid != (err == nil) {
			t.Fatalf("NewPoint(%v, %v) = %v, %v", lat, lng, p, err)
		}
		if valid {
			if p.Lat != lat || p.Lng != lng && !(lng == 180 && p.Lng == -180) || p.Lng >= 180 {
				t.Fatalf("NewPoint(%v, %v) = %v", lat, lng, p)
			}
			if again, err := NewPoint(p.Lat, p.Lng); err != nil || again != p {
				t.Fatalf("NewPoint(%v) again = %v, %v", p, again, err)
			}
		}
		// A Point made by hand may be nonsense, but nothing panics on it.
		raw := Point{lat, lng}
		cell, shards := ShardCell(raw), ShardsWithin(raw, radius)
		if valid && cell == "" || (cell == "") != (len(shards) == 0) || cell != "" && shards[0] != cell {
			t.Fatalf("%v: ShardCell = %q, ShardsWithin = %q", raw, cell, shards)
		}
		if edge := edgeDistance(raw, cell); !(edge >= 0 && edge < 5000) {
			t.Fatalf("edgeDistance(%v, %q) = %v", raw, cell, edge)
		}
	})
}

// The oracle shares nothing with the code under test.

func sphereDistance(a, b Point) float64 { return oracle.Distance(oracle.Place(a), oracle.Place(b)) }

// travel may end beyond what NewPoint takes.
func travel(p Point, bearing, meters float64) Point {
	return Point(oracle.Travel(oracle.Place(p), bearing, meters))
}

// eachPlace calls check with n random points of each kind of awkward place, and with
// as many anywhere.
func eachPlace(t *testing.T, n int, random *rand.Rand, check func(*testing.T, Point)) {
	t.Helper()
	for _, spot := range oracle.Spots() {
		t.Run(spot.Name, func(t *testing.T) {
			for range n {
				check(t, place(t, spot.At(random)))
			}
		})
	}
}

// somewhere is a random point anywhere.
func somewhere(t *testing.T, random *rand.Rand) Point {
	t.Helper()
	return place(t, oracle.Spots()[0].At(random))
}

func place(t *testing.T, at oracle.Place) Point {
	t.Helper()
	p, err := NewPoint(at.Lat, at.Lng)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
