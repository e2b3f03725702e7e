package app_test

import (
	"context"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// TestRule7PrivateWhenHeldUp: a process that was held up between the answer of the
// routing table and the push shows nobody's location: by now the match may be over.
func TestRule7PrivateWhenHeldUp(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, w *world) {
		ana, ben := w.join("ana"), w.join("ben")
		ana.at(lat, lng)
		ben.at(lat, lng)
		ana.send("match", `"id":"m"`)
		want[*protocol.Matched](ana)
		for _, test := range []struct {
			heldUp time.Duration
			shown  bool
		}{{0, true}, {3 * time.Second, false}, {time.Second, true}} {
			hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
				send(ctx)
				if commands[0].Script == "watch" {
					w.pass(test.heldUp)
				}
			})
			w.hook.Store(&hook)
			ben.report(lat, lng+test.heldUp.Seconds()/1e4)
			w.hook.Store(nil)
			if _, shown := last[*protocol.LocationFrame](ana); shown != test.shown {
				t.Errorf("held up for %v: shown %v, want %v", test.heldUp, shown, test.shown)
			}
		}
	})
}
