package invariants_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"waggle/internal/protocol"
	"waggle/internal/store"
)

// TestTrips counts the trips to the cache of each operation, and the commands in them.
// Those at the same time as the pushes, and after them, count too.
func TestTrips(t *testing.T) {
	const lat, lng = 37.7749, -122.4194 // near the middle of its cell
	p, q := acrossEdge(lat, lng)
	onEach(t, "", func(t *testing.T, be *backend) {
		ana, ben := be.join("ana"), be.join("ben")
		var match string
		matched := func() { match = want[*protocol.Matched](ana).Match }
		end := func() { ana.send("end", `"match":"`+match+`"`) }
		meet := func() { ana.send("match", ""); matched() }
		steps := []struct {
			name                    string
			do                      func()
			before, trips, commands int // before: trips before the first push, 0 if there is none
		}{
			// A location: the record, then the cell; where the cell's members are to be made known, area and cell.
			// A changed advice is noted as told after its push.
			{"first location", func() { ben.report(lat, lng) }, 0, 5, 5},
			{"location, steady", func() { ben.report(lat, lng+0.0001) }, 0, 2, 2},
			{"location in another cell", func() { ben.report(q.Lat, q.Lng) }, 0, 4, 4},
			{"the next location", func() { ben.report(q.Lat, q.Lng+0.0001) }, 0, 2, 2},
			{"location after 15 s, which removes the trailing listing", func() { be.advance(15 * time.Second); ben.report(q.Lat, q.Lng) }, 0, 2, 3},
			{"location of an unavailable member", func() { ben.report(lat, lng, `"available":false`) }, 0, 3, 3},
			{"the next location", func() { ben.report(lat, lng+0.0001) }, 0, 1, 1},
			{"location of a member who becomes available", func() { ben.report(lat, lng, `"available":true`) }, 0, 3, 3},
			// begin, search, claim, commit, confirm; unlist, told
			{"match with a point", func() { ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng)); matched() }, 5, 7, 8},
			{"first location of a matchee", func() { ben.report(lat, lng) }, 2, 3, 3},
			{"the next location", func() { ben.report(lat, lng+0.0001) }, 2, 2, 2},
			// The sender's record; the peer's record, or its route.
			{"say by the matcher", func() { ana.send("say", `"match":"`+match+`","data":1`) }, 2, 2, 2},
			{"say by the matchee", func() { ben.send("say", `"match":"`+match+`","data":1`) }, 2, 2, 2},
			{"the next say by the matcher", func() { ana.send("say", `"match":"`+match+`","data":1`) }, 1, 1, 2},
			{"the next say by the matchee", func() { ben.send("say", `"match":"`+match+`","data":1`) }, 1, 1, 2},
			// end, release; list, told
			{"end", end, 3, 4, 5},
			{"location of the matcher", func() { ana.report(lat, lng) }, 0, 3, 3},
			{"match without a point", meet, 5, 8, 9},
			{"first location of a matcher", func() { ana.report(lat, lng) }, 0, 3, 3},
			{"the next location", func() { ana.report(lat, lng+0.0001) }, 0, 2, 2},
			{"end of both listed", end, 4, 5, 6},
			// The push fails: the position is kept by a third trip, and goes along with the next push.
			{"another match", meet, 5, 8, 9},
			{"location whose push fails", func() { ana.refusing(func() { ben.report(lat, lng) }) }, 0, 3, 3},
			{"the next location", func() { ben.report(lat, lng+0.0001) }, 2, 3, 3},
			{"its end", end, 4, 5, 6},
			{"match with share", func() { ana.send("match", `"share":true`); matched() }, 5, 8, 9},
			{"first location of a matcher who shares its moves", func() { ana.report(lat, lng) }, 2, 3, 3},
			{"the next location", func() { ana.report(lat, lng+0.0001) }, 2, 2, 2},
			// end, finish, release; list, told
			{"end by the matchee", func() { ben.send("end", `"match":"`+match+`"`) }, 5, 6, 7},
			{"match with confirm", func() {
				ana.send("match", `"confirm":15`)
				match = want[*protocol.Offered](ana).Match
			}, 4, 5, 6},
			{"accept", func() { ben.send("accept", `"match":"`+match+`"`) }, 3, 6, 7},
			{"end of what was offered", end, 4, 5, 6},
			{"another offer", func() {
				ana.send("match", `"confirm":15`)
				match = want[*protocol.Offered](ana).Match
			}, 4, 5, 6},
			{"decline", func() { ben.send("decline", `"match":"`+match+`"`) }, 4, 10, 11},
			{"two locations at the edge, each the first from its box", func() { ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 0, 8, 8},
			{"the same 15 s later", func() { be.advance(15 * time.Second); ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 0, 4, 5},
			{"match across an edge", meet, 6, 9, 12},
			{"end across an edge", end, 4, 5, 6},
			{"a request that waits and widens", func() {
				ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v,"wait":300,"radius":500,"widenTo":2000,"widenSeconds":80,"tags":["none"]`, lat, lng))
			}, 3, 6, 6},
			{"ping", func() { ana.send("ping", "") }, 1, 1, 1},
			{"ping, the circle has grown", func() { be.advance(10 * time.Second); ana.send("ping", "") }, 1, 5, 5},
			{"the next ping", func() { ana.send("ping", "") }, 1, 1, 1},
		}
		// In the second run the cache knows the scripts. It begins with a span of the location
		// TTL, as the first report of a span makes its box known to the area once more.
		for _, counted := range []bool{false, true} {
			const span = 2 * time.Minute
			be.advance(span - time.Duration(be.now().UnixNano())%span + time.Second)
			for _, step := range steps {
				held := 0
				if counted {
					held = step.before
				}
				early, trips, commands := be.count(held, step.do)
				if counted && (!early || trips != step.trips || commands != step.commands) {
					t.Errorf("%s: %d trips of %d commands, a push after %d trips: %v; want %d of %d", step.name, trips, commands,
						step.before, early, step.trips, step.commands)
				}
			}
			be.flush()
			ana, ben = be.join("ana"), be.join("ben")
		}
	})
}

// count counts the trips of an operation and their commands. All trips after the first
// ones, as many as before says, are held back until the first push. early tells whether
// there was a push by then.
func (be *backend) count(before int, operation func()) (early bool, trips, commands int) {
	var mu sync.Mutex
	first := make(chan struct{})
	early = true
	hook := store.Hook(func(ctx context.Context, sent []store.Command, trip func(context.Context, ...int)) {
		mu.Lock()
		trips++
		commands += len(sent)
		hold := before > 0 && trips > before
		mu.Unlock()
		if hold {
			select {
			case <-first:
			case <-time.After(2 * time.Second):
				mu.Lock()
				early = false
				mu.Unlock()
			}
		}
		trip(ctx)
	})
	pushed := sync.OnceFunc(func() { close(first) })
	be.hook.Store(&hook)
	be.onPush.Store(&pushed)
	operation()
	be.hook.Store(nil)
	be.onPush.Store(nil)
	return early, trips, commands
}
