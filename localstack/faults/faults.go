// Package faults injects faults into the stack on one machine that also occur on AWS:
// events that are lost, late, duplicated or out of order, pushes that are refused, a
// cache that is slow or whose replies are lost. Start at [New], which parses the flag.
//
// A [Faults] hooks into the calls from the gateway to the functions (Events), into the
// pushes to clients (Post) and into the trips to the cache (Trip). The seed alone
// decides about each kind of fault: whether the n-th opportunity has the fault does
// not depend on anything else that happens.
package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Faults injects faults. It is safe for concurrent use.
type Faults struct {
	seed  uint64
	kinds []*decider // by kind
	made  time.Time
	// active ends with Stop.
	active context.Context
	stop   context.CancelFunc

	messages, disconnects gate // held back, by connection and by member
}

// A decider decides when one kind of fault occurs.
type decider struct {
	Chance
	mu                      sync.Mutex
	random                  *rand.Rand
	opportunities, occurred int
}

// New parses the syntax that [Help] explains, such as
// "duplicate=0.1,slow-cache=0.2:50ms" or "all,seed=7". The error says what is wrong and
// what is allowed.
func New(text string) (*Faults, error) {
	seed, chances, err := parse(text)
	if err != nil {
		return nil, err
	}
	f := &Faults{seed: seed, made: time.Now()}
	f.active, f.stop = context.WithCancel(context.Background())
	for k, c := range chances {
		f.kinds = append(f.kinds, &decider{Chance: c, random: rand.New(rand.NewPCG(seed, uint64(k)))})
	}
	return f, nil
}

// Stop ends all faults. Events that are held back continue.
func (f *Faults) Stop() { f.stop() }

// AffectCache reports whether a fault of the cache is on.
func (f *Faults) AffectCache() bool {
	return f.kinds[lostReply].Probability > 0 || f.kinds[slowCache].Probability > 0
}

// String returns the faults that are on and the seed, in the syntax of [New].
func (f *Faults) String() string {
	var words []string
	for k, d := range f.kinds {
		if d.Probability > 0 {
			words = append(words, kind(k).name()+"="+d.Chance.String())
		}
	}
	return strings.Join(append(words, fmt.Sprintf("seed=%d", f.seed)), ",")
}

// A Count says how often a fault occurred, and how often it could have.
type Count struct {
	Name                    string
	Occurred, Opportunities int
}

// Counts returns the counts of the faults that are on, in the order of [Help].
func (f *Faults) Counts() []Count {
	var all []Count
	for k, d := range f.kinds {
		d.mu.Lock()
		if d.Probability > 0 {
			all = append(all, Count{Name: kind(k).name(), Occurred: d.occurred, Opportunities: d.opportunities})
		}
		d.mu.Unlock()
	}
	return all
}

// Summary formats the counts as one line.
func (f *Faults) Summary() string {
	var words []string
	for _, c := range f.Counts() {
		words = append(words, fmt.Sprintf("%s %d of %d", c.Name, c.Occurred, c.Opportunities))
	}
	if len(words) == 0 {
		words = []string{"none was on"}
	}
	return "Faults injected: " + strings.Join(words, ", ")
}

// occurs decides whether a fault occurs at this opportunity.
func (f *Faults) occurs(k kind) bool {
	if f.active.Err() != nil {
		return false
	}
	d := f.kinds[k]
	if at := time.Since(f.made); d.To > 0 && (at < d.From || at >= d.To) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opportunities++
	if d.random.Float64() >= d.Probability {
		return false
	}
	d.occurred++
	return true
}

// pause waits for the time of a fault that occurs.
func (f *Faults) pause(ctx context.Context, k kind) {
	t := time.NewTimer(f.kinds[k].Time)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-f.active.Done():
	}
}
