package main

import (
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// TestMembersAreToldUnaskedOfWhatHasRunOut: nobody sends anything after the requests.
func TestMembersAreToldUnaskedOfWhatHasRunOut(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		ana, ben, cem := s.dial("ana"), s.dial("ben"), s.dial("cem")
		ana.report(37.7764, -122.4172)
		ben.report(37.7764, -122.4172)
		cem.report(10, 10)
		cem.sendText(`{"action":"match","id":"r","wait":1}`)
		receiveA[*waggle.Waiting](cem)
		ana.sendText(`{"action":"match","id":"r","confirm":1}`)
		offer := receiveA[*waggle.Offered](ana)
		receiveA[*waggle.Offered](ben)
		if e := receiveA[*waggle.Ended](ben); e.Match != offer.Match || e.Reason != "expired" {
			t.Errorf("ben got %+v", e)
		}
		t.Logf("ben was told %s after the offer had expired", time.Since(time.UnixMilli(offer.ExpiresAt)).Round(time.Millisecond))
		if f := receiveA[*waggle.NoMatch](cem); f.ID != "r" {
			t.Errorf("cem got %+v", f)
		}
		ended, noMatch := false, false // the request is over at about the same time as the offer
		for range 2 {
			switch f := ana.receive().(type) {
			case *waggle.Ended:
				ended = f.Match == offer.Match && f.Reason == "expired"
			case *waggle.NoMatch:
				noMatch = f.ID == "r"
			}
		}
		if !ended || !noMatch {
			t.Errorf("ana was told of the end of the offer: %t, of the request: %t", ended, noMatch)
		}
	})
}

// TestWhoIsAwayAndWhoHasLeftIsToldUnasked: after the match the peer only comes and goes.
func TestWhoIsAwayAndWhoHasLeftIsToldUnasked(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, append(runtime, "-pools", defaultPool(t, `"grace":8`))...)
		ana, ben := s.dial("ana"), s.dial("ben")
		ana.report(37.7764, -122.4172)
		ben.report(37.7764, -122.4172)
		ana.sendText(`{"action":"match","id":"r"}`)
		match := receiveA[*waggle.Matched](ana).Match
		receiveA[*waggle.Matched](ben)
		told := func(state string) {
			t.Helper()
			f := receiveA[*waggle.PeerFrame](ana)
			if f.Match != match || f.State != state {
				t.Fatalf("ana got %+v, want that ben is %s", f, state)
			}
			t.Logf("ana was told that ben is %s %s after the moment", state, time.Since(time.UnixMilli(f.Since)).Round(time.Millisecond))
		}
		// A ping between two steps, so that ana is there all the time.
		stays := func() { ana.sendText(`{"action":"ping"}`); receiveA[*waggle.Pong](ana) }
		stays() // by now the cache knows that both were told
		_ = ben.ws.CloseNow()
		told(waggle.Away)
		stays()
		ben = s.dial("ben")
		ben.sendText(`{"action":"hello"}`)
		receiveA[*waggle.Welcome](ben)
		told(waggle.Back)
		stays()
		told(waggle.Away) // now it is silent
		stays()
		if e := receiveA[*waggle.Ended](ana); e.Match != match || e.Reason != waggle.Left {
			t.Errorf("ana got %+v", e)
		}
	})
}
