package invariants_test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"waggle/internal/geo"
	"waggle/internal/store"
)

// A fault meets one event of an operation. An event is a command to the cache or a push.
type fault string

const (
	// The process dies before the event. The commands before it in the same trip arrive.
	dies fault = "dies"
	// The event happens, and its reply is lost. The client repeats it once.
	losesOnce fault = "loses one reply"
	// The same happens to each repeat of that command.
	loses fault = "loses every reply"
	// The command cannot be delivered, and neither can its repeats.
	misses fault = "cannot deliver"
	// The event happens twice.
	twice fault = "does it twice"
	// The event happens once more after the end of the operation.
	late fault = "does it again at the end"
)

// withFault runs an operation whose n-th event, from 0, meets the fault. It returns how
// many events there were. With "" there is no fault.
func (be *backend) withFault(n int, f fault, operation func()) int {
	return be.inject(n, f, true, operation)
}

// withCommandFault does the same, but counts commands only. Every push arrives.
func (be *backend) withCommandFault(n int, f fault, operation func()) int {
	return be.inject(n, f, false, operation)
}

func (be *backend) inject(n int, f fault, pushes bool, operation func()) int {
	in := &injector{backend: be, fault: f, at: n}
	trip, push := store.Hook(in.trip), pushHook(in.push)
	be.hook.Store(&trip)
	if pushes {
		be.pushHook.Store(&push)
	}
	operation()
	be.hook.Store(nil)
	be.pushHook.Store(nil)
	be.dead.Store(false)
	for _, repeat := range in.late {
		repeat()
	}
	return in.events
}

// An injector puts a fault at one event.
type injector struct {
	*backend
	fault fault
	at    int

	mu     sync.Mutex
	events int            // so far
	hit    *store.Command // the command that met the fault last
	late   []func()
}

// trip makes a trip with the commands that the fault lets through.
func (in *injector) trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
	through, hit := in.split(commands)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	switch {
	case len(hit) == 0:
		send(ctx)
	case in.fault == dies:
		in.dead.Store(true)
		if len(through) > 0 {
			send(ctx, through...)
		}
		send(ended)
	case in.fault == losesOnce || in.fault == loses:
		send(ctx)
		send(ended, hit...)
	case in.fault == misses:
		if len(through) > 0 {
			send(ctx, through...)
		}
		send(ended, hit...)
	case in.fault == twice:
		send(ctx)
		send(ctx, hit...)
	case in.fault == late:
		send(ctx)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.late = append(in.late, func() { send(context.WithoutCancel(ctx), hit...) })
	}
}

// split tells the commands that the fault lets through from those that it hits.
func (in *injector) split(commands []store.Command) (through, hit []int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, c := range commands {
		mine := in.events == in.at
		switch {
		case in.fault == "" || in.fault == late && sentOnce(c):
			mine = false
		case in.fault == dies:
			mine = in.events >= in.at
		case in.fault == loses || in.fault == misses:
			mine = mine || in.hit != nil && repeats(*in.hit, c)
		}
		if mine {
			in.hit = &c
			hit = append(hit, i)
		} else {
			through = append(through, i)
		}
		in.events++
	}
	return through, hit
}

// repeats tells whether a command is a repeat of another one. Its arguments may differ.
func repeats(a, b store.Command) bool { return a.Script == b.Script && a.Key == b.Key }

// sentOnce tells whether the store never repeats a command.
func sentOnce(c store.Command) bool {
	return slices.Contains([]string{"begin", "lease", "cancel"}, c.Script)
}

var errNoReply = errors.New("no reply")

// push makes a push, unless the fault hits it.
func (in *injector) push(_ context.Context, _, _ string, deliver func() error) error {
	in.mu.Lock()
	mine := in.events == in.at || in.fault == dies && in.events >= in.at
	in.events++
	in.mu.Unlock()
	switch {
	case !mine || in.fault == "":
		return deliver()
	case in.fault == dies:
		in.dead.Store(true)
		return deliver()
	case in.fault == misses:
		return errNoReply
	case in.fault == twice:
		return errors.Join(deliver(), deliver())
	case in.fault == late:
		in.mu.Lock()
		defer in.mu.Unlock()
		in.late = append(in.late, func() { _ = deliver() })
		return deliver()
	}
	_ = deliver()
	return errNoReply
}

// between runs an operation, and another one before its n-th trip, from 0. If the first
// operation makes fewer trips, the other one runs after it, and between returns false.
func (be *backend) between(n int, operation, other func()) bool {
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
	be.hook.Store(&hook)
	operation()
	be.hook.Store(nil)
	if !met {
		other()
	}
	return met
}

// acrossEdge returns two points that are some 100 m apart, on either side of the edge of a
// shard cell east of the place.
func acrossEdge(lat, lng float64) (geo.Point, geo.Point) {
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
