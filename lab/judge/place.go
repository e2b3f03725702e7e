package judge

import "math"

// A place is a point on the unit sphere.
type place [3]float64

// radius is the mean radius of the Earth in metres, the same as in H3.
const radius = 6371007.180918475

// tolerance is how many metres two distances may differ and still be the same.
const tolerance = 1

func placeAt(lat, lng float64) place {
	sinLat, cosLat := math.Sincos(lat * math.Pi / 180)
	sinLng, cosLng := math.Sincos(lng * math.Pi / 180)
	return place{cosLat * cosLng, cosLat * sinLng, sinLat}
}

// meters returns the distance along the great circle, computed from the chord. It is
// imprecise only near the other side of the Earth.
func (p place) meters(q place) float64 {
	chord := math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2])
	return 2 * radius * math.Asin(min(chord/2, 1))
}
