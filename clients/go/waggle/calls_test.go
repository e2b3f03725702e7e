package waggle_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

func TestAnAnswerIsReturnedByItsCall(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		var ping, match waggletest.Message
		for ping.ID == "" || match.ID == "" {
			m, ok := s.Receive()
			if !ok {
				return
			}
			switch m.Action {
			case "ping":
				ping = m
			case "match":
				match = m
			}
		}
		// In another order, and mixed with frames that answer neither.
		s.Push(&waggle.Waiting{ID: match.ID, ExpiresAt: time.Now().Add(time.Minute).UnixMilli()})
		s.Push(&waggle.Matched{ID: match.ID, Match: "m1", Role: "matcher"})
		s.Push(&waggle.Pong{ID: "of another", Now: 1})
		s.Push(&waggle.Pong{ID: ping.ID, Now: 42})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		var both sync.WaitGroup
		both.Go(func() {
			pong, err := c.Ping(fx.t.Context())
			if err != nil || pong.Now != 42 {
				t.Errorf("Ping: got %+v, %v, want 42", pong, err)
			}
		})
		both.Go(func() {
			out, err := c.Match(fx.t.Context(), waggle.Match{Wait: 60})
			if err != nil || out.Matched == nil || out.Matched.Match != "m1" {
				t.Errorf("Match: got %+v, %v, want m1", out, err)
			}
		})
		both.Wait()
		if _, ok := fx.next(c).(*waggle.Waiting); !ok {
			t.Error("got no event Waiting")
		}
	})
}

func TestMatchReturnsEveryOutcome(t *testing.T) {
	tests := []struct {
		name   string
		answer func(id string) waggle.Frame
		want   waggle.Outcome
		err    *waggle.Error
	}{
		{"nobody", func(id string) waggle.Frame { return &waggle.NoMatch{ID: id, Radius: 3000} },
			waggle.Outcome{NoMatch: &waggle.NoMatch{ID: "r1", Radius: 3000}}, nil},
		{"cancelled elsewhere, by a frame without the id", func(string) waggle.Frame { return &waggle.Ended{Reason: "cancelled"} },
			waggle.Outcome{Ended: &waggle.Ended{Reason: "cancelled"}}, nil},
		{"refused", func(id string) waggle.Frame {
			return &waggle.ErrorFrame{ID: id, Code: "rate_limited", Message: "later", Retryable: true}
		}, waggle.Outcome{}, &waggle.Error{Code: "rate_limited", Message: "later", Retryable: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(nil)
				m, _ := s.Await("match")
				s.Push(tt.answer(m.ID))
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				got, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1"})
				var refused *waggle.Error
				errors.As(err, &refused)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("outcome: got +, want -\n%s", diff)
				}
				if diff := cmp.Diff(tt.err, refused); diff != "" {
					t.Errorf("error: got +, want -\n%s", diff)
				}
			})
		})
	}
}

func TestMatchSurvivesAReconnect(t *testing.T) {
	peer := waggle.Peer{Lat: 37.7, Lng: -122.4, At: 5}
	tests := []struct {
		name   string
		second func(s *waggletest.Socket, id string) // the second connection
		want   string
	}{
		{"the message did not arrive", func(s *waggletest.Socket, id string) {
			s.Welcome(nil)
			m, _ := s.Await("match")
			s.Push(&waggle.Matched{ID: m.ID, Match: "again " + m.ID})
		}, "again r1"},
		{"the outcome did not arrive", func(s *waggletest.Socket, id string) {
			s.Welcome(&waggle.Welcome{Match: &waggle.WelcomeMatch{Match: "m1", Role: "matcher", State: "active", Peer: peer}})
		}, "m1"},
		{"the request is still open", func(s *waggletest.Socket, id string) {
			expires := time.Now().Add(time.Minute).UnixMilli()
			s.Welcome(&waggle.Welcome{Request: &waggle.WelcomeRequest{ID: id, ExpiresAt: expires}})
			welcomed := time.Now()
			if m, ok := s.Receive(); ok && m.Action == "match" && time.Since(welcomed) < 20*time.Second {
				s.Push(&waggle.Matched{ID: m.ID, Match: "asked twice"})
			}
			s.Push(&waggle.Matched{ID: id, Match: "m2"})
		}, "m2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				if s.Attempt == 0 {
					s.Welcome(nil)
					s.Await("match")
					return
				}
				tt.second(s, "r1")
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				c := fx.connect()
				defer c.Close()
				out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1", Wait: 60})
				if err != nil || out.Matched == nil || out.Matched.Match != tt.want {
					t.Errorf("got %+v, %v, want %s", out.Matched, err, tt.want)
				}
			})
		})
	}
}

func TestEndIsAnsweredByTheEndOfItsMatchAlone(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		m, _ := s.Await("end")
		s.Push(&waggle.Ended{Match: "another", Reason: "completed"})
		s.Push(&waggle.Ended{Match: m.Match, Reason: "cancelled"}) // the peer was first
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		ended, err := c.End(fx.t.Context(), "m1", waggle.Completed)
		if err != nil || ended.Match != "m1" || ended.Reason != "cancelled" {
			t.Errorf("got %+v, %v, want m1 cancelled", ended, err)
		}
		fx.want(c, &waggle.Ended{Match: "another", Reason: "completed"})
	})
}

func TestSayIsAnsweredAndWhatThePeerSaysIsAnEvent(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.Said{ID: "late", Match: "m1"}) // answers a call that was given up
		s.Push(&waggle.Said{Match: "m1", Data: []byte(`"hi"`)})
		m, _ := s.Await("say")
		s.Push(&waggle.Said{ID: m.ID, Match: m.Match})
		s.Push(&waggle.Ended{Match: "m1", Reason: "completed"})
		s.Push(&waggle.Said{Match: "m1", Data: []byte(`"late"`)})
		refused, _ := s.Await("say")
		s.Push(&waggle.ErrorFrame{ID: refused.ID, Code: waggle.CodeNotFound, Message: string(m.Data)})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		fx.want(c, &waggle.Said{Match: "m1", Data: []byte(`"hi"`)})
		if err := c.Say(fx.t.Context(), "m1", map[string]int{"eta": 3}); err != nil {
			t.Error(err)
		}
		fx.want(c, &waggle.Ended{Match: "m1", Reason: "completed"})
		refused := (*waggle.Error)(nil)
		if err := c.Say(fx.t.Context(), "m1", 1); !errors.As(err, &refused) || refused.Message != `{"eta":3}` {
			t.Errorf("got %v, want the refusal with what was said first", err)
		}
		if err := c.Say(fx.t.Context(), "m1", func() {}); err == nil {
			t.Error("a function was said")
		}
		if rest := fx.rest(c); len(rest) > 0 {
			t.Errorf("got the events %v", rest)
		}
	})
}

func TestNearbyReturnsTheCountsOfItsAnswer(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.NearbyFrame{ID: "late"}) // answers a call that was given up
		m, _ := s.Await("nearby")
		s.Push(&waggle.NearbyFrame{ID: m.ID, Cells: []waggle.CellCount{{Cell: "86283080fffffff", Count: 3}}})
		refused, _ := s.Await("nearby")
		s.Push(&waggle.ErrorFrame{ID: refused.ID, Code: waggle.CodeConflict})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		near, err := c.Nearby(fx.t.Context())
		if err != nil || len(near.Cells) != 1 || near.Cells[0].Count != 3 {
			t.Errorf("got %+v, %v", near, err)
		}
		refused := (*waggle.Error)(nil)
		if _, err := c.Nearby(fx.t.Context()); !errors.As(err, &refused) || refused.Code != waggle.CodeConflict {
			t.Errorf("got %v, want a conflict", err)
		}
		if rest := fx.rest(c); len(rest) > 0 {
			t.Errorf("got the events %v", rest)
		}
	})
}

func TestReportWhenDueFollowsTheAdvice(t *testing.T) {
	reports := 0
	script := func(s *waggletest.Socket) {
		s.Welcome(&waggle.Welcome{Report: waggle.Report{AfterSeconds: 10, MoveMeters: 50}})
		for {
			m, ok := s.Receive()
			if !ok {
				return
			}
			if m.Action == "location" {
				reports++
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		if diff := cmp.Diff(waggle.Report{AfterSeconds: 10, MoveMeters: 50}, c.Advice()); diff != "" {
			t.Errorf("advice: got +, want -\n%s", diff)
		}
		for i, step := range []struct {
			after time.Duration
			lat   float64
			want  bool
		}{
			{0, 37.0, true},                         // the first
			{time.Second, 37.0001, false},           // 11 m away
			{time.Second, 37.0005, true},            // 55 m away
			{9 * time.Second, 37.0005, false},       // too early by 1 s
			{time.Second, 37.0005, true},            // after 10 s
			{time.Second, 37.0005 + 0.00044, false}, // 49 m away
		} {
			time.Sleep(step.after)
			sent, err := c.ReportWhenDue(fx.t.Context(), waggle.Location{Lat: step.lat, Lng: -122})
			if err != nil || sent != step.want {
				t.Errorf("step %d: got %t, %v, want %t", i, sent, err, step.want)
			}
		}
		synctest.Wait()
		if reports != 3 {
			t.Errorf("reports that arrived: got %d, want 3", reports)
		}
	})
}

func TestReportFailsWithoutAConnection(t *testing.T) {
	inBubble(t, func(s *waggletest.Socket) { s.Welcome(nil) }, func(fx *fixture) {
		fx.Refuse(0, 503, 503, 503, 503, 503, 503)
		c := fx.connect()
		fx.welcome(c)
		time.Sleep(time.Millisecond)
		if err := c.Report(fx.t.Context(), waggle.Location{}); !errors.Is(err, waggle.ErrOffline) {
			t.Errorf("got %v, want ErrOffline", err)
		}
		c.Close()
		if err := c.Report(fx.t.Context(), waggle.Location{}); !errors.Is(err, waggle.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	})
}
