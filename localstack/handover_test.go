package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// The tests of a member that opens a new socket while the old one is still open and
// in use.

const takenOver = "a newer connection of this member has taken over"

// replaced wants the connection to be told so, and closed.
func (b *bare) replaced() {
	b.t.Helper()
	b.refuse(waggle.CodeReplaced, "", takenOver)
	b.closed(websocket.StatusNormalClosure, "Connection Closed Normally")
}

// sought takes what a member hears whom finds has found. The end may overtake the
// beginning.
func (b *bare) sought() {
	b.t.Helper()
	for begun, ended := false, false; !begun || !ended; {
		switch f := b.hear().(type) {
		case *waggle.Matched:
			begun = true
		case *waggle.Ended:
			ended = true
		default:
			b.t.Fatalf("got %T %+v, want a match and its end", f, f)
		}
	}
}

// goes reports where ben is, and returns when all that follows from it is done.
func (s *staged) goes(ben *waggle.Client, lat float64) {
	s.t.Helper()
	told := s.watch(saying, "ben", `"location"`)
	report(s.t, ben, lat, -122.4172)
	told.finish(s.t)
}

// asks has ana ask and find ben, and returns the match.
func (s *staged) asks(ana *bare, ben *waggle.Client) string {
	s.t.Helper()
	s.goes(ben, 37.7764)
	ana.report(37.7793, -122.4193)
	ana.say(`{"action":"match","id":"m"}`)
	match := hears[*waggle.Matched](ana).Match
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
			onStage(t, func(t *testing.T, s *staged) {
				ben, old := s.join("ben"), s.bare("ana")
				match := s.asks(old, ben)
				s.goes(ben, 37.777)
				if l := hears[*waggle.LocationFrame](old); l.Match != match || l.Lat != 37.777 {
					t.Errorf("the old socket: got %+v", l)
				}
				late := s.hold(saying, "ana", `"late"`)
				old.say(strings.Replace(said, "%s", match, 1))
				late.arrive(t)

				connect := s.holdAnswer(connecting, "ana", "")
				opened := s.opening("ana")
				connect.arrive(t)
				old.replaced()
				s.goes(ben, 37.7775) // nothing can be posted to the new one yet
				connect.letGo()
				newer := opened()
				if m := newer.hello().Match; m == nil || m.Match != match || m.Peer.Lat != 37.7775 {
					t.Errorf("the new socket: got %+v, want match %s and where ben went meanwhile", m, match)
				}

				late.finish(t)
				s.goes(ben, 37.778)
				if l := hears[*waggle.LocationFrame](newer); l.Match != match || l.Lat != 37.778 {
					t.Errorf("the new socket: got %+v", l)
				}
				if w := newer.hello(); w.Match == nil || w.Match.Match != match || w.Request != nil {
					t.Errorf("after a late %s: got %+v, %+v, want match %s", action, w.Match, w.Request, match)
				}
				newer.say(`{"action":"end","id":"e","match":"` + match + `"}`)
				hears[*waggle.Ended](newer)
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
			onStage(t, func(t *testing.T, s *staged) {
				// overtaken has the old socket report from elsewhere when it has been replaced.
				overtaken := func(old *bare) (newer *bare) {
					t.Helper()
					told := s.holdPost(s.of("ana"))
					opened := s.opening("ana")
					told.arrive(t)
					old.say(`{"action":"location","id":"late","lat":` + fmt.Sprint(lat+north) + `,"lng":` + fmt.Sprint(lng) + `}`)
					old.refuse(waggle.CodeReplaced, "late", takenOver)
					old.closed(websocket.StatusNormalClosure, "Connection Closed Normally")
					told.letGo()
					return opened()
				}
				old := s.bare("ana")
				old.report(lat, lng)
				newer := overtaken(old)
				if !s.finds(lat, lng) || s.finds(lat+north, lng) {
					t.Error("ana is not found where the newest connection has her")
				}
				newer.sought()

				// The one who watches sees nothing of it.
				ben := s.join("ben")
				outcome, err := ben.Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}})
				if err != nil || outcome.Matched == nil {
					t.Fatalf("got %+v, %v, want ana", outcome, err)
				}
				hears[*waggle.Matched](newer)
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
