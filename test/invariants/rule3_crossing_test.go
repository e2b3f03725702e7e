package invariants_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"waggle/internal/geo"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/test/kit"
	"waggle/test/kit/caches"
	"waggle/test/kit/oracle"
)

// TestRule3NearestWhileOthersCross lets members cross the edge of their shard, or cross
// back, before any command of a search. Before the search begins they have made any
// number of their own commands. A long run tries all pairs of both, a short one some.
func TestRule3NearestWhileOthersCross(t *testing.T) {
	var counts []string
	caches.Every(t, func(t *testing.T, c caches.Cache) {
		be, random, runs := newBackend(t, c, unlimited), kit.Random(t, 0), 0
		searched, crossed := 0, 0
		for _, c := range crossings() {
			for first, met := 0, true; met; first++ {
				crossed = max(crossed, first)
				for then, reached := 0, true; reached; then++ {
					if first == 0 { // without leaving any out
						searched = max(searched, then)
					}
					for _, backwards := range []bool{false, true} {
						if first > 0 && then > 0 && random.IntN(kit.Times(16, 1)) > 0 {
							continue
						}
						runs++
						met, reached = be.cross(c, fmt.Sprint("p", runs), first, then, backwards)
					}
				}
			}
		}
		if searched < 8 || crossed < 6 {
			t.Errorf("a search made %d commands and the others %d: too few for a crossing of shards", searched, crossed)
		}
		counts = append(counts, fmt.Sprintf("%d on %s", runs, c.Name))
	})
	t.Logf("note: nearest: searches while others cross: %s", strings.Join(counts, ", "))
}

// A crossing is a search among two members, and their reports meanwhile. The mover is
// always nearer than the other one.
type crossing struct {
	name         string
	asks         geo.Point
	mover, other geo.Point // where they start
	legs         []leg
}

// A leg is one report on the way.
type leg struct {
	by string
	to geo.Point
}

func crossings() []crossing {
	p, q := acrossEdge(37.7749, -122.4194)
	farP, farQ := acrossEdge(37.7739, -122.4194)
	asks, still := geo.Point{Lat: p.Lat + 0.002, Lng: (p.Lng + q.Lng) / 2}, geo.Point{Lat: p.Lat + 0.012, Lng: p.Lng}
	middle, around := threeShards()
	off := geo.Point{Lat: middle.Lat + 0.012, Lng: middle.Lng}
	return []crossing{
		{"over", asks, p, still, []leg{{"mover", q}}},
		{"back", asks, q, still, []leg{{"mover", p}}},
		{"over and on", asks, p, still, []leg{{"mover", q}, {"mover", geo.Point{Lat: q.Lat, Lng: q.Lng + 0.0002}}}},
		{"over and back", asks, p, still, []leg{{"mover", q}, {"mover", p}}},
		{"back and over", asks, q, still, []leg{{"mover", p}, {"mover", q}}},
		{"through three shards", middle, around[0], off, []leg{{"mover", middle}, {"mover", around[1]}}},
		{"through three shards and back", middle, around[0], off, []leg{{"mover", around[1]}, {"mover", middle}, {"mover", around[0]}}},
		{"past each other", asks, p, farQ, []leg{{"mover", q}, {"other", farP}}},
		{"past each other, the further first", asks, q, farP, []leg{{"other", farQ}, {"mover", p}}},
	}
}

// threeShards returns a point near which three shards meet, and a point 150 m away in
// each of the two shards that are not its own.
func threeShards() (middle geo.Point, around []geo.Point) {
	at := corner(48.8566, 2.3522)
	cells := []geo.Cell{geo.ShardCell(geo.Point(at))}
	for bearing := 0.0; bearing < 2*math.Pi; bearing += 0.1 {
		p := geo.Point(oracle.Travel(at, bearing, 150))
		if c := geo.ShardCell(p); !slices.Contains(cells, c) {
			cells, around = append(cells, c), append(around, p)
		}
	}
	return geo.Point(at), around
}

// cross runs a crossing in a pool of its own. The search must find the mover, and the
// next one the other member. It returns what interleave does.
func (be *backend) cross(c crossing, pool string, first, then int, backwards bool) (met, reached bool) {
	be.t.Helper()
	members := map[string]*client{"mover": be.joinIn(pool, "mover"), "other": be.joinIn(pool, "other")}
	asker, next := be.joinIn(pool, "asker"), be.joinIn(pool, "next")
	members["mover"].at(c.mover.Lat, c.mover.Lng)
	members["other"].at(c.other.Lat, c.other.Lng)
	asks := `"lat":` + number(c.asks.Lat) + `,"lng":` + number(c.asks.Lng)
	met, reached = be.interleave(first, then, backwards, func() { asker.send("match", asks) }, func() {
		for _, l := range c.legs {
			members[l.by].report(l.to.Lat, l.to.Lng)
		}
	})
	next.send("match", asks)
	found := []string{string(want[*protocol.Matched](asker).Peer.Card), string(want[*protocol.Matched](next).Peer.Card)}
	if !slices.Equal(found, []string{`"mover"`, `"other"`}) {
		be.t.Errorf("%s, from command %d, before the search's command %d, backwards %v: found %v", c.name, first, then, backwards, found)
	}
	return met, reached
}

// interleave runs the others up to their command number first, and a search up to its
// command number then. After that the others finish, and then the search. Commands are
// sent one by one and counted from 0. With backwards those of a trip are sent in the
// opposite order. met and reached tell whether the others and the search made so many
// commands.
func (be *backend) interleave(first, then int, backwards bool, search, others func()) (met, reached bool) {
	var mu sync.Mutex
	count, searching, finishing := 0, false, false
	paused, resume, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	// turn waits while the other side has its turn.
	turn := func() {
		mu.Lock()
		n := count
		count++
		pause, give := !searching && !met && n == first, searching && !finishing && n == then
		met, reached, finishing = met || pause, reached || give, finishing || give
		mu.Unlock()
		switch {
		case pause:
			close(paused)
			<-resume
		case give:
			close(resume)
			<-done
		}
	}
	hook := store.Hook(func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
		for i := range commands {
			turn()
			if backwards {
				i = len(commands) - 1 - i
			}
			send(ctx, i)
		}
	})
	be.hook.Store(&hook)
	defer be.hook.Store(nil)
	go func() {
		defer close(done)
		others()
	}()
	select {
	case <-paused:
	case <-done:
	}
	mu.Lock()
	count, searching = 0, true
	mu.Unlock()
	search()
	mu.Lock()
	finishing = true
	mu.Unlock()
	if met && !reached {
		close(resume)
	}
	<-done
	return met, reached
}
