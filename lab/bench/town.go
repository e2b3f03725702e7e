package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"waggle/internal/geo"
)

// The town: members stand in hot spots around San Francisco, some of them anywhere in a
// square around it.
const (
	centreLat, centreLng = 37.7749, -122.4194
	side                 = 40_000.0 // metres of the square
	spots                = 30
	sigma                = 1_000.0 // metres of a hot spot
	anywhere             = 0.2     // share of the members that stand anywhere
	rareEvery            = 1_000   // one member in so many has the rare tag
)

// The tags. All members have the common ones.
const (
	common1, common2 = "sedan", "english"
	rare             = "wheelchair"
	absent           = "helicopter" // nobody has it
)

// A town places members and searches. The same seed gives the same town.
type town struct {
	random *rand.Rand
	spots  []geo.Point
	people []person
}

// A person is a member in the town.
type person struct {
	id   string
	at   geo.Point
	tags []string
}

func newTown(seed uint64) *town {
	t := &town{random: rand.New(rand.NewPCG(seed, seed))}
	for range spots {
		t.spots = append(t.spots, t.sparse())
	}
	return t
}

// grow adds people until there are n, and returns those added.
func (t *town) grow(n int) []person {
	from := len(t.people)
	for i := from; i < n; i++ {
		p := person{id: t.id(), tags: []string{common1, common2}}
		if t.random.Float64() < anywhere {
			p.at = t.sparse()
		} else {
			p.at = move(t.spot(), t.random.NormFloat64()*sigma, t.random.NormFloat64()*sigma)
		}
		if i%rareEvery == rareEvery/2 {
			p.tags = append(p.tags, rare)
		}
		t.people = append(t.people, p)
	}
	return t.people[from:]
}

// id returns 36 characters like those of a UUID.
func (t *town) id() string {
	a, b := t.random.Uint64(), t.random.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

func (t *town) person() person { return t.people[t.random.IntN(len(t.people))] }

func (t *town) spot() geo.Point { return t.spots[t.random.IntN(spots)] }

// dense returns a place within a hot spot.
func (t *town) dense() geo.Point {
	return move(t.spot(), t.random.NormFloat64()*sigma/4, t.random.NormFloat64()*sigma/4)
}

// sparse returns a place anywhere in the square.
func (t *town) sparse() geo.Point {
	return move(geo.Point{Lat: centreLat, Lng: centreLng}, (t.random.Float64()-0.5)*side, (t.random.Float64()-0.5)*side)
}

// empty returns a place with nobody within 20 km: just too far to the north of the square,
// or with far, 200 km to the west of it.
func (t *town) empty(far bool) geo.Point {
	north, east := side/2+21_000+5*sigma+t.random.Float64()*9_000, (t.random.Float64()-0.5)*side
	if far {
		north, east = east, -200_000
	}
	return move(geo.Point{Lat: centreLat, Lng: centreLng}, north, east)
}

// near returns a place a few metres from another, in the same shard cell.
func (t *town) near(p geo.Point) geo.Point {
	for range 20 {
		q := move(p, (t.random.Float64()-0.5)*20, (t.random.Float64()-0.5)*20)
		if geo.ShardCell(p) == geo.ShardCell(q) {
			return q
		}
	}
	return p
}

// move returns the place some metres north and east of another.
func move(p geo.Point, north, east float64) geo.Point {
	const degree = 111_195 // metres
	return geo.Point{Lat: p.Lat + north/degree, Lng: p.Lng + east/degree/math.Cos(p.Lat*math.Pi/180)}
}
