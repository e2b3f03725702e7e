package invariants_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
)

// TestAMemberListedDuringASearchIsFound lets one member come and another one leave, before
// each trip of the search for a waiting request.
func TestAMemberListedDuringASearchIsFound(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n := range 10 {
			be.flush()
			s := be.newScene(fmt.Sprint("came-", n))
			s.a.send("match", `"id":"m","wait":300`)
			cat := be.joinIn(s.pool, "cat")
			be.between(n, func() { s.b.report(s.q.Lat, s.q.Lng) }, func() {
				s.b.disconnect()
				cat.at(s.q.Lat, s.q.Lng)
			})
			if _, ok := last[*protocol.Matched](s.a); !ok {
				t.Errorf("before trip %d: ana waits on, %s", n, be.state(s.a))
			}
		}
	})
}

// TestARequestIsAnsweredByItsOwnSearch sends a second request, with a larger radius, while the search
// for a request that does not wait is under way.
func TestARequestIsAnsweredByItsOwnSearch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		s := be.newScene("own")
		s.b.at(s.q.Lat, s.q.Lng)
		first := `"id":"first","radius":100,"lat":` + number(s.far.Lat) + `,"lng":` + number(s.far.Lng)
		second := fmt.Sprintf(`"id":"second","radius":1000,"lat":%v,"lng":%v`, s.q.Lat, s.q.Lng)
		var begins atomic.Int64
		done := make(chan struct{})
		hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			switch commands[0].Script {
			case "begin":
				begins.Add(1)
			case "give_up":
				if begins.Load() == 1 {
					go func() { defer close(done); s.a.send("match", second) }()
					for before := time.Now(); begins.Load() == 1 && time.Since(before) < time.Second; time.Sleep(time.Millisecond) {
					}
				}
			}
			send(ctx)
		})
		s.a.hook.Store(&hook)
		s.a.send("match", first)
		<-done
		s.a.hook.Store(nil)
		for _, f := range s.a.sent() {
			if is(f, func(n *protocol.NoMatch) bool { return n.ID == "second" }) {
				t.Errorf("the first request's outcome answers the second: %s", s.a.all())
			}
		}
		if m, ok := last[*protocol.Matched](s.a); !ok || m.ID != "second" || m.Request != "" {
			t.Errorf("the second request has no match of its own: %s", s.a.all())
		}
	})
}

// TestACancelWakesTheRequestsThatMetTheSearch lets ben cancel before each trip of the search
// for ben's request. Meanwhile zoe, who met ben searching, waits for anyone.
func TestACancelWakesTheRequestsThatMetTheSearch(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		for n := range 10 {
			be.flush()
			s := be.newScene(fmt.Sprint("cancel-", n))
			s.a.disconnect()
			s.b.at(s.q.Lat, s.q.Lng)
			zoe := be.joinIn(s.pool, "zoe")
			be.between(n, func() { s.b.send("match", `"id":"n","wait":300,"tags":["none"]`) }, func() {
				zoe.send("match", fmt.Sprintf(`"id":"z","wait":300,"lat":%v,"lng":%v`, s.q.Lat, s.q.Lng))
				s.b.send("cancel", "")
			})
			if _, ok := last[*protocol.Matched](zoe); !ok {
				t.Errorf("before trip %d: zoe waits on, %s", n, be.state(zoe))
			}
		}
	})
}

// TestAReportMayMeetThousandsOfWaitingRequests reports into a cell in which 3000 requests wait.
func TestAReportMayMeetThousandsOfWaitingRequests(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		const lat, lng = 37.7749, -122.4194
		here := geo.Point{Lat: lat, Lng: lng}
		for i := range 3000 {
			w := match.WaitingRequest{Owner: match.Member{Pool: "default", ID: fmt.Sprint("waiter-", i)}, Request: match.Request{ID: "q", Point: here,
				Radius: 3000, Created: int64(i), Deadline: be.now().UnixMilli() + 60_000}}
			if _, err := be.app.Store.Register(t.Context(), []geo.Cell{geo.ShardCell(here)}, w, 1); err != nil {
				t.Fatal(err)
			}
		}
		ben := be.join("ben")
		ben.at(lat, lng)
		ben.at(lat, lng+0.0001)
	})
}
