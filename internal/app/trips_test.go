package app_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"waggle/internal/protocol"
)

// TestTrips counts what each operation costs: exchanges with the cache, and the
// commands in them. Those beside and after the pushes are counted too.
func TestTrips(t *testing.T) {
	const lat, lng = 37.7749, -122.4194 // near the middle of its cell
	p, q := across(lat, lng)
	onEach(t, "", func(t *testing.T, w *world) {
		ana, ben := w.join("ana"), w.join("ben")
		var match string
		matched := func() { match = want[*protocol.Matched](ana).Match }
		end := func() { ana.send("end", `"match":"`+match+`"`) }
		meet := func() { ana.send("match", ""); matched() }
		steps := []struct {
			name            string
			do              func()
			trips, commands int
		}{
			{"first location", func() { ben.report(lat, lng) }, 2, 3},
			{"location, steady", func() { ben.report(lat, lng+0.0001) }, 1, 2},
			{"location in another cell", func() { ben.report(q.Lat, q.Lng) }, 2, 3},
			{"the next one, which leaves the cell before", func() { ben.report(q.Lat, q.Lng+0.0001) }, 2, 3},
			{"location of one not available", func() { ben.report(lat, lng, `"available":false`) }, 2, 3},
			{"the next one", func() { ben.report(lat, lng+0.0001) }, 1, 2},
			{"available again", func() { ben.report(lat, lng, `"available":true`) }, 2, 3},
			// begin and search, claim, commit, confirm; unlist, told
			{"match with a point", func() { ana.send("match", fmt.Sprintf(`"lat":%v,"lng":%v`, lat, lng)); matched() }, 6, 7},
			{"location of a matchee", func() { ben.report(lat, lng) }, 2, 3},
			// read, finish, release; list, told
			{"end", end, 5, 5},
			{"location of the matcher", func() { ana.report(lat, lng) }, 2, 3},
			{"match without a point", meet, 8, 8},
			{"location of a matcher", func() { ana.report(lat, lng) }, 2, 3},
			{"end of both listed", end, 6, 6},
			{"to the edge", func() { ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 3, 5},
			{"and there", func() { ana.report(p.Lat, p.Lng); ben.report(q.Lat, q.Lng) }, 3, 5},
			{"match across an edge", meet, 9, 11},
		}
		// The first run teaches the cache its scripts.
		for _, counted := range []bool{false, true} {
			for _, step := range steps {
				trips, commands := w.count(step.do)
				if counted && (trips != step.trips || commands != step.commands) {
					t.Errorf("%s: %d trips of %d commands, want %d of %d", step.name, trips, commands, step.trips, step.commands)
				}
			}
			w.empty()
			ana, ben = w.join("ana"), w.join("ben")
		}
	})
}

// count counts the trips of an operation and the commands in them.
func (w *world) count(operation func()) (trips, commands int) {
	var mu sync.Mutex
	hook := func(ctx context.Context, n int, trip func(context.Context)) {
		mu.Lock()
		trips++
		commands += n
		mu.Unlock()
		trip(ctx)
	}
	w.hook.Store(&hook)
	operation()
	w.hook.Store(nil)
	return trips, commands
}
