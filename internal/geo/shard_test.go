package geo

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/uber/h3-go/v4"

	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

func TestShardCellOfKnownPoints(t *testing.T) {
	for _, test := range []struct {
		p    Point
		want Cell
	}{
		{Point{37.775938728915946, -122.41795063018799}, "86283082fffffff"}, // the example of H3's documentation
		{Point{math.NaN(), 0}, ""},
		{Point{0, math.Inf(1)}, ""},
	} {
		if got := ShardCell(test.p); got != test.want {
			t.Errorf("ShardCell(%v) = %q, want %q", test.p, got, test.want)
		}
	}
}

// The comment of ShardCell says that a parent is no way to the shard cell. Here is a point
// for which that is so.
func TestShardCellIsNotTheParentOfAFinerCell(t *testing.T) {
	p := Point{-51.20494330436439, -177.98597726782873}
	fine, err := h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, 9)
	if err != nil {
		t.Fatal(err)
	}
	parent, err := fine.Parent(ShardResolution)
	if err != nil {
		t.Fatal(err)
	}
	if got := ShardCell(p); got == Cell(parent.String()) {
		t.Errorf("ShardCell(%v) = %q, the parent at resolution %d of its cell at 9: this point no longer shows the difference", p, got, ShardResolution)
	}
}

// The test goes around each point: within the edge distance everything is in the same cell,
// and 10 m beyond it something is not.
func TestEdgeDistanceEndsAtTheBoundary(t *testing.T) {
	const beyond = 10 // metres
	random := kit.Random(t, 0)
	eachPlace(t, kit.Times(120, 1200), random, func(t *testing.T, p Point) {
		home := ShardCell(p)
		edge := edgeDistance(p, home)
		if edge < 0 {
			t.Fatalf("edgeDistance(%v) = %v", p, edge)
		}
		left := false
		for i := range 720 {
			bearing := float64(i) * math.Pi / 360
			if edge > 0 {
				meters := edge * (1 - 1e-9)
				if i%2 == 1 {
					meters *= random.Float64()
				}
				if near := travel(p, bearing, meters); ShardCell(near) != home {
					t.Fatalf("edgeDistance(%v) = %v, but %v, %v m away, is in %v, not in %v", p, edge, near, meters, ShardCell(near), home)
				}
			}
			left = left || ShardCell(travel(p, bearing, edge+beyond)) != home
		}
		if !left {
			t.Fatalf("edgeDistance(%v) = %v, but nothing %v m away is in another cell", p, edge, edge+beyond)
		}
	})
}

func TestEdgeDistanceIsZeroOutsideTheCell(t *testing.T) {
	p := Point{52.52, 13.405}
	away := ShardCell(Point{48.1, 11.6})
	for _, c := range []Cell{away, "", "86", "nonsense"} {
		if got := edgeDistance(p, c); got != 0 {
			t.Errorf("edgeDistance(%v, %q) = %v, want 0: the point is not in the cell", p, c, got)
		}
	}
	if got := edgeDistance(Point{math.NaN(), 0}, ""); got != 0 {
		t.Errorf("edgeDistance of no place = %v, want 0", got)
	}
}

// Points are put into circles, half of them at the rim: the shard cell of each must be listed.
func TestShardsWithinMissesNobody(t *testing.T) {
	random := kit.Random(t, 0)
	eachPlace(t, kit.Times(250, 2500), random, func(t *testing.T, p Point) {
		radius := [...]float64{100, 500, 3000, 20_000, maxShardsRadius, 20_000 * random.Float64()}[random.IntN(6)]
		shards := ShardsWithin(p, radius)
		if home := ShardCell(p); len(shards) == 0 || shards[0] != home {
			t.Fatalf("ShardsWithin(%v, %v) = %q, want %q first", p, radius, shards, home)
		}
		if rest := shards[1:]; !slices.IsSorted(rest) || len(slices.Compact(slices.Sorted(slices.Values(shards)))) != len(shards) {
			t.Fatalf("ShardsWithin(%v, %v) = %q: not in order, or a cell twice", p, radius, shards)
		}
		for i := range 60 {
			meters := radius * (1 - 1e-9)
			if i%2 == 1 {
				meters *= math.Sqrt(random.Float64())
			}
			q := travel(p, random.Float64()*2*math.Pi, meters)
			if !slices.Contains(shards, ShardCell(q)) {
				t.Fatalf("ShardsWithin(%v, %v) = %q lacks %q of %v, %v m away", p, radius, shards, ShardCell(q), q, meters)
			}
		}
	})
}

// The test walks a slightly larger circle in small steps: every listed cell is met on the
// way, or lies inside.
func TestShardsWithinListsNoCellOutsideTheCircle(t *testing.T) {
	const larger, step = 20, 20
	random := kit.Random(t, 0)
	eachPlace(t, kit.Times(3, 30), random, func(t *testing.T, p Point) {
		for _, radius := range []float64{0, 500, 3000, 20_000} {
			met := map[Cell]bool{ShardCell(p): true}
			steps := math.Ceil(2 * math.Pi * (radius + larger) / step)
			for i := range int(steps) {
				met[ShardCell(travel(p, 2*math.Pi*float64(i)/steps, radius+larger))] = true
			}
			for _, shard := range ShardsWithin(p, radius) {
				centre, err := h3.CellFromString(string(shard)).LatLng()
				if err != nil {
					t.Fatal(err)
				}
				if !met[shard] && sphereDistance(p, Point{centre.Lat, centre.Lng}) > radius {
					t.Fatalf("ShardsWithin(%v, %v) lists %q, which the circle does not touch", p, radius, shard)
				}
			}
		}
	})
}

func TestShardsWithinBoundsItsRadius(t *testing.T) {
	p := Point{52.52, 13.405}
	for _, test := range []struct{ radius, like float64 }{
		{-1, 0}, {math.Inf(-1), 0}, {math.NaN(), 0}, {60_000, 50_000}, {math.Inf(1), 50_000},
	} {
		if diff := cmp.Diff(ShardsWithin(p, test.like), ShardsWithin(p, test.radius)); diff != "" {
			t.Errorf("ShardsWithin(%v) is not as for %v (-want +got):\n%s", test.radius, test.like, diff)
		}
	}
	if got := ShardsWithin(Point{math.NaN(), 0}, 500); len(got) != 0 {
		t.Errorf("ShardsWithin of no place = %q, want none", got)
	}
}

// The oracle knows no H3: its pentagons must be H3's.
func TestTheOracleKnowsThePentagons(t *testing.T) {
	pentagons, err := h3.Pentagons(ShardResolution)
	if err != nil {
		t.Fatal(err)
	}
	met := make(map[Cell]bool)
	for _, at := range oracle.Pentagons() {
		met[ShardCell(Point(at))] = true
	}
	for _, pentagon := range pentagons {
		if !met[Cell(pentagon.String())] {
			t.Errorf("pentagon %v is not in %v", pentagon, oracle.Pentagons())
		}
	}
	if len(met) != len(pentagons) {
		t.Errorf("got %d pentagons, want %d", len(met), len(pentagons))
	}
}

// The bounds that decide most cells without their boundary must hold where cells are smallest
// (beside pentagons), where they are largest (in the middle of a face), and anywhere else.
func TestCellsAreWithinTheirBounds(t *testing.T) {
	random := kit.Random(t, 0)
	smallest, largest := math.Inf(1), 0.0
	eachPlace(t, 1500, random, func(t *testing.T, p Point) {
		cell, err := shardCell(p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := cell.LatLng()
		if err != nil {
			t.Fatal(err)
		}
		centre := Point{c.Lat, c.Lng}
		smallest = min(smallest, edgeDistance(centre, ShardCell(centre)))
		corners, err := cell.Boundary()
		if err != nil {
			t.Fatal(err)
		}
		for _, corner := range corners {
			largest = max(largest, sphereDistance(centre, Point{corner.Lat, corner.Lng}))
		}
	})
	if smallest < minInradius || smallest > minInradius*1.05 {
		t.Errorf("smallest inradius %v, want a little over %v", smallest, minInradius)
	}
	if largest > maxCircumradius || largest < maxCircumradius*0.98 {
		t.Errorf("largest circumradius %v, want a little under %v", largest, maxCircumradius)
	}
}

func FuzzShardsWithin(f *testing.F) {
	f.Add(52.52, 13.405, 3000.0, 1.0, 0.999)
	f.Add(-85.0, 180.0, 20_000.0, 3.0, 0.9)
	f.Add(64.7, 10.5362, 50_000.0, 0.0, 0.999)
	f.Fuzz(func(t *testing.T, lat, lng, radius, bearing, fraction float64) {
		p := place(oracle.Place{Lat: lat, Lng: lng})
		if !onGlobe(p) || !(math.Abs(bearing) < 10) || !(fraction >= 0 && fraction < 1) || !(radius >= 0 && radius <= maxShardsRadius) {
			return // nothing is promised of such input
		}
		shards := ShardsWithin(p, radius)
		if shards[0] != ShardCell(p) || !slices.IsSorted(shards[1:]) || len(shards) > 400 {
			t.Fatalf("ShardsWithin(%v, %v) = %q", p, radius, shards)
		}
		q := travel(p, bearing, radius*fraction)
		if !slices.Contains(shards, ShardCell(q)) {
			t.Fatalf("ShardsWithin(%v, %v) = %q lacks %q of %v", p, radius, shards, ShardCell(q), q)
		}
	})
}

func FuzzEdgeDistance(f *testing.F) {
	f.Add(52.52, 13.405, 1.0, 0.99)
	f.Add(85.0, -180.0, 3.0, 0.5)
	f.Add(64.7, 10.5362, 0.0, 0.999999)
	f.Fuzz(func(t *testing.T, lat, lng, bearing, fraction float64) {
		p := place(oracle.Place{Lat: lat, Lng: lng})
		if !onGlobe(p) || !(math.Abs(bearing) < 10) || !(fraction >= 0 && fraction < 1) {
			return // nothing is promised of such input
		}
		home := ShardCell(p)
		edge := edgeDistance(p, home)
		if !(edge >= 0 && edge < maxCircumradius) {
			t.Fatalf("edgeDistance(%v) = %v", p, edge)
		}
		if q := travel(p, bearing, edge*fraction); edge > 0 && ShardCell(q) != home {
			t.Fatalf("edgeDistance(%v) = %v, but %v is in %q, not in %q", p, edge, q, ShardCell(q), home)
		}
		for _, other := range ShardsWithin(p, edge+3*boundaryMargin)[1:] {
			if got := edgeDistance(p, other); got != 0 {
				t.Fatalf("edgeDistance(%v, %q) = %v, though it is in %q", p, other, got, home)
			}
		}
	})
}

// edgeDistance is a lower bound, in metres, of the distance from p to anything outside its
// shard cell c, from which ShardsWithin decides that c alone is enough. It is 0 if p is
// outside c.
func edgeDistance(p Point, c Cell) float64 {
	home, err := shardCell(p)
	if err != nil || Cell(home.String()) != c {
		return 0
	}
	return max(0, toBoundary(home, unit(p.Lat, p.Lng))-boundaryMargin)
}

func TestAroundHasTheCellAndThoseThatTouchIt(t *testing.T) {
	for _, p := range []Point{{Lat: 37.7749, Lng: -122.4194}, {Lat: 51.9, Lng: -180}, {Lat: 64.7, Lng: 10.536199}, {Lat: 84.99, Lng: 15}} {
		home := ShardCell(p)
		around := Around(home)
		if n := len(around); !slices.IsSorted(around) || !slices.Contains(around, home) || n != 7 && (n != 6 || p.Lng != 10.536199) {
			t.Errorf("around %s: got %v", home, around)
		}
		for _, c := range ShardsWithin(p, 100) {
			if !slices.Contains(around, c) {
				t.Errorf("around %s: got %v, without %s", home, around, c)
			}
		}
	}
	if got := Around("x"); len(got) != 0 {
		t.Errorf("around no cell: got %v", got)
	}
}
