package geo

import (
	"math"
	"testing"

	"github.com/uber/h3-go/v4"

	"waggle/test/kit"
)

// The comment of coarseResolution says how large the cells are: a member is not located better than
// that.
func TestCoarseHidesWhereInItsCellAPointIs(t *testing.T) {
	const smallestBand = 50 // metres
	random := kit.Random(t, 0)
	eachPlace(t, kit.Times(20, 2000), random, func(t *testing.T, p Point) {
		middle := Coarse(p)
		if d := Distance(p, middle); d > 85 {
			t.Errorf("Coarse(%v) is %.1f m away, want at most 85 m", p, d)
		}
		if again := Coarse(middle); Distance(again, middle) > 0.001 {
			t.Errorf("Coarse(%v) is %v, and Coarse of that is %v", p, middle, again)
		}
		cell, err := h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, coarseResolution)
		if err != nil {
			t.Fatal(err)
		}
		if area, err := h3.CellAreaM2(cell); err != nil || !cell.IsPentagon() && area < math.Pi*smallestBand*smallestBand {
			t.Errorf("the cell of %v has %.0f m² (%v), want no less than a circle of %d m", p, area, err, smallestBand)
		}
		corners, err := cell.Boundary()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range corners {
			near := Point{Lat: c.Lat + (middle.Lat-c.Lat)/100, Lng: c.Lng + (middle.Lng-c.Lng)/100}
			if math.Abs(c.Lng-middle.Lng) < 1 && Coarse(near) != middle { // else it is across the antimeridian
				t.Errorf("Coarse(%v) is %v, and Coarse(%v) in the same cell is %v", p, middle, near, Coarse(near))
			}
		}
	})
}

func TestCoarseOfNoPointIsThat(t *testing.T) {
	if got := Coarse(Point{math.Inf(1), 0}); !math.IsInf(got.Lat, 1) {
		t.Errorf("got %v", got)
	}
}
