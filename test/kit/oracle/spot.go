package oracle

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Spot is a kind of place where cells or coordinates are awkward.
type Spot struct {
	Name string
	// At returns a random place of the kind, which a member may report.
	At func(*rand.Rand) Place
}

// limit is how far north and south members may be, in degrees.
const limit = 85

// Spots returns the kinds that can be described without cells, and one that is anywhere.
func Spots() []Spot {
	anywhere := func(random *rand.Rand) Place {
		lat := degrees(math.Asin((2*random.Float64() - 1) * math.Sin(radians(limit))))
		return Place{lat, 360*random.Float64() - 180}
	}
	around := func(middle Place, meters float64) func(*rand.Rand) Place {
		return func(random *rand.Rand) Place { return Near(random, middle, meters) }
	}
	at := func(lat float64) func(*rand.Rand) Place {
		return func(random *rand.Rand) Place { return Place{lat, anywhere(random).Lng} }
	}
	below := func(lat float64) func(*rand.Rand) Place { // within 20 km of the limit
		return func(random *rand.Rand) Place {
			return Place{lat * (1 - 0.002*random.Float64()), anywhere(random).Lng}
		}
	}
	face := Place{46.04189431883772, 71.52790329909925} // the centre of a face of H3's icosahedron, where cells are largest
	spots := []Spot{
		{"anywhere", anywhere},
		{"antimeridian", func(random *rand.Rand) Place { return Near(random, Place{anywhere(random).Lat, 180}, 10_000) }},
		{"exactly 180", func(random *rand.Rand) Place { return Place{anywhere(random).Lat, 180} }},
		{"exactly -180", func(random *rand.Rand) Place { return Place{anywhere(random).Lat, -180} }},
		{"north", below(limit)},
		{"exactly 85 north", at(limit)},
		{"south", below(-limit)},
		{"exactly 85 south", at(-limit)},
		{"middle of a face", around(face, 20_000)},
	}
	for i, pentagon := range Pentagons() {
		spots = append(spots, Spot{fmt.Sprintf("pentagon %d", i+1), around(pentagon, 40_000)})
	}
	return spots
}

// Pentagons returns the centres of H3's twelve pentagons, beside which cells are smallest.
func Pentagons() []Place {
	half := []Place{{64.700000128, 10.536199075}, {50.103201482, -143.478490015}, {39.100000034, 122.300000408},
		{23.717925271, -67.132326366}, {10.447345188, 58.157705840}, {2.300882112, -5.245390297}}
	all := half
	for _, p := range half { // they come in pairs: here is the antipode
		all = append(all, Place{-p.Lat, p.Lng - math.Copysign(180, p.Lng)})
	}
	return all
}

// Near returns a random place within that many metres of another, which a member may
// report. Half of them are mostly close by. One in four is on the same meridian and one in
// four on the same parallel. The antimeridian is 180 or -180.
func Near(random *rand.Rand, middle Place, meters float64) Place {
	d := meters * random.Float64()
	if random.IntN(2) == 0 {
		d = meters * math.Pow(10, -3*random.Float64())
	}
	var p Place
	switch random.IntN(4) {
	case 0:
		p = Place{middle.Lat + d*math.Copysign(metre, random.Float64()-0.5), middle.Lng}
	case 1:
		p = Place{middle.Lat, middle.Lng + d*math.Copysign(metre, random.Float64()-0.5)/math.Cos(radians(middle.Lat))}
	default:
		p = Travel(middle, 2*math.Pi*random.Float64(), d)
	}
	p.Lat = max(-limit, min(limit, p.Lat))
	if p.Lng = math.Remainder(p.Lng, 360); math.Abs(p.Lng) == 180 {
		p.Lng = math.Copysign(180, random.Float64()-0.5)
	}
	return p
}

// metre is the length of a metre of a meridian, in degrees.
const metre = 180 / (math.Pi * earthRadius)
