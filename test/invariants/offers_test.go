package invariants_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/token"
)

// An offered match is one that its matchee must accept.
type offered struct {
	ana, ben, cem *client
	match         string
	until         int64
}

// offerOn makes an offer of ana's to ben, with cem farther away.
func offerOn(be *backend, fields string) *offered {
	o := &offered{ana: be.join("ana"), ben: be.join("ben"), cem: be.join("cem")}
	o.ana.at(lat, lng)
	o.ben.at(lat+0.001, lng)
	o.cem.at(lat+0.003, lng)
	o.ana.send("match", `"id":"r1","confirm":15`+fields)
	f := want[*protocol.Offered](o.ana)
	o.match, o.until = f.Match, f.ExpiresAt
	if g := want[*protocol.Offered](o.ben); g.Match != f.Match || g.Role != protocol.RoleMatchee || g.ID != "" || g.Distance != 250 {
		be.t.Errorf("ben is offered %+v, want the match %s, within 250 m", g, f.Match)
	}
	left := time.UnixMilli(f.ExpiresAt).Sub(be.now())
	if f.ID != "r1" || f.Role != protocol.RoleMatcher || f.Distance != 250 || left > 15*time.Second || left < 14*time.Second {
		be.t.Errorf("ana is told of %+v", f)
	}
	return o
}

// only returns the one frame of its kind.
func only[F protocol.Frame](t *testing.T, frames []protocol.Frame) (f F) {
	t.Helper()
	n := 0
	for _, one := range frames {
		if g, ok := one.(F); ok {
			f, n = g, n+1
		}
	}
	if n != 1 {
		t.Fatalf("got %d frames %T, want 1", n, f)
	}
	return f
}

// answer sends an answer to the offer.
func (o *offered) answer(c *client, action string) {
	c.send(action, fmt.Sprintf(`"id":"a","match":%q`, o.match))
}

func TestAnOfferThatIsAcceptedIsAMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		o := offerOn(be, "")
		be.advance(10 * time.Second)
		o.ben.report(lat+0.001, lng)
		o.ana.report(lat, lng)
		o.answer(o.ben, "accept")
		if m := only[*protocol.Matched](t, o.ben.take()); m.ID != "a" || m.Match != o.match || m.Role != protocol.RoleMatchee || m.Peer.Lat != lat {
			t.Errorf("ben got %+v", m)
		}
		if m := only[*protocol.Matched](t, o.ana.take()); m.ID != "r1" || m.Match != o.match || m.Role != protocol.RoleMatcher {
			t.Errorf("ana got %+v", m)
		}
		be.advance(10 * time.Second) // the offer would be over
		o.ben.report(lat+0.002, lng)
		want[*protocol.LocationFrame](o.ana)
		o.answer(o.ben, "accept")
		if m := want[*protocol.Matched](o.ben); m.ID != "a" || m.Match != o.match {
			t.Errorf("a repeat: ben got %+v", m)
		}
		o.answer(o.ben, "decline")
		o.ben.wantError(protocol.CodeConflict)
	})
}

func TestAnOfferThatIsDeclinedGoesToTheNextNearest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, fields := range []string{"", `,"wait":60`} {
			o := offerOn(be, fields)
			o.answer(o.ben, "decline")
			if e := want[*protocol.Ended](o.ben); e.ID != "a" || e.Match != o.match || e.Reason != protocol.ReasonDeclined {
				t.Errorf("ben got %+v", e)
			}
			told := o.ana.take()
			if e := only[*protocol.Ended](t, told); e.ID != "" || e.Match != o.match || e.Reason != protocol.ReasonDeclined {
				t.Errorf("ana got %+v", e)
			}
			next := only[*protocol.Offered](t, told)
			if g := want[*protocol.Offered](o.cem); g.Match != next.Match || g.Distance != 500 {
				t.Errorf("cem got %+v", g)
			}
			o.answer(o.ben, "decline")
			if e := want[*protocol.Ended](o.ben); e.ID != "a" || e.Reason != protocol.ReasonDeclined {
				t.Errorf("a repeat: ben got %+v", e)
			}
			o.match = next.Match
			o.answer(o.cem, "decline")
			want[*protocol.Ended](o.cem)
			told = o.ana.take()
			only[*protocol.Ended](t, told)
			if fields == "" {
				if n := only[*protocol.NoMatch](t, told); n.ID != "r1" {
					t.Errorf("ana got %+v", n)
				}
			} else {
				dan := be.join("dan") // the request waits on
				dan.at(lat, lng)
				o.match = only[*protocol.Offered](t, dan.sent()).Match
				o.answer(dan, "accept")
				want[*protocol.Matched](dan)
				if m := want[*protocol.Matched](o.ana); m.ID != "r1" || m.Match != o.match {
					t.Errorf("ana got %+v", m)
				}
			}
			be.flush()
		}
	})
}

func TestAnOfferThatExpiresGoesToTheNextNearest(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, fields := range []string{"", `,"wait":60`} {
			o := offerOn(be, fields)
			be.advance(15 * time.Second)
			o.cem.at(lat+0.003, lng)
			o.ana.send("ping", "")
			if e := only[*protocol.Ended](t, o.ana.take()); e.Match != o.match || e.Reason != protocol.ReasonExpired {
				t.Errorf("ana got %+v", e)
			}
			if g := want[*protocol.Offered](o.cem); g.Match == o.match {
				t.Errorf("cem got %+v", g)
			}
			o.answer(o.ben, "accept")
			if e := want[*protocol.Ended](o.ben); e.ID != "a" || e.Match != o.match || e.Reason != protocol.ReasonExpired {
				t.Errorf("ben got %+v", e)
			}
			dan := be.join("dan") // ben can be found again
			dan.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat+0.001, lng))
			want[*protocol.Matched](dan)
			want[*protocol.Matched](o.ben)
			be.flush()
		}
	})
}

func TestACancelTakesTheOfferBack(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		o := offerOn(be, "")
		o.ana.send("cancel", `"id":"c"`)
		if e := want[*protocol.Ended](o.ana); e.ID != "c" || e.Match != "" || e.Reason != protocol.ReasonCancelled {
			t.Errorf("ana got %+v", e)
		}
		if e := want[*protocol.Ended](o.ben); e.Match != o.match || e.Reason != protocol.ReasonCancelled {
			t.Errorf("ben got %+v", e)
		}
		o.answer(o.ben, "accept")
		if e := want[*protocol.Ended](o.ben); e.ID != "a" || e.Reason != protocol.ReasonCancelled {
			t.Errorf("ben got %+v", e)
		}
	})
}

func TestAnOfferIsResumed(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		o := offerOn(be, "")
		for role, c := range map[string]*client{protocol.RoleMatcher: o.ana, protocol.RoleMatchee: o.ben} {
			w := c.reconnect().hello()
			if want := (protocol.WelcomeOffer{Match: o.match, Role: role, ExpiresAt: o.until, Distance: 250}); w.Offer == nil || *w.Offer != want {
				t.Errorf("the %s is welcomed with %+v, want %+v", role, w.Offer, want)
			}
		}
	})
}

func TestAnotherRequestIsAnsweredWithTheOffer(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		o := offerOn(be, "")
		for id, request := range map[string]string{"r1": "", "r2": "r1"} {
			o.ana.send("match", `"id":"`+id+`"`)
			if f := only[*protocol.Offered](t, o.ana.take()); f.ID != id || f.Request != request || f.Match != o.match || f.ExpiresAt != o.until {
				t.Errorf("got %+v", f)
			}
		}
	})
}

func TestOnlyWhoIsAskedAnswersAnOffer(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		o := offerOn(be, "")
		for _, c := range []*client{o.ana, o.cem} {
			for _, action := range []string{"accept", "decline"} {
				o.answer(c, action)
				c.wantError(protocol.CodeNotFound)
			}
		}
		o.answer(o.ben, "accept")
		want[*protocol.Matched](o.ben)
	})
}

// TestAnOfferIsToldUntilAPushSucceeds: whoever was not told of an offer, or of its end, is told with
// its next message.
func TestAnOfferIsToldUntilAPushSucceeds(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ben.refusing(func() { ana.send("match", `"confirm":30`) })
		offer := want[*protocol.Offered](ana)
		be.advance(4 * time.Second)
		ben.send("ping", "")
		if f := only[*protocol.Offered](t, ben.take()); f.Match != offer.Match || f.Role != protocol.RoleMatchee || f.ExpiresAt != offer.ExpiresAt {
			t.Errorf("ben got %+v, want %+v", f, offer)
		}
		ben.send("ping", "")
		if _, again := last[*protocol.Offered](ben); again {
			t.Error("ben was told twice")
		}
		ana.refusing(func() { ben.send("decline", `"match":"`+offer.Match+`"`) })
		be.advance(4 * time.Second)
		ana.take()
		ana.send("ping", "")
		if e := only[*protocol.Ended](t, ana.take()); e.Match != offer.Match || e.Reason != protocol.ReasonDeclined {
			t.Errorf("ana got %+v", e)
		}
	})
}

// TestAnOfferThatIsOverIsNotTold: a notice that comes late says nothing of an offer that does not stand.
func TestAnOfferThatIsOverIsNotTold(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ben.refusing(func() { ana.send("match", `"confirm":3`) })
		be.advance(4 * time.Second)
		ben.send("ping", "")
		be.advance(11 * time.Second)
		ben.send("ping", "")
		if _, told := last[*protocol.Offered](ben); told {
			t.Error("ben was told of an offer that had expired")
		}
	})
}

// TestAForgottenMemberLeavesNoOffer: whoever is forgotten, the other one is told and is free.
func TestAForgottenMemberLeavesNoOffer(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for _, forgotten := range []string{"ana", "ben"} {
			be.flush()
			s := be.newScene("forgotten-" + forgotten)
			s.b.at(s.q.Lat, s.q.Lng)
			s.a.send("match", `"id":"m","confirm":60`)
			offer := want[*protocol.Offered](s.a)
			other := map[string]*client{"ana": s.b, "ben": s.a}[forgotten]
			other.take()
			s.verb("member.forget", `"member":"`+forgotten+`"`)
			reason := map[string]string{"ana": protocol.ReasonCancelled, "ben": protocol.ReasonDeclined}[forgotten]
			if e := only[*protocol.Ended](t, other.take()); e.Match != offer.Match || e.Reason != reason {
				t.Errorf("got %+v, want %s", e, reason)
			}
			c := s.joinAs(token.Identity{Member: "cem", Pool: s.pool, Matcher: true})
			c.send("match", fmt.Sprintf(`"lat":%v,"lng":%v,"radius":20000`, s.p.Lat, s.p.Lng))
			want[*protocol.Matched](c)
			want[*protocol.Matched](other)
		}
	})
}
