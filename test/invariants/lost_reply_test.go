package invariants_test

import (
	"fmt"
	"testing"

	"waggle/internal/protocol"
)

// TestBothAreNotifiedOfAnEndDespiteALostReply loses replies at every trip of an end. If the
// end is refused it is repeated. Then both are notified.
func TestBothAreNotifiedOfAnEndDespiteALostReply(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, byMatcher := range []bool{true, false} {
			for _, f := range []fault{losesOnce, loses, misses} {
				for n, more := 0, true; more; n++ {
					be.flush()
					s := be.newScene(fmt.Sprint("end-", byMatcher, "-", n, "-", len(f)))
					s.pair()
					caller, peer := s.a, s.b
					if !byMatcher {
						caller, peer = peer, caller
					}
					end := func() { caller.send("end", `"match":"`+s.match+`"`) }
					more = be.withCommandFault(n, f, end) > n
					if _, ok := last[*protocol.Ended](caller); !ok {
						end()
						want[*protocol.Ended](caller)
					}
					if _, ok := last[*protocol.Ended](peer); !ok {
						t.Errorf("by the matcher: %v, the process %s at trip %d: its peer was not notified: %s", byMatcher, f, n, peer.all())
					}
				}
			}
		}
	})
}

// TestARepeatedLocationIsListed repeats a location whose listing failed. Once it is
// acknowledged, its member is found: by a new request, and by one that waits already.
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
				s.a.send("hello", "") // the listing succeeded, and the search for ana failed
			}
			if _, ok := last[*protocol.Matched](s.a); !ok {
				t.Errorf("failed from trip %d on, ana waits: %v: acknowledged and not found: %s", n, waits, s.a.all())
			}
		}
	})
}

// TestMatchedCarriesTheIDOfTheMatcheesRequest loses one reply at any trip.
func TestMatchedCarriesTheIDOfTheMatcheesRequest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n, more := 0, true; more; n++ {
			be.flush()
			s := be.newScene(fmt.Sprint("id-", n))
			s.b.at(s.q.Lat, s.q.Lng)
			s.b.send("match", `"id":"n","wait":300,"tags":["none"]`)
			more = be.withFault(n, losesOnce, func() { s.a.send("match", `"id":"m"`) }) > n
			if m, ok := last[*protocol.Matched](s.b); !ok || m.ID != "n" {
				t.Errorf("reply lost at trip %d: got %+v, want ben matched under n", n, m)
			}
		}
	})
}
