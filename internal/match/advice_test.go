package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

func TestAdviceDependsOnThePoolsTimes(t *testing.T) {
	of := func(ttl, grace time.Duration) pool.Settings {
		s := pool.Default()
		s.LocationTTL, s.Grace = ttl, grace
		return s
	}
	usual, short, long := of(time.Minute, time.Minute), of(6*time.Second, 3*time.Second), of(10*time.Minute, 5*time.Minute)
	for _, test := range []struct {
		advice match.Advice
		in     pool.Settings
		want   protocol.Report
	}{
		{match.Watched, usual, protocol.Report{AfterSeconds: 3, MoveMeters: 15}},
		{match.Watched, short, protocol.Report{AfterSeconds: 2, MoveMeters: 15}},
		{match.Watched, long, protocol.Report{AfterSeconds: 3, MoveMeters: 15}},
		{match.Watching, usual, protocol.Report{AfterSeconds: 20, MoveMeters: 1000}},
		{match.Watching, short, protocol.Report{AfterSeconds: 1, MoveMeters: 1000}},
		{match.Watching, long, protocol.Report{AfterSeconds: 100, MoveMeters: 1000}},
		{match.Available, usual, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Available, short, protocol.Report{AfterSeconds: 3, MoveMeters: 50}},
		{match.Available, long, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Unavailable, usual, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{match.Unavailable, short, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{match.Unavailable, long, protocol.Report{AfterSeconds: 600, MoveMeters: 1000}},
		{"", usual, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
	} {
		if got := test.advice.Report(test.in); got != test.want {
			t.Errorf("%q with a TTL of %v: got %+v, want %+v", test.advice, test.in.LocationTTL, got, test.want)
		}
	}
}
