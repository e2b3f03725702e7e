package model

import (
	"fmt"
	"strings"
)

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

// A fault is a step that breaks a rule.
type fault struct {
	from      ref
	key       key // of the state it leads to
	violation *Violation
}

func (f *fault) before(g *fault) bool {
	return g == nil || f.key[0] < g.key[0] || f.key[0] == g.key[0] && f.key[1] < g.key[1]
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
