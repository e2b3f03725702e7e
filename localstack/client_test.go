package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// next passes over events until one is wanted.
func next[F waggle.Frame](t *testing.T, c *waggle.Client, wanted func(F) bool) F {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var seen []string
	for {
		event, err := c.Next(ctx)
		if err != nil {
			var none F
			t.Fatalf("waiting for a %T: %v; seen: %v", none, err, seen)
		}
		if f, ok := event.(F); ok && wanted(f) {
			return f
		}
		seen = append(seen, fmt.Sprintf("%T%+v", event, event))
	}
}

// report returns when the server has it.
func report(t *testing.T, c *waggle.Client, lat, lng float64) {
	t.Helper()
	id := fmt.Sprint("at ", lat, " ", lng)
	if err := c.Report(t.Context(), waggle.Location{ID: id, Lat: lat, Lng: lng}); err != nil {
		t.Fatal(err)
	}
	next(t, c, func(a *waggle.Ack) bool { return a.ID == id })
}

func hello(t *testing.T, c *waggle.Client) *waggle.Welcome {
	t.Helper()
	w, err := c.Hello(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func reportAndAsk(t *testing.T, c *waggle.Client, radius float64) error {
	t.Helper()
	report(t, c, 10, 20)
	_, err := c.Match(t.Context(), waggle.Match{Radius: radius})
	return err
}

// pair matches two members, and tells by which match.
func pair(t *testing.T, matcher, matchee *waggle.Client) string {
	t.Helper()
	report(t, matchee, 37.7764, -122.4172)
	report(t, matcher, 37.7793, -122.4193)
	outcome, err := matcher.Match(t.Context(), waggle.Match{Wait: 5})
	if err != nil || outcome.Matched == nil {
		t.Fatalf("got %+v, %v, want a match", outcome, err)
	}
	match := outcome.Matched.Match
	next(t, matchee, func(m *waggle.Matched) bool { return m.Match == match })
	return match
}

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
			t.Errorf("ana is back: got %+v", back.Match)
		}
		there, err := ana.Locate(t.Context())
		if err != nil || there.Lat != 37.7785 || there.Lng != -122.418 {
			t.Errorf("ana locates: got %+v, %v", there, err)
		}
		report(t, ben, 37.779, -122.419)
		next(t, ana, func(l *waggle.LocationFrame) bool { return l.Lat == 37.779 })

		// End.
		if ended, err := ana.End(t.Context(), m.Match, waggle.Completed); err != nil || ended.Match != m.Match {
			t.Fatalf("got %+v, %v", ended, err)
		}
		if ended := next(t, ben, func(e *waggle.Ended) bool { return e.Match == m.Match }); ended.Reason != waggle.Completed {
			t.Errorf("ben: got %+v", ended)
		}
		for _, c := range []*waggle.Client{ana, ben} {
			if w := hello(t, c); w.Match != nil || w.Request != nil {
				t.Errorf("%s is left in %+v, %+v", w.Member, w.Match, w.Request)
			}
		}
		if f := s.feed(); len(f.Matches) != 0 || len(f.Members) != 2 {
			t.Errorf("the map: got %+v, want two who are free", f)
		}
	})
}

func TestNamesOfAnyKindWork(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		for i, name := range []string{"a/b", "}", "{a}", "🐝", "two words", "%2F%", "a\nb", `"'\`, "?&=#+", "ключ", strings.Repeat("x", 128)} {
			t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
				pool := fmt.Sprint("p", i)
				odd, other := s.join(name, "pool", pool), s.join("other", "pool", pool)
				if w := hello(t, odd); w.Member != name || w.Pool != pool {
					t.Errorf("got %q of %q", w.Member, w.Pool)
				}
				match := pair(t, odd, other)
				report(t, other, 1, 2)
				next(t, odd, func(l *waggle.LocationFrame) bool { return l.Lat == 1 })
				if _, err := other.End(t.Context(), match, waggle.Cancelled); err != nil {
					t.Error(err)
				}
				next(t, odd, func(e *waggle.Ended) bool { return e.Match == match })
			})
		}
	})
}

func TestTheNewestConnectionOfAMemberWins(t *testing.T) {
	s := runStack(t)
	first := s.join("ana")
	second := s.join("ana")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, err := first.Next(ctx); err != nil {
			if !errors.Is(err, waggle.ErrReplaced) {
				t.Errorf("got %v, want to be replaced", err)
			}
			break
		}
	}
	hello(t, second)
}
