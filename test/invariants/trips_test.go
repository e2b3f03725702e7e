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

// TestTrips counts what each operation costs: exchanges with the cache, and the
// commands in them. Those beside and after the pushes are counted too.
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
			name                  string
			do                    func()
			told, trips, commands int // told: trips until somebody is told; 0 where nothing is to be seen
		}{
			{"first location", func() { ben.report(lat, lng) }, 0, 2, 3},
			{"location, steady", func() { ben.report(lat, lng+0.0001) }, 0, 1, 2},
			{"location in another cell", func() { ben.report(q.Lat, q.Lng) }, 0, 2, 3},
			{"the next one", func() { ben.report(q.Lat, q.Lng+0.0001) }, 0, 1, 2},
			{"one after a search's time, which leaves the cell before", func() { be.advance(15 * time.Second); ben.report(q.Lat, q.Lng) }, 0, 2, 3},
			{"location of one not available", func() { ben.report(lat, lng, `"available":false`) }, 0, 2, 3},
			{"the next one", func() { ben.report(lat, lng+0.0001) }, 0, 1, 2},
			{"available again", func() { ben.report(lat, lng, `"available":true`) }, 0, 2, 3},
			// begin and search, claim, commit, confirm; unlist, told
			{"match with a point", func() { ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng)); matched() }, 4, 6, 7},
			{"location of a matchee", func() { ben.report(lat, lng) }, 2, 2, 3},
			// read, finish, release; list, told
			{"end", end, 4, 5, 5},
			{"location of the matcher", func() { ana.report(lat, lng) }, 0, 2, 3},
			{"match without a point", meet, 5, 8, 8},
			{"location of a matcher", func() { ana.report(lat, lng) }, 0, 2, 3},
			{"end of both listed", end, 5, 6, 6},
			{"to the edge", func() { ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 0, 3, 5},
			{"and there, later", func() { be.advance(15 * time.Second); ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 0, 3, 5},
			{"match across an edge", meet, 6, 9, 11},
		}
		// The first run teaches the cache its scripts.
		for _, counted := range []bool{false, true} {
			for _, step := range steps {
				held := 0
				if counted {
					held = step.told
				}
				early, trips, commands := be.count(held, step.do)
				if counted && (!early || trips != step.trips || commands != step.commands) {
					t.Errorf("%s: %d trips of %d commands, somebody told after %d: %v; want %d of %d", step.name, trips, commands,
						step.told, early, step.trips, step.commands)
				}
			}
			be.flush()
			ana, ben = be.join("ana"), be.join("ben")
		}
	})
}

// count counts the trips of an operation and the commands in them. All trips after
// the first `told` are held back until somebody is told something; early says that
// somebody was.
func (be *backend) count(told int, operation func()) (early bool, trips, commands int) {
	var mu sync.Mutex
	first := make(chan struct{})
	early = true
	hook := store.Hook(func(ctx context.Context, sent []store.Command, trip func(context.Context, ...int)) {
		mu.Lock()
		trips++
		commands += len(sent)
		hold := told > 0 && trips > told
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
