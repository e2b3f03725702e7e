package invariants_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
	"waggle/test/kit"
	"waggle/test/kit/oracle"
)

// TestAWideningRequestGetsTheNearestInItsCircle lets the circle of a request grow step by step over
// members who were there before, across shard edges. After each step somebody sends one message: the
// owner, every member, or a member who comes. Then the owner is matched exactly if the oracle knows a
// member within the circle as it is, and with the nearest.
func TestAWideningRequestGetsTheNearestInItsCircle(t *testing.T) {
	edge, _ := acrossEdge(37.7749, -122.4194)
	spots := []oracle.Place{oracle.Place(edge), corner(48.8566, 2.3522), {Lat: 51.9, Lng: 180}, {Lat: 39.1, Lng: 122.3}}
	const from, steps, every = 500.0, 8, 5 * time.Second
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		random := kit.Random(t, 0)
		early, late := 0, 0
		for round := range kit.Times(24, 400) {
			be.flush()
			spot, to := spots[round%len(spots)], math.Round(from+11_500*random.Float64())
			var crowd oracle.Crowd
			var members []*client
			places := map[*client]oracle.Place{}
			put := func() {
				c := be.join(fmt.Sprint("m", len(members)))
				places[c] = oracle.Travel(spot, 2*math.Pi*random.Float64(), from+(14_000-from)*math.Sqrt(random.Float64()))
				members = append(members, c)
			}
			report := func(c *client) {
				c.at(places[c].Lat, places[c].Lng)
				crowd.Put(oracle.Member{Name: c.id.Member, Place: places[c], Reported: be.now()})
			}
			for range 1 + random.IntN(12) {
				put()
				report(members[len(members)-1])
			}
			ana := be.joinAs(token.Identity{Member: "ana", Pool: "default", Matcher: true})
			ana.send("match", fmt.Sprintf(`"id":"r","lat":%v,"lng":%v,"radius":%v,"wait":60,"widenTo":%v,"widenSeconds":%v`,
				spot.Lat, spot.Lng, from, to, (steps*every).Seconds()))
			want[*protocol.Waiting](ana)
			for step := 1; step <= steps; step++ {
				be.advance(every)
				switch random.IntN(4) {
				case 0:
					ana.send("ping", "")
				case 1:
					ana.send("hello", "")
				case 2:
					for _, c := range members {
						report(c)
					}
				case 3:
					put()
					report(members[len(members)-1])
					ana.send("ping", "")
				}
				q := oracle.Query{Place: spot, Radius: from + (to-from)*float64(step)/steps}
				var names []string
				m, matched := last[*protocol.Matched](ana)
				if matched {
					names = []string{string(m.Peer.Card[1 : len(m.Peer.Card)-1])}
				}
				if err := crowd.Check(q, names, !matched, 1); err != nil {
					t.Fatalf("round %d, step %d, around %v within %v m: %v", round, step, spot, q.Radius, err)
				}
				if matched {
					early += step / steps
					late += 1 - step/steps
					break
				}
				if step == steps {
					be.advance(time.Minute - steps*every)
					ana.send("ping", "")
					if n := want[*protocol.NoMatch](ana); n.ID != "r" || n.Radius != to {
						t.Errorf("round %d: got %s, want a radius of %v", round, protocol.Encode(n), to)
					}
				}
			}
		}
		if early+late < 12 || late == 0 {
			t.Errorf("%d and %d matches: too few to show anything", early, late)
		}
	})
}

// TestAWideningRequestIsServedWithoutAnotherMessageOfItsOwner lets members come, each in another part
// of the circle, before and after it has reached them.
func TestAWideningRequestIsServedWithoutAnotherMessageOfItsOwner(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		const lat, lng = 37.7749, -122.4194
		for _, meters := range []float64{600, 1400, 2900} {
			be.flush()
			ana, ben := be.join("ana"), be.join("ben")
			ana.at(lat, lng)
			north := lat + meters/111_195
			ben.at(north, lng)
			ana.send("match", `"id":"r","radius":500,"wait":60,"widenTo":3000,"widenSeconds":40`) // 312.5 m in 5 s
			for radius := 500.0; radius < meters; radius += 312.5 {
				be.advance(4900 * time.Millisecond)
				ben.report(north, lng) // steadily, where it is
				if m, ok := last[*protocol.Matched](ben); ok {
					t.Fatalf("%v m away: matched too early, within %v m: %s", meters, radius, protocol.Encode(m))
				}
				be.advance(100 * time.Millisecond)
			}
			ben.report(north, lng)
			if err := bothNotified(ana, ben); err != nil {
				t.Errorf("%v m away: %v", meters, err)
			}
		}
	})
}
