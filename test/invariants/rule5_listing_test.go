package invariants_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"waggle/internal/geo"
	"waggle/internal/store"
)

// TestRule5OrderedLateListing: the listing of an earlier report that arrives late does
// not undo that of a later report that was acknowledged.
func TestRule5OrderedLateListing(t *testing.T) {
	onEach(t, unlimited, func(t *testing.T, be *backend) {
		first, second := geo.Point{Lat: 37.7749, Lng: -122.4194}, geo.Point{Lat: 37.7829, Lng: -122.4194}
		if geo.ShardCell(first) != geo.ShardCell(second) {
			t.Fatal("the places are in two shards")
		}
		ben := be.join("ben")
		ben.at(first.Lat, first.Lng)
		be.advance(61 * time.Second) // it is listed and stale, and no search has swept it
		var held atomic.Bool
		reached, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
		hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if commands[0].Script == "list" && held.CompareAndSwap(false, true) {
				close(reached)
				<-release
			}
			send(ctx)
		})
		be.hook.Store(&hook)
		go func() {
			defer close(done)
			ben.report(first.Lat, first.Lng)
		}()
		select {
		case <-reached:
		case <-done:
			t.Fatal("the report did not list its member anew")
		}
		ben.at(second.Lat, second.Lng)
		close(release)
		<-done
		be.hook.Store(nil)
		if got := be.findAt(second.Lat, second.Lng); got != "ben" {
			t.Errorf("ben is not found at the place of its last report, which was acknowledged")
		}
	})
}
