package model

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds say how much of the world is explored. What runs at once is bounded; how
// many requests are made and how many processes die is not.
type Bounds struct {
	Members   int // 2 or 3
	Processes int // at most 4, commands still to arrive included
	Drivers   int // how many of the processes may lead a request
	Workers   int // threads; 0 is 1
	// Forget leaves out what changes only what somebody is told: an ended match is
	// none, and the outcome of a request that is over is not kept.
	Forget bool
	// Failover lets a slot lose its last writes at any time. Then Heals alone is
	// checked: the others may be broken for a moment.
	Failover bool
}

// Wide bounds the exploration that counts: three members in either role and three
// processes at once, two of them with a request.
func Wide(workers int) Bounds {
	return Bounds{Members: 3, Processes: 3, Drivers: 2, Forget: true, Workers: workers}
}

// Telling bounds one of two members that keeps all that a member is told.
func Telling(workers int) Bounds {
	return Bounds{Members: 2, Processes: 3, Drivers: 2, Workers: workers}
}

// Failing bounds one with failovers.
func Failing(workers int) Bounds {
	return Bounds{Members: 3, Processes: 2, Drivers: 2, Forget: true, Failover: true, Workers: workers}
}

// A Result is what an exploration found.
type Result struct {
	States, Steps, Depth int
	Took                 time.Duration
	Violation            *Violation // nil if every rule holds
	Trace                []Scene    // the shortest way to it
}

// A Scene is one step of a trace with the state that it leads to.
type Scene struct {
	Words string
	After State
}

func (r Result) String() string {
	var b strings.Builder
	for i, scene := range r.Trace {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, scene.Words)
		for m := Member(1); m <= members; m++ {
			if i == 0 || r.Trace[i-1].After.Slots[m-1] != scene.After.Slots[m-1] {
				fmt.Fprintf(&b, "       %v: %v\n", m, scene.After.at(m))
			}
		}
	}
	if r.Violation != nil {
		fmt.Fprintf(&b, "     → %v\n", r.Violation)
	}
	return b.String()
}

// An Explorer visits every state that can be reached, nearest first.
type Explorer struct {
	Bounds  Bounds
	Variant Variant
	// Rule, if set, is the only one that is checked.
	Rule Rule
	// Observe, if set, is called for each script that runs, by one thread at a time.
	Observe func(c Call, pre, post Slot, r Reply)
	// Progress, if set, is called after each depth.
	Progress func(states, frontier, depth int)
}

// Explore returns at the first violation, at the context's end, or when there is
// nothing left to visit.
func (e Explorer) Explore(ctx context.Context) (Result, error) {
	start := time.Now()
	seen := newSeen()
	var first State
	root, _ := seen.add(first.canonical(e.Bounds.Members), none)
	frontier := []ref{root}
	var result Result
	var steps atomic.Int64
	for len(frontier) > 0 {
		if e.Progress != nil {
			e.Progress(seen.len(), len(frontier), result.Depth)
		}
		next, bad, err := e.level(ctx, seen, frontier, &steps)
		if err != nil {
			return result, err
		}
		if bad != nil {
			result.Trace = e.trace(seen, bad)
			result.Violation = bad.violation
			result.Depth++
			break
		}
		frontier = next
		if len(next) > 0 {
			result.Depth++
		}
	}
	result.States, result.Steps, result.Took = seen.len(), int(steps.Load()), time.Since(start)
	return result, nil
}

// A fault is a step that breaks a rule.
type fault struct {
	from      ref
	key       key // of the state it leads to
	violation *Violation
}

func (f *fault) before(g *fault) bool {
	return g == nil || f.key[0] < g.key[0] || f.key[0] == g.key[0] && f.key[1] < g.key[1]
}

// level visits all successors of the frontier and returns the new ones.
func (e Explorer) level(ctx context.Context, seen *seen, frontier []ref, steps *atomic.Int64) ([]ref, *fault, error) {
	const chunk = 256
	var (
		mu   sync.Mutex
		next []ref
		bad  *fault
		done atomic.Int64
		wait sync.WaitGroup
	)
	for range max(1, e.Bounds.Workers) {
		wait.Go(func() {
			w := worker{explorer: e, seen: seen, mu: &mu, well: map[[members]Slot]bool{}}
			w.machine = machine{variant: e.Variant, bounds: e.Bounds, emit: w.visit}
			if e.Observe != nil {
				w.machine.observe = func(c Call, pre, post Slot, r Reply) {
					mu.Lock()
					defer mu.Unlock()
					e.Observe(c, pre, post, r)
				}
			}
			for ctx.Err() == nil {
				from := int(done.Add(chunk)) - chunk
				if from >= len(frontier) {
					break
				}
				for _, at := range frontier[from:min(from+chunk, len(frontier))] {
					w.from = at
					w.state = seen.key(at).unpack()
					w.machine.next(w.state)
				}
			}
			steps.Add(int64(w.steps))
			mu.Lock()
			defer mu.Unlock()
			next = append(next, w.next...)
			if w.bad != nil && w.bad.before(bad) {
				bad = w.bad
			}
		})
	}
	wait.Wait()
	return next, bad, ctx.Err()
}

// A worker visits successors on one thread.
type worker struct {
	explorer Explorer
	machine  machine
	seen     *seen
	mu       *sync.Mutex
	well     map[[members]Slot]bool // slots known to heal

	from  ref
	state State
	next  []ref
	steps int
	bad   *fault
}

// visit checks one step and remembers where it leads.
func (w *worker) visit(step Step, after State) {
	w.steps++
	e := w.explorer
	violation := e.checkStep(&w.state, &after, step)
	if e.Bounds.Forget {
		after.forget()
	}
	if after == w.state && violation == nil {
		return
	}
	k := after.canonical(e.Bounds.Members)
	at, fresh := w.seen.add(k, w.from)
	if violation == nil && !fresh {
		return
	}
	if slots := k.unpack().Slots; violation == nil && !w.well[slots] {
		violation = e.checkState(&State{Slots: slots})
		w.well[slots] = violation == nil
	}
	if violation != nil {
		if bad := (&fault{w.from, k, violation}); bad.before(w.bad) {
			w.bad = bad
		}
		return
	}
	w.next = append(w.next, at)
}

// checks reports whether a rule is looked at.
func (e Explorer) checks(r Rule) bool {
	if e.Bounds.Failover {
		return r == Heals
	}
	return e.Rule == "" || e.Rule == r
}

// checkStep checks what must hold in every step.
func (e Explorer) checkStep(before, after *State, step Step) (v *Violation) {
	if e.checks(Durable) {
		v = durable(before, after, step)
	}
	if v == nil && e.checks(Told) {
		v = told(after, step, e.Variant)
	}
	if v == nil && e.checks(Once) {
		v = toldOnce(before, step)
	}
	return v
}

// checkState checks what must hold in every state. It looks at the slots alone.
func (e Explorer) checkState(s *State) (v *Violation) {
	if e.checks(Exclusive) {
		v = exclusive(s, e.Bounds.Members)
	}
	if v == nil && e.checks(Once) {
		v = once(s, e.Bounds.Members)
	}
	if v == nil && e.checks(Heals) {
		v = heals(s, e.Bounds.Members, e.Variant)
	}
	return v
}

// trace walks from the first state to the fault, under names that stay the same
// throughout, and words the violation in them.
func (e Explorer) trace(seen *seen, bad *fault) []Scene {
	keys := []key{bad.key}
	for at := bad.from; at != none; at = seen.parent(at) {
		keys = append(keys, seen.key(at))
	}
	var scenes []Scene
	var state State
	for i := len(keys) - 2; i >= 0; i-- {
		var scene *Scene
		m := machine{variant: e.Variant, bounds: e.Bounds}
		m.emit = func(step Step, after State) {
			violation := e.checkStep(&state, &after, step)
			if e.Bounds.Forget {
				after.forget()
			}
			if scene != nil || after.canonical(e.Bounds.Members) != keys[i] {
				return
			}
			if i == 0 && violation == nil {
				violation = e.checkState(&after)
			}
			if i == 0 && violation == nil {
				return // another step to the same state, and a blameless one
			}
			scene = &Scene{step.String(), after}
			if i == 0 {
				bad.violation = violation
			}
		}
		m.next(state)
		scenes = append(scenes, *scene)
		state = scene.After
	}
	return scenes
}
