package town

import "math"

// A point is metres east and north of the town's centre, on a plane.
type point struct{ x, y float64 }

// The centre of the town, and its degrees in metres.
const (
	CentreLat, CentreLng = 37.7749, -122.4194
	metersPerDegree      = 111_195
	metersPerDegreeLng   = metersPerDegree * 0.7904 // the cosine of CentreLat
)

// place is a point by its degrees.
func place(lat, lng float64) point {
	return point{(lng - CentreLng) * metersPerDegreeLng, (lat - CentreLat) * metersPerDegree}
}

func (p point) degrees() (lat, lng float64) {
	return CentreLat + p.y/metersPerDegree, CentreLng + p.x/metersPerDegreeLng
}

func (p point) to(q point) float64 { return math.Hypot(q.x-p.x, q.y-p.y) }

// turned is the point on a plane that is turned by so many degrees, clockwise.
func (p point) turned(degrees float64) point {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return point{p.x*cos + p.y*sin, p.y*cos - p.x*sin}
}

// An area is a polygon, by its corners.
type area []point

func (a area) has(p point) bool {
	inside := false
	for i, b := range a {
		c := a[(i+len(a)-1)%len(a)]
		if (b.y > p.y) != (c.y > p.y) && p.x < b.x+(p.y-b.y)/(c.y-b.y)*(c.x-b.x) {
			inside = !inside
		}
	}
	return inside
}
