package invariants_test

import (
	"context"
	"errors"
	"slices"
	"sync"

	"waggle/internal/geo"
	"waggle/internal/store"
)

// A fault is what befalls one event of an operation, a command to the cache or a
// push, and the process that made it.
type fault string

const (
	// The process vanishes before the event; of the commands that are sent together
	// those before it arrive.
	dies fault = "dies"
	// The event happens, and its reply is lost; the client asks once more.
	losesOnce fault = "loses one reply"
	// The same befalls each repeat of that command.
	loses fault = "loses every reply"
	// The command cannot be delivered, nor its repeats.
	misses fault = "cannot reach it"
	// The event happens twice.
	twice fault = "does it twice"
	// The event happens once more when the operation is long over.
	late fault = "does it again at the end"
)

// befall runs an operation whose n-th event, from 0, meets the fault, and returns
// how many events it came to. With none ("") it counts.
func (w *world) befall(n int, f fault, operation func()) int {
	return w.befallOne(n, f, true, operation)
}

// befallCommand does the same among the commands alone: every push arrives.
func (w *world) befallCommand(n int, f fault, operation func()) int {
	return w.befallOne(n, f, false, operation)
}

func (w *world) befallOne(n int, f fault, pushes bool, operation func()) int {
	m := &mishap{world: w, fault: f, at: n}
	trip, push := store.Hook(m.trip), pushHook(m.push)
	w.hook.Store(&trip)
	if pushes {
		w.push.Store(&push)
	}
	operation()
	w.hook.Store(nil)
	w.push.Store(nil)
	w.dead.Store(false)
	for _, again := range m.late {
		again()
	}
	return m.made
}

// A mishap is a fault at one event.
type mishap struct {
	*world
	fault fault
	at    int

	mu     sync.Mutex
	made   int
	struck *store.Command
	late   []func()
}

// trip makes those commands of a trip that the fault lets through.
func (m *mishap) trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
	through, hit := m.sort(commands)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	switch {
	case len(hit) == 0:
		send(ctx)
	case m.fault == dies:
		m.dead.Store(true)
		if len(through) > 0 {
			send(ctx, through...)
		}
		send(ended)
	case m.fault == losesOnce || m.fault == loses:
		send(ctx)
		send(ended, hit...)
	case m.fault == misses:
		if len(through) > 0 {
			send(ctx, through...)
		}
		send(ended, hit...)
	case m.fault == twice:
		send(ctx)
		send(ctx, hit...)
	case m.fault == late:
		send(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.late = append(m.late, func() { send(context.WithoutCancel(ctx), hit...) })
	}
}

// sort says which commands the fault lets through, and which it hits.
func (m *mishap) sort(commands []store.Command) (through, hit []int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range commands {
		mine := m.made == m.at
		switch {
		case m.fault == "" || m.fault == late && once(c):
			mine = false
		case m.fault == dies:
			mine = m.made >= m.at
		case m.fault == loses || m.fault == misses:
			mine = mine || m.struck != nil && same(*m.struck, c)
		}
		if mine {
			m.struck = &c
			hit = append(hit, i)
		} else {
			through = append(through, i)
		}
		m.made++
	}
	return through, hit
}

// same tells whether a command is another's repeat, whatever it is given this time.
func same(a, b store.Command) bool { return a.Script == b.Script && a.Key == b.Key }

// once tells which commands are never sent twice.
func once(c store.Command) bool {
	return slices.Contains([]string{"begin", "lease", "cancel"}, c.Script)
}

var errNoReply = errors.New("no reply")

// push delivers a push as the fault lets it.
func (m *mishap) push(_ context.Context, _, _ string, deliver func() error) error {
	m.mu.Lock()
	mine := m.made == m.at || m.fault == dies && m.made >= m.at
	m.made++
	m.mu.Unlock()
	switch {
	case !mine || m.fault == "":
		return deliver()
	case m.fault == dies:
		m.dead.Store(true)
		return deliver()
	case m.fault == misses:
		return errNoReply
	case m.fault == twice:
		return errors.Join(deliver(), deliver())
	case m.fault == late:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.late = append(m.late, func() { _ = deliver() })
		return deliver()
	}
	_ = deliver()
	return errNoReply
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
