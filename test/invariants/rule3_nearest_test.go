package invariants_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/pool"
	"waggle/internal/protocol"
	"waggle/internal/token"
	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

// A spot is a place where searches are tried. Its members are within spread metres.
type spot struct {
	name string
	oracle.Place
	spread  float64
	members int
}

// TestRule3Nearest compares what searches find with an oracle that looks at every member,
// at places where cells and coordinates are awkward.
func TestRule3Nearest(t *testing.T) {
	edge, _ := acrossEdge(37.7749, -122.4194)
	spots := []spot{
		{"shard edge", oracle.Place(edge), 3000, 200},
		{"shard corner", corner(48.8566, 2.3522), 2000, 200},
		{"many shards", oracle.Place{Lat: -33.9, Lng: 151.2}, 20000, 250},
		{"antimeridian", oracle.Place{Lat: 51.9, Lng: 180}, 4000, 150},
		{"antimeridian at the equator", oracle.Place{Lat: 0, Lng: -180}, 8000, 150},
		{"north end", oracle.Place{Lat: 84.99, Lng: 15}, 6000, 150},
		{"south end", oracle.Place{Lat: -84.99, Lng: -170}, 6000, 150},
		{"pentagon at sea", oracle.Place{Lat: 64.7, Lng: 10.536199}, 6000, 150},
		{"pentagon on land", oracle.Place{Lat: 39.1, Lng: 122.3}, 8000, 150},
		{"crowd", oracle.Place{Lat: 35.6586, Lng: 139.7454}, 200, 500},
	}
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		random := kit.Random(t, 0)
		for _, s := range spots {
			be.flush()
			be.populate(s, random).search(s, random)
		}
	})
}

// A population is a backend, and what is true of its members.
type population struct {
	*backend
	crowd   oracle.Crowd
	members map[string]oracle.Member
}

// put gives the oracle a member.
func (p *population) put(m oracle.Member) {
	p.members[m.Name] = m
	p.crowd.Put(m)
}

// populate joins members around the spot. Some of them must not be found.
func (be *backend) populate(s spot, random *rand.Rand) *population {
	be.t.Helper()
	p := &population{backend: be, members: make(map[string]oracle.Member)}
	for i := range s.members / 10 { // these will be silent for longer than the TTL
		m := oracle.Member{Name: fmt.Sprint("stale", i), Place: oracle.Near(random, s.Place, s.spread), Tags: []string{"tall"}}
		be.join(m.Name).at(m.Lat, m.Lng, `"tags":["tall"]`)
		m.Reported = be.now()
		p.put(m)
	}
	be.advance(59 * time.Second)
	for i := range s.members {
		m := oracle.Member{Name: fmt.Sprint("m", i), Place: oracle.Near(random, s.Place, s.spread)}
		c := be.join(m.Name)
		if i%5 == 0 { // from another place, mostly another shard
			from := oracle.Near(random, s.Place, s.spread+8000)
			c.at(from.Lat, from.Lng)
		}
		more := []string{`"tags":[]`}
		if i%3 == 0 {
			m.Tags, more = []string{"tall", "calm"}, []string{`"tags":["tall","calm"]`}
		}
		if i%17 == 0 && i > 17 { // listed, and then out of the circle
			c.at(m.Lat, m.Lng, more...)
			m.Place = oracle.Near(random, s.Place, s.spread+8000)
		}
		if i%11 == 0 {
			m.Unavailable, more = true, append(more, `"available":false`)
		}
		c.at(m.Lat, m.Lng, more...)
		m.Reported = be.now()
		if i%13 == 0 {
			m.Unavailable = true
			c.disconnect()
		}
		p.put(m)
	}
	be.advance(2 * time.Second)
	return p
}

// search searches at points around the spot. It keeps every other match, so that its
// members cannot be found any more.
func (p *population) search(s spot, random *rand.Rand) {
	p.t.Helper()
	found := 0
	for i := range 24 {
		q := oracle.Query{Place: s.Place, Since: p.now().Add(-pool.Default().LocationTTL)}
		if i > 0 {
			q.Place = oracle.Near(random, s.Place, s.spread)
		}
		q.Radius = math.Round(max(100, math.Min(20000, random.ExpFloat64()*s.spread/2)))
		tags := ""
		if i%3 == 2 {
			q.Tags, tags = []string{"tall"}, `,"tags":["tall"]`
		}
		seeker := p.joinAs(token.Identity{Member: fmt.Sprint("seeker", i), Pool: "default", Matcher: true})
		seeker.send("match", fmt.Sprintf(`"lat":%s,"lng":%s,"radius":%v%s`, number(q.Lat), number(q.Lng), q.Radius, tags))
		frames := seeker.take()
		m, _ := frames[len(frames)-1].(*protocol.Matched)
		var names []string
		if m != nil {
			found++
			names = append(names, string(m.Peer.Card[1:len(m.Peer.Card)-1]))
		}
		if err := p.crowd.Check(q, names, m == nil, 1); err != nil {
			p.t.Errorf("%s: at %v within %v m, tags %v: %v", s.name, q.Place, q.Radius, q.Tags, err)
		}
		if m == nil {
			continue
		}
		got := p.members[names[0]]
		if d := oracle.Distance(q.Place, got.Place); math.Abs(m.Peer.Distance-d) > 1 {
			p.t.Errorf("%s: %s is shown %v m away, want %.1f", s.name, got.Name, m.Peer.Distance, d)
		}
		if i%2 == 0 {
			seeker.send("end", `"match":"`+m.Match+`"`)
		} else {
			got.Unavailable = true
			p.put(got)
		}
	}
	if found < 8 {
		p.t.Errorf("%s: only %d of 24 searches found somebody: too few to show anything", s.name, found)
	}
}

// corner returns a point near the place that has three shards within 100 m.
func corner(lat, lng float64) oracle.Place {
	for i := 0.0; i < 0.1; i += 0.0008 {
		for j := 0.0; j < 0.1; j += 0.0008 {
			if len(geo.ShardsWithin(geo.Point{Lat: lat + i, Lng: lng + j}, 100)) >= 3 {
				return oracle.Place{Lat: lat + i, Lng: lng + j}
			}
		}
	}
	return oracle.Place{Lat: math.NaN()} // reports from there are refused
}
