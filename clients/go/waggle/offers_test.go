package waggle_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// offered is an offer that stands for a quarter of a minute.
func offered(id, match, role string) *waggle.Offered {
	return &waggle.Offered{ID: id, Match: match, Role: role, ExpiresAt: time.Now().Add(15 * time.Second).UnixMilli(), Distance: 250}
}

func TestAMatchGoesOnWhileItsOffersAreDeclined(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		m, ok := s.Await("match")
		if !ok {
			return
		}
		s.Push(offered(m.ID, "m1", waggle.Matcher))
		s.Push(offered(m.ID, "m1", waggle.Matcher)) // once more
		s.Push(&waggle.Ended{Match: "m1", Reason: waggle.Declined})
		s.Push(offered(m.ID, "m1", waggle.Matcher)) // late
		s.Push(offered(m.ID, "m2", waggle.Matcher))
		s.Push(&waggle.Matched{ID: m.ID, Match: "m2", Role: waggle.Matcher})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		out, err := c.Match(fx.t.Context(), waggle.Match{Confirm: 15})
		if err != nil || out.Matched == nil || out.Matched.Match != "m2" {
			t.Errorf("got %+v, %v, want m2", out, err)
		}
		var got []string
		for range 3 {
			switch f := fx.next(c).(type) {
			case *waggle.Offered:
				got = append(got, "offered "+f.Match)
			case *waggle.Ended:
				got = append(got, "ended "+f.Match+" "+f.Reason)
			}
		}
		if want := []string{"offered m1", "ended m1 declined", "offered m2"}; !slices.Equal(got, want) {
			t.Errorf("got the events %v, want %v", got, want)
		}
	})
}

func TestAMatchIsRefusedWhileTheOfferOfAnotherRequestStands(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		m, ok := s.Await("match")
		if !ok {
			return
		}
		f := offered(m.ID, "m1", waggle.Matcher)
		f.Request = "r0"
		s.Push(f)
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		_, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1", Confirm: 15})
		if refused := (*waggle.Error)(nil); !errors.As(err, &refused) || refused.Code != waggle.CodeConflict {
			t.Errorf("got %v, want a conflict", err)
		}
		if f, ok := fx.next(c).(*waggle.Offered); !ok || f.ID != "r0" || f.Request != "" {
			t.Errorf("got the event %+v, want the offer of r0", f)
		}
	})
}

func TestARequestWhoseOfferStandsIsNotLostInAWelcome(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		m, ok := s.Await("match")
		if !ok {
			return
		}
		s.Push(offered(m.ID, "m1", waggle.Matcher))
		if m, ok = s.Await("hello"); !ok {
			return
		}
		s.Push(&waggle.Welcome{ID: m.ID, Offer: &waggle.WelcomeOffer{Match: "m1", Role: waggle.Matcher}})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		go func() { _, _ = c.Match(fx.t.Context(), waggle.Match{ID: "r1", Confirm: 15}) }()
		if _, ok := fx.next(c).(*waggle.Offered); !ok {
			t.Fatal("got no event Offered")
		}
		w, err := c.Hello(fx.t.Context())
		if err != nil || w.Offer == nil || w.Offer.Match != "m1" {
			t.Errorf("got %+v, %v", w, err)
		}
		if all := fx.rest(c); len(all) > 0 {
			t.Errorf("got the events %v, want none", all)
		}
	})
}

func TestAnAnswerToAnOfferReturnsWhatBecomesOfIt(t *testing.T) {
	for name, test := range map[string]struct {
		push func(id string) waggle.Frame
		want func(waggle.Outcome, error) bool
	}{
		"matched": {func(id string) waggle.Frame { return &waggle.Matched{ID: id, Match: "m1", Role: waggle.Matchee} },
			func(o waggle.Outcome, err error) bool {
				return err == nil && o.Matched != nil && o.Matched.Match == "m1"
			}},
		"matched, pushed by another process": {func(string) waggle.Frame { return &waggle.Matched{Match: "m1", Role: waggle.Matchee} },
			func(o waggle.Outcome, err error) bool {
				return err == nil && o.Matched != nil && o.Matched.Match == "m1"
			}},
		"too late": {func(id string) waggle.Frame { return &waggle.Ended{ID: id, Match: "m1", Reason: waggle.Expired} },
			func(o waggle.Outcome, err error) bool {
				return err == nil && o.Ended != nil && o.Ended.Reason == waggle.Expired
			}},
		"no such offer": {func(id string) waggle.Frame { return &waggle.ErrorFrame{ID: id, Code: waggle.CodeNotFound} },
			func(o waggle.Outcome, err error) bool {
				var refused *waggle.Error
				return errors.As(err, &refused) && refused.Code == waggle.CodeNotFound
			}},
	} {
		t.Run(name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(nil)
				s.Push(offered("", "m1", waggle.Matchee))
				m, ok := s.Await("accept")
				if !ok {
					return
				}
				s.Push(&waggle.Ended{Match: "m0", Reason: waggle.Completed}) // another
				s.Push(test.push(m.ID))
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				fx.welcome(c)
				if f, ok := fx.next(c).(*waggle.Offered); !ok || f.Match != "m1" {
					t.Fatalf("got the event %+v, want an offer", f)
				}
				if out, err := c.Accept(fx.t.Context(), "m1"); !test.want(out, err) {
					t.Errorf("got %+v, %v", out, err)
				}
			})
		})
	}
}

func TestADeclineReturnsItsEnd(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		m, ok := s.Await("decline")
		if !ok {
			return
		}
		s.Push(&waggle.Ended{ID: m.ID, Match: "m1", Reason: waggle.Declined})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		if e, err := c.Decline(fx.t.Context(), "m1"); err != nil || e.Reason != waggle.Declined {
			t.Errorf("got %+v, %v, want declined", e, err)
		}
	})
}
