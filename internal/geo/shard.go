package geo

import (
	"math"
	"slices"

	"github.com/uber/h3-go/v4"
)

// Cell is an H3 cell as a lower-case hex string.
type Cell string

// ShardResolution is the H3 resolution of shard cells: hexagons of some 36 km², with
// sides of 2.8 to 4.1 km. Finer cells spread a hot spot over more keys; coarser ones let more
// searches end in one cell. A circle of 20 km touches up to about 69 of them, near a
// pentagon some more.
const ShardResolution = 6

// ShardCell returns the shard cell that p belongs to. It is the one rule: going through
// the parent of a finer cell gives another answer for one point in fifteen, since H3
// parents do not contain their children exactly. Of a Point with coordinates that are not
// finite the cell is empty.
func ShardCell(p Point) Cell {
	home, err := shardCell(p)
	if err != nil {
		return ""
	}
	return Cell(home.String())
}

// ShardsWithin returns the shard cells that hold the points within radiusMeters of p: no
// point's cell is missing, and a cell that the circle misses by more than a few metres is
// not there. The cell of p comes first, the others follow in the order of their names. A
// radius that is negative or NaN counts as 0, one above 50 km as 50 km. Of a
// Point with coordinates that are not finite the list is empty.
func ShardsWithin(p Point, radiusMeters float64) []Cell {
	home, err := shardCell(p)
	if err != nil {
		return nil
	}
	radius := 0.0
	if radiusMeters > 0 {
		radius = min(radiusMeters, maxShardsRadius)
	}
	radius += edgeMargin
	at := unit(p.Lat, p.Lng)
	shards := []Cell{Cell(home.String())}
	if outline(home, at) > radius {
		return shards
	}
	around, err := home.GridDisk(disk(radius))
	if err != nil {
		return shards // cannot be: GridDisk fails for a bad cell, a negative k or no memory
	}
	slices.Sort(around) // cells of one resolution: numbers and names sort alike
	for _, cell := range around {
		if cell != 0 && cell != home && touches(cell, at, radius) {
			shards = append(shards, Cell(cell.String()))
		}
	}
	return shards
}

// maxShardsRadius in metres is well above the 20 km that a request may ask for; up to it the
// bound of disk was measured.
const maxShardsRadius = 50_000

// edgeMargin in metres covers what outline gets wrong. That was never seen to exceed 0.4 m,
// the dip of a chord below the longest side; cruder ways to draw the same cell were wrong by 2.9 m.
const edgeMargin = 5

// Bounds in metres over all cells at ShardResolution, with 1 % to spare: no place on a
// cell's outline is nearer to its centre than minInradius (smallest next to pentagons) or
// further than maxCircumradius (largest in the middle of the icosahedron's faces).
const (
	minInradius     = 2210
	maxCircumradius = 4140
)

func shardCell(p Point) (h3.Cell, error) {
	return h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, ShardResolution)
}

// outline returns the metres from at to the nearest side of the cell, whether from inside
// or outside, wrong by up to edgeMargin. Should H3 fail to draw a cell that it named, it is 0:
// the edge is taken to be near, which costs a wider search and loses nobody.
func outline(cell h3.Cell, at vector) float64 {
	corners, err := cell.Boundary()
	if err != nil || len(corners) == 0 {
		return 0
	}
	nearest := math.Inf(1)
	last := corners[len(corners)-1]
	from := unit(last.Lat, last.Lng)
	for _, corner := range corners {
		to := unit(corner.Lat, corner.Lng)
		nearest = min(nearest, at.metersToSide(from, to))
		from = to
	}
	return nearest
}

// touches reports whether some place of a cell, one that does not hold at, is within
// radius metres of at. Most cells are settled by their centre, far cheaper than the outline.
func touches(cell h3.Cell, at vector, radius float64) bool {
	centre, err := cell.LatLng()
	if err != nil {
		return true
	}
	switch d := at.meters(unit(centre.Lat, centre.Lng)); {
	case d <= radius+minInradius:
		return true
	case d > radius+maxCircumradius:
		return false
	}
	return outline(cell, at) <= radius
}

// disk returns the number of rings of cells around the home cell that a circle of radius
// metres cannot leave. Whatever is outside disk k is at least 0.68·(1.5k − 0.5) average sides
// away (the measured minimum is 0.70 over all resolutions, 0.73 at this one for k up to 14). Whole disks only: H3 gets single
// rings around pentagons silently wrong.
func disk(radius float64) int {
	const averageSide = 3724.532667
	return int(math.Ceil((radius/(0.68*averageSide) + 0.5) / 1.5))
}
