package invariants_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// TestAnEndIsNotifiedBeforeTheNextMatch covers a matcher that asks anew after a process
// died in the middle of an end. The same two are matched once more, and the matchee is
// notified of the end first.
func TestAnEndIsNotifiedBeforeTheNextMatch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		ask := func() string {
			ana.send("match", "")
			return want[*protocol.Matched](ana).Match
		}
		ana.at(lat, lng)
		ben.at(lat, lng)
		ana.send("end", `"match":"`+ask()+`"`) // the cache knows the scripts
		first := ask()
		be.withFault(1, dies, func() { ana.send("end", `"match":"`+first+`"`) }) // after the match is over
		ben.take()
		delayed := pushHook(func(_ context.Context, kind, connection string, deliver func() error) error {
			if kind == "*protocol.Ended" && connection == ben.connection {
				time.Sleep(50 * time.Millisecond)
			}
			return deliver()
		})
		be.pushHook.Store(&delayed)
		ask()
		be.pushHook.Store(nil)
		frames := ben.take()
		ended := slices.IndexFunc(frames, func(f protocol.Frame) bool {
			return is(f, func(e *protocol.Ended) bool { return e.Match == first })
		})
		next := slices.IndexFunc(frames, func(f protocol.Frame) bool { return is[*protocol.Matched](f, nil) })
		if ended < 0 || next < ended {
			t.Errorf("ben was sent the end of the match and the next match in a wrong order, or not both: %s", ben.all())
		}
	})
}

// TestOthersAreNotifiedBeforeTheCallerRetries covers a request that meets a member who is
// searching, and is tried for a second. A match of two others that it gives rise to is
// announced at once.
func TestOthersAreNotifiedBeforeTheCallerRetries(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		p, q := acrossEdge(lat, lng)
		ana, ben, mia, zoe := be.join("ana"), be.join("ben"), be.join("mia"), be.join("zoe")
		ana.at(p.Lat, p.Lng)
		ana.send("match", `"id":"a","wait":300`)
		be.advance(61 * time.Second) // ana has been silent too long for the reports that come now
		ben.at(p.Lat, p.Lng)
		zoe.at(q.Lat, q.Lng, `"tags":["tall"]`)
		mia.at(q.Lat, q.Lng)
		zoe.send("match", `"radius":100,"tags":["none"]`) // the cache knows the scripts
		be.withFault(1, dies, func() { zoe.send("match", `"radius":100,"tags":["none"]`) })
		if state := be.state(zoe); state != "searching" {
			t.Fatalf("zoe is %q, want it searching", state)
		}
		// She is heard again, but the process dies before it makes an attempt for her.
		be.withFault(1, dies, func() { ana.report(38.2, p.Lng) })
		sleep, slept := be.app.Service.Sleep, 0
		be.app.Service.Sleep = func(ctx context.Context, d time.Duration) error {
			if slept++; slept == 1 {
				want[*protocol.Matched](ana)
				want[*protocol.Matched](ben)
			}
			return match.Sleep(ctx, d)
		}
		defer func() { be.app.Service.Sleep = sleep }()
		mia.send("match", `"tags":["tall"]`)
		if slept == 0 {
			t.Error("mia's request was not tried a second time")
		}
	})
}
