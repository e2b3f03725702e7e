package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// The tests of a member that opens a new connection while the old one is still in use.

const replacedMessage = "a newer connection of this member has taken over"

// wantReplaced wants the error replaced, and then the close of the connection.
func (b *rawConn) wantReplaced() {
	b.t.Helper()
	b.wantError(waggle.CodeReplaced, "", replacedMessage)
	b.wantClosed(websocket.StatusNormalClosure, "Connection Closed Normally")
}

// wantFoundAndReleased receives the frames that isFoundAt causes, in either order: a match
// and its end.
func (b *rawConn) wantFoundAndReleased() {
	b.t.Helper()
	for matched, ended := false, false; !matched || !ended; {
		switch f := b.receive().(type) {
		case *waggle.Matched:
			matched = true
		case *waggle.Ended:
			ended = true
		default:
			b.t.Fatalf("got %T %+v, want a match and its end", f, f)
		}
	}
}

// reportAndWait reports where ben is, and waits until the function has returned.
func (s *controlledStack) reportAndWait(ben *waggle.Client, lat float64) {
	s.t.Helper()
	handled := s.watch(messageEvent, "ben", `"location"`)
	report(s.t, ben, lat, -122.4172)
	handled.releaseAndWait(s.t)
}

// pairRaw matches ana with ben, at ana's request, and returns the match.
func (s *controlledStack) pairRaw(ana *rawConn, ben *waggle.Client) string {
	s.t.Helper()
	s.reportAndWait(ben, 37.7764)
	ana.report(37.7793, -122.4193)
	ana.sendText(`{"action":"match","id":"m"}`)
	match := receiveA[*waggle.Matched](ana).Match
	next(s.t, ben, func(m *waggle.Matched) bool { return m.Match == match })
	return match
}

// The peer moves before, during and after the new connection opens. The last message of
// the old connection is handled after that, and must not change the match.
func TestAMatchContinuesOnANewConnection(t *testing.T) {
	for _, message := range []string{
		`{"action":"end","id":"late","match":"%s"}`,
		`{"action":"cancel","id":"late"}`,
		`{"action":"match","id":"late","wait":60}`,
		`{"action":"hello","id":"late"}`,
		`{"action":"ping","id":"late"}`,
		`{"action":"locate","id":"late"}`,
	} {
		action, _, _ := strings.Cut(strings.TrimPrefix(message, `{"action":"`), `"`)
		t.Run(action, func(t *testing.T) {
			eachControlledStack(t, func(t *testing.T, s *controlledStack) {
				ben, old := s.join("ben"), s.dial("ana")
				match := s.pairRaw(old, ben)
				s.reportAndWait(ben, 37.777)
				if l := receiveA[*waggle.LocationFrame](old); l.Match != match || l.Lat != 37.777 {
					t.Errorf("the old connection: got %+v", l)
				}
				late := s.hold(messageEvent, "ana", `"late"`)
				old.sendText(strings.Replace(message, "%s", match, 1))
				late.waitUntilHeld(t)

				connect := s.holdResult(connectEvent, "ana", "")
				connected := s.startDial("ana")
				connect.waitUntilHeld(t)
				old.wantReplaced()
				s.reportAndWait(ben, 37.7775) // posts to the new connection still fail
				connect.release()
				newer := connected()
				if m := newer.hello().Match; m == nil || m.Match != match || m.Peer.Lat != 37.7775 {
					t.Errorf("the new connection: got %+v, want match %s and ben's latest location", m, match)
				}

				late.releaseAndWait(t)
				s.reportAndWait(ben, 37.778)
				if l := receiveInNewSession[*waggle.LocationFrame](newer); l.Match != match || l.Lat != 37.778 {
					t.Errorf("the new connection: got %+v", l)
				}
				if w := newer.hello(); w.Match == nil || w.Match.Match != match || w.Request != nil {
					t.Errorf("after a late %s: got %+v, %+v, want match %s", action, w.Match, w.Request, match)
				}
				newer.sendText(`{"action":"end","id":"e","match":"` + match + `"}`)
				receiveA[*waggle.Ended](newer)
				next(t, ben, func(e *waggle.Ended) bool { return e.Match == match })
			})
		})
	}
}

// The old connection is still open, because the push of the error replaced is held back.
func TestAReportOfAReplacedConnectionIsRefused(t *testing.T) {
	for place, north := range map[string]float64{"in the same cell": 0.003, "in another cell": 0.2} {
		t.Run(place, func(t *testing.T) {
			eachControlledStack(t, func(t *testing.T, s *controlledStack) {
				// replace opens a new connection, and lets the old one report another place.
				replace := func(old *rawConn) (newer *rawConn) {
					t.Helper()
					push := s.holdPost(s.connectionOf("ana"))
					connected := s.startDial("ana")
					push.waitUntilHeld(t)
					old.sendText(`{"action":"location","id":"late","lat":` + fmt.Sprint(lat+north) + `,"lng":` + fmt.Sprint(lng) + `}`)
					old.wantError(waggle.CodeReplaced, "late", replacedMessage)
					old.wantClosed(websocket.StatusNormalClosure, "Connection Closed Normally")
					push.release()
					return connected()
				}
				old := s.dial("ana")
				old.report(lat, lng)
				newer := replace(old)
				if !s.isFoundAt(lat, lng) || s.isFoundAt(lat+north, lng) {
					t.Error("ana is not found where her newest connection reported")
				}
				newer.wantFoundAndReleased()

				// Her peer does not get the report either.
				ben := s.join("ben")
				outcome, err := ben.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}})
				if err != nil || outcome.Matched == nil {
					t.Fatalf("got %+v, %v, want ana", outcome, err)
				}
				receiveA[*waggle.Matched](newer)
				newest := replace(newer)
				if there, err := ben.Locate(t.Context()); err != nil || there.Lat != lat {
					t.Errorf("ben locates %+v, %v, want her old location", there, err)
				}
				newest.sendText(at(fmt.Sprintf(`"lat":%v,"lng":%v`, lat+0.001, lng)))
				receiveInNewSession[*waggle.Ack](newest)
				if l := next(t, ben, func(*waggle.LocationFrame) bool { return true }); l.Lat != lat+0.001 {
					t.Errorf("ben gets %+v, want the report of the newest connection", l)
				}
			})
		})
	}
}
