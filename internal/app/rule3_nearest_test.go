package app_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/internal/token"
)

// A spot is where a search is tried: members within spread metres of it.
type spot struct {
	name     string
	lat, lng float64
	spread   float64
	members  int
}

// TestRule3Nearest compares whom a search finds with the nearest by a straight
// look at everybody, in places where cells and coordinates are awkward.
func TestRule3Nearest(t *testing.T) {
	edge, _ := across(37.7749, -122.4194)
	cornerLat, cornerLng := corner(48.8566, 2.3522)
	spots := []spot{
		{"shard edge", edge.Lat, edge.Lng, 3000, 200},
		{"shard corner", cornerLat, cornerLng, 2000, 200},
		{"many shards", -33.9, 151.2, 20000, 250},
		{"antimeridian", 51.9, 180, 4000, 150},
		{"antimeridian at the equator", 0, -180, 8000, 150},
		{"north end", 84.99, 15, 6000, 150},
		{"south end", -84.99, -170, 6000, 150},
		{"pentagon at sea", 64.7, 10.536199, 6000, 150},
		{"pentagon on land", 39.1, 122.3, 8000, 150},
		{"crowd", 35.6586, 139.7454, 200, 500},
	}
	onEach(t, unlimited, func(t *testing.T, w *world) {
		for _, s := range spots {
			w.empty()
			random := rand.New(rand.NewPCG(3, uint64(s.members)))
			w.populate(s, random).search(s, random)
		}
	})
}

// A population is what the oracle knows: who can be found, and where.
type population struct {
	*world
	where map[string]geo.Point
	tags  map[string]bool // who can be found, and whether it has the tag
	by    map[string]*client
}

// populate puts members around the spot, and among them such as must not be found.
func (w *world) populate(s spot, random *rand.Rand) *population {
	w.t.Helper()
	p := &population{world: w, where: make(map[string]geo.Point), tags: make(map[string]bool), by: make(map[string]*client)}
	for i := range s.members / 10 { // to be silent for longer than the TTL
		c := w.join(fmt.Sprint("stale", i))
		at := s.point(random, s.spread)
		c.at(at.Lat, at.Lng, `"tags":["tall"]`)
	}
	w.pass(59 * time.Second)
	for i := range s.members {
		name := fmt.Sprint("m", i)
		c := w.join(name)
		p.by[name] = c
		at := s.point(random, s.spread)
		if i%5 == 0 { // from another place, mostly another shard
			from := s.point(random, s.spread+8000)
			c.at(from.Lat, from.Lng)
		}
		tags, has := `"tags":[]`, i%3 == 0
		if has {
			tags = `"tags":["tall","calm"]`
		}
		switch {
		case i%11 == 0:
			c.at(at.Lat, at.Lng, tags, `"available":false`)
			continue
		case i%13 == 0:
			c.at(at.Lat, at.Lng, tags)
			c.disconnect()
			continue
		case i%17 == 0 && i > 17: // known, then gone from the circle
			c.at(at.Lat, at.Lng, tags)
			at = s.point(random, s.spread+8000)
		}
		c.at(at.Lat, at.Lng, tags)
		p.where[name], p.tags[name] = at, has
	}
	w.pass(2 * time.Second)
	return p
}

// search asks at points around the spot; every other match is kept, so that who
// is in it is not to be found any more.
func (p *population) search(s spot, random *rand.Rand) {
	p.t.Helper()
	found := 0
	for i := range 24 {
		at := s.point(random, s.spread)
		if i == 0 {
			at = geo.Point{Lat: s.lat, Lng: s.lng} // as it is written: 180 stays 180
		}
		radius := math.Round(max(100, math.Min(20000, random.ExpFloat64()*s.spread/2)))
		tags := ""
		if i%3 == 2 {
			tags = `,"tags":["tall"]`
		}
		seeker := p.joinAs(token.Identity{Member: fmt.Sprint("seeker", i), Pool: "default", Matcher: true})
		seeker.send("match", fmt.Sprintf(`"lat":%s,"lng":%s,"radius":%v%s`, number(at.Lat), number(at.Lng), radius, tags))
		nearest, name := math.Inf(1), ""
		for member, has := range p.tags {
			if d := chord(at, p.where[member]); d < nearest && (tags == "" || has) {
				nearest, name = d, member
			}
		}
		frames := seeker.take()
		m, _ := frames[len(frames)-1].(*protocol.Matched)
		switch {
		case m == nil && nearest < radius-1:
			p.t.Errorf("%s: nobody found at %v within %v m; %s is %.1f m away", s.name, at, radius, name, nearest)
		case m != nil:
			found++
			got := string(m.Peer.Card[1 : len(m.Peer.Card)-1])
			d := chord(at, p.where[got])
			if _, can := p.tags[got]; !can || d > nearest+1 || d > radius+1 {
				p.t.Errorf("%s: %s found at %v within %v m, %.1f m away; %s is %.1f m away", s.name, got, at, radius, d, name, nearest)
			}
			if math.Abs(m.Peer.Distance-d) > 1 {
				p.t.Errorf("%s: %s is said to be %v m away, not %.1f", s.name, got, m.Peer.Distance, d)
			}
			if i%2 == 0 {
				seeker.send("end", `"match":"`+m.Match+`"`)
			} else {
				delete(p.tags, got)
			}
		}
	}
	if found < 8 {
		p.t.Errorf("%s: only %d of 24 searches found somebody: too few to show anything", s.name, found)
	}
}

// point is a random place within so many metres, denser towards the middle, and
// within what a client may report.
func (s spot) point(random *rand.Rand, spread float64) geo.Point {
	r, bearing := spread*random.Float64(), 2*math.Pi*random.Float64()
	lat := s.lat + r*math.Cos(bearing)/111195
	lng := s.lng + r*math.Sin(bearing)/111195/math.Cos(s.lat*math.Pi/180)
	lat = max(-85, min(85, lat))
	if lng > 180 {
		lng -= 360
	} else if lng < -180 {
		lng += 360
	}
	return geo.Point{Lat: math.Round(lat*1e7) / 1e7, Lng: math.Round(lng*1e7) / 1e7}
}

// chord measures a distance without any of the product's geometry: the arc over
// the straight line between two points of the sphere that H3 measures on.
func chord(a, b geo.Point) float64 {
	const rad, earth = math.Pi / 180, 6371007.180918475
	x := math.Cos(a.Lat*rad)*math.Cos(a.Lng*rad) - math.Cos(b.Lat*rad)*math.Cos(b.Lng*rad)
	y := math.Cos(a.Lat*rad)*math.Sin(a.Lng*rad) - math.Cos(b.Lat*rad)*math.Sin(b.Lng*rad)
	z := math.Sin(a.Lat*rad) - math.Sin(b.Lat*rad)
	return 2 * earth * math.Asin(math.Sqrt(x*x+y*y+z*z)/2)
}

// corner returns a point near the place from where three shards are within 100 m.
func corner(lat, lng float64) (float64, float64) {
	for i := 0.0; i < 0.1; i += 0.0008 {
		for j := 0.0; j < 0.1; j += 0.0008 {
			if len(geo.ShardsWithin(geo.Point{Lat: lat + i, Lng: lng + j}, 100)) >= 3 {
				return lat + i, lng + j
			}
		}
	}
	return math.NaN(), math.NaN() // no report would be taken there
}

// TestRule3NearestWhileOthersCross has a member cross the edge of its shard, and
// come back, at every trip of a search: it must be found, as it is nearer all
// the time than the other who stands still.
func TestRule3NearestWhileOthersCross(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, w *world) {
		p, q := across(37.7749, -122.4194)
		seeker := fmt.Sprintf(`"lat":%v,"lng":%v`, p.Lat+0.002, (p.Lng+q.Lng)/2)
		searched := 0
		for _, ways := range [][]geo.Point{{p, q}, {q, p}, {p, q, p}, {q, p, q}} {
			for n, more := 0, true; more; n++ {
				w.empty()
				mover, still, asker := w.join("mover"), w.join("still"), w.join("asker")
				mover.at(ways[0].Lat, ways[0].Lng)
				still.at(p.Lat+0.012, p.Lng)
				more = w.between(n, func() { asker.send("match", seeker) }, func() {
					for _, at := range ways[1:] {
						mover.at(at.Lat, at.Lng)
					}
				})
				searched = max(searched, n)
				if m := want[*protocol.Matched](asker); string(m.Peer.Card) != `"mover"` {
					t.Errorf("crossing %v at trip %d: %s was found %v m away", ways, n, m.Peer.Card, m.Peer.Distance)
				}
			}
		}
		if searched < 5 {
			t.Errorf("a search made %d trips: it crossed no shard", searched)
		}
	})
}
