package invariants_test

import (
	"context"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// slow has the process be held up for that long after each of the next so many trips of
// a script.
func (w *world) slow(script string, times int, by time.Duration, operation func()) {
	hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		send(ctx)
		if times > 0 && commands[0].Script == script {
			times--
			w.pass(by)
		}
	})
	w.hook.Store(&hook)
	operation()
	w.hook.Store(nil)
}

// TestAProcessBehindItsClockPushesNothing: what it knows of a match may be over.
func TestAProcessBehindItsClockPushesNothing(t *testing.T) {
	const justInTime, late = 1900 * time.Millisecond, 2100 * time.Millisecond
	onEach(t, unlimited, func(t *testing.T, w *world) {
		pair := func(confirm time.Duration) (ana, ben *client) {
			w.empty()
			ana, ben = w.join("ana"), w.join("ben")
			ben.at(37.7749, -122.4194)
			w.slow("confirm", 1, confirm, func() { ana.send("match", `"lat":37.7749,"lng":-122.4194`) })
			return ana, ben
		}
		for _, by := range []time.Duration{justInTime, late} {
			ana, ben := pair(by)
			_, told := last[*protocol.Matched](ana)
			_, other := last[*protocol.Matched](ben)
			if inTime := by == justInTime; told != inTime || other != inTime {
				t.Errorf("held up for %v in confirm: told the matcher %v and the matchee %v, want %v", by, told, other, inTime)
			}
			if by == late { // the claim is old enough by then, and the next report tells both
				w.pass(time.Second)
				ben.report(37.7749, -122.4194)
				want[*protocol.Matched](ana)
				want[*protocol.Matched](ben)
			}

			ana, ben = pair(late) // a repair notifies the peer before it reads on
			w.pass(time.Second)
			began := w.now()
			w.slow("watch", 1, by, func() { ben.send("hello", "") })
			want[*protocol.Matched](ana)
			if took := ana.arrivals()[0].Sub(began); took > time.Second {
				t.Errorf("held up for %v in watch: the peer was notified after %v", by, took)
			}

			ana, ben = pair(0)
			ana.take()
			w.slow("watch", 1, by, func() { ben.report(37.775, -122.4194) })
			if _, shown := last[*protocol.LocationFrame](ana); shown != (by == justInTime) {
				t.Errorf("held up for %v in watch: shown %v, want %v", by, shown, by == justInTime)
			}
		}
	})
}

// TestASlowCacheHidesNoMatch: a slow answer says nothing of now, so hello asks again,
// and says rather that it cannot know than that there is no match.
func TestASlowCacheHidesNoMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, w *world) {
		ana, ben := w.join("ana"), w.join("ben")
		ben.at(37.7749, -122.4194)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.Matched](ana)
		for times := range 4 {
			w.slow("watch", times, 3*time.Second, func() { ana.send("hello", "") })
			if times == 3 {
				if e := ana.refuse(protocol.CodeUnavailable); !e.Retryable {
					t.Error("unavailable is said not to be worth a retry")
				}
			} else if m := want[*protocol.Welcome](ana).Match; m == nil {
				t.Errorf("with %d slow answers: welcome without the match", times)
			}
		}
	})
}

// TestAnUnansweredBeginIsTriedUnderAnotherID: the first try may still arrive, when the
// search of the second, or its match, is long over.
func TestAnUnansweredBeginIsTriedUnderAnotherID(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, w *world) {
		ana, ben := w.join("ana"), w.join("ben")
		ben.at(37.7749, -122.4194)
		var first func()
		hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if commands[0].Script == "begin" && first == nil {
				first = func() { send(context.WithoutCancel(ctx)) }
				return
			}
			send(ctx)
		})
		w.hook.Store(&hook)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		w.hook.Store(nil)
		m := want[*protocol.Matched](ana)
		ana.send("end", `"match":"`+m.Match+`"`)
		want[*protocol.Ended](ana)
		w.pass(61 * time.Second)
		first()
		if got := w.fields(ana, "route", "match")[0]; got == m.Match || got == "" {
			t.Errorf("the first try opened a search under %q, want another id than that of the match, which is over", got)
		}
	})
}
