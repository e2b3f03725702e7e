package waggle_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

func TestSendsSomethingEveryThirdOfTheGraceTime(t *testing.T) {
	type beat struct {
		Action string
		After  time.Duration
	}
	var beats []beat
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.Matched{Match: "m1", Role: "matchee"})
		start := time.Now()
		for {
			m, ok := s.Receive()
			if !ok {
				return
			}
			beats = append(beats, beat{m.Action, time.Since(start)})
			s.Push(&waggle.Pong{ID: m.ID})
			if m.Action == "location" {
				s.Push(&waggle.Ended{Match: "m1", Reason: "completed"})
			}
		}
	}
	inBubble(t, play, func(b *bench) {
		b.opts.Grace = 30 * time.Second
		c := b.connect()
		defer c.Close()
		time.Sleep(25 * time.Second)
		if err := c.Report(b.t.Context(), waggle.Location{}); err != nil {
			t.Fatal(err)
		}
		// Matched: every 10 s. Afterwards: only against the platform's ten minutes.
		want := []beat{
			{"ping", 10 * time.Second}, {"ping", 20 * time.Second}, {"location", 25 * time.Second},
			{"ping", 25*time.Second + 5*time.Minute},
		}
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(want, beats); diff != "" {
			t.Errorf("beats: got +, want -\n%s", diff)
		}
	})
}

func TestAsksForTheOutcomeOfAnExpiredWait(t *testing.T) {
	const serverAhead = time.Hour // its clock, not ours, sets the deadline
	play := func(s *waggletest.Socket) {
		hello, _ := s.Receive()
		s.Push(&waggle.Welcome{ID: hello.ID, Now: time.Now().Add(serverAhead).UnixMilli()})
		m, _ := s.Await("match")
		expires := time.Now().Add(5 * time.Second)
		s.Push(&waggle.Waiting{ID: m.ID, ExpiresAt: expires.Add(serverAhead).UnixMilli()})
		if _, ok := s.Await("ping"); !ok || time.Now().Before(expires) {
			return // too early: nothing would come of it
		}
		s.Push(&waggle.NoMatch{ID: m.ID, Radius: 3000})
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		start := time.Now()
		out, err := c.Match(b.t.Context(), waggle.Match{Wait: 5})
		if err != nil || out.NoMatch == nil {
			t.Fatalf("got %+v, %v, want no match", out, err)
		}
		if got := time.Since(start); got > 6*time.Second {
			t.Errorf("the outcome came after %v, want it right after 5s", got)
		}
	})
}

func TestLeavesADeadConnection(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		if s.Attempt > 0 {
			s.Drain()
			return
		}
		s.Push(&waggle.Matched{Match: "m1", Role: "matchee"})
		s.Drain() // and never an answer
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		b.next(c)
		start := time.Now()
		b.want(c, &waggle.Ended{Match: "m1", Reason: waggle.Lost}) // this server forgets
		b.welcome(c)                                               // of the second connection
		if got, want := time.Since(start), 40*time.Second+125*time.Millisecond; got != want {
			t.Errorf("connected again after %v, want %v: a third of the grace time and 20 s", got, want)
		}
	})
}

func TestSaysHelloAgainWhenNoWelcomeComes(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Await("hello") // its answer is lost
		s.Welcome(&waggle.Welcome{Member: "ana"})
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		start := time.Now()
		c := b.connect()
		defer c.Close()
		if got, want := time.Since(start), 5*time.Second; got != want {
			t.Errorf("welcomed after %v, want %v", got, want)
		}
	})
}

func TestAsksAgainWhereAnAnswerWasLost(t *testing.T) {
	expires := time.Now().Add(24 * time.Hour).UnixMilli()
	var asked []time.Duration
	play := func(s *waggletest.Socket) {
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
			if len(asked) == 3 { // the outcome came before, and was lost
				s.Push(&waggle.Matched{ID: m.ID, Match: "m1", Role: waggle.Matcher})
			}
		}
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		done := make(chan struct{})
		go func() { // who reports all the time gives signs of life enough
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Second):
					_ = c.Report(b.t.Context(), waggle.Location{})
				}
			}
		}()
		out, err := c.Match(b.t.Context(), waggle.Match{ID: "r1", Wait: 600})
		if err != nil || out.Matched == nil || out.Matched.Match != "m1" {
			t.Errorf("got %+v, %v, want m1", out, err)
		}
		close(done)
		if diff := cmp.Diff([]time.Duration{0, 20 * time.Second, 40 * time.Second}, asked); diff != "" {
			t.Errorf("asked at: got +, want -\n%s", diff)
		}
		b.want(c, &waggle.Waiting{ID: "r1", ExpiresAt: expires}) // once
		if more := b.rest(c); more != nil {
			t.Errorf("more events: %v", more)
		}
	})
}
