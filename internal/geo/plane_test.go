package geo

import (
	"math"
	"slices"
	"testing"

	"waggle/test/kit"
)

// Distances on a cell's plane are those on the globe, for the members of the cell and for
// those who search from up to 20 km away.
func TestDistancesOnAPlaneAreThoseOnTheGlobe(t *testing.T) {
	random := kit.Random(t, 1)
	eachPlace(t, kit.Times(2000, 20_000), kit.Random(t, 0), func(t *testing.T, p Point) {
		plane := PlaneOf(ShardCell(p))
		for _, reach := range []float64{10, 3000, 20_000} {
			q := travel(p, random.Float64()*2*math.Pi, random.Float64()*reach)
			x, y := plane.XY(p)
			u, v := plane.XY(q)
			got, want := math.Hypot((u-x)*PlaneX, (v-y)*PlaneY), Distance(p, q)
			if math.Abs(got-want) > 0.1 {
				t.Fatalf("%v to %v is %.3f m on the plane, want %.3f", p, q, got, want)
			}
		}
	})
}

func TestEveryPointOfACellIsNearTheMiddleOfItsSquare(t *testing.T) {
	eachPlace(t, kit.Times(2000, 20_000), kit.Random(t, 0), func(t *testing.T, p Point) {
		plane := PlaneOf(ShardCell(p))
		square := plane.Square(p)
		if square < 0 || square >= PlaneSide*PlaneSide {
			t.Fatalf("the square of %v is %d", p, square)
		}
		if off := Distance(p, plane.Middle(square)); off > 0.35 {
			t.Fatalf("%v is %.2f m from the middle of its square", p, off)
		}
		if again := plane.Square(plane.Middle(square)); again != square {
			t.Fatalf("the middle of square %d is in square %d", square, again)
		}
	})
}

// The numbers of a quarter's squares have no gap, so a range of numbers reads a quarter.
func TestTheSquaresOfAQuarterHaveNumbersWithoutAGap(t *testing.T) {
	for _, test := range []struct {
		x, y float64
		want int64
	}{{0, 0, 0}, {0, 1, 1}, {1, 0, 2}, {1, 1, 3}, {0, 2, 4}, {0, PlaneSide / 2, PlaneSide * PlaneSide / 4},
		{PlaneSide - 1, PlaneSide - 1, PlaneSide*PlaneSide - 1}, {-5, PlaneSide + 5, spread(PlaneSide - 1)}} {
		if got := spread(test.y) | spread(test.x)<<1; got != test.want {
			t.Errorf("the square at %v, %v is %d, want %d", test.x, test.y, got, test.want)
		}
	}
}

// The box of a place is among those of a circle that has the place, and not among those of one that is too
// far away. A box is 5.4 km from corner to corner.
func TestACircleTouchesTheBoxesOfThePlacesInIt(t *testing.T) {
	random := kit.Random(t, 1)
	eachPlace(t, kit.Times(2000, 20_000), kit.Random(t, 0), func(t *testing.T, p Point) {
		plane := PlaneOf(ShardCell(p))
		if got, want := plane.BoxesWithin(p, 0), []int{plane.Box(p)}; !slices.Equal(got, want) {
			t.Fatalf("%v is in the boxes %v, want %v", p, got, want)
		}
		for _, reach := range []float64{10, 3000, 20_000} {
			q := travel(p, random.Float64()*2*math.Pi, random.Float64()*reach)
			d := Distance(p, q)
			if boxes := plane.BoxesWithin(q, d+0.2); !slices.Contains(boxes, plane.Box(p)) {
				t.Fatalf("the boxes within %.1f m of %v are %v, without %d, which has %v", d, q, boxes, plane.Box(p), p)
			}
			if boxes := plane.BoxesWithin(q, d-5_450); slices.Contains(boxes, plane.Box(p)) {
				t.Fatalf("the boxes within %.1f m of %v are %v, among them the one of %v, %.1f m away", d-5_450, q, boxes, p, d)
			}
		}
	})
}

// An area has a circle's shard cells in few keys: a search of an empty country reads them all.
func TestACircleTouchesFewAreas(t *testing.T) {
	eachPlace(t, kit.Times(200, 2000), kit.Random(t, 0), func(t *testing.T, p Point) {
		areas := make(map[Cell]bool)
		for _, c := range ShardsWithin(p, 20_000) {
			areas[Area(c)] = true
		}
		if len(areas) == 0 || len(areas) > 4 {
			t.Fatalf("20 km around %v are %d areas", p, len(areas))
		}
	})
}
