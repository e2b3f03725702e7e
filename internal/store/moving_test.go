package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// A slot of a cluster moves key by key from one node to another. A step on it gets through
// while all its keys are on one of them, or all that exist on the new one. Otherwise it fails
// fast, and was not done.
func TestAStepOnASlotThatMovesGetsThroughOrFailsFast(t *testing.T) {
	const fast = 300 * time.Millisecond
	newFixture := movingSlots(t)
	for name, moved := range map[string]func(keys []string) []string{
		"none": func([]string) []string { return nil },
		"one":  func(keys []string) []string { return keys[:1] },
		"all":  func(keys []string) []string { return keys },
	} {
		t.Run(name, func(t *testing.T) {
			f, cluster := newFixture(t, name)
			var paused time.Duration
			f.sleep = func(_ context.Context, d time.Duration) error { paused += d; return nil }
			f.settings(unlimited)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			before := ana.snapshot()
			var finish []func()
			for _, id := range []string{"ana", "ben", string(geo.ShardCell(north(0)))} {
				keys, move := keys(t, f.direct, f.key("*", id)), cluster.Move(t, f.key("m", id))
				move.Keys(moved(keys)...)
				finish = append(finish, func() { move.Finish(keys...) })
			}
			refused := 0
			for _, call := range sendings(ana, ben) {
				paused = 0
				err := call.send(t.Context(), f.store)
				switch {
				case err == nil:
					continue
				case name == "all" || !errors.Is(err, match.ErrNotDone) || paused > fast:
					t.Errorf("%s returned %v after %v", call.script, err, paused)
				}
				refused++
			}
			if name != "all" && refused < 10 {
				t.Errorf("only %d steps were refused", refused)
			}
			for _, do := range finish {
				do()
			}
			if name != "all" {
				same(f, ana.snapshot(), before)
			}
			f.says(ana.nextSession().connect(), match.StatusOK)
		})
	}
}

// The owner of a slot that moves lets no script create a key, not even one that the script
// deleted before.
func TestAConnectOnASlotThatMovesLosesNothing(t *testing.T) {
	f, cluster := movingSlots(t)(t, "connect")
	ana, ben := f.listed("ana", 0, tagged("xl")), f.listed("ben", 10)
	f.says(ana.begin("r1", "m1"), match.StatusOK)
	f.says(ana.claim("m1", ben), match.StatusYours)
	f.says(ana.commit("m1", ben), match.StatusYours)
	ana.skip("m1", protocol.Fix{At: 1})
	ana.leave() // it has all its keys now
	cluster.Move(t, f.key("m", "ana"))
	again := ana.nextSession()
	f.says(again.connect(), match.StatusOK)
	same(f, f.record("ana")["conn"], again.Connection)
}

// movingSlots starts a cluster, and returns what makes a fixture on it.
func movingSlots(t *testing.T) func(*testing.T, string) (*fixture, *caches.Cluster) {
	cluster := caches.StartPrimaries(t, 2)
	direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(cluster.URL, "redis://")}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.Close)
	return func(t *testing.T, pool string) (*fixture, *caches.Cluster) {
		return newFixture(t, cluster.Cache, direct, pool, func(file, text string) string { return offsetOnly(file, active.Script(file, text)) }), cluster
	}
}

// Valkey 9 moves a slot as a whole.
func TestASlotThatMovesAsAWholeRefusesNothing(t *testing.T) {
	f, cluster := movingSlots(t)(t, "whole")
	f.sleep = func(context.Context, time.Duration) error { t.Error("a step was retried"); return nil }
	f.settings(unlimited)
	ana, ben := f.listed("ana", 0), f.listed("ben", 10)
	f.says(ana.begin("r1", "m1"), match.StatusOK)
	for _, id := range []string{"ana", "ben", string(geo.ShardCell(north(0)))} {
		moved, err := cluster.MoveWhole(t, f.key("m", id))
		if err != nil {
			t.Skipf("needs Valkey 9 or later: %v", err)
		}
		for done := false; !done; done = moved() {
			for _, call := range sendings(ana, ben) {
				if err := call.send(t.Context(), f.store); err != nil {
					t.Errorf("%s: %v", call.script, err)
				}
			}
		}
	}
	same(f, ana.snapshot().Connection, "")
}
