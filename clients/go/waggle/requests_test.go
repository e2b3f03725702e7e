package waggle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// abandoned returns a client whose Match with the id r1 has ended before its outcome.
func (fx *fixture) abandoned() *waggle.Client {
	fx.t.Helper()
	c := fx.connect()
	ctx, cancel := context.WithTimeout(fx.t.Context(), time.Second)
	defer cancel()
	if out, err := c.Match(ctx, waggle.Match{ID: "r1", Wait: 60}); !errors.Is(err, context.DeadlineExceeded) {
		fx.t.Fatalf("the first Match: got %+v, %v, want that its time is over", out, err)
	}
	return c
}

func code(err error) waggle.Code {
	var refused *waggle.Error
	errors.As(err, &refused)
	if refused == nil {
		return ""
	}
	return refused.Code
}

// A Match whose context has ended leaves its request open. The next one must not get its
// outcome.
func TestAMatchIsNeverAnsweredWithTheOutcomeOfAnother(t *testing.T) {
	waiting := func(id, request string) *waggle.Waiting {
		return &waggle.Waiting{ID: id, Request: request, ExpiresAt: time.Now().Add(time.Hour).UnixMilli()}
	}
	first := &waggle.Matched{ID: "r1", Match: "m1", Role: waggle.Matcher}
	second := &waggle.Matched{ID: "r2", Match: "m2", Role: waggle.Matcher}
	for _, test := range []struct {
		name   string
		script func(s *waggletest.Socket) // after the first match message
		want   *waggle.Matched            // of the second
		code   waggle.Code
		events []string
	}{
		{"the request is withdrawn", func(s *waggletest.Socket) {
			s.Push(waiting("r1", ""))
			c, _ := s.Receive()
			if c.Action != "cancel" || c.Request != "r1" {
				t.Errorf("got %+v, want a cancel of r1", c)
			}
			s.Push(&waggle.Ended{ID: c.ID, Reason: waggle.Cancelled})
			s.Await("match")
			s.Push(&waggle.Ended{ID: c.ID, Reason: waggle.Cancelled}) // once more
			s.Push(waiting("r1", ""))                                 // too late
			s.Push(second)
		}, second, "", []string{"waiting r1", "ended r1 cancelled"}},
		{"the request has led to a match", func(s *waggletest.Socket) {
			c, _ := s.Await("cancel")
			s.Push(&waggle.ErrorFrame{ID: c.ID, Code: waggle.CodeConflict})
			s.Push(first)
		}, nil, waggle.CodeConflict, []string{"matched r1 m1"}},
		{"the request is over, and its outcome comes late", func(s *waggletest.Socket) {
			s.Push(waiting("r1", ""))
			c, _ := s.Await("cancel")
			s.Push(&waggle.ErrorFrame{ID: c.ID, Code: waggle.CodeNotFound})
			s.Await("match")
			s.Push(&waggle.NoMatch{ID: "r1"})
			s.Push(second)
		}, second, "", []string{"waiting r1", "ended r1 lost"}},
		{"the cancel overtakes the request, which waits", func(s *waggletest.Socket) {
			c, _ := s.Await("cancel")
			s.Push(&waggle.ErrorFrame{ID: c.ID, Code: waggle.CodeNotFound})
			s.Await("match")
			s.Push(waiting("r2", "r1"))
		}, nil, waggle.CodeConflict, []string{"waiting r1"}},
		{"the cancel overtakes the request, which is matched", func(s *waggletest.Socket) {
			c, _ := s.Await("cancel")
			s.Push(&waggle.ErrorFrame{ID: c.ID, Code: waggle.CodeNotFound})
			s.Await("match")
			s.Push(&waggle.Matched{ID: "r2", Request: "r1", Match: "m1", Role: waggle.Matcher})
			s.Push(first) // the push
		}, nil, waggle.CodeConflict, []string{"matched r1 m1"}},
		{"the cancel overtakes the request, and its push comes first", func(s *waggletest.Socket) {
			c, _ := s.Await("cancel")
			s.Push(&waggle.ErrorFrame{ID: c.ID, Code: waggle.CodeNotFound})
			s.Await("match")
			s.Push(first)
			s.Push(&waggle.Matched{ID: "r2", Request: "r1", Match: "m1", Role: waggle.Matcher})
		}, nil, waggle.CodeConflict, []string{"matched r1 m1"}},
		{"the connection is lost while the request is withdrawn", func(s *waggletest.Socket) {
			s.Push(waiting("r1", ""))
			s.Await("cancel")
		}, second, "", []string{"waiting r1", "ended r1 cancelled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(nil)
				if s.Attempt == 0 {
					s.Await("match")
					test.script(s)
					if test.name == "the connection is lost while the request is withdrawn" {
						return
					}
					s.Drain()
				}
				c, _ := s.Await("cancel")
				s.Push(&waggle.Ended{ID: c.ID, Reason: waggle.Cancelled})
				s.Await("match")
				s.Push(second)
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.abandoned()
				defer c.Close()
				out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r2", Wait: 60, Tags: []string{"xl"}})
				if diff := cmp.Diff(test.want, out.Matched); diff != "" || code(err) != test.code {
					t.Errorf("%v; matched: got +, want -\n%s", err, diff)
				}
				if diff := cmp.Diff(test.events, fx.told(c)); diff != "" {
					t.Errorf("events: got +, want -\n%s", diff)
				}
			})
		})
	}
}

// told returns the events of the next 10 s in words, without those of a welcome.
func (fx *fixture) told(c *waggle.Client) (words []string) {
	for _, f := range fx.rest(c) {
		switch f := f.(type) {
		case *waggle.Welcome:
		case *waggle.Ack:
			words = append(words, "ack "+f.ID)
		case *waggle.Waiting:
			words = append(words, "waiting "+f.ID)
		case *waggle.NoMatch:
			words = append(words, fmt.Sprint("no_match ", f.ID, " ", f.Radius))
		case *waggle.Matched:
			words = append(words, fmt.Sprint("matched ", f.ID, " ", f.Match))
		case *waggle.Ended:
			words = append(words, fmt.Sprint("ended ", f.ID, f.Match, " ", f.Reason))
		case *waggle.ErrorFrame:
			words = append(words, fmt.Sprint("error ", f.ID, " ", f.Code))
		default:
			words = append(words, fmt.Sprintf("%T%+v", f, f))
		}
	}
	return words
}

// A request of an earlier program that ran as this member.
func TestAMatchWithdrawsTheRequestOfAnEarlierClient(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Request: &waggle.WelcomeRequest{ID: "r0", ExpiresAt: time.Now().Add(time.Hour).UnixMilli()}})
		c, _ := s.Receive()
		if c.Action != "cancel" || c.Request != "r0" {
			t.Errorf("got %+v, want a cancel of r0", c)
		}
		s.Push(&waggle.Ended{ID: c.ID, Reason: waggle.Cancelled})
		s.Await("match")
		s.Push(&waggle.NoMatch{ID: "r1", Radius: 500})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		if out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1"}); err != nil || out.NoMatch == nil {
			t.Errorf("got %+v, %v, want its own NoMatch", out, err)
		}
		if diff := cmp.Diff([]string{"ended r0 cancelled"}, fx.told(c)); diff != "" {
			t.Errorf("events: got +, want -\n%s", diff)
		}
	})
}

func TestAMatchIsRefusedWhileAnotherWaits(t *testing.T) {
	sent := 0
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Await("match")
		s.Push(&waggle.Waiting{ID: "r1", ExpiresAt: time.Now().Add(time.Hour).UnixMilli()})
		for m, ok := s.Receive(); ok; m, ok = s.Receive() {
			if m.Action != "ping" {
				sent++
			}
			if m.Action == "cancel" && m.Request == "r1" {
				s.Push(&waggle.Ended{ID: m.ID, Reason: waggle.Cancelled})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		done := make(chan waggle.Outcome)
		go func() {
			out, _ := c.Match(fx.t.Context(), waggle.Match{ID: "r1", Wait: 60})
			done <- out
		}()
		synctest.Wait()
		if _, err := c.Match(fx.t.Context(), waggle.Match{ID: "r2"}); code(err) != waggle.CodeConflict || sent != 0 {
			t.Errorf("got %v after %d messages, want a conflict, and nothing sent", err, sent)
		}
		if ended, err := c.Cancel(fx.t.Context()); err != nil || ended.Reason != waggle.Cancelled {
			t.Errorf("Cancel: got %+v, %v", ended, err)
		}
		if out := <-done; out.Ended == nil || out.Ended.Reason != waggle.Cancelled {
			t.Errorf("the first Match: got %+v, want that it is cancelled", out)
		}
	})
}

func TestOfTwoMatchesAtOnceOneIsRefused(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Await("match")
		for m, ok := s.Receive(); ok; m, ok = s.Receive() {
			switch m.Action {
			case "cancel":
				s.Push(&waggle.Ended{ID: m.ID, Reason: waggle.Cancelled})
			case "match":
				time.AfterFunc(time.Second, func() { s.Push(&waggle.NoMatch{ID: m.ID}) }) // meanwhile it answers the other's cancel
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.abandoned()
		defer c.Close()
		codes := make(chan waggle.Code, 2)
		for _, id := range []string{"r2", "r3"} {
			go func() {
				_, err := c.Match(fx.t.Context(), waggle.Match{ID: id, Wait: 60})
				codes <- code(err)
			}()
		}
		if one, other := <-codes, <-codes; one+other != waggle.CodeConflict {
			t.Errorf("got %q and %q, want one conflict", one, other)
		}
	})
}

// The server may repeat a push, and one may come late.
func TestWhatIsOverDoesNotTouchTheNextRequest(t *testing.T) {
	first := &waggle.Matched{ID: "r1", Match: "m1", Role: waggle.Matcher}
	var actions []string
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for m, ok := s.Receive(); ok; m, ok = s.Receive() {
			actions = append(actions, m.Action+" "+m.ID+m.Match)
			switch {
			case m.ID == "r1":
				s.Push(first)
				s.Push(&waggle.Ended{Match: "m1", Reason: waggle.Completed})
				s.Push(&waggle.Waiting{ID: "r1", ExpiresAt: time.Now().Add(time.Hour).UnixMilli()})
			case m.ID == "r2":
				s.Push(first)
				s.Push(&waggle.Matched{ID: "r2", Match: "m2", Role: waggle.Matcher})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		for n := 1; n <= 2; n++ {
			out, err := c.Match(fx.t.Context(), waggle.Match{ID: fmt.Sprint("r", n)})
			if err != nil || out.Matched == nil || out.Matched.Match != fmt.Sprint("m", n) {
				t.Errorf("r%d: got %+v, %v", n, out, err)
			}
			synctest.Wait()
		}
		if diff := cmp.Diff([]string{"match r1", "match r2"}, actions); diff != "" {
			t.Errorf("messages: got +, want -\n%s", diff)
		}
		if diff := cmp.Diff([]string{"ended m1 completed"}, fx.told(c)); diff != "" {
			t.Errorf("events: got +, want -\n%s", diff)
		}
	})
}

// The match is older than the request that is made while the client is offline.
func TestAMatchOfAWelcomeIsNotTheOutcomeOfALaterRequest(t *testing.T) {
	old := &waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m0", Role: waggle.Matcher}}
	script := func(s *waggletest.Socket) {
		if s.Welcome(old); s.Attempt == 0 {
			return
		}
		m, _ := s.Await("match")
		s.Push(&waggle.Matched{ID: m.ID, Request: "r0", Match: "m0", Role: waggle.Matcher})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		synctest.Wait() // it is offline
		if out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1"}); code(err) != waggle.CodeConflict {
			t.Errorf("got %+v, %v, want a conflict", out, err)
		}
		if told := fx.told(c); told != nil {
			t.Errorf("events: %v", told)
		}
	})
}

// A welcome without an id says that the server has lost or doubts what it knew.
func TestAnUnaskedWelcomeIsHowThingsStand(t *testing.T) {
	matched := &waggle.Matched{Match: "m1", Role: waggle.Matchee}
	waiting := &waggle.Waiting{ID: "r1", ExpiresAt: time.Now().Add(24 * time.Hour).UnixMilli()}
	for _, test := range []struct {
		name   string
		before waggle.Frame
		stands *waggle.Welcome
		after  waggle.Frame
		events []string
	}{
		{"a match is lost", matched, nil, nil, []string{"matched  m1", "ended m1 lost"}},
		{"a match is lost, whose end comes late", matched, nil, &waggle.Ended{Match: "m1", Reason: waggle.Completed}, []string{"matched  m1", "ended m1 lost"}},
		{"a match goes on", matched, &waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m1"}}, nil, []string{"matched  m1"}},
		{"a match is lost, and another began", matched, &waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m2"}}, nil, []string{"matched  m1", "ended m1 lost"}},
		{"a request is lost", waiting, nil, nil, []string{"waiting r1", "no_match r1 0"}},
		{"a request is lost, whose end comes late", waiting, nil, &waggle.NoMatch{ID: "r1", Radius: 5}, []string{"waiting r1", "no_match r1 0"}},
		{"a request stays open", waiting, &waggle.Welcome{Request: &waggle.WelcomeRequest{ID: "r1", ExpiresAt: waiting.ExpiresAt}}, nil, []string{"waiting r1"}},
		{"another request is open", waiting, &waggle.Welcome{Request: &waggle.WelcomeRequest{ID: "r2", ExpiresAt: waiting.ExpiresAt}}, nil,
			[]string{"waiting r1", "no_match r1 0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(nil)
				s.Push(test.before)
				s.Lose(test.stands)
				if test.after != nil {
					s.Push(test.after)
				}
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				if diff := cmp.Diff(test.events, fx.told(c)); diff != "" {
					t.Errorf("events: got +, want -\n%s", diff)
				}
			})
		})
	}
}

func TestAMatchWhoseRequestIsLostFindsNobody(t *testing.T) {
	for _, open := range []bool{true, false} {
		script := func(s *waggletest.Socket) {
			s.Welcome(nil)
			m, _ := s.Await("match")
			if open {
				s.Push(&waggle.Waiting{ID: m.ID, ExpiresAt: time.Now().Add(time.Hour).UnixMilli()})
			}
			s.Lose(nil)
			if !open { // it began after the loss
				s.Push(&waggle.Matched{ID: m.ID, Match: "m1", Role: waggle.Matcher})
			}
			s.Drain()
		}
		inBubble(t, script, func(fx *fixture) {
			c := fx.connect()
			defer c.Close()
			start := time.Now()
			out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1", Radius: 700, Wait: 60})
			want := waggle.Outcome{NoMatch: &waggle.NoMatch{ID: "r1", Radius: 700}}
			if !open {
				want = waggle.Outcome{Matched: &waggle.Matched{ID: "r1", Match: "m1", Role: waggle.Matcher}}
			}
			if diff := cmp.Diff(want, out); err != nil || diff != "" || time.Since(start) > time.Second {
				t.Errorf("open %t: %v after %v: got +, want -\n%s", open, err, time.Since(start), diff)
			}
		})
	}
}

// The hello is said once more if its welcome is lost: that one is asked for.
func TestARepeatedHelloIsAnsweredByItsWelcome(t *testing.T) {
	var ids []string
	script := func(s *waggletest.Socket) {
		for range 2 {
			m, ok := s.Await("hello")
			if !ok {
				return
			}
			ids = append(ids, m.ID)
		}
		s.Push(&waggle.Welcome{ID: ids[1]})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		if ids[0] == "" || ids[0] != ids[1] {
			t.Errorf("got the ids %q, want the same twice", ids)
		}
	})
}

// A client that does not know what a newer server says goes on.
func TestAClientGoesOnWithWhatANewerServerAdds(t *testing.T) {
	script := func(s *waggletest.Socket) {
		h, _ := s.Await("hello")
		s.PushRaw(`{"type":"weather","sky":{"clouds":3}}`)
		s.PushRaw(`{"type":"welcome","id":"` + h.ID + `","weather":{"sky":[1]},"report":{"afterSeconds":30,"sky":2}}`)
		m, _ := s.Await("match")
		s.PushRaw(`{"type":"weather","id":"` + m.ID + `"}`)
		s.PushRaw(`{"type":"matched","id":"` + m.ID + `","match":"m1","role":"matcher","sky":null}`)
		e, _ := s.Await("end")
		s.PushRaw(`{"type":"ended","match":"m1","id":"` + e.ID + `","reason":"rain"}`)
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		out, err := c.Match(fx.t.Context(), waggle.Match{Wait: 60})
		if err != nil || out.Matched == nil {
			t.Fatalf("Match: got %+v, %v", out, err)
		}
		ended, err := c.End(fx.t.Context(), "m1", "")
		if err != nil || ended.Reason != "rain" {
			t.Errorf("End: got %+v, %v", ended, err)
		}
	})
}
