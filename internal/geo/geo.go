// Package geo holds points on the globe, their distances, and the H3 cells that
// the index is sharded by. It is the only user of the H3 library.
//
// A [Point] belongs to exactly one shard cell, [ShardCell]. A search near the point
// begins in that cell. It is complete when it has read every cell of [ShardsWithin]
// the distance of its nearest hit, and usually that is the first cell alone.
//
// A list of shard cells may hold a cell too many, but never lacks one: at pentagons,
// across the antimeridian and up to 85 degrees north and south. The package keeps no
// state, and its functions never panic.
package geo

import "math"

// Point is a place in degrees WGS84. Latitudes go from -85 to 85, since the cache's
// geographic commands refuse anything beyond 85.05112878. Longitudes go from -180 up
// to, but not including, 180: a search centred at 180 would miss what is stored at
// -180, the same meridian. The wire protocol lets in no other points.
type Point struct{ Lat, Lng float64 }

// Distance returns the metres between two points along the great circle, by the
// haversine formula. It is symmetric, and exact but for rounding. Near the antipode,
// where the formula is flat, it is right to half a metre.
func Distance(a, b Point) float64 {
	lat1, lat2 := radians(a.Lat), radians(b.Lat)
	sinLat := math.Sin((lat2 - lat1) / 2)
	sinLng := math.Sin(radians(b.Lng-a.Lng) / 2)
	h := sinLat*sinLat + math.Cos(lat1)*math.Cos(lat2)*sinLng*sinLng
	return 2 * earthRadius * math.Asin(math.Sqrt(min(h, 1))) // rounding takes h past 1 at antipodes
}

// earthRadius is the mean radius in metres of the sphere that H3 measures on.
const earthRadius = 6371007.180918475

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
