package main

import (
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

func TestALateDisconnectRemovesNothing(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		// reconnect lets ana reconnect, and her old connection's $disconnect come after that.
		reconnect := func(old *rawConn) (newer *rawConn) {
			t.Helper()
			disconnect := s.hold(disconnectEvent, "ana", "")
			_ = old.ws.CloseNow()
			disconnect.waitUntilHeld(t)
			newer = s.dial("ana")
			disconnect.releaseAndWait(t)
			return newer
		}
		ana := s.dial("ana")
		ana.report(lat, lng)
		ana = reconnect(ana)
		if !s.isFoundAt(lat, lng) {
			t.Error("ana is not found after the late $disconnect of an older connection")
		}
		ana.wantFoundAndReleased()

		ben := s.join("ben")
		match := s.pairRaw(ana, ben)
		ana = reconnect(ana)
		if m := ana.hello().Match; m == nil || m.Match != match {
			t.Errorf("got %+v, want match %s", m, match)
		}
		s.reportAndWait(ben, 37.777)
		if l := receiveA[*waggle.LocationFrame](ana); l.Lat != 37.777 {
			t.Errorf("got %+v", l)
		}
	})
}

func TestAMemberWhoseDisconnectIsLost(t *testing.T) {
	eachControlledStack(t, func(t *testing.T, s *controlledStack) {
		// vanish reports, and closes the connection without a $disconnect.
		vanish := func(member string, lat float64) {
			t.Helper()
			s.drop(disconnectEvent, member, "")
			c := s.dial(member)
			c.report(lat, lng)
			_ = c.ws.CloseNow()
			until(t, "the connection to end", func() bool { return s.count(disconnectEvent, member) == 1 })
		}
		const other, third = lat + 0.1, lat + 0.2

		// A push to a young connection fails: the member stays listed.
		vanish("ana", lat)
		for range 2 {
			if !s.isFoundAt(lat, lng) {
				t.Fatal("ana is not found although her $disconnect is lost")
			}
		}
		// No push: the member is not found once its report is stale.
		vanish("cleo", other)
		s.advance(61 * time.Second)
		if s.isFoundAt(other, lng) {
			t.Error("cleo is found after the TTL of her location")
		}
		// A push to an old connection fails: the connection is forgotten, the match stays.
		vanish("dan", third)
		s.advance(11 * time.Second)
		ben := s.join("ben")
		outcome, err := ben.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: third, Lng: lng}, Radius: 100})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want dan", outcome, err)
		}
		dan := s.dial("dan")
		if m := dan.hello().Match; m == nil || m.Match != outcome.Matched.Match || m.Role != waggle.Matchee {
			t.Errorf("dan resumes: got %+v, want match %s", m, outcome.Matched.Match)
		}
		// He closes it a second time, and the match ends: dan is not listed again.
		_ = dan.ws.CloseNow()
		until(t, "the connection to end", func() bool { return s.count(disconnectEvent, "dan") == 2 })
		s.advance(11 * time.Second)
		handled := s.watch(messageEvent, "ben", `"end"`)
		if _, err := ben.End(t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
			t.Fatal(err)
		}
		handled.releaseAndWait(t) // the push to dan has failed too
		if s.isFoundAt(third, lng) {
			t.Error("dan is found although a push to him failed with 410")
		}
	})
}
