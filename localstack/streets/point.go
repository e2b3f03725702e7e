package streets

import "math"

// A Point is a place on a plane: metres east and north of the centre of the city.
type Point struct{ X, Y float64 }

// The centre of the city, in degrees.
const CentreLat, CentreLng = 37.7749, -122.4194

const (
	metersPerDegree    = 111_195
	metersPerDegreeLng = metersPerDegree * 0.7904 // the cosine of CentreLat
)

// At returns the point at a latitude and longitude in degrees.
func At(lat, lng float64) Point {
	return Point{(lng - CentreLng) * metersPerDegreeLng, (lat - CentreLat) * metersPerDegree}
}

// Degrees returns the latitude and longitude of the point.
func (p Point) Degrees() (lat, lng float64) {
	return CentreLat + p.Y/metersPerDegree, CentreLng + p.X/metersPerDegreeLng
}

// To returns the distance to another point in metres, as the crow flies.
func (p Point) To(q Point) float64 { return math.Hypot(q.X-p.X, q.Y-p.Y) }

// turned returns the point on a plane that is turned clockwise by so many degrees.
func (p Point) turned(degrees float64) Point {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return Point{p.X*cos + p.Y*sin, p.Y*cos - p.X*sin}
}

// An area is a polygon, given by its corners.
type area []Point

func (a area) contains(p Point) bool {
	inside := false
	for i, b := range a {
		c := a[(i+len(a)-1)%len(a)]
		if (b.Y > p.Y) != (c.Y > p.Y) && p.X < b.X+(p.Y-b.Y)/(c.Y-b.Y)*(c.X-b.X) {
			inside = !inside
		}
	}
	return inside
}
