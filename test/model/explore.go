package model

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds limit an exploration. They limit what runs at once; the number of requests
// and of processes that die has no limit.
type Bounds struct {
	Members   int // 2 or 3
	Processes int // at most 4, with late commands
	Attempts  int // of the processes, those that may make an assignment attempt
	Workers   int // threads; 0 is 1
	// ForgetOutcomes leaves out the outcomes that change only replies and pushes: an
	// ended match counts as none, and a closed request keeps no outcome.
	ForgetOutcomes bool
	// Offers lets a request ask its matchee for consent.
	Offers bool
	// Leaving lets a member be away from its match for longer than the grace time.
	Leaving bool
	// Failover lets a slot lose its last writes at any time. Then Repaired is the only
	// rule that is checked: the others may be broken for a moment.
	Failover bool
}

// Full bounds the largest exploration: three members in either role and three
// processes at once, two of which make an assignment attempt.
func Full(workers int) Bounds {
	return Bounds{Members: 3, Processes: 3, Attempts: 2, ForgetOutcomes: true, Workers: workers}
}

// WithOutcomes bounds an exploration of two members that keeps every outcome.
func WithOutcomes(workers int) Bounds {
	return Bounds{Members: 2, Processes: 3, Attempts: 2, Workers: workers}
}

// WithOffers bounds an exploration of requests that ask their matchee, and of others beside them:
// one attempt at a time, and an answer, a repair or an end beside it.
func WithOffers(workers int) Bounds {
	return Bounds{Members: 3, Processes: 2, Attempts: 1, Offers: true, ForgetOutcomes: true, Workers: workers}
}

// WithOffersOfTwo bounds one of two members who offer themselves to each other, with more processes.
func WithOffersOfTwo(workers int) Bounds {
	return Bounds{Members: 2, Processes: 3, Attempts: 2, Offers: true, ForgetOutcomes: true, Workers: workers}
}

// WithLeaving bounds an exploration of two members who leave their matches.
func WithLeaving(workers int) Bounds {
	return Bounds{Members: 2, Processes: 3, Attempts: 1, Leaving: true, ForgetOutcomes: true, Workers: workers}
}

// WithFailover bounds an exploration in which the cache fails over.
func WithFailover(workers int) Bounds {
	return Bounds{Members: 3, Processes: 2, Attempts: 2, ForgetOutcomes: true, Failover: true, Workers: workers}
}

// A Result is the result of an exploration.
type Result struct {
	States, Steps, Depth int
	Took                 time.Duration
	Violation            *Violation // nil if every rule holds
	Counterexample       []PathStep // the shortest path to the violation
}

// An Explorer visits every reachable state, breadth first.
type Explorer struct {
	Bounds Bounds
	Fault  Fault
	// Rule, if set, is the only rule that is checked.
	Rule Rule
	// Observe, if set, is called for each script that runs, by one thread at a time.
	Observe func(c Call, pre, post Slot, r Reply)
	// Progress, if set, is called after each depth.
	Progress func(states, frontier, depth int)
}

// Explore returns after the depth of the first violation, or when no state is left.
// Its error is the context's.
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
			result.Counterexample = e.counterexample(seen, bad)
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

// level visits all successors of the frontier and returns the new states.
func level(ctx context.Context, seen *seen, frontier []ref, workers []*worker) ([]ref, *violatingStep, error) {
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
	var bad *violatingStep
	for _, w := range workers {
		next = append(next, w.next...)
		w.next = w.next[:0]
		if w.bad != nil && w.bad.before(bad) {
			bad = w.bad
		}
	}
	return next, bad, ctx.Err()
}
