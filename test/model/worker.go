package model

import "sync"

// A worker visits successors on one thread.
type worker struct {
	explorer Explorer
	machine  machine
	seen     *seen
	sound    map[[members]Slot]bool // slots that satisfy the rules of checkState
	recent   [1 << 15]key           // states just seen: neighbours often lead to the same one

	from  ref
	state State
	next  []ref
	steps int
	bad   *violatingStep
}

// visit checks one step and adds a new state to the next frontier.
func (w *worker) visit(step Step, after State) {
	w.steps++
	e := w.explorer
	violation := e.checkStep(&w.state, &after, step)
	if e.Bounds.ForgetOutcomes {
		after.forgetOutcomes()
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
	if slots := k.unpack().Slots; violation == nil && !w.sound[slots] {
		violation = e.checkState(&State{Slots: slots})
		w.sound[slots] = violation == nil
	}
	if violation != nil {
		if bad := (&violatingStep{w.from, k, violation}); bad.before(w.bad) {
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
		w := &worker{explorer: e, seen: seen, sound: map[[members]Slot]bool{}}
		w.machine = machine{fault: e.Fault, bounds: e.Bounds, emit: w.visit}
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

// checks reports whether a rule is checked.
func (e Explorer) checks(r Rule) bool {
	if e.Bounds.Failover {
		return r == Repaired
	}
	return e.Rule == "" || e.Rule == r
}

// checkStep checks the rules that must hold in every step.
func (e Explorer) checkStep(before, after *State, step Step) (v *Violation) {
	if e.checks(Durable) {
		v = durable(before, after, step)
	}
	if v == nil && e.checks(Confirmed) {
		v = confirmedFirst(after, step, e.Fault)
	}
	if v == nil && e.checks(Once) {
		v = sentOnce(before, step)
	}
	if v == nil && e.checks(Departed) {
		v = endedAsLeft(before, step)
	}
	if v == nil && e.checks(Consented) {
		v = answered(after, step, e.Fault)
	}
	return v
}

// checkState checks the rules that must hold in every state. They depend on the slots only.
func (e Explorer) checkState(s *State) (v *Violation) {
	if e.checks(Exclusive) {
		v = exclusive(s, e.Bounds.Members)
	}
	if v == nil && e.checks(Once) {
		v = once(s, e.Bounds.Members)
	}
	if v == nil && e.checks(Consented) {
		v = consented(s, e.Bounds.Members)
	}
	if v == nil && e.checks(Departed) {
		v = departed(s, e.Bounds.Members, e.Fault)
	}
	if v == nil && e.checks(Repaired) {
		v = repaired(s, e.Bounds.Members, e.Fault)
	}
	return v
}
