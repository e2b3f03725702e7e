// Package oracle finds the nearest members in the plainest way: it looks at all of them,
// and computes a distance from unit vectors, for which neither the antimeridian nor a pole
// is special. Tests compare the real search with it, so it imports none of the project's
// other packages and no H3.
//
// Start with [Crowd.Check]. [Spots] are the places where a search may go wrong.
package oracle

import "math"

// Place is a place in degrees.
type Place struct{ Lat, Lng float64 }

// earthRadius is the radius of the sphere that H3 measures on, in metres.
const earthRadius = 6371007.180918475

// Distance returns the metres between two places along the great circle. It is precise at
// any distance, for it uses the chords to b and to b's antipode.
func Distance(a, b Place) float64 { return a.vector().distance(b.vector()) }

// Travel returns the place that many metres away along the great circle that starts at the
// bearing, in radians from north. The result may lie outside the latitudes that a member
// may report.
func Travel(from Place, bearing, meters float64) Place {
	lat, lng := radians(from.Lat), radians(from.Lng)
	at := from.vector()
	north := vector{-math.Sin(lat) * math.Cos(lng), -math.Sin(lat) * math.Sin(lng), math.Cos(lat)}
	east := vector{-math.Sin(lng), math.Cos(lng), 0}
	angle := meters / earthRadius
	var to vector
	for i := range to {
		to[i] = at[i]*math.Cos(angle) + (north[i]*math.Cos(bearing)+east[i]*math.Sin(bearing))*math.Sin(angle)
	}
	return Place{Lat: degrees(math.Atan2(to[2], math.Hypot(to[0], to[1]))), Lng: degrees(math.Atan2(to[1], to[0]))}
}

// A vector is a place on the unit sphere.
type vector [3]float64

func (p Place) vector() vector {
	sinLat, cosLat := math.Sincos(radians(p.Lat))
	sinLng, cosLng := math.Sincos(radians(p.Lng))
	return vector{cosLat * cosLng, cosLat * sinLng, sinLat}
}

func (a vector) distance(b vector) float64 {
	var near, far float64 // the chords, squared
	for i := range a {
		near += (a[i] - b[i]) * (a[i] - b[i])
		far += (a[i] + b[i]) * (a[i] + b[i])
	}
	return 2 * earthRadius * math.Atan2(math.Sqrt(near), math.Sqrt(far))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
func degrees(radians float64) float64 { return radians * 180 / math.Pi }
