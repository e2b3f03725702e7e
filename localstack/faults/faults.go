// Package faults makes things go wrong in the stack on one machine, as they do
// now and then on AWS: events that get lost, come late, twice or out of order,
// posts that are refused, a cache that is slow or whose replies are lost. Start
// at [New], which takes the text of the flag.
//
// A [Faults] stands in the ways from the gateway to the functions (Events), from
// them to the clients (Post) and to the cache (Trip). Each kind of fault is
// decided from the seed alone: the n-th time that it could befall, it does or does
// not, whatever else happens.
package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Faults decides what goes wrong. It is safe for concurrent use.
type Faults struct {
	seed uint64
	dice []*die // by kind
	// on ends with Stop.
	on  context.Context
	off context.CancelFunc

	messages, goodbyes gate // held back, by connection and by member
}

// A die decides about one kind of fault.
type die struct {
	Chance
	mu             sync.Mutex
	random         *rand.Rand
	thrown, befell int
}

// New takes what [Help] explains, such as "duplicate=0.1,slow-cache=0.2:50ms" or
// "all,seed=7". The error says what was wrong and what is allowed.
func New(text string) (*Faults, error) {
	seed, chances, err := parse(text)
	if err != nil {
		return nil, err
	}
	f := &Faults{seed: seed}
	f.on, f.off = context.WithCancel(context.Background())
	for k, c := range chances {
		f.dice = append(f.dice, &die{Chance: c, random: rand.New(rand.NewPCG(seed, uint64(k)))})
	}
	return f, nil
}

// Stop ends all faults: from now on nothing goes wrong, and what is held back
// goes on.
func (f *Faults) Stop() { f.off() }

// OfTheCache tells whether anything can befall on the way to the cache.
func (f *Faults) OfTheCache() bool {
	return f.dice[lostReply].Probability > 0 || f.dice[slowCache].Probability > 0
}

// String is what New takes.
func (f *Faults) String() string {
	var words []string
	for k, d := range f.dice {
		if d.Probability > 0 {
			words = append(words, kind(k).name()+"="+d.Chance.String())
		}
	}
	return strings.Join(append(words, fmt.Sprintf("seed=%d", f.seed)), ",")
}

// A Count is how often a fault befell, of how often it could have.
type Count struct {
	Name          string
	Befell, Asked int
}

// Counts are those of the faults that are on, in the order of [Help].
func (f *Faults) Counts() []Count {
	var all []Count
	for k, d := range f.dice {
		d.mu.Lock()
		if d.Probability > 0 {
			all = append(all, Count{Name: kind(k).name(), Befell: d.befell, Asked: d.thrown})
		}
		d.mu.Unlock()
	}
	return all
}

// Summary tells the counts in a line.
func (f *Faults) Summary() string {
	var words []string
	for _, c := range f.Counts() {
		words = append(words, fmt.Sprintf("%s %d of %d", c.Name, c.Befell, c.Asked))
	}
	if len(words) == 0 {
		words = []string{"none was on"}
	}
	return "Faults that befell: " + strings.Join(words, ", ")
}

// befalls decides about a fault that could befall now.
func (f *Faults) befalls(k kind) bool {
	if f.on.Err() != nil {
		return false
	}
	d := f.dice[k]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.thrown++
	if d.random.Float64() >= d.Probability {
		return false
	}
	d.befell++
	return true
}

// pause waits for the time of a fault that befell.
func (f *Faults) pause(ctx context.Context, k kind) {
	t := time.NewTimer(f.dice[k].Time)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-f.on.Done():
	}
}
