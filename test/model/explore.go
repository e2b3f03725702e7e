package model

import (
	"context"
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
	workers := e.workers(seen)
	for len(frontier) > 0 {
		if e.Progress != nil {
			e.Progress(seen.len(), len(frontier), result.Depth)
		}
		next, bad, err := level(ctx, seen, frontier, workers)
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
	for _, w := range workers {
		result.Steps += w.steps
	}
	result.States, result.Took = seen.len(), time.Since(start)
	return result, nil
}

// level visits all successors of the frontier and returns the new ones.
func level(ctx context.Context, seen *seen, frontier []ref, workers []*worker) ([]ref, *fault, error) {
	const chunk = 256
	var done atomic.Int64
	var wait sync.WaitGroup
	for _, w := range workers {
		wait.Go(func() {
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
		})
	}
	wait.Wait()
	var next []ref
	var bad *fault
	for _, w := range workers {
		next = append(next, w.next...)
		w.next = w.next[:0]
		if w.bad != nil && w.bad.before(bad) {
			bad = w.bad
		}
	}
	return next, bad, ctx.Err()
}
