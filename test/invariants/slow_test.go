package invariants_test

import (
	"context"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// delay runs an operation. Its process is held up for the time by after each of the first
// trips of a script, as often as times says.
func (be *backend) delay(script string, times int, by time.Duration, operation func()) {
	hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		send(ctx)
		if times > 0 && commands[0].Script == script {
			times--
			be.advance(by)
		}
	})
	be.hook.Store(&hook)
	operation()
	be.hook.Store(nil)
}

// TestASlowProcessPushesNothing: by then the match may have ended.
func TestASlowProcessPushesNothing(t *testing.T) {
	const justInTime, late = 1900 * time.Millisecond, 2100 * time.Millisecond
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		pair := func(confirm time.Duration) (ana, ben *client) {
			be.flush()
			ana, ben = be.join("ana"), be.join("ben")
			ben.at(37.7749, -122.4194)
			be.delay("confirm", 1, confirm, func() { ana.send("match", `"lat":37.7749,"lng":-122.4194`) })
			return ana, ben
		}
		for _, by := range []time.Duration{justInTime, late} {
			ana, ben := pair(by)
			_, matcher := last[*protocol.Matched](ana)
			_, matchee := last[*protocol.Matched](ben)
			if inTime := by == justInTime; matcher != inTime || matchee != inTime {
				t.Errorf("held up for %v in confirm: notified the matcher %v and the matchee %v, want %v", by, matcher, matchee, inTime)
			}
			if by == late { // a second later the claim counts as abandoned, and the next report notifies both
				be.advance(time.Second)
				ben.report(37.7749, -122.4194)
				want[*protocol.Matched](ana)
				want[*protocol.Matched](ben)
			}

			ana, ben = pair(late) // a repair notifies the peer before it reads on
			be.advance(time.Second)
			began := be.now()
			be.delay("watch", 1, by, func() { ben.send("hello", "") })
			want[*protocol.Matched](ana)
			if took := ana.arrivals()[0].Sub(began); took > time.Second {
				t.Errorf("held up for %v in watch: the peer was notified after %v", by, took)
			}

			ana, ben = pair(0)
			ana.take()
			be.delay("watch", 1, by, func() { ben.report(37.775, -122.4194) })
			if _, shown := last[*protocol.LocationFrame](ana); shown != (by == justInTime) {
				t.Errorf("held up for %v in watch: showed the location %v, want %v", by, shown, by == justInTime)
			}
		}
	})
}

// TestASlowCacheHidesNoMatch: a slow reply may be out of date, so hello asks once more.
// After three slow replies it answers unavailable, and not that there is no match.
func TestASlowCacheHidesNoMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(37.7749, -122.4194)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		want[*protocol.Matched](ana)
		for times := range 4 {
			be.delay("watch", times, 3*time.Second, func() { ana.send("hello", "") })
			if times == 3 {
				if e := ana.wantError(protocol.CodeUnavailable); !e.Retryable {
					t.Error("unavailable is not retryable")
				}
			} else if m := want[*protocol.Welcome](ana).Match; m == nil {
				t.Errorf("after %d slow replies: welcome without the match", times)
			}
		}
	})
}

// TestAnUnansweredBeginIsTriedUnderAnotherID: the first try may still arrive, after the
// match of the second one has ended.
func TestAnUnansweredBeginIsTriedUnderAnotherID(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ben.at(37.7749, -122.4194)
		var first func()
		hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if commands[0].Script == "begin" && first == nil {
				first = func() { send(context.WithoutCancel(ctx)) }
				return
			}
			send(ctx)
		})
		be.hook.Store(&hook)
		ana.send("match", `"lat":37.7749,"lng":-122.4194`)
		be.hook.Store(nil)
		m := want[*protocol.Matched](ana)
		ana.send("end", `"match":"`+m.Match+`"`)
		want[*protocol.Ended](ana)
		be.advance(61 * time.Second)
		first()
		if got := be.fields(ana, "route", "match")[0]; got == m.Match || got == "" {
			t.Errorf("the first try opened a search under %q, want an id that differs from that of the match", got)
		}
	})
}
