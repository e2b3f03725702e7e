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
	"waggle/internal/protocol"
)

// The tests of connections that are gone, or seem to be: $disconnect late or lost,
// and pushes that are refused with 410.

func TestALateDisconnectRemovesNothing(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		// again connects ana anew, and has the $disconnect before come after that.
		again := func(old *rawConn) (newer *rawConn) {
			t.Helper()
			goodbye := s.hold(disconnectEvent, "ana", "")
			_ = old.ws.CloseNow()
			goodbye.waitUntilHeld(t)
			newer = s.dial("ana")
			goodbye.releaseAndWait(t)
			return newer
		}
		ana := s.dial("ana")
		ana.report(lat, lng)
		ana = again(ana)
		if !s.isFoundAt(lat, lng) {
			t.Error("ana is not found after the late $disconnect of an older connection")
		}
		ana.wantFoundAndReleased()

		ben := s.join("ben")
		match := s.pairRaw(ana, ben)
		ana = again(ana)
		if m := ana.hello().Match; m == nil || m.Match != match {
			t.Errorf("got %+v, want match %s", m, match)
		}
		s.reportAndWait(ben, 37.777)
		if l := receive[*protocol.LocationFrame](ana); l.Lat != 37.777 {
			t.Errorf("got %+v", l)
		}
	})
}

func TestALostDisconnect(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		// vanish reports, and goes without anybody being told.
		vanish := func(member string, lat float64) {
			t.Helper()
			s.drop(disconnectEvent, member, "")
			c := s.dial(member)
			c.report(lat, lng)
			_ = c.ws.CloseNow()
			until(t, "the connection to end", func() bool { return s.count(disconnectEvent, member) == 1 })
		}
		const other, third = lat + 0.1, lat + 0.2

		// Found, with a young connection: not forgotten.
		vanish("ana", lat)
		for range 2 {
			if !s.isFoundAt(lat, lng) {
				t.Fatal("ana is not found, though nobody knows yet")
			}
		}
		// Never pushed to: not found once the report is old.
		vanish("cleo", other)
		s.advance(61 * time.Second)
		if s.isFoundAt(other, lng) {
			t.Error("cleo is found after her location's TTL")
		}
		// Found, with an old connection: forgotten, and the match kept.
		vanish("dan", third)
		s.advance(11 * time.Second)
		ben := s.join("ben")
		outcome, err := ben.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: third, Lng: lng}, Radius: 100})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want dan", outcome, err)
		}
		dan := s.dial("dan")
		if m := dan.hello().Match; m == nil || m.Match != outcome.Matched.Match || m.Role != protocol.RoleMatchee {
			t.Errorf("dan is back: got %+v, want match %s", m, outcome.Matched.Match)
		}
		// And again, until the match ends: dan is not listed with who is gone.
		_ = dan.ws.CloseNow()
		until(t, "the connection to end", func() bool { return s.count(disconnectEvent, "dan") == 2 })
		s.advance(11 * time.Second)
		told := s.watch(messageEvent, "ben", `"end"`)
		if _, err := ben.End(t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
			t.Fatal(err)
		}
		told.releaseAndWait(t) // dan too, in vain
		if s.isFoundAt(third, lng) {
			t.Error("dan is found, though a push has found him gone")
		}
	})
}

// TestARefusedPush: a push that finds a connection gone, though it lives.
func TestARefusedPush(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ana, ben := s.join("ana"), s.join("ben")
		match := pair(t, ana, ben)
		refuse := s.refusals(s.connectionOf("ana"))

		refuse(1)
		s.reportAndWait(ben, 37.777)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Match == match && l.Lat == 37.777 })
		if got := refuse(2); got != 2 {
			t.Errorf("a young connection that was gone once: pushed to %d times, want 2", got)
		}
		s.reportAndWait(ben, 37.7775)
		if got := refuse(0); got != 2 {
			t.Errorf("a young connection that was gone twice: pushed to %d times, want 2", got)
		}
		s.reportAndWait(ben, 37.778)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.778 })

		s.advance(11 * time.Second)
		refuse(1)
		s.reportAndWait(ben, 37.7785)
		s.reportAndWait(ben, 37.779)
		if got := refuse(0); got != 1 {
			t.Errorf("an old connection that was gone: pushed to %d times, want once", got)
		}
		ana.Drop()
		if w := next(t, ana, func(*waggle.Welcome) bool { return true }); w.Match == nil || w.Match.Match != match || w.Match.Peer.Lat != 37.779 {
			t.Errorf("ana is back: got %+v, want match %s and where ben is", w.Match, match)
		}
		s.reportAndWait(ben, 37.7795)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.7795 })
	})
}

// refusals has the next pushes to a connection refused with 410: the first so many
// of those since it was last told. It returns how many there were until now.
func (s *controlledStack) refusals(connection string) (refuse func(first int) (pushes int)) {
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

// TestAPushThatOvertakesConnect: API Gateway knows no connection whose $connect has
// not returned.
func TestAPushThatOvertakesConnect(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ben, old := s.join("ben"), s.dial("ana")
		match := s.pairRaw(old, ben)

		// It is there when the push is tried again.
		connect := s.holdAnswer(connectEvent, "ana", "")
		opened := s.startDial("ana")
		connect.waitUntilHeld(t)
		newest, tries := s.connectionOf("ana"), 0
		ready := make(chan *rawConn, 1)
		s.onPost(func(to string) int {
			if to == newest {
				if tries++; tries == 2 {
					connect.release()
					ready <- opened()
				}
			}
			return 0
		})
		s.reportAndWait(ben, 37.777)
		var ana *rawConn
		select {
		case ana = <-ready:
		case <-time.After(10 * time.Second):
			t.Fatal("waited in vain for the second try")
		}
		if l := receive[*protocol.LocationFrame](ana); l.Match != match || l.Lat != 37.777 {
			t.Errorf("got %+v, want the location that was pushed too early", l)
		}
		s.onPost(nil)
		ana.sendText(`{"action":"end","id":"e","match":"` + match + `"}`)
		receive[*protocol.Ended](ana)

		// It is there only after that: the welcome tells, and nobody is unlisted.
		connect = s.holdAnswer(connectEvent, "ana", "")
		opened = s.startDial("ana")
		connect.waitUntilHeld(t)
		asked := s.watch(messageEvent, "ben", `"match"`)
		outcome, err := ben.Match(t.Context(), waggle.Match{})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want ana", outcome, err)
		}
		asked.releaseAndWait(t) // ana was told in vain, and once more
		connect.release()
		ana = opened()
		if m := ana.hello().Match; m == nil || m.Match != outcome.Matched.Match || m.Role != protocol.RoleMatchee {
			t.Errorf("got %+v, want match %s", m, outcome.Matched.Match)
		}
		if _, err := ben.End(t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
			t.Fatal(err)
		}
		if !s.isFoundAt(lat, lng) {
			t.Error("ana is not found any more")
		}
	})
}

// TestALostAnswerIsAskedForAgain: a push that is refused with 429 is not tried
// again, and the connection stays; the client asks once more.
func TestALostAnswerIsAskedForAgain(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ben := s.join("ben")
		s.reportAndWait(ben, 37.7764)
		token := s.token("member", "ana")
		ana, err := waggle.Connect(t.Context(), waggle.Options{URL: s.api, Grace: time.Millisecond, // it asks every 100 ms
			Token: func(context.Context) (string, error) { return token, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer ana.Close()
		for name, ask := range map[string]func() error{
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
			refused := s.limit(s.connectionOf("ana"))
			if err := ask(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !refused.Load() {
				t.Errorf("%s: no answer was refused", name)
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

// limit refuses the next push to a connection with 429.
func (s *controlledStack) limit(connection string) (refused *atomic.Bool) {
	refused = new(atomic.Bool)
	s.onPost(func(to string) int {
		if to == connection && refused.CompareAndSwap(false, true) {
			return http.StatusTooManyRequests
		}
		return 0
	})
	return refused
}

// TestAConnectionThatWasForgottenIsClosed: a push found it gone, though it lives. Its
// next message shows that, so it is closed, and its client comes back.
func TestAConnectionThatWasForgottenIsClosed(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		ana, ben := s.join("ana"), s.join("ben")
		match := pair(t, ana, ben)
		s.advance(11 * time.Second)
		refuse := s.refusals(s.connectionOf("ana"))
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
