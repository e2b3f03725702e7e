package waggle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// rest returns the events of the next 10 s. Of a welcome it keeps the match alone.
func (fx *fixture) rest(c *waggle.Client) []waggle.Frame {
	fx.t.Helper()
	ctx, cancel := context.WithTimeout(fx.t.Context(), 10*time.Second)
	defer cancel()
	var events []waggle.Frame
	for event := range c.Events(ctx) {
		if w, ok := event.(*waggle.Welcome); ok {
			event = &waggle.Welcome{Match: w.Match}
		}
		events = append(events, event)
	}
	return events
}

func TestAnEndWhileOfflineIsAnEvent(t *testing.T) {
	matched := &waggle.Matched{Match: "m1", Role: waggle.Matchee}
	lost := &waggle.Ended{Match: "m1", Reason: waggle.Lost}
	ended := &waggle.Ended{Match: "m1", Reason: waggle.Completed}
	another := &waggle.WelcomeMatch{Match: "m2"}
	later := time.Now().Add(24 * time.Hour).UnixMilli()
	tests := []struct {
		name   string
		first  []waggle.Frame // on the first connection, after its welcome
		second *waggle.Welcome
		after  []waggle.Frame // on the second
		want   []waggle.Frame // all events
	}{
		{"a match ended", []waggle.Frame{matched}, nil, nil,
			[]waggle.Frame{&waggle.Welcome{}, matched, lost, &waggle.Welcome{}}},
		{"a match ended and another began", []waggle.Frame{matched}, &waggle.Welcome{Match: another}, nil,
			[]waggle.Frame{&waggle.Welcome{}, matched, lost, &waggle.Welcome{Match: another}}},
		{"the end came before the connection dropped", []waggle.Frame{matched, ended}, nil, nil,
			[]waggle.Frame{&waggle.Welcome{}, matched, ended, &waggle.Welcome{}}},
		{"the end comes after the welcome", []waggle.Frame{matched}, nil, []waggle.Frame{ended},
			[]waggle.Frame{&waggle.Welcome{}, matched, lost, &waggle.Welcome{}}},
		{"the match goes on", []waggle.Frame{matched}, &waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m1"}}, []waggle.Frame{ended},
			[]waggle.Frame{&waggle.Welcome{}, matched, &waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m1"}}, ended}},
		{"the end did not come before the next match", []waggle.Frame{matched, &waggle.Matched{Match: "m2"}},
			&waggle.Welcome{Match: another}, nil,
			[]waggle.Frame{&waggle.Welcome{}, matched, lost, &waggle.Matched{Match: "m2"}, &waggle.Welcome{Match: another}}},
		{"a request ended", []waggle.Frame{&waggle.Waiting{ID: "r1", ExpiresAt: later}}, nil, nil,
			[]waggle.Frame{&waggle.Welcome{}, &waggle.Waiting{ID: "r1", ExpiresAt: later},
				&waggle.Ended{ID: "r1", Reason: waggle.Lost}, &waggle.Welcome{}}},
		{"a request led to a match", []waggle.Frame{&waggle.Waiting{ID: "r1", ExpiresAt: later}},
			&waggle.Welcome{Match: another}, nil,
			[]waggle.Frame{&waggle.Welcome{}, &waggle.Waiting{ID: "r1", ExpiresAt: later}, &waggle.Welcome{Match: another}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				if s.Attempt == 0 {
					s.Welcome(nil)
					for _, f := range tt.first {
						s.Push(f)
					}
					return // the connection is cut
				}
				s.Welcome(tt.second)
				for _, f := range tt.after {
					s.Push(f)
				}
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				got := fx.rest(c)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("events: got +, want -\n%s", diff)
				}
			})
		})
	}
}

// The server answers the repeated call with the true reason.
func TestAWaitingCallReturnsTheTrueReason(t *testing.T) {
	script := func(s *waggletest.Socket) {
		if s.Attempt == 0 {
			s.Welcome(nil)
			s.Push(&waggle.Matched{Match: "m1"})
			s.Await("end")
			return
		}
		s.Welcome(nil)
		m, _ := s.Await("end")
		s.Push(&waggle.Ended{ID: m.ID, Match: "m1", Reason: waggle.Cancelled})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		ended, err := c.End(fx.t.Context(), "m1", waggle.Completed)
		if err != nil || ended.Reason != waggle.Cancelled {
			t.Errorf("got %+v, %v, want cancelled", ended, err)
		}
		want := []waggle.Frame{&waggle.Welcome{}, &waggle.Matched{Match: "m1"}, &waggle.Welcome{}}
		if diff := cmp.Diff(want, fx.rest(c)); diff != "" {
			t.Errorf("events: got +, want -\n%s", diff)
		}
	})
}

// A match that began after the hello may overtake the welcome, so that welcome does
// not end it. The next welcome does.
func TestAnOvertakenWelcomeEndsNothing(t *testing.T) {
	matched := &waggle.Matched{Match: "m1", Role: waggle.Matchee}
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		overtaken, _ := s.Await("hello")
		s.Push(matched)
		s.Push(&waggle.Welcome{ID: overtaken.ID})
		since, _ := s.Await("hello")
		s.Push(&waggle.Welcome{ID: since.ID})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		hello := func() {
			if _, err := c.Hello(fx.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		hello()
		fx.want(c, matched)
		synctest.Wait()
		hello()
		fx.want(c, &waggle.Ended{Match: "m1", Reason: waggle.Lost})
		if more := fx.rest(c); more != nil {
			t.Errorf("more events: %v", more)
		}
	})
}
