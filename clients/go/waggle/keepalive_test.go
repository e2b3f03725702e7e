package waggle_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

func TestSomethingIsSentEveryThirdOfTheGraceTime(t *testing.T) {
	type message struct {
		Action string
		After  time.Duration
	}
	var messages []message
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.Matched{Match: "m1", Role: "matchee"})
		start := time.Now()
		for {
			m, ok := s.Receive()
			if !ok {
				return
			}
			messages = append(messages, message{m.Action, time.Since(start)})
			s.Push(&waggle.Pong{ID: m.ID})
			if m.Action == "location" {
				s.Push(&waggle.Ended{Match: "m1", Reason: "completed"})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		fx.opts.Grace = 30 * time.Second
		c := fx.connect()
		defer c.Close()
		time.Sleep(25 * time.Second)
		if err := c.Report(fx.t.Context(), waggle.Location{}); err != nil {
			t.Fatal(err)
		}
		// During the match every 10 s, afterwards every five minutes.
		want := []message{
			{"ping", 10 * time.Second}, {"ping", 20 * time.Second}, {"location", 25 * time.Second},
			{"ping", 25*time.Second + 5*time.Minute},
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(want, messages); diff != "" {
			t.Errorf("messages: got +, want -\n%s", diff)
		}
	})
}

func TestTheClientPingsAfterTheDeadlineOfItsRequest(t *testing.T) {
	const serverAhead = time.Hour // the deadline is by its clock
	script := func(s *waggletest.Socket) {
		hello, _ := s.Receive()
		s.Push(&waggle.Welcome{ID: hello.ID, Now: time.Now().Add(serverAhead).UnixMilli()})
		m, _ := s.Await("match")
		expires := time.Now().Add(5 * time.Second)
		s.Push(&waggle.Waiting{ID: m.ID, ExpiresAt: expires.Add(serverAhead).UnixMilli()})
		if _, ok := s.Await("ping"); !ok || time.Now().Before(expires) {
			return // too early: the request is still open
		}
		s.Push(&waggle.NoMatch{ID: m.ID, Radius: 3000})
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		start := time.Now()
		out, err := c.Match(fx.t.Context(), waggle.Match{Wait: 5})
		if err != nil || out.NoMatch == nil {
			t.Fatalf("got %+v, %v, want no match", out, err)
		}
		if got := time.Since(start); got > 6*time.Second {
			t.Errorf("the outcome came after %v, want it right after 5s", got)
		}
	})
}

func TestADeadConnectionIsDropped(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		if s.Attempt > 0 {
			s.Drain()
			return
		}
		s.Push(&waggle.Matched{Match: "m1", Role: "matchee"})
		s.Drain() // it answers nothing
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		fx.next(c)
		start := time.Now()
		fx.want(c, &waggle.Ended{Match: "m1", Reason: waggle.Lost}) // this server has no state
		fx.welcome(c)                                               // on the second connection
		if got, want := time.Since(start), 40*time.Second+125*time.Millisecond; got != want {
			t.Errorf("connected again after %v, want %v: a third of the grace time and 20 s", got, want)
		}
	})
}

func TestHelloIsRepeatedUntilAWelcomeComes(t *testing.T) {
	for name, meanwhile := range map[string]func(*waggletest.Socket){
		"it is lost": func(*waggletest.Socket) {},
		"API Gateway refuses it": func(s *waggletest.Socket) {
			s.PushRaw(`{"message":"Internal server error","connectionId":"c","requestId":"r"}`)
		},
		"the peer's locations come anyway": func(s *waggletest.Socket) { s.Push(&waggle.LocationFrame{Match: "m1"}) },
	} {
		t.Run(name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Await("hello") // and do not answer
				meanwhile(s)
				s.Welcome(&waggle.Welcome{Member: "ana"})
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				start := time.Now()
				c := fx.connect()
				defer c.Close()
				if got, want := time.Since(start), 5*time.Second; got != want {
					t.Errorf("welcomed after %v, want %v", got, want)
				}
			})
		})
	}
}

func TestACallIsSentAgainWhenItsAnswerIsLost(t *testing.T) {
	expires := time.Now().Add(24 * time.Hour).UnixMilli()
	var asked []time.Duration
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		start := time.Now()
		for {
			m, ok := s.Receive()
			if !ok {
				return
			}
			if m.Action == "location" {
				continue
			}
			if m.Action != "match" || m.ID != "r1" {
				t.Errorf("got %+v, want the match again", m)
			}
			asked = append(asked, time.Since(start))
			s.Push(&waggle.Waiting{ID: m.ID, ExpiresAt: expires})
			if len(asked) == 3 { // the first two outcomes were lost
				s.Push(&waggle.Matched{ID: m.ID, Match: "m1", Role: waggle.Matcher})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		done := make(chan struct{})
		go func() { // with a report each second no keep-alive is due
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Second):
					_ = c.Report(fx.t.Context(), waggle.Location{})
				}
			}
		}()
		out, err := c.Match(fx.t.Context(), waggle.Match{ID: "r1", Wait: 600})
		if err != nil || out.Matched == nil || out.Matched.Match != "m1" {
			t.Errorf("got %+v, %v, want m1", out, err)
		}
		close(done)
		if diff := cmp.Diff([]time.Duration{0, 20 * time.Second, 40 * time.Second}, asked); diff != "" {
			t.Errorf("asked at: got +, want -\n%s", diff)
		}
		fx.want(c, &waggle.Waiting{ID: "r1", ExpiresAt: expires}) // once
		if more := fx.rest(c); more != nil {
			t.Errorf("more events: %v", more)
		}
	})
}

// One push in five may fail. The connection works, so it is not to be taken for dead.
func TestAMessageIsSentAgainFiveSecondsLaterWhenItsAnswerIsLost(t *testing.T) {
	type message struct {
		Action string
		After  time.Duration
	}
	var messages []message
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		start := time.Now()
		for {
			m, ok := s.Receive()
			if !ok {
				return
			}
			if m.Action == "location" {
				continue
			}
			messages = append(messages, message{m.Action, time.Since(start)})
			switch len(messages) {
			case 3:
				s.Push(&waggle.Matched{ID: m.ID, Match: "m1", Role: waggle.Matcher})
			case 7:
				s.Push(&waggle.Pong{ID: m.ID})
			}
		}
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		out, err := c.Match(fx.t.Context(), waggle.Match{})
		if err != nil || out.Matched == nil {
			t.Errorf("got %+v, %v, want the match", out, err)
		}
		time.Sleep(32 * time.Second)
		for range 10 { // a report gets no answer
			_ = c.Report(fx.t.Context(), waggle.Location{})
			time.Sleep(time.Second)
		}
		const s = time.Second
		want := []message{{"match", 0}, {"match", 5 * s}, {"match", 10 * s}, {"ping", 30 * s}, {"ping", 35 * s}, {"ping", 40 * s}, {"ping", 45 * s}}
		if diff := cmp.Diff(want, messages); diff != "" {
			t.Errorf("messages: got +, want -\n%s", diff)
		}
	})
}
