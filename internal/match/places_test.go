package match_test

import (
	"math"
	"math/rand/v2"

	"waggle/internal/geo"
	"waggle/test/kit/oracle"
)

// spots returns the oracle's kinds of places, and those that depend on the cells.
func spots() []oracle.Spot {
	return append(oracle.Spots(), oracle.Spot{Name: "shard edge", At: shardEdge}, oracle.Spot{Name: "shard corner", At: shardCorner})
}

// shardEdge returns a place near the edge of a shard cell, mostly very close to it.
func shardEdge(random *rand.Rand) oracle.Place {
	from, bearing := randomStart(random)
	meters, _ := exit(from, bearing)
	return clamp(oracle.Travel(from, bearing, meters+math.Copysign(logUniform(random, 0.01, 1000), random.Float64()-0.5)))
}

// shardCorner returns a place where three shard cells meet: it turns the bearing until the
// cell beyond the edge changes.
func shardCorner(random *rand.Rand) oracle.Place {
	const step = math.Pi / 12
	from, bearing := randomStart(random)
	_, first := exit(from, bearing)
	beyond := func(bearing float64) bool { _, to := exit(from, bearing); return to != first }
	low, high := bearing, bearing+step
	for !beyond(high) && high < bearing+2*math.Pi {
		low, high = high, high+step
	}
	for high-low > 1e-6 {
		if middle := (low + high) / 2; beyond(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	meters, _ := exit(from, low)
	return clamp(oracle.Travel(from, low, meters))
}

// randomStart returns a place of any kind, and a bearing.
func randomStart(random *rand.Rand) (oracle.Place, float64) {
	spots := oracle.Spots()
	return spots[random.IntN(len(spots))].At(random), 2 * math.Pi * random.Float64()
}

// exit returns how far it is from a place to the edge of its shard cell in one
// direction, and the cell beyond.
func exit(from oracle.Place, bearing float64) (meters float64, to geo.Cell) {
	const step = 500
	cell := func(meters float64) geo.Cell { return geo.ShardCell(geo.Point(oracle.Travel(from, bearing, meters))) }
	home := cell(0)
	in, out := 0.0, float64(step)
	for cell(out) == home {
		in, out = out, out+step
	}
	for out-in > 0.001 {
		if middle := (in + out) / 2; cell(middle) == home {
			in = middle
		} else {
			out = middle
		}
	}
	return in, cell(out)
}

// clamp moves a place to a latitude that members may report.
func clamp(p oracle.Place) oracle.Place {
	return oracle.Place{Lat: max(-85, min(85, p.Lat)), Lng: p.Lng}
}

// logUniform returns a random number whose order of magnitude is random.
func logUniform(random *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, random.Float64())
}

// distanceToEdge returns how far the nearest edge of its shard is from a point, to a metre.
func distanceToEdge(p geo.Point) float64 {
	in, out := 0.0, 5000.0
	for out-in > 1 {
		if middle := (in + out) / 2; len(geo.ShardsWithin(p, middle)) == 1 {
			in = middle
		} else {
			out = middle
		}
	}
	return in
}
