package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

func TestEveryMessageIsMeasuredBesideItsFloor(t *testing.T) {
	cache := caches.Server(t).URL
	var out strings.Builder
	if err := scope.In(func(s *scope.Scope) error { return run(s, 50, cache, "", &out) }); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| one PING |", "| one signed POST |", "| **ping → pong** |", "| … trip watch |", "| … signing and posting |"} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("got\n%s\nwithout the row %q", &out, row)
		}
	}
}

func TestTheTimeOfAMessageIsSplitAtItsMarks(t *testing.T) {
	began := time.Now()
	at := func(us int) time.Time { return began.Add(time.Duration(us) * time.Microsecond) }
	k := &kind{parts: map[string][]time.Duration{}}
	k.split(began, at(100), []mark{{"in", at(10)}, {"handler", at(15)}, {"trip read", at(20)}, {"back", at(50)},
		{"post", at(52)}, {"trip later", at(60)}, {"out", at(90)}, {"back", at(95)}})
	got := map[string]float64{}
	for part, took := range k.parts {
		got[part] = percentile(took, 50)
	}
	want := map[string]float64{"frame in": 10, "event to handler": 5, "handler": 7, "trip read": 30, "signing and posting": 38, "frame out": 10}
	if diff := cmp.Diff(want, got); diff != "" || k.trips != 1 {
		t.Errorf("%d trips (-want +got):\n%s", k.trips, diff)
	}
}
