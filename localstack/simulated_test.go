package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"waggle/clients/go/waggle"
)

// downtown is where the simulated members drive.
var downtown = waggle.Point{Lat: 37.7749, Lng: -122.4194}

func (s *testStack) pools() []string {
	var pools []string
	for _, m := range s.feed().Members {
		pools = append(pools, m.Pool)
	}
	return pools
}

func TestSimulatedMembersHaveTheirOwnPool(t *testing.T) {
	s := runStack(t, "-members", "3")
	until(t, "three members in pool city", func() bool { return slices.Equal(s.pools(), []string{"city", "city", "city"}) })
	if status, path := s.get("/streets"); status != http.StatusOK || !strings.HasPrefix(path, "M") {
		t.Errorf("the streets: got %d %.40q, want a path", status, path)
	}
	outcome, err := s.join("ana").Match(t.Context(), waggle.Match{Radius: 20000, Point: &downtown})
	if err != nil || outcome.NoMatch == nil {
		t.Errorf("a member of the default pool: got %+v, %v, want no match", outcome, err)
	}
	// A member of their pool finds them.
	outcome, err = s.join("ana", "pool", "city").Match(t.Context(), waggle.Match{Radius: 20000, Point: &downtown})
	if err != nil || outcome.Matched == nil {
		t.Errorf("a member of pool city: got %+v, %v, want a match", outcome, err)
	}
}

// The greeting leads to them, and they answer offers as the flags say.
func TestSimulatedMembersAnswerOffers(t *testing.T) {
	for want, flags := range map[string][]string{
		waggle.Declined: {"-decline", "1", "-silent", "0"},
		waggle.Expired:  {"-decline", "0", "-silent", "1"},
		"accepted":      {"-decline", "0", "-silent", "0"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := runStack(t, append(flags, "-members", "1")...)
			if page := s.base + "/?me=ana&pool=city\n"; !strings.Contains(s.greeting, page) {
				t.Errorf("no %s in:\n%s", page, s.greeting)
			}
			until(t, "a member", func() bool { return len(s.pools()) == 1 })
			ana := s.join("ana", "pool", "city")
			outcome, err := ana.Match(t.Context(), waggle.Match{Radius: 20000, Point: &downtown, Wait: 1, Confirm: 4})
			if err != nil {
				t.Fatal(err)
			}
			if want == "accepted" {
				if outcome.Matched == nil {
					t.Errorf("got %+v, want a match", outcome)
				}
				return
			}
			if outcome.NoMatch == nil {
				t.Errorf("got %+v, want no match", outcome)
			}
			next(t, ana, func(e *waggle.Ended) bool { return e.Reason == want })
		})
	}
}

func TestMinglingPutsSimulatedMembersIntoTheDefaultPool(t *testing.T) {
	s := runStack(t, "-members", "3", "-mingle")
	until(t, "three members in pool default", func() bool { return slices.Equal(s.pools(), []string{"default", "default", "default"}) })
	outcome, err := s.join("ana").Match(t.Context(), waggle.Match{Radius: 20000, Point: &downtown})
	if err != nil || outcome.Matched == nil {
		t.Errorf("a member of the default pool: got %+v, %v, want a match", outcome, err)
	}
}
