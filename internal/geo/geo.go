// Package geo holds points on the globe, their distances, and the H3 cells that
// the index is sharded by. It is the only user of the H3 library.
//
// Start with [NewPoint], which every coordinate from outside goes through. A point
// belongs to exactly one shard cell, [ShardCell]; a search near it begins there
// and is complete when it has read every cell of [ShardsWithin] the distance of its
// nearest hit, which mostly is that one alone.
//
// What the package promises is one-sided: a list of shards is never too short, at
// pentagons, across the antimeridian and up to 85 degrees north and south. Its functions keep no state and never panic.
package geo

import (
	"fmt"
	"math"
)

// maxLatitude bounds latitudes to the north and south, in degrees. The cache's
// geographic commands refuse anything beyond 85.05112878.
const maxLatitude = 85

// Point is a place in degrees WGS84. Make it with [NewPoint].
type Point struct{ Lat, Lng float64 }

// NewPoint checks a latitude and a longitude in degrees. A longitude of 180 becomes
// -180, the same meridian: a search centred at exactly 180 would miss what is stored
// at -180. The error is a sentence fit for a client.
func NewPoint(lat, lng float64) (Point, error) {
	if !(math.Abs(lat) <= maxLatitude) { // written so that NaN fails
		return Point{}, fmt.Errorf("lat must be a number from -%d to %d", maxLatitude, maxLatitude)
	}
	if !(math.Abs(lng) <= 180) {
		return Point{}, fmt.Errorf("lng must be a number from -180 to 180")
	}
	if lng == 180 {
		lng = -180
	}
	return Point{Lat: lat, Lng: lng}, nil
}

// earthRadius is the mean radius in metres of the sphere H3 measures on.
const earthRadius = 6371007.180918475

// Distance returns the metres between two points along the great circle, by the
// haversine formula. It is symmetric and exact to rounding, except that around the antipode,
// where the formula is flat, it is right to half a metre.
func Distance(a, b Point) float64 {
	lat1, lat2 := radians(a.Lat), radians(b.Lat)
	sinLat := math.Sin((lat2 - lat1) / 2)
	sinLng := math.Sin(radians(b.Lng-a.Lng) / 2)
	h := sinLat*sinLat + math.Cos(lat1)*math.Cos(lat2)*sinLng*sinLng
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1))) // rounding takes h past 1 at antipodes
}

// SearchRadius returns the radius in metres to ask the cache for, so that everyone
// within meters by [Distance] is among the answers. The cache measures on a sphere of
// radius 6372797.560856 m, 0.03 % larger, and stores positions rounded to less than a
// metre. The answers must be measured again.
func SearchRadius(meters float64) float64 {
	return meters*1.0005 + 1
}

// Band returns the distance that may be shown before a match: meters rounded up to
// 100, 250, 500, 1000, 2000, 5000, 10000 or 20000. The last band is open: it stands for
// everything further, and for NaN.
func Band(meters float64) float64 {
	for _, band := range [...]float64{100, 250, 500, 1000, 2000, 5000, 10000} {
		if meters <= band {
			return band
		}
	}
	return 20000
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
