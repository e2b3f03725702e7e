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
		lag    time.Duration
		want   protocol.Report
	}{
		{match.Watched, usual, 0, protocol.Report{AfterSeconds: 3, MoveMeters: 15}},
		{match.Watched, short, 0, protocol.Report{AfterSeconds: 2, MoveMeters: 15}},
		{match.Watched, long, 0, protocol.Report{AfterSeconds: 3, MoveMeters: 15}},
		{match.Watching, usual, 0, protocol.Report{AfterSeconds: 20, MoveMeters: 1000}},
		{match.Watching, short, 0, protocol.Report{AfterSeconds: 1, MoveMeters: 1000}},
		{match.Watching, long, 0, protocol.Report{AfterSeconds: 100, MoveMeters: 1000}},
		{match.Available, usual, 0, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Available, short, 0, protocol.Report{AfterSeconds: 1.5, MoveMeters: 50}},
		{match.Available, long, 0, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Watching, of(20*time.Second, time.Minute), 0, protocol.Report{AfterSeconds: 10, MoveMeters: 1000}},
		{match.Available, usual, 15 * time.Second, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Available, usual, 20 * time.Second, protocol.Report{AfterSeconds: 26.6, MoveMeters: 50}},
		{match.Available, usual, 45 * time.Second, protocol.Report{AfterSeconds: 10, MoveMeters: 50}},
		{match.Available, usual, 60 * time.Second, protocol.Report{AfterSeconds: 1, MoveMeters: 50}},
		{match.Available, long, 9 * time.Minute, protocol.Report{AfterSeconds: 30, MoveMeters: 50}},
		{match.Watching, usual, 45 * time.Second, protocol.Report{AfterSeconds: 10, MoveMeters: 1000}},
		{match.Watched, usual, 45 * time.Second, protocol.Report{AfterSeconds: 3, MoveMeters: 15}},
		{match.Watched, usual, 60 * time.Second, protocol.Report{AfterSeconds: 1, MoveMeters: 15}},
		{match.Unavailable, usual, 60 * time.Second, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{match.Unavailable, usual, 0, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{match.Unavailable, short, 0, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{match.Unavailable, long, 0, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
		{"", usual, 0, protocol.Report{AfterSeconds: 300, MoveMeters: 1000}},
	} {
		if got := test.advice.Report(test.in, test.lag); got != test.want {
			t.Errorf("%q with a TTL of %v, %v behind: got %+v, want %+v", test.advice, test.in.LocationTTL, test.lag, got, test.want)
		}
	}
}
