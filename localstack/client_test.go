package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"waggle/clients/go/waggle"
)

// next waits for a wanted event, and skips others.
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

// report reports a location, and waits for the ack.
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

// pair matches two members, and returns the match.
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

// isFoundAt reports whether a request finds a member within 100 m of a place. It ends the
// match at once.
func (s *testStack) isFoundAt(lat, lng float64) bool {
	s.t.Helper()
	seeker := s.join("seeker")
	defer seeker.Close()
	outcome, err := seeker.Match(s.t.Context(), waggle.Match{Radius: 100, Point: &waggle.Point{Lat: lat, Lng: lng}})
	if err != nil {
		s.t.Fatal(err)
	}
	if outcome.Matched == nil {
		return false
	}
	if _, err := seeker.End(s.t.Context(), outcome.Matched.Match, waggle.Completed); err != nil {
		s.t.Fatal(err)
	}
	return true
}
