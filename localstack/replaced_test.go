package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
	"waggle/internal/protocol"
)

// The tests of a member that opens a new socket while the old one is still open and
// in use.

const takenOver = "a newer connection of this member has taken over"

// replaced wants the connection to be told so, and closed.
func (b *rawConn) wantReplaced() {
	b.t.Helper()
	b.wantError(protocol.CodeReplaced, "", takenOver)
	b.wantClosed(websocket.StatusNormalClosure, "Connection Closed Normally")
}

// sought takes what a member hears whom finds has found. The end may overtake the
// beginning.
func (b *rawConn) wantFoundAndReleased() {
	b.t.Helper()
	for begun, ended := false, false; !begun || !ended; {
		switch f := b.receive().(type) {
		case *protocol.Matched:
			begun = true
		case *protocol.Ended:
			ended = true
		default:
			b.t.Fatalf("got %T %+v, want a match and its end", f, f)
		}
	}
}

// goes reports where ben is, and returns when all that follows from it is done.
func (s *controlledStack) reportAndWait(ben *waggle.Client, lat float64) {
	s.t.Helper()
	told := s.watch(messageEvent, "ben", `"location"`)
	report(s.t, ben, lat, -122.4172)
	told.releaseAndWait(s.t)
}

// asks has ana ask and find ben, and returns the match.
func (s *controlledStack) pairRaw(ana *rawConn, ben *waggle.Client) string {
	s.t.Helper()
	s.reportAndWait(ben, 37.7764)
	ana.report(37.7793, -122.4193)
	ana.sendText(`{"action":"match","id":"m"}`)
	match := receive[*protocol.Matched](ana).Match
	next(s.t, ben, func(m *waggle.Matched) bool { return m.Match == match })
	return match
}

// TestAMatchIsHandedOver: the peer moves before, while and after the new socket is
// opened, and what the old one said last comes too late.
func TestAMatchIsHandedOver(t *testing.T) {
	for _, said := range []string{
		`{"action":"end","id":"late","match":"%s"}`,
		`{"action":"cancel","id":"late"}`,
		`{"action":"match","id":"late","wait":60}`,
		`{"action":"hello","id":"late"}`,
		`{"action":"ping","id":"late"}`,
		`{"action":"locate","id":"late"}`,
	} {
		action, _, _ := strings.Cut(strings.TrimPrefix(said, `{"action":"`), `"`)
		t.Run(action, func(t *testing.T) {
			eachControlledStack(t, func(t *testing.T, s *controlledStack) {
				ben, old := s.join("ben"), s.dial("ana")
				match := s.pairRaw(old, ben)
				s.reportAndWait(ben, 37.777)
				if l := receive[*protocol.LocationFrame](old); l.Match != match || l.Lat != 37.777 {
					t.Errorf("the old socket: got %+v", l)
				}
				late := s.hold(messageEvent, "ana", `"late"`)
				old.sendText(strings.Replace(said, "%s", match, 1))
				late.waitUntilHeld(t)

				connect := s.holdAnswer(connectEvent, "ana", "")
				opened := s.startDial("ana")
				connect.waitUntilHeld(t)
				old.wantReplaced()
				s.reportAndWait(ben, 37.7775) // nothing can be posted to the new one yet
				connect.release()
				newer := opened()
				if m := newer.hello().Match; m == nil || m.Match != match || m.Peer.Lat != 37.7775 {
					t.Errorf("the new socket: got %+v, want match %s and where ben went meanwhile", m, match)
				}

				late.releaseAndWait(t)
				s.reportAndWait(ben, 37.778)
				if l := receive[*protocol.LocationFrame](newer); l.Match != match || l.Lat != 37.778 {
					t.Errorf("the new socket: got %+v", l)
				}
				if w := newer.hello(); w.Match == nil || w.Match.Match != match || w.Request != nil {
					t.Errorf("after a late %s: got %+v, %+v, want match %s", action, w.Match, w.Request, match)
				}
				newer.sendText(`{"action":"end","id":"e","match":"` + match + `"}`)
				receive[*protocol.Ended](newer)
				next(t, ben, func(e *waggle.Ended) bool { return e.Match == match })
			})
		})
	}
}

// TestAReportOfAReplacedConnection: the old socket is still open, since what tells
// it that it was replaced is held up. Its report is refused, and moves nothing.
func TestAReportOfAReplacedConnection(t *testing.T) {
	for place, north := range map[string]float64{"in the same cell": 0.003, "in another cell": 0.2} {
		t.Run(place, func(t *testing.T) {
			eachControlledStack(t, func(t *testing.T, s *controlledStack) {
				// overtaken has the old socket report from elsewhere when it has been replaced.
				overtaken := func(old *rawConn) (newer *rawConn) {
					t.Helper()
					told := s.holdPost(s.connectionOf("ana"))
					opened := s.startDial("ana")
					told.waitUntilHeld(t)
					old.sendText(`{"action":"location","id":"late","lat":` + fmt.Sprint(lat+north) + `,"lng":` + fmt.Sprint(lng) + `}`)
					old.wantError(protocol.CodeReplaced, "late", takenOver)
					old.wantClosed(websocket.StatusNormalClosure, "Connection Closed Normally")
					told.release()
					return opened()
				}
				old := s.dial("ana")
				old.report(lat, lng)
				newer := overtaken(old)
				if !s.isFoundAt(lat, lng) || s.isFoundAt(lat+north, lng) {
					t.Error("ana is not found where the newest connection has her")
				}
				newer.wantFoundAndReleased()

				// The one who watches sees nothing of it.
				ben := s.join("ben")
				outcome, err := ben.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}})
				if err != nil || outcome.Matched == nil {
					t.Fatalf("got %+v, %v, want ana", outcome, err)
				}
				receive[*protocol.Matched](newer)
				newest := overtaken(newer)
				if there, err := ben.Locate(t.Context()); err != nil || there.Lat != lat {
					t.Errorf("ben locates %+v, %v, want her where she was", there, err)
				}
				newest.report(lat+0.001, lng)
				if l := next(t, ben, func(*waggle.LocationFrame) bool { return true }); l.Lat != lat+0.001 {
					t.Errorf("ben is shown %+v, want the report of the newest connection", l)
				}
			})
		})
	}
}
