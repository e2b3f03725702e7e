package geo

import "github.com/uber/h3-go/v4"

// coarseResolution is the H3 resolution of what [Coarse] rounds to: hexagons of some 15 000 m².
// All of them, but for twelve pentagons at sea, are larger than a circle of 50 m.
const coarseResolution = 10

// Coarse returns the middle of the small cell that p is in, at most 85 m from p. Whatever is
// computed from it is the same for every point of that cell, so no number of answers tells where in
// the cell a member is. It returns p if a coordinate of p is not finite.
func Coarse(p Point) Point {
	cell, err := h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lng}, coarseResolution)
	if err != nil {
		return p
	}
	middle, err := cell.LatLng()
	if err != nil {
		return p
	}
	return Point{Lat: middle.Lat, Lng: middle.Lng}
}
