package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
)

// nearby is a place so many times 111 m north of the tests' usual place.
func nearby(times float64) (float64, float64) { return lat + times/1000, lng }

func TestTheOneWhoJustLeftComesLast(t *testing.T) {
	onEach(t, "", func(t *testing.T, be *backend) {
		ana, ben, cid := be.join("ana"), be.join("ben"), be.join("cid")
		ask := func(c *client, fields, found string) string {
			t.Helper()
			c.take()
			c.send("match", fields)
			m := want[*protocol.Matched](c)
			if got := string(m.Peer.Card); got != `"`+found+`"` {
				t.Fatalf("%s got %s, want %s", c.id.Member, got, found)
			}
			return m.Match
		}
		end := func(c *client, match, more string) { c.send("end", `"match":"`+match+`"`+more) }
		ana.at(nearby(0))
		ben.at(nearby(1))
		cid.at(nearby(10))
		end(ben, ask(ana, "", "ben"), `,"reason":"cancelled"`)
		// Ben is nearer, but has just left.
		m := ask(ana, "", "cid")
		// He is alone with the others: neither of the two who parted gets the other while one is free.
		ben.send("match", `"radius":100`)
		want[*protocol.NoMatch](ben)
		be.advance(61 * time.Second)
		ana.at(nearby(0))
		ben.at(nearby(1))
		cid.at(nearby(10))
		end(ana, m, "")
		// It holds in the other direction, and for a request that may wait.
		end(ben, ask(ben, `"wait":60`, "cid"), `,"reason":"cancelled"`)
		// Once nobody else is there, they are matched all the same.
		cid.disconnect()
		end(ana, ask(ana, "", "ben"), "")
		// A request that waits gets who comes.
		ben.at(lat+0.1, lng)
		ana.send("match", `"wait":60`)
		want[*protocol.Waiting](ana)
		ben.at(nearby(1))
		end(ben, want[*protocol.Matched](ana).Match, "")
		// After the cool-down the nearest counts once more.
		be.advance(5 * time.Minute)
		cid = cid.reconnect()
		ana.at(nearby(0))
		ben.at(nearby(1))
		cid.at(nearby(10))
		ask(ana, "", "ben")
	})
}

func TestOneWhoEndsEachMatchAtOnceSpoilsFew(t *testing.T) {
	onEach(t, `{"pools":{"default":{"harvestPerHour":10,"maxSpeed":0}}}`, func(t *testing.T, be *backend) {
		spoiler := be.join("spoiler")
		spoiler.at(nearby(1))
		spoilt := 0
		var ended *protocol.Ended // the last one
		for n := range 12 {
			ana, ben := be.join(fmt.Sprint("ana", n)), be.join(fmt.Sprint("ben", n))
			ana.at(nearby(0))
			ben.at(nearby(2))
			for range 10 { // as many as one minute allows
				ana.send("match", "")
				m := want[*protocol.Matched](ana)
				if string(m.Peer.Card) != `"spoiler"` {
					break
				}
				spoilt++
				if ended != nil && ended.Unlisted != nil {
					t.Errorf("after %d matches: got %s", spoilt-1, protocol.Encode(ended))
				}
				spoiler.send("end", `"match":"`+m.Match+`"`)
				ended = want[*protocol.Ended](spoiler)
				spoiler.report(nearby(1))
			}
		}
		if spoilt != 5 {
			t.Errorf("one member spoilt %d matches at once, want half of its budget of 10", spoilt)
		}
		ack := want[*protocol.Ack](spoiler)
		if ack.Unlisted == nil || ack.Unlisted.Reason != protocol.ReasonEndedEarly {
			t.Fatalf("got %s, want until when it is not listed", protocol.Encode(ack))
		}
		if ended.Unlisted == nil || *ended.Unlisted != *ack.Unlisted {
			t.Errorf("got %s, want %v", protocol.Encode(ended), ack.Unlisted)
		}
		spoiler.send("end", `"match":"`+ended.Match+`"`) // perhaps the answer was lost
		if again := want[*protocol.Ended](spoiler); again.Unlisted == nil || *again.Unlisted != *ack.Unlisted {
			t.Errorf("repeated: got %s, want %v", protocol.Encode(again), ack.Unlisted)
		}
		if u := spoiler.hello().Unlisted; u == nil || *u != *ack.Unlisted {
			t.Errorf("the welcome has %v, want %v", u, ack.Unlisted)
		}
		// It is told to report right after that, and is found.
		wait := time.UnixMilli(ack.Unlisted.Until).Sub(be.now())
		for ack.Unlisted != nil {
			be.advance(time.Duration(ack.Report.AfterSeconds * float64(time.Second)))
			spoiler.report(lat+0.001, lng, `"id":"l"`)
			ack = want[*protocol.Ack](spoiler)
		}
		if now := time.Duration(be.offset.Load()); now < wait || now > wait+2*time.Second {
			t.Errorf("it is listed after %v, want %v", now, wait)
		}
		eve := be.join("eve")
		eve.at(nearby(0))
		eve.send("match", "")
		want[*protocol.Matched](eve)
	})
}

func TestTheOtherGetsASpoiltMatchBack(t *testing.T) {
	onEach(t, `{"pools":{"default":{"requestsPerMinute":1,"matchesPerHour":1}}}`, func(t *testing.T, be *backend) {
		ana := be.join("ana")
		ana.at(nearby(0))
		for n := range 4 {
			ben := be.join(fmt.Sprint("ben", n))
			ben.at(nearby(1))
			ana.send("match", "")
			m := want[*protocol.Matched](ana)
			ben.send("end", `"match":"`+m.Match+`"`)
			ben.disconnect()
		}
		be.join("cid").at(nearby(1))
		ana.send("match", "")
		ana.send("end", `"match":"`+want[*protocol.Matched](ana).Match+`"`)
		ana.send("match", "")
		ana.wantError(protocol.CodeRateLimited)
	})
}

// TestAnAccountLearnsFewExactPositions: an account ends each of its matches at once, whichever
// way it came to them.
func TestAnAccountLearnsFewExactPositions(t *testing.T) {
	const perHour = 10
	for name, own := range map[string]bool{"from its own place": true, "from a place where it never was": false} {
		t.Run(name, func(t *testing.T) {
			onEach(t, `{"pools":{"default":{"locationTTL":7200,"grace":7200,"harvestPerHour":10}}}`, func(t *testing.T, be *backend) {
				id := identity("default", "eve")
				id.Expires = be.now().Add(3 * time.Hour)
				eve := be.joinAs(id)
				if own {
					eve.at(nearby(0))
				}
				var members []*client
				for n := range 30 {
					other := identity("default", fmt.Sprint("m", n))
					other.Expires = id.Expires
					c := be.joinAs(other)
					c.at(nearby(float64(n%7 - 3)))
					members = append(members, c)
				}
				var learned []time.Time
				known := make(map[string]bool) // matches
				for n := range 2 * int(time.Hour/(10*time.Second)) {
					eve.take()
					fields := fmt.Sprintf(`"lat":%v,"lng":%v,"id":"r%d"`, lat, lng, n)
					switch n % 4 {
					case 1:
						fields += `,"wait":60`
					case 2:
						eve = eve.reconnect() // another session
					case 3:
						if m := members[n%30]; own { // it may be found
							m.send("match", `"radius":100`)
							for _, f := range m.take() {
								if f, ok := f.(*protocol.Matched); ok && string(f.Peer.Card) != `"eve"` {
									m.send("end", `"match":"`+f.Match+`"`)
								}
							}
						}
					}
					eve.send("match", fields)
					_, trips, commands := be.count(0, func() { eve.send("match", fields) }) // a repeat
					for _, f := range eve.take() {
						if f, ok := f.(*protocol.Matched); ok && !known[f.Match] {
							known[f.Match] = true
							learned = append(learned, be.now())
							eve.send("end", `"match":"`+f.Match+`"`)
						}
						if e, ok := f.(*protocol.Error); ok && (e.Code != protocol.CodeRateLimited || e.RetryAfter > 600 || trips != 1 || commands != 1) {
							t.Errorf("got %d trips of %d commands and %+v, want a refusal after one", trips, commands, e)
						}
					}
					be.advance(10 * time.Second)
				}
				for i, first := range learned {
					if i+perHour < len(learned) && learned[i+perHour].Sub(first) < time.Hour {
						t.Fatalf("it learned %d positions within %v, want at most %d in an hour", perHour+1, learned[i+perHour].Sub(first), perHour)
					}
				}
				if len(learned) < perHour {
					t.Errorf("it learned %d positions in two hours: too few to show anything", len(learned))
				}
			})
		})
	}
}
