package invariants_test

import (
	"fmt"
	"testing"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/internal/token"
)

// TestBothAreNotifiedOfAnEndDespiteALostReply loses replies of an end at every trip. The one
// who ended it says so again if it was refused; then both know.
func TestBothAreNotifiedOfAnEndDespiteALostReply(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, byMatcher := range []bool{true, false} {
			for _, f := range []fault{losesOnce, loses, misses} {
				for n, more := 0, true; more; n++ {
					be.flush()
					s := be.newScene(fmt.Sprint("end-", byMatcher, "-", n, "-", len(f)))
					s.pair()
					asker, other := s.a, s.b
					if !byMatcher {
						asker, other = other, asker
					}
					end := func() { asker.send("end", `"match":"`+s.match+`"`) }
					more = be.withCommandFault(n, f, end) > n
					if _, told := last[*protocol.Ended](asker); !told {
						end()
						want[*protocol.Ended](asker)
					}
					if _, told := last[*protocol.Ended](other); !told {
						t.Errorf("by the matcher: %v, the process %s at trip %d: the other was not told: %s", byMatcher, f, n, other.all())
					}
				}
			}
		}
	})
}

// TestARepeatedLocationIsListed repeats a location whose listing failed: once it is
// acknowledged its member is found, by who asks then and by who waits already.
func TestARepeatedLocationIsListed(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for i := range 6 {
			be.flush()
			n, waits := i/2, i%2 == 0
			s := be.newScene(fmt.Sprint("listed-", i))
			if waits {
				s.a.send("match", `"wait":300`)
			}
			at := be.now().UnixMilli()
			report := func() {
				s.b.send("location", fmt.Sprintf(`"id":"l","lat":%v,"lng":%v,"at":%d,"seq":1`, s.q.Lat, s.q.Lng, at))
			}
			be.withFault(n, misses, report)
			_, acked := last[*protocol.Ack](s.b)
			if !acked {
				report()
				want[*protocol.Ack](s.b)
			}
			if !waits {
				s.a.send("match", "")
			} else if acked {
				s.a.send("hello", "") // the listing went well, and what failed is her own search
			}
			if _, ok := last[*protocol.Matched](s.a); !ok {
				t.Errorf("failed from trip %d on, ana waits: %v: acknowledged, but not found: %s", n, waits, s.a.all())
			}
		}
	})
}

// TestAMemberListedDuringASearchIsFound lets somebody else come, and the one who was
// there leave, before each trip of the search for a waiting request.
func TestAMemberListedDuringASearchIsFound(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n := range 10 {
			be.flush()
			s := be.newScene(fmt.Sprint("came-", n))
			s.a.send("match", `"id":"m","wait":300`)
			cat := be.joinIn(s.pool, "cat")
			be.between(n, func() { s.b.report(s.q.Lat, s.q.Lng) }, func() {
				s.b.disconnect()
				cat.at(s.q.Lat, s.q.Lng)
			})
			if _, ok := last[*protocol.Matched](s.a); !ok {
				t.Errorf("before trip %d: ana waits on, %s", n, be.state(s.a))
			}
		}
	})
}

// TestACancelWakesTheRequestsThatMetTheSearch lets ben cancel, before each trip of his search,
// while zoe, who met him searching, waits for anyone.
func TestACancelWakesTheRequestsThatMetTheSearch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n := range 10 {
			be.flush()
			s := be.newScene(fmt.Sprint("cancel-", n))
			s.a.disconnect()
			s.b.at(s.q.Lat, s.q.Lng)
			zoe := be.joinIn(s.pool, "zoe")
			be.between(n, func() { s.b.send("match", `"id":"n","wait":300,"tags":["none"]`) }, func() {
				zoe.send("match", fmt.Sprintf(`"id":"z","wait":300,"lat":%v,"lng":%v`, s.q.Lat, s.q.Lng))
				s.b.send("cancel", "")
			})
			if _, ok := last[*protocol.Matched](zoe); !ok {
				t.Errorf("before trip %d: zoe waits on, %s", n, be.state(zoe))
			}
		}
	})
}

// TestMatchedCarriesTheIDOfTheMatcheesRequest holds though a reply is lost at any trip.
func TestMatchedCarriesTheIDOfTheMatcheesRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n, more := 0, true; more; n++ {
			be.flush()
			s := be.newScene(fmt.Sprint("id-", n))
			s.b.at(s.q.Lat, s.q.Lng)
			s.b.send("match", `"id":"n","wait":300,"tags":["none"]`)
			more = be.withFault(n, losesOnce, func() { s.a.send("match", `"id":"m"`) }) > n
			if m, ok := last[*protocol.Matched](s.b); !ok || m.ID != "n" {
				t.Errorf("lost at trip %d: got %+v, want ben matched under n", n, m)
			}
		}
	})
}

// TestAReportMayMeetThousandsOfWaitingRequests reports into a cell where thousands wait.
func TestAReportMayMeetThousandsOfWaitingRequests(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		const lat, lng = 37.7749, -122.4194
		key := "w2:wait:{default/" + string(geo.ShardCell(geo.Point{Lat: lat, Lng: lng})) + "}"
		fields := be.direct.B().Hset().Key(key).FieldValue()
		for i := range 9000 {
			fields = fields.FieldValue(fmt.Sprint("waiter-", i), fmt.Sprintf(
				`{"id":"q","lat":%v,"lng":%v,"radius":3000,"tags":"","created":%d,"deadline":%d}`, lat, lng, i, be.now().UnixMilli()+60_000))
		}
		if err := be.direct.Do(t.Context(), fields.Build()).Error(); err != nil {
			t.Fatal(err)
		}
		ben := be.join("ben")
		ben.at(lat, lng)
		ben.at(lat, lng+0.0001)
	})
}

func TestARateBelowOneAllowsOne(t *testing.T) {
	onEach(t, `{"pools":{"default":{"requestsPerMinute":0.5,"matchesPerHour":0.5}}}`, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.send("match", `"lat":1,"lng":2`)
		want[*protocol.NoMatch](ana)
		ana.send("match", `"lat":1,"lng":2`)
		ana.wantError(protocol.CodeRateLimited)
	})
}

func TestTheDefaultRadiusIsWithinThePools(t *testing.T) {
	onEach(t, `{"pools":{"default":{"maxRadius":1000}}}`, func(t *testing.T, be *backend) {
		ana := be.joinAs(token.Identity{Member: "ana", Pool: "default", Matcher: true})
		ana.send("match", `"lat":1,"lng":2`)
		if f := want[*protocol.NoMatch](ana); f.Radius != 1000 {
			t.Errorf("searched %g m, want the pool's 1000", f.Radius)
		}
		ana.send("match", `"lat":1,"lng":2,"radius":1001`)
		ana.wantError(protocol.CodeInvalidMessage)
	})
}

func TestACancelRefersToTheLastRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.send("match", `"id":"one","lat":1,"lng":2,"wait":300`)
		want[*protocol.Waiting](ana)
		for range 2 {
			ana.send("cancel", "")
			if f := want[*protocol.Ended](ana); f.ID != "one" || f.Reason != protocol.ReasonCancelled {
				t.Errorf("got %+v, want the first request cancelled", f)
			}
		}
		ana.send("match", `"id":"two","lat":1,"lng":2`)
		want[*protocol.NoMatch](ana)
		ana.send("cancel", "")
		ana.wantError(protocol.CodeNotFound)
	})
}
