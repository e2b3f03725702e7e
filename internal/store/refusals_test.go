package store_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/test/kit/caches"
)

// A server that refuses a step has not done it. The store asks again for as long as a failover
// may take if that may be the reason, and otherwise fails at once.
func TestARefusedStepIsUnavailableAndWasNotDone(t *testing.T) {
	const failover = 2300 * time.Millisecond
	endless := []string{"EVAL", "while true do end", "0"}
	for _, test := range []struct {
		refusal    string
		arguments  string // of the server
		start, end string // commands
		paused     time.Duration
	}{
		{"OOM", "--maxmemory-policy noeviction", "CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", 0},
		{"NOREPLICAS", "", "CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0", 0},
		{"MISCONF", "--save 3600 1000", "BGSAVE", "CONFIG SET stop-writes-on-bgsave-error no", 0},
		{"READONLY", "", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", failover},
		{"MASTERDOWN", "--replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", failover},
		{"BUSY", "--busy-reply-threshold 1", "", "SCRIPT KILL", failover},
	} {
		t.Run(test.refusal, func(t *testing.T) {
			dir := t.TempDir()
			c := caches.Server(t, append(strings.Fields(test.arguments), "--dir", dir)...)
			if err := os.Remove(dir); err != nil { // a snapshot fails
				t.Fatal(err)
			}
			f := newFixture(t, c, nil, "refused", nil)
			var paused time.Duration
			f.sleep = func(_ context.Context, d time.Duration) error { paused += d; return nil }
			f.settings(unlimited)
			ask := func(words []string) {
				if _, err := caches.Ask(strings.TrimPrefix(c.URL, "redis://"), words...); err != nil && words[0] != "EVAL" {
					t.Fatal(err)
				}
			}
			ana := f.listed("ana", 0)
			if test.start == "" {
				ask(endless)
			} else {
				ask(strings.Fields(test.start))
			}
			var err error
			refused, deadline := ana.Position.Point, time.Now().Add(5*time.Second)
			taken := refused
			for meters := 1.0; err == nil && time.Now().Before(deadline); meters++ { // until the snapshot has failed
				taken, refused = refused, north(meters)
				_, err = f.store.Report(t.Context(), ana.Session, match.Report{Position: match.Position{Point: refused, Seq: ana.Seq + int64(meters)}})
			}
			if !errors.Is(err, match.ErrNotDone) || !strings.Contains(err.Error(), test.refusal) || paused != test.paused {
				t.Errorf("got %v after %v, want %s after %v", err, paused, test.refusal, test.paused)
			}
			ask(strings.Fields(test.end))
			if at := ana.snapshot().Position.Point; geo.Distance(at, taken) > 0.1 {
				t.Errorf("the refused report has moved the member to %v, want %v", at, taken)
			}
			ana.read()
		})
	}
}
