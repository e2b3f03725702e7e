package model

import "sync"

// A worker visits successors on one thread.
type worker struct {
	explorer Explorer
	machine  machine
	seen     *seen
	well     map[[members]Slot]bool // slots known to be well
	recent   [1 << 15]key           // some of those just seen: neighbours lead to the same

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
	recent := &w.recent[k.hash()%uint64(len(w.recent))]
	if *recent == k && violation == nil {
		return
	}
	*recent = k
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

// workers returns one worker for each thread.
func (e Explorer) workers(seen *seen) []*worker {
	var mu sync.Mutex
	all := make([]*worker, max(1, e.Bounds.Workers))
	for i := range all {
		w := &worker{explorer: e, seen: seen, well: map[[members]Slot]bool{}}
		w.machine = machine{variant: e.Variant, bounds: e.Bounds, emit: w.visit}
		if e.Observe != nil {
			w.machine.observe = func(c Call, pre, post Slot, r Reply) {
				mu.Lock()
				defer mu.Unlock()
				e.Observe(c, pre, post, r)
			}
		}
		all[i] = w
	}
	return all
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
