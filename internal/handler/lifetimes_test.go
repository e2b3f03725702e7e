package handler

import (
	"context"
	"testing"
	"time"

	"waggle/internal/gateway"
	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/internal/topology"
)

// TestEachTimeLimitAllowsForTheOthers holds the time limits of one event to each other, to
// the functions' own and to the lifetimes of what is stored.
func TestEachTimeLimitAllowsForTheOthers(t *testing.T) {
	less := func(shorter string, a time.Duration, longer string, b time.Duration, why string) {
		t.Helper()
		if a >= b {
			t.Errorf("%s is %v and %s %v, want it shorter: %s", shorter, a, longer, b, why)
		}
	}
	for _, f := range topology.Functions() {
		if !f.Authorizer {
			less("timeout and lastWord", timeout+lastWord, "the timeout of "+f.Name, f.Timeout, "an event that runs out of time is answered")
			less("the timeout of "+f.Name, f.Timeout, "Lease", match.Lease, "no attempt outlives its lease")
		}
	}
	less("two pushes", 2*gateway.Timeout, "timeout", timeout, "a push that hangs leaves time for the rest")
	less("the store's repeats of a step", repeats(t), "timeout", timeout, "a step that keeps failing is answered unavailable, and not cut off")
	less("longest", longest, "Kept", match.Kept, "a session that stays silent is still known")
}

// repeats is how long the store goes on repeating a step that fails.
func repeats(t *testing.T) (sum time.Duration) {
	s, err := store.Open(store.Options{URL: "redis://127.0.0.1:1", Sleep: func(_ context.Context, d time.Duration) error {
		sum += d
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Watch(t.Context(), match.Member{Pool: "default", ID: "ana"}, "x", match.Member{Pool: "default", ID: "ben"}); err == nil || sum == 0 {
		t.Fatalf("got %v after repeats of %v, want a step that fails", err, sum)
	}
	return sum
}
