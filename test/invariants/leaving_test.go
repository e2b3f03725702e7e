package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// presences are what a client was told of its peer since it was asked last: "away" and "back", and why its
// match has ended.
func (c *client) presences() (all []string) {
	for _, f := range c.take() {
		switch f := f.(type) {
		case *protocol.PeerFrame:
			all = append(all, f.State)
		case *protocol.Ended:
			all = append(all, "ended "+f.Reason)
		}
	}
	return all
}

// told fails the test unless a client was told so much of its peer since it was asked last.
func (c *client) wasTold(when string, want ...string) {
	c.t.Helper()
	if got := c.presences(); fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("%s: %s was told %v, want %v: %s", when, c.id.Member, got, want, c.all())
	}
}

// thinks is what a client that follows the protocol thinks of its peer: whether it is away.
func (c *client) thinks() (away bool) {
	var since int64
	is := func(p protocol.PeerPresence) {
		if p.Since > since {
			away, since = p.State == protocol.PeerAway, p.Since
		}
	}
	for _, f := range c.sent() {
		switch f := f.(type) {
		case *protocol.PeerFrame:
			is(f.PeerPresence)
		case *protocol.Welcome:
			if f.Match != nil && f.Match.Presence != nil {
				is(*f.Match.Presence)
			}
		}
	}
	return away
}

// roles runs a test in which the first of the two comes and goes, once as the matcher and once as the
// matchee.
func roles(t *testing.T, test func(t *testing.T, s *scene, goes, stays *client)) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, matcher := range []bool{true, false} {
			be.flush()
			s := be.newScene(fmt.Sprint("matcher-", matcher))
			s.pair()
			s.a.take()
			s.b.take()
			if matcher {
				test(t, s, s.a, s.b)
			} else {
				test(t, s, s.b, s.a)
			}
		}
	})
}

func TestWhoDisconnectsIsAwayUntilItIsBack(t *testing.T) {
	roles(t, func(t *testing.T, s *scene, goes, stays *client) {
		s.advance(5 * time.Second)
		at := s.now()
		goes.disconnect()
		f := want[*protocol.PeerFrame](stays)
		if f.Match != s.match || f.State != protocol.PeerAway || time.UnixMilli(f.Since).Sub(at).Abs() > time.Second {
			t.Errorf("%s was told %+v, want that its peer is away since %d", stays.id.Member, f, at.UnixMilli())
		}
		stays.report(s.p.Lat, s.p.Lng)
		stays.send("ping", "")
		stays.wasTold("its own messages")
		if w := stays.hello(); w.Match == nil || w.Match.Presence == nil || *w.Match.Presence != f.PeerPresence {
			t.Errorf("hello: got %+v", w.Match)
		}

		s.advance(30 * time.Second)
		back := goes.reconnect()
		back.send("hello", "")
		if f := want[*protocol.PeerFrame](stays); f.Match != s.match || f.State != protocol.PeerBack || time.UnixMilli(f.Since).Sub(s.now()).Abs() > time.Second {
			t.Errorf("%s was told %+v, want that its peer is back", stays.id.Member, f)
		}
		if w := stays.hello(); w.Match == nil || w.Match.Presence == nil || w.Match.Presence.State != protocol.PeerBack {
			t.Errorf("hello: got %+v", w.Match)
		}
		back.send("ping", "")
		stays.wasTold("when the peer sends more")
		goes.disconnect() // it comes late
		stays.wasTold("a late end of the older connection")
		stays.report(s.p.Lat, s.p.Lng)
		stays.wasTold("a report after that")
	})
}

// A member that has no $disconnect is away once it was silent for more than half the grace time, whoever
// notices that. A message of any kind ends that.
func TestWhoIsSilentIsAwayUntilItIsHeard(t *testing.T) {
	for _, message := range []string{"location", "ping", "locate"} {
		t.Run(message, func(t *testing.T) {
			roles(t, func(t *testing.T, s *scene, goes, stays *client) {
				said := s.now()
				goes.send("ping", "")
				s.advance(29 * time.Second)
				stays.report(s.p.Lat, s.p.Lng)
				stays.wasTold("before half the grace time is over")
				s.advance(2 * time.Second)
				stays.report(s.p.Lat, s.p.Lng)
				f := want[*protocol.PeerFrame](stays)
				if f.State != protocol.PeerAway || time.UnixMilli(f.Since).Sub(said).Abs() > time.Second {
					t.Errorf("%s was told %+v, want that its peer is away since %d", stays.id.Member, f, said.UnixMilli())
				}
				stays.report(s.p.Lat, s.p.Lng)
				stays.wasTold("another report")
				s.advance(10 * time.Second)
				if message == "location" {
					goes.report(s.q.Lat, s.q.Lng)
				} else {
					goes.send(message, "")
				}
				stays.wasTold("when the peer is heard", "back")
			})
		})
	}
}

// leaves lets one of the two be away for longer than the grace time.
func (s *scene) leaves(goes, stays *client) {
	goes.disconnect()
	for range 2 {
		s.advance(29 * time.Second)
		stays.report(s.p.Lat, s.p.Lng)
	}
	stays.wasTold("within the grace time", "away")
	s.advance(3 * time.Second)
}

func TestWhoIsAwayBeyondTheGraceTimeHasLeft(t *testing.T) {
	roles(t, func(t *testing.T, s *scene, goes, stays *client) {
		s.leaves(goes, stays)
		stays.report(s.p.Lat, s.p.Lng)
		stays.wasTold("beyond the grace time", "ended left")
		stays.send("end", `"match":"`+s.match+`"`)
		if e := want[*protocol.Ended](stays); e.Reason != protocol.ReasonLeft {
			t.Errorf("the end of what is over: got %+v", e)
		}
		eve := s.joinIn(s.pool, "eve")
		eve.at(s.p.Lat, s.p.Lng)
		stays.send("match", `"id":"next"`) // at once
		if m := want[*protocol.Matched](stays); string(m.Peer.Card) != `"eve"` {
			t.Errorf("%s is matched anew with %s", stays.id.Member, m.Peer.Card)
		}
		s.advance(10 * time.Minute) // its peer's match is long over
		goes = goes.reconnect()
		goes.send("hello", "")
		frames := goes.take()
		if e := only[*protocol.Ended](t, frames); e.Match != s.match || e.Reason != protocol.ReasonLeft {
			t.Errorf("who left was told %+v", e)
		}
		if w := only[*protocol.Welcome](t, frames); w.Match != nil {
			t.Errorf("who left is in the match %+v", w.Match)
		}
	})
}

// Nobody has looked at the match: what the member itself says is too late.
func TestWhoHasLeftDoesNotComeBackByAMessage(t *testing.T) {
	for _, connects := range []bool{true, false} {
		for _, message := range []string{"hello", "ping", "location", "locate", "match", "end"} {
			t.Run(fmt.Sprint(message, ", on a new connection: ", connects), func(t *testing.T) {
				roles(t, func(_ *testing.T, s *scene, goes, stays *client) {
					if connects {
						goes.disconnect()
					}
					for range 2 {
						s.advance(21 * time.Second)
						stays.send("ping", "") // it is there, and does not look at the match after the grace time
					}
					s.advance(21 * time.Second)
					goes.take()
					stays.take()
					if connects {
						goes = goes.reconnect()
					}
					switch message {
					case "location":
						goes.report(s.q.Lat, s.q.Lng)
					case "end":
						goes.send(message, `"match":"`+s.match+`","reason":"cancelled"`)
					default:
						goes.send(message, "")
					}
					if message == "end" {
						goes.take()
						stays.take()
					} else {
						goes.wasTold("its message", "ended left")
						stays.wasTold("the message of who has left", "ended left")
					}
					for _, c := range []*client{goes, stays} {
						if w := c.hello(); w.Match != nil {
							s.t.Errorf("%s is still in a match", c.id.Member)
						}
					}
				})
			})
		}
	}
}

func TestWhoComesBackJustInTimeHasNotLeft(t *testing.T) {
	roles(t, func(t *testing.T, s *scene, goes, stays *client) {
		goes.disconnect()
		s.advance(55 * time.Second)
		stays.send("ping", "")
		goes = goes.reconnect()
		if w := goes.hello(); w.Match == nil || w.Match.Match != s.match {
			t.Fatalf("the match is gone: %+v", w)
		}
		stays.wasTold("the return", "away", "back")
		s.advance(20 * time.Second)
		goes.report(s.q.Lat, s.q.Lng)
		stays.report(s.p.Lat, s.p.Lng)
		stays.wasTold("after that")
		if w := stays.hello(); w.Match == nil {
			t.Error("the match is gone")
		}
	})
}

func TestBothLeaveAtOnce(t *testing.T) {
	roles(t, func(t *testing.T, s *scene, goes, stays *client) {
		q := withTimers(s.backend)
		defer func() { s.app.Handler.Service.Timers = nil }()
		goes.disconnect()
		stays.disconnect()
		s.advance(61 * time.Second)
		for _, c := range []*client{goes, stays} {
			c = c.reconnect()
			c.send("hello", "")
			frames := c.take()
			if e := only[*protocol.Ended](t, frames); e.Reason != protocol.ReasonLeft {
				t.Errorf("%s was told %+v", c.id.Member, e)
			}
			if w := only[*protocol.Welcome](t, frames); w.Match != nil {
				t.Errorf("%s is still in a match", c.id.Member)
			}
		}
		if len(q.set) > 0 {
			t.Errorf("the timers %v are set for nothing", q.set)
		}
	})
}

// A push that failed comes with the next message. What has changed meanwhile is told as it is then.
func TestOnlyTheLastStateOfAPeerIsTold(t *testing.T) {
	const again = 3100 * time.Millisecond
	roles(t, func(t *testing.T, s *scene, goes, stays *client) {
		stays.refusing(func() { goes.disconnect() })
		s.advance(again)
		stays.send("ping", "")
		stays.wasTold("after a failed push", "away")
		stays.refusing(func() {
			goes = goes.reconnect()
			goes.send("hello", "")
			goes.disconnect()
			goes = goes.reconnect()
			goes.send("hello", "")
		})
		s.advance(again)
		stays.send("ping", "")
		stays.wasTold("after three failed pushes", "back")
		s.advance(again)
		stays.send("ping", "")
		stays.wasTold("after that")

		stays.refusing(func() { goes.disconnect() })
		stays = stays.reconnect()
		stays.send("hello", "")
		stays.wasTold("a hello, whose welcome says it")
		if !stays.thinks() {
			t.Errorf("the welcome does not say that the peer is away: %s", stays.all())
		}
		s.advance(again)
		stays.send("ping", "")
		stays.wasTold("after the welcome")
	})
}

// Members of an offer are in no match: an offer lapses as ever.
func TestAnOfferIsNotLeft(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, who := range []string{"matcher", "matchee"} {
			be.flush()
			o := offerOn(be, `,"wait":120`)
			goes, stays := o.ben, o.ana
			if who == "matcher" {
				goes, stays = stays, goes
			}
			goes.disconnect()
			stays.wasTold("the " + who + " of an offer disconnects")
			be.advance(15 * time.Second)
			o.cem.at(lat+0.003, lng)
			stays.send("ping", "")
			be.advance(time.Second)
			goes = goes.reconnect()
			goes.send("hello", "")
			ended := false
			for _, c := range []*client{goes, stays} {
				for _, f := range c.sent() {
					ended = ended || is(f, func(e *protocol.Ended) bool { return e.Match == o.match && e.Reason == protocol.ReasonExpired })
				}
			}
			if !ended {
				t.Errorf("nobody is told that the offer of a %s that went has expired", who)
			}
		}
	})
}

// A matcher whose request waited may have been silent before, or gone. Its time counts from the match on.
func TestTheTimeOfSilenceBeginsWithTheMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("waits")
		s.a.send("match", `"id":"m","wait":300`)
		s.advance(50 * time.Second)
		s.b.report(s.q.Lat, s.q.Lng)
		s.match = want[*protocol.Matched](s.b).Match
		for range 2 {
			s.advance(14 * time.Second)
			s.b.report(s.q.Lat, s.q.Lng)
			s.b.wasTold("within half the grace time of the match")
		}
		s.advance(3 * time.Second)
		s.b.report(s.q.Lat, s.q.Lng)
		s.b.wasTold("after half of it", "away")
		s.advance(28 * time.Second)
		s.b.report(s.q.Lat, s.q.Lng)
		s.b.wasTold("within the grace time of the match")
		s.advance(2 * time.Second)
		s.b.report(s.q.Lat, s.q.Lng)
		s.b.wasTold("beyond it", "ended left")
	})
}

// Who is told by a timer: nobody sends anything.
func TestBothAreToldOnTimeWhoIsAwayAndWhoHasLeft(t *testing.T) {
	roles(t, func(t *testing.T, s *scene, _, _ *client) {
		// The scene's match has begun without timers.
		s.a.send("end", `"match":"`+s.match+`"`)
		q := withTimers(s.backend)
		defer func() { s.app.Handler.Service.Timers = nil }()
		s.a.send("match", "")
		s.match = want[*protocol.Matched](s.b).Match
		goes, stays := s.a, s.b
		goes.take()
		stays.take()
		began := s.now()
		s.advance(10 * time.Second)
		stays.send("ping", "")
		stays.take()
		var at []time.Duration // at which seconds it was told what
		var what []string
		for len(q.set) > 0 && len(at) < 9 {
			q.next()
			for _, told := range stays.presences() {
				at, what = append(at, s.now().Sub(began)), append(what, told)
			}
			if since := s.now().Sub(began); since > 20*time.Second && since < 70*time.Second {
				stays.send("ping", "")
				stays.take()
			}
		}
		if fmt.Sprint(what) != "[away ended left]" || at[0] < 30*time.Second || at[0] > 32*time.Second || at[1] < 60*time.Second || at[1] > 62*time.Second {
			t.Errorf("%s was told %v after %v, want that its peer is away after 30 s, and has left after 60 s", stays.id.Member, what, at)
		}
		goes.wasTold("who left, whose connection is open", "ended left")
	})
}

// A member that leaves while its peer is being told of the match: the peer is told both soon.
func TestWhoGoesBeforeTheMatchIsToldIsAwaySoon(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		s := be.newScene("goes")
		s.b.at(s.q.Lat, s.q.Lng)
		s.a.refusing(func() {
			s.a.send("match", "")
			s.match = want[*protocol.Matched](s.b).Match
			s.b.disconnect()
		})
		s.a.take()
		began := be.now()
		for len(q.set) > 0 && be.now().Sub(began) < match.NotifyAgain {
			q.next()
		}
		waited, frames := be.now().Sub(began), s.a.take()
		if only[*protocol.Matched](t, frames).Match != s.match || only[*protocol.PeerFrame](t, frames).State != protocol.PeerAway ||
			waited > match.NotifyAgain+2*time.Second {
			t.Errorf("after %v ana was told: %s", waited, s.a.all())
		}
	})
}

// However many timers are set, a member of a match is looked at by one, and by none after the match.
func TestAMatchHasOneTimerOfEachMember(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		q := withTimers(be)
		s := be.newScene("timers")
		s.b.at(s.q.Lat, s.q.Lng)
		meet := func() {
			s.a.send("match", "")
			s.match = want[*protocol.Matched](s.b).Match
		}
		for range 3 {
			meet()
			s.a.send("end", `"match":"`+s.match+`"`)
		}
		meet()
		for i := range 20 {
			s.a.send("ping", "")
			s.b.send("ping", "")
			if i%2 == 0 {
				be.advance(10 * time.Second)
			} else {
				q.next()
			}
		}
		if len(q.set) > 2 {
			t.Errorf("%d timers are set, want at most one of each member: %v", len(q.set), q.set)
		}
		if w := s.a.hello(); w.Match == nil || w.Match.Presence != nil {
			t.Errorf("the match goes on as if nothing was: %+v", w.Match)
		}
		s.a.send("end", `"match":"`+s.match+`"`)
		for range len(q.set) {
			q.next()
		}
		if len(q.set) > 0 {
			t.Errorf("the timers %v are set for a match that is over", q.set)
		}
	})
}
