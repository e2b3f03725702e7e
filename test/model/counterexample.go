package model

import (
	"fmt"
	"strings"
)

// A PathStep is one step of a counterexample, with the state that it leads to.
type PathStep struct {
	Text  string
	After State
}

// String returns the counterexample step by step and the rule that it breaks.
func (r Result) String() string {
	var b strings.Builder
	for i, next := range r.Counterexample {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, next.Text)
		for m := Member(1); m <= members; m++ {
			if i == 0 || r.Counterexample[i-1].After.Slots[m-1] != next.After.Slots[m-1] {
				fmt.Fprintf(&b, "       %v: %v\n", m, next.After.at(m))
			}
		}
	}
	if r.Violation != nil {
		fmt.Fprintf(&b, "     → %v\n", r.Violation)
	}
	return b.String()
}

// A violatingStep breaks a rule, itself or by the state that it leads to.
type violatingStep struct {
	from      ref
	key       key // of the state it leads to
	violation *Violation
}

// before orders violating steps, so that a counterexample does not depend on threads.
func (s *violatingStep) before(t *violatingStep) bool {
	return t == nil || s.key[0] < t.key[0] || s.key[0] == t.key[0] && s.key[1] < t.key[1]
}

// counterexample walks from the first state to the violating step. A member and an id
// keep their names on the whole path, and the violation is reported in these names.
func (e Explorer) counterexample(seen *seen, bad *violatingStep) []PathStep {
	keys := []key{bad.key}
	for at := bad.from; at != none; at = seen.parent(at) {
		keys = append(keys, seen.key(at))
	}
	var path []PathStep
	var state State
	for i := len(keys) - 2; i >= 0; i-- {
		var next *PathStep
		m := machine{fault: e.Fault, bounds: e.Bounds}
		m.emit = func(step Step, after State) {
			violation := e.checkStep(&state, &after, step)
			if e.Bounds.ForgetOutcomes {
				after.forgetOutcomes()
			}
			if next != nil || after.canonical(e.Bounds.Members) != keys[i] {
				return
			}
			if i == 0 && violation == nil {
				violation = e.checkState(&after)
			}
			if i == 0 && violation == nil {
				return // another step to the same state, which breaks no rule
			}
			next = &PathStep{step.String(), after}
			if i == 0 {
				bad.violation = violation
			}
		}
		m.next(state)
		path = append(path, *next)
		state = next.After
	}
	return path
}
