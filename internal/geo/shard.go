package geo

import (
	"math"
	"slices"

	"github.com/uber/h3-go/v4"
)

// Cell is an H3 cell as a lower-case hex string.
type Cell string

// ShardResolution is the H3 resolution of shard cells: hexagons of some 36 km², with
// sides of 2.8 to 4.1 km. Finer cells spread a hot spot over more keys; with coarser
// cells more searches end in one cell. A circle of 20 km touches up to about 69 cells,
// and a few more near a pentagon.
const ShardResolution = 6

// ShardCell returns the shard cell that p belongs to, or "" if a coordinate of p is not
// finite. No other rule gives the same cells: the parent of a finer cell is another one
// for one point in fifteen, since H3 parents do not contain their children exactly.
func ShardCell(p Point) Cell {
	home, err := shardCell(p)
	if err != nil {
		return ""
	}
	return Cell(home.String())
}

// ShardsWithin returns the shard cells of all points within radiusMeters of p. No such
// cell is missing, and no listed cell is more than a few metres outside the circle. The
// cell of p comes first; the others are sorted by name. A radius that is negative or NaN
// counts as 0, one above 50 km as 50 km. The list is empty if a coordinate of p is not
// finite.
func ShardsWithin(p Point, radiusMeters float64) []Cell {
	home, err := shardCell(p)
	if err != nil {
		return nil
	}
	radius := 0.0
	if radiusMeters > 0 {
		radius = min(radiusMeters, maxShardsRadius)
	}
	radius += boundaryMargin
	centre := unit(p.Lat, p.Lng)
	shards := []Cell{Cell(home.String())}
	if toBoundary(home, centre) > radius {
		return shards
	}
	disk, err := home.GridDisk(rings(radius))
	if err != nil {
		return shards // impossible: GridDisk fails for a bad cell, a negative k or no memory
	}
	slices.Sort(disk) // cells of one resolution: numbers and names sort alike
	for _, cell := range disk {
		if cell != 0 && cell != home && intersects(cell, centre, radius) {
			shards = append(shards, Cell(cell.String()))
		}
	}
	return shards
}

// Around returns a shard cell and those that share a side with it, sorted by name: seven, or six if
// it is a pentagon. It is empty if there is no such cell.
func Around(c Cell) []Cell {
	disk, _ := h3.CellFromString(string(c)).GridDisk(1)
	var all []Cell
	for _, one := range disk {
		if one != 0 {
			all = append(all, Cell(one.String()))
		}
	}
	slices.Sort(all)
	return all
}

// Boundary returns the corners of a shard cell, one after the other. It is empty if there is no
// such cell.
func Boundary(c Cell) []Point {
	cell := h3.CellFromString(string(c))
	if !cell.IsValid() || cell.Resolution() != ShardResolution {
		return nil
	}
	corners, _ := cell.Boundary() // of a valid cell there is one
	points := make([]Point, len(corners))
	for i, corner := range corners {
		points[i] = Point{corner.Lat, corner.Lng}
	}
	return points
}

// maxShardsRadius in metres is well above the 20 km that a request may ask for. The bound
// in rings was measured up to it.
const maxShardsRadius = 50_000

// boundaryMargin in metres covers the error of toBoundary. The largest error ever seen was
// 0.4 m, the dip of a chord below the longest side. Less exact ways to draw the same cell
// were wrong by 2.9 m.
const boundaryMargin = 5

// Bounds in metres over all cells at ShardResolution, with 1 % to spare. No place on a
// cell's boundary is nearer to its centre than minInradius (smallest next to pentagons) or
// further than maxCircumradius (largest in the middle of the icosahedron's faces).
const (
	minInradius     = 2210
	maxCircumradius = 4140
)

func shardCell(p Point) (h3.Cell, error) {
	return h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, ShardResolution)
}

// toBoundary returns the metres from a place, inside the cell or outside it, to the nearest
// side of the cell. It is wrong by up to boundaryMargin. If H3 cannot draw the cell, it is 0:
// the search then reads more cells than it needs, and misses nobody.
func toBoundary(cell h3.Cell, from vector) float64 {
	corners, err := cell.Boundary()
	if err != nil || len(corners) == 0 {
		return 0
	}
	nearest := math.Inf(1)
	last := corners[len(corners)-1]
	a := unit(last.Lat, last.Lng)
	for _, corner := range corners {
		b := unit(corner.Lat, corner.Lng)
		nearest = min(nearest, from.metersToSide(a, b))
		a = b
	}
	return nearest
}

// intersects reports whether a circle of radius metres reaches into a cell that does not
// hold its centre. The cell's centre decides most cells, far cheaper than the boundary.
func intersects(cell h3.Cell, centre vector, radius float64) bool {
	middle, err := cell.LatLng()
	if err != nil {
		return true
	}
	switch d := centre.meters(unit(middle.Lat, middle.Lng)); {
	case d <= radius+minInradius:
		return true
	case d > radius+maxCircumradius:
		return false
	}
	return toBoundary(cell, centre) <= radius
}

// rings returns how many rings of cells around the home cell a circle of radius metres can
// reach. Every place outside the disk of k rings is at least 0.68·(1.5k − 0.5) average sides
// away: the measured minimum is 0.70 over all resolutions, and 0.73 at this one for k up to
// 14. The caller takes the whole disk, since H3's single rings are wrong around pentagons
// without an error.
func rings(radius float64) int {
	const averageSide = 3724.532667 // metres
	return int(math.Ceil((radius/(0.68*averageSide) + 0.5) / 1.5))
}
