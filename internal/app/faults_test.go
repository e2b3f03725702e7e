package app_test

import (
	"context"
	"sync"

	"waggle/internal/geo"
	"waggle/internal/store"
)

// A fault is what befalls one trip to the cache, and the process that made it.
type fault string

const (
	// The process vanishes before the trip: before its effect or, as the trip
	// before has been made, before that one's reply.
	dies fault = "dies"
	// The trip is made, and its reply is lost; the client asks once more.
	losesOnce fault = "loses one reply"
	// The same befalls the second asking.
	losesTwice fault = "loses two replies"
	// The cache cannot be reached for two trips.
	misses fault = "misses two trips"
	// The trip is made twice.
	twice fault = "makes it twice"
)

// befall runs an operation whose n-th trip, from 0, meets the fault, and returns
// how many trips it came to. With none ("") it counts.
func (w *world) befall(n int, f fault, operation func()) int {
	var mu sync.Mutex
	made := 0
	hook := store.Hook(func(ctx context.Context, _ []store.Command, trip func(context.Context, ...int)) {
		mu.Lock()
		mine := made
		made++
		mu.Unlock()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		switch {
		case f == "" || mine < n:
			trip(ctx)
		case f == dies:
			w.dead.Store(true)
			trip(ended)
		case f == losesOnce && mine == n, f == losesTwice && mine <= n+1:
			trip(ctx)
			trip(ended)
		case f == misses && mine <= n+1:
			trip(ended)
		case f == twice && mine == n:
			trip(ctx)
			trip(ctx)
		default:
			trip(ctx)
		}
	})
	w.hook.Store(&hook)
	operation()
	w.hook.Store(nil)
	w.dead.Store(false)
	return made
}

// between runs an operation, and in it another one before the n-th trip, from 0;
// or after it, and false, if it does not make so many.
func (w *world) between(n int, operation, other func()) bool {
	var mu sync.Mutex
	made, inside, met := 0, false, false
	hook := store.Hook(func(ctx context.Context, _ []store.Command, trip func(context.Context, ...int)) {
		mu.Lock()
		now := !met && made == n
		if !inside {
			made++
		}
		inside = inside || now
		met = met || now
		mu.Unlock()
		if now {
			other()
			mu.Lock()
			inside = false
			mu.Unlock()
		}
		trip(ctx)
	})
	w.hook.Store(&hook)
	operation()
	w.hook.Store(nil)
	if !met {
		other()
	}
	return met
}

// across returns two points some 100 m apart with the edge of a shard cell half
// way, on the line east of the place.
func across(lat, lng float64) (geo.Point, geo.Point) {
	home := geo.ShardCell(geo.Point{Lat: lat, Lng: lng})
	in, out := 0.0, 0.2
	for i := 0; i < 60; i++ {
		middle := (in + out) / 2
		if geo.ShardCell(geo.Point{Lat: lat, Lng: lng + middle}) == home {
			in = middle
		} else {
			out = middle
		}
	}
	const half = 0.0005
	return geo.Point{Lat: lat, Lng: lng + in - half}, geo.Point{Lat: lat, Lng: lng + in + half}
}
