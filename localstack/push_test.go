package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// A push is refused with 410 although the connection is open.
func TestPushesToAConnectionThatSeemsGone(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ana, ben := s.join("ana"), s.join("ben")
		match := pair(t, ana, ben)
		refuse := s.refuseWith410(s.connectionOf("ana"))

		refuse(1)
		s.reportAndWait(ben, 37.777)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Match == match && l.Lat == 37.777 })
		if got := refuse(2); got != 2 {
			t.Errorf("a young connection, 410 once: pushed to %d times, want 2", got)
		}
		s.reportAndWait(ben, 37.7775)
		if got := refuse(0); got != 2 {
			t.Errorf("a young connection, 410 twice: pushed to %d times, want 2", got)
		}
		s.reportAndWait(ben, 37.778)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.778 })

		s.advance(11 * time.Second)
		refuse(1)
		s.reportAndWait(ben, 37.7785)
		s.reportAndWait(ben, 37.779)
		if got := refuse(0); got != 1 {
			t.Errorf("an old connection, 410 once: pushed to %d times, want once", got)
		}
		ana.Drop()
		if w := next(t, ana, func(*waggle.Welcome) bool { return true }); w.Match == nil || w.Match.Match != match || w.Match.Peer.Lat != 37.779 {
			t.Errorf("ana resumes: got %+v, want match %s and ben's latest location", w.Match, match)
		}
		s.reportAndWait(ben, 37.7795)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.7795 })
	})
}

// refuseWith410 refuses pushes to a connection. Each call of refuse says how many of the
// next pushes to refuse, and returns how many pushes there were since the last call.
func (s *controlledStack) refuseWith410(connection string) (refuse func(first int) (pushes int)) {
	var mu sync.Mutex
	left, seen := 0, 0
	s.onPost(func(to string) int {
		mu.Lock()
		defer mu.Unlock()
		if to != connection {
			return 0
		}
		seen++
		if seen <= left {
			return http.StatusGone
		}
		return 0
	})
	return func(first int) (pushes int) {
		mu.Lock()
		defer mu.Unlock()
		pushes, left, seen = seen, first, 0
		return pushes
	}
}

// Before $connect has returned, API Gateway does not know the connection.
func TestAPushBeforeConnectReturnsIsRetriedOrNotMissed(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ben, old := s.join("ben"), s.dial("ana")
		match := s.pairRaw(old, ben)

		// $connect returns before the push is retried.
		connect := s.holdResult(connectEvent, "ana", "")
		connected := s.startDial("ana")
		connect.waitUntilHeld(t)
		newest, tries := s.connectionOf("ana"), 0
		ready := make(chan *rawConn, 1)
		s.onPost(func(to string) int {
			if to == newest {
				if tries++; tries == 2 {
					connect.release()
					ready <- connected()
				}
			}
			return 0
		})
		s.reportAndWait(ben, 37.777)
		var ana *rawConn
		select {
		case ana = <-ready:
		case <-time.After(10 * time.Second):
			t.Fatal("timed out waiting for the retry")
		}
		if l := receiveInNewSession[*waggle.LocationFrame](ana); l.Match != match || l.Lat != 37.777 {
			t.Errorf("got %+v, want the location that was pushed before $connect returned", l)
		}
		s.onPost(nil)
		ana.sendText(`{"action":"end","id":"e","match":"` + match + `"}`)
		receiveA[*waggle.Ended](ana)

		// $connect returns after the retry: the welcome has the match, and ana stays listed.
		connect = s.holdResult(connectEvent, "ana", "")
		connected = s.startDial("ana")
		connect.waitUntilHeld(t)
		handled := s.watch(messageEvent, "ben", `"match"`)
		outcome, err := ben.Match(t.Context(), waggle.Match{})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want ana", outcome, err)
		}
		handled.releaseAndWait(t) // the push to ana has failed, and its retry
		connect.release()
		ana = connected()
		if m := ana.hello().Match; m == nil || m.Match != outcome.Matched.Match || m.Role != waggle.Matchee {
			t.Errorf("got %+v, want match %s", m, outcome.Matched.Match)
		}
		if _, err := ben.End(t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
			t.Fatal(err)
		}
		if !s.isFoundAt(lat, lng) {
			t.Error("ana is no longer found")
		}
	})
}

// A push that is refused with 429 is not retried, and the connection stays open. The
// client repeats its message.
func TestAClientRepeatsAMessageWhoseReplyIsLost(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ben := s.join("ben")
		s.reportAndWait(ben, 37.7764)
		token := s.token("member", "ana")
		ana, err := waggle.Connect(t.Context(), waggle.Options{URL: s.api, Grace: time.Millisecond, // it repeats every 100 ms
			Token: func(context.Context) (string, error) { return token, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer ana.Close()
		for name, call := range map[string]func() error{
			"ping":  func() error { _, err := ana.Ping(t.Context()); return err },
			"hello": func() error { _, err := ana.Hello(t.Context()); return err },
			"match": func() error {
				outcome, err := ana.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}})
				if err == nil && outcome.Matched == nil {
					err = fmt.Errorf("got %+v, want ben", outcome)
				}
				return err
			},
		} {
			refused := s.refuseWith429(s.connectionOf("ana"))
			if err := call(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !refused.Load() {
				t.Errorf("%s: no reply was refused", name)
			}
		}
		if w := hello(t, ben); w.Match == nil {
			t.Error("ben is in no match")
		}
		if got := s.count(connectEvent, "ana"); got != 1 {
			t.Errorf("ana connected %d times, want once", got)
		}
	})
}

// refuseWith429 refuses the next push to a connection with 429.
func (s *controlledStack) refuseWith429(connection string) (refused *atomic.Bool) {
	refused = new(atomic.Bool)
	s.onPost(func(to string) int {
		if to == connection && refused.CompareAndSwap(false, true) {
			return http.StatusTooManyRequests
		}
		return 0
	})
	return refused
}

// After a push with 410 the connection is forgotten, although it is open. Its next message
// closes it, and its client reconnects.
func TestAForgottenConnectionIsClosedAtItsNextMessage(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ana, ben := s.join("ana"), s.join("ben")
		match := pair(t, ana, ben)
		s.advance(11 * time.Second)
		refuse := s.refuseWith410(s.connectionOf("ana"))
		refuse(1)
		s.reportAndWait(ben, 37.777)
		if err := ana.Report(t.Context(), waggle.Location{Lat: lat, Lng: lng}); err != nil {
			t.Fatal(err)
		}
		until(t, "ana to connect again", func() bool { return s.count(connectEvent, "ana") == 2 })
		s.reportAndWait(ben, 37.778)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Match == match && l.Lat == 37.778 })
	})
}
