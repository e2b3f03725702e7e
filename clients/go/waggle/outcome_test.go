package waggle_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// What a call would have told is returned by it or is an event: never both, never neither.
func TestAnEndIsReturnedOrTold(t *testing.T) {
	lost := func(s *waggletest.Socket, action string) waggletest.Message { // the server forgets all
		s.Welcome(nil)
		m, _ := s.Await(action)
		return m
	}
	refuse := func(code waggle.Code) func(s *waggletest.Socket, m waggletest.Message) {
		return func(s *waggletest.Socket, m waggletest.Message) { s.Push(&waggle.ErrorFrame{ID: m.ID, Code: code}) }
	}
	for _, test := range []struct {
		name   string
		drops  bool
		answer func(s *waggletest.Socket, m waggletest.Message)
		during func(c *waggle.Client) // the call
		want   string
		code   waggle.Code
		events []string
	}{
		{"the server came back empty", true, refuse(waggle.CodeNotFound), nil, waggle.Lost, "", nil},
		{"the server has lost it", false, refuse(waggle.CodeNotFound), nil, waggle.Lost, "", nil},
		{"the server says so first", false, func(s *waggletest.Socket, m waggletest.Message) {
			s.Lose(nil)
			refuse(waggle.CodeNotFound)(s, m)
		}, nil, waggle.Lost, "", nil},
		{"the server came back empty and is busy", true, refuse(waggle.CodeUnavailable), nil, "", waggle.CodeUnavailable, []string{"ended m1 lost"}},
		{"nobody waits any longer", true, func(*waggletest.Socket, waggletest.Message) {}, nil, "", "", []string{"ended m1 lost"}},
		{"the client is closed", true, func(*waggletest.Socket, waggletest.Message) {}, func(c *waggle.Client) { c.Close() }, "", "",
			[]string{"ended m1 lost"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				if s.Attempt == 0 {
					s.Welcome(nil)
					s.Push(&waggle.Matched{Match: "m1", Role: waggle.Matchee})
					m, _ := s.Await("end")
					if test.drops {
						return
					}
					test.answer(s, m)
				} else {
					test.answer(s, lost(s, "end"))
				}
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				fx.welcome(c)
				fx.next(c)
				ctx, cancel := context.WithTimeout(fx.t.Context(), 5*time.Second)
				defer cancel()
				if test.during != nil {
					time.AfterFunc(time.Second, func() { test.during(c) })
				}
				ended, err := c.End(ctx, "m1", waggle.Completed)
				reason := ""
				if ended != nil {
					reason = ended.Reason
				}
				if reason != test.want || code(err) != test.code || (err == nil) != (test.want != "") {
					t.Errorf("got %+v, %v, want %q, %q", ended, err, test.want, test.code)
				}
				if diff := cmp.Diff(test.events, fx.told(c)); diff != "" {
					t.Errorf("events: got +, want -\n%s", diff)
				}
			})
		})
	}
}

// The answer comes at the very moment in which the context ends.
func TestAnAnswerAtTheEndOfTheContextIsReturnedOrTold(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for {
			m, ok := s.Receive()
			switch {
			case !ok:
				return
			case m.Action == "end":
				s.Push(&waggle.Ended{ID: m.ID, Match: m.Match, Reason: waggle.Completed})
			case m.Action == "match":
				s.Push(&waggle.NoMatch{ID: m.ID})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		var ends func()
		fx.opts.OnFrame = func(dir waggle.Direction, _ []byte, _ time.Time) {
			if dir == waggle.Received && ends != nil {
				ends()
			}
		}
		c := fx.connect()
		defer c.Close()
		told := 0
		for n := range 200 {
			ctx, cancel := context.WithCancel(fx.t.Context())
			ends = cancel
			var err error
			if n%2 == 0 {
				_, err = c.End(ctx, fmt.Sprint("m", n), waggle.Completed)
			} else {
				_, err = c.Match(ctx, waggle.Match{ID: fmt.Sprint("r", n)})
			}
			if err == nil {
				told++
			}
			synctest.Wait()
		}
		if told += len(fx.told(c)); told != 200 {
			t.Errorf("told %d of 200 outcomes", told)
		}
	})
}

func TestAReportIsAnsweredOrItsLossIsTold(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for {
			m, ok := s.Await("location")
			switch {
			case !ok || m.ID == "cut":
				return
			case m.ID == "taken":
				s.Push(&waggle.Ack{ID: m.ID})
			case m.ID == "refused":
				s.Push(&waggle.ErrorFrame{ID: m.ID, Code: waggle.CodeStale})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		report := func(ids ...string) {
			for _, id := range ids {
				if err := c.Report(fx.t.Context(), waggle.Location{ID: id}); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
		}
		report("taken", "refused", "", "no answer", "cut")
		want := []string{"ack taken", "error refused stale", "error no answer unavailable", "error cut unavailable"}
		if diff := cmp.Diff(want, fx.told(c)); diff != "" {
			t.Errorf("events: got +, want -\n%s", diff)
		}
		report("at the end")
		if diff := cmp.Diff([]string{"error at the end unavailable"}, whileClosing(fx, c)); diff != "" {
			t.Errorf("events: got +, want -\n%s", diff)
		}
	})
}

// whileClosing closes the client, and returns the events that a program reads meanwhile.
func whileClosing(fx *fixture, c *waggle.Client) (words []string) {
	read := make(chan struct{})
	go func() {
		defer close(read)
		words = fx.told(c)
	}()
	synctest.Wait()
	c.Close()
	<-read
	return words
}

func TestAnEndThatIsWithheldIsToldBeforeTheClientEnds(t *testing.T) {
	script := func(s *waggletest.Socket) {
		if s.Welcome(nil); s.Attempt == 0 {
			s.Push(&waggle.Matched{Match: "m1", Role: waggle.Matchee})
			s.Await("end")
			return
		}
		s.Drain()
	}
	for range 50 { // it depends on which goroutine is first
		inBubble(t, script, func(fx *fixture) {
			c := fx.connect()
			fx.welcome(c)
			fx.next(c)
			go func() { _, _ = c.End(fx.t.Context(), "m1", waggle.Completed) }()
			time.Sleep(time.Second)
			if diff := cmp.Diff([]string{"ended m1 lost"}, whileClosing(fx, c)); diff != "" {
				t.Errorf("events: got +, want -\n%s", diff)
			}
		})
	}
}
