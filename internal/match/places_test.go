package match_test

import (
	"math"
	"math/rand/v2"

	"waggle/internal/geo"
	"waggle/test/kit/oracle"
)

// kinds returns the oracle's kinds of places, and those that only who knows the cells
// can tell.
func kinds() []oracle.Spot {
	return append(oracle.Spots(), oracle.Spot{Name: "shard edge", At: shardEdge}, oracle.Spot{Name: "shard corner", At: shardCorner})
}

// shardEdge returns a place beside the edge of a shard cell, mostly very close to it.
func shardEdge(random *rand.Rand) oracle.Place {
	from, bearing := start(random)
	meters, _ := exit(from, bearing)
	return within(oracle.Travel(from, bearing, meters+math.Copysign(spread(random, 0.01, 1000), random.Float64()-0.5)))
}

// shardCorner returns a place where three shard cells meet: the first, from some
// bearing on, where another one begins behind the edge.
func shardCorner(random *rand.Rand) oracle.Place {
	const step = math.Pi / 12
	from, bearing := start(random)
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
	return within(oracle.Travel(from, low, meters))
}

// start is a place of any kind, and a bearing.
func start(random *rand.Rand) (oracle.Place, float64) {
	spots := oracle.Spots()
	return spots[random.IntN(len(spots))].At(random), 2 * math.Pi * random.Float64()
}

// exit returns how far it is from a place to the edge of its shard cell in one
// direction, and the cell behind.
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

// within moves a place to where members may be.
func within(p oracle.Place) oracle.Place {
	return oracle.Place{Lat: max(-85, min(85, p.Lat)), Lng: p.Lng}
}

// spread is a random number whose order of magnitude is random.
func spread(random *rand.Rand, low, high float64) float64 {
	return low * math.Pow(high/low, random.Float64())
}

// toEdge is how far from a point everything is in its own shard, to a metre.
func toEdge(p geo.Point) float64 {
	all, some := 0.0, 5000.0
	for some-all > 1 {
		if middle := (all + some) / 2; len(geo.ShardsWithin(p, middle)) == 1 {
			all = middle
		} else {
			some = middle
		}
	}
	return all
}
