package geo

import (
	"math"

	"github.com/uber/h3-go/v4"
)

// A Plane is a grid around the centre of one shard cell, as flat as makes no difference:
// distances on it, up to 25 km from the centre, are right to a quarter of a metre. East of its
// lower left corner are PlaneSide units of x, and north as many of y. Points outside the cell
// have coordinates too, below 0 or above PlaneSide.
//
// To the cache a plane is a piece of a globe, next to the crossing of the equator and the
// prime meridian. There its geographic commands measure the same distances, wherever the cell is.
type Plane struct{ centre, east, north vector }

const (
	// PlaneX and PlaneY are the sides of one square of the grid in metres: what 26 bits of
	// longitude and latitude are to the cache.
	PlaneX = 2 * math.Pi * cacheRadius / (1 << 26)
	PlaneY = 2 * 85.05112878 * math.Pi / 180 * cacheRadius / (1 << 26)
	// PlaneSide is the width of the grid in PlaneX, and its height in PlaneY. The height of
	// 9.2 km has room for a shard cell, with 480 m to spare.
	PlaneSide = 1 << 15

	cacheRadius = 6372797.560856 // of the globe that the cache measures on, metres
)

// PlaneOf returns the plane of a shard cell.
func PlaneOf(c Cell) Plane {
	middle, err := h3.CellFromString(string(c)).LatLng()
	if err != nil {
		middle = h3.LatLng{} // only for what is no cell: then the plane is one of the equator
	}
	sinLat, cosLat := math.Sincos(radians(middle.Lat))
	sinLng, cosLng := math.Sincos(radians(middle.Lng))
	return Plane{
		centre: vector{cosLat * cosLng, cosLat * sinLng, sinLat},
		east:   vector{-sinLng, cosLng, 0},
		north:  vector{-sinLat * cosLng, -sinLat * sinLng, cosLat},
	}
}

// XY returns the coordinates of a point in units: its direction from the centre and its
// distance are those on the globe.
func (pl Plane) XY(p Point) (x, y float64) {
	v := unit(p.Lat, p.Lng)
	x, y = v.dot(pl.east), v.dot(pl.north)
	scale := 1.0
	if off := math.Hypot(x, y); off > 0 {
		scale = math.Atan2(off, v.dot(pl.centre)) / off
	}
	scale *= earthRadius
	return PlaneSide/2 + x*scale/PlaneX, PlaneSide/2 + y*scale/PlaneY
}

// Square returns the number of the square that a point of the cell is in: the bits of its y
// and x by turns (a Morton code), so that the squares of any quarter, quarter of a quarter
// and so on have numbers without a gap.
func (pl Plane) Square(p Point) int64 {
	x, y := pl.XY(p)
	return spread(y) | spread(x)<<1
}

// A plane is cut into boxes, a quarter as wide and as high: areas know which of them have members.
const (
	boxesAcross = 4
	boxSide     = PlaneSide / boxesAcross
)

// Box returns the number of the box that a point of the cell is in.
func (pl Plane) Box(p Point) int { return int(pl.Square(p) / (boxSide * boxSide)) }

// BoxesWithin returns the boxes that have places within so many metres of a point, as the cell's
// scripts measure.
func (pl Plane) BoxesWithin(p Point, meters float64) (all []int) {
	x, y := pl.XY(p)
	for box := range boxesAcross * boxesAcross {
		left, bottom := gather(int64(box)>>1)*boxSide, gather(int64(box))*boxSide
		dx, dy := max(left-x, 0, x-left-boxSide)*PlaneX, max(bottom-y, 0, y-bottom-boxSide)*PlaneY
		if math.Hypot(dx, dy) <= meters {
			all = append(all, box)
		}
	}
	return all
}

// Middle returns the point in the middle of a square, at most 0.35 m from all that are in it.
func (pl Plane) Middle(square int64) Point {
	x := (gather(square>>1) + 0.5 - PlaneSide/2) * PlaneX / earthRadius
	y := (gather(square) + 0.5 - PlaneSide/2) * PlaneY / earthRadius
	off := math.Hypot(x, y)
	scale, rest := math.Sincos(off)
	if off > 0 {
		scale /= off
	}
	at := func(c, e, n float64) float64 { return rest*c + scale*(x*e+y*n) }
	v := vector{at(pl.centre.x, pl.east.x, pl.north.x), at(pl.centre.y, pl.east.y, pl.north.y), at(pl.centre.z, pl.east.z, pl.north.z)}
	return Point{Lat: degrees(math.Atan2(v.z, math.Hypot(v.x, v.y))), Lng: degrees(math.Atan2(v.y, v.x))}
}

// spread puts a zero bit before each bit of a coordinate, which it takes to the grid's edge
// if it is outside.
func spread(coordinate float64) (bits int64) {
	n := int64(max(0, min(PlaneSide-1, coordinate)))
	for i := 0; n>>i != 0; i++ {
		bits |= n >> i & 1 << (2 * i)
	}
	return bits
}

// gather takes every other bit.
func gather(bits int64) float64 {
	n := int64(0)
	for i := 0; bits>>(2*i) != 0; i++ {
		n |= bits >> (2 * i) & 1 << i
	}
	return float64(n)
}

func degrees(radians float64) float64 { return radians * (180 / math.Pi) }

// Area returns the coarse cell that a shard cell belongs to: areas say which of their shard
// cells have members at all. A circle of 20 km touches three of them at most.
func Area(c Cell) Cell {
	parent, err := h3.CellFromString(string(c)).Parent(areaResolution)
	if err != nil {
		return c // only for what is no cell
	}
	return Cell(parent.String())
}

// areaResolution is the H3 resolution of areas: each has 343 shard cells, or fewer at a pentagon.
const areaResolution = 3
