package main

import (
	"slices"
	"testing"

	"waggle/clients/go/waggle"
)

func TestTwoMembersFromBeginningToEnd(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana := s.join("ana", "card", `{"name":"Ana"}`)
		ben := s.join("ben", "card", `{"name":"Ben"}`, "tags", "bike,xl")

		// Match.
		report(t, ben, 37.7764, -122.4172)
		report(t, ana, 37.7793, -122.4193)
		outcome, err := ana.Match(t.Context(), waggle.Match{Radius: 2000})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want a match", outcome, err)
		}
		m := outcome.Matched
		if m.Role != "matcher" || string(m.Peer.Card) != `{"name":"Ben"}` || m.Peer.Lat != 37.7764 || m.Peer.Distance < 370 || m.Peer.Distance > 373 {
			t.Errorf("ana: got %+v", m)
		}
		other := next(t, ben, func(f *waggle.Matched) bool { return f.Match == m.Match })
		if other.Role != "matchee" || string(other.Peer.Card) != `{"name":"Ana"}` || other.Peer.Lat != 37.7793 {
			t.Errorf("ben: got %+v", other)
		}
		if f := s.feed(); !slices.Contains(f.Matches, [2]string{"default/ana", "default/ben"}) {
			t.Errorf("the map: got %+v", f)
		}

		// Follow.
		for _, lat := range []float64{37.777, 37.7775, 37.778} {
			report(t, ben, lat, -122.4172)
			next(t, ana, func(l *waggle.LocationFrame) bool { return l.Match == m.Match && l.Lat == lat })
		}

		// Drop, and resume.
		ana.Drop()
		report(t, ben, 37.7785, -122.418)
		back := next(t, ana, func(w *waggle.Welcome) bool { return w.Match != nil })
		if back.Match.Match != m.Match || back.Match.Role != "matcher" {
			t.Errorf("ana resumes: got %+v", back.Match)
		}
		there, err := ana.Locate(t.Context())
		if err != nil || there.Lat != 37.7785 || there.Lng != -122.418 {
			t.Errorf("ana locates: got %+v, %v", there, err)
		}
		report(t, ben, 37.779, -122.419)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.779 })

		// Talk.
		for _, pair := range [][2]*waggle.Client{{ana, ben}, {ben, ana}} {
			if err := pair[0].Say(t.Context(), m.Match, "on my way"); err != nil {
				t.Errorf("say: %v", err)
			}
			next(t, pair[1], func(s *waggle.Said) bool { return s.Match == m.Match && string(s.Data) == `"on my way"` })
		}

		// End.
		if ended, err := ana.End(t.Context(), m.Match, waggle.Completed); err != nil || ended.Match != m.Match {
			t.Fatalf("got %+v, %v", ended, err)
		}
		if ended := next(t, ben, func(e *waggle.Ended) bool { return e.Match == m.Match }); ended.Reason != waggle.Completed {
			t.Errorf("ben: got %+v", ended)
		}
		for _, c := range []*waggle.Client{ana, ben} {
			if w := hello(t, c); w.Match != nil || w.Request != nil {
				t.Errorf("%s is still in %+v, %+v", w.Member, w.Match, w.Request)
			}
		}
		if f := s.feed(); len(f.Matches) != 0 || len(f.Members) != 2 {
			t.Errorf("the map: got %+v, want two members in no match", f)
		}
	})
}
