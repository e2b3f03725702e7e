// Package incident plays a scripted incident on a local stack under load: its cache stands still, and
// later pushes fail. It samples the stack's metrics all the time, and says which moved, which alarms
// would go off, what the log says, and when all was as before. Start at [Plan.Run].
package incident

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"waggle/lab/load"
)

// A Plan says how long each stage lasts. Before them comes the Lead, in which the load begins.
type Plan struct {
	Lead, Before, Pause, Between, Pushes, After time.Duration
	// Share is the share of pushes that fail.
	Share float64
}

// A Stage is a part of the incident. From and To are seconds after the stack's start.
type Stage struct {
	Name     string
	From, To float64
}

// The stages, in their order.
const (
	before = iota
	pause
	between
	pushes
	after
)

// Stages returns the stages.
func (p Plan) Stages() []Stage {
	at := p.Lead.Seconds()
	stage := func(name string, length time.Duration) Stage {
		s := Stage{name, at, at + length.Seconds()}
		at = s.To
		return s
	}
	return []Stage{
		stage("before", p.Before), stage("the cache stands still", p.Pause), stage("after that", p.Between),
		stage("pushes fail", p.Pushes), stage("after that", p.After),
	}
}

// Faults are the faults that the stack is to be started with.
func (p Plan) Faults() string {
	s := p.Stages()[pushes]
	return fmt.Sprintf("limit=%g@%gs-%gs", p.Share, s.From, s.To)
}

// A Place is where the incident is played.
type Place struct {
	Started      time.Time // the stack
	Metrics      string    // http://host:port/metrics of the stack
	Freeze, Thaw func()    // stop the cache's process, and let it go on
	Load         load.Config
	Progress     func(what string, done float64)
}

// every is the time between two samples.
const every = time.Second

// A Record is what was sampled.
type Record struct {
	Plan    Plan
	Samples []Sample
	Load    load.Result
}

// A Sample has the metrics of a moment, by their name with its attributes, as Prometheus writes them.
type Sample struct {
	At     float64 // seconds after the stack's start
	Values map[string]float64
}

// Play plays the incident. When ctx ends, it returns an error.
func (p Plan) Play(ctx context.Context, at Place) (Record, error) {
	stages := p.Stages()
	end := stages[after].To
	c := at.Load
	c.WarmUp, c.Length, c.Progress = 0, time.Until(at.Started.Add(time.Duration(end*float64(time.Second)))), func(string, float64) {}
	if c.Length <= 0 {
		return Record{}, errors.New("the stack has started too long ago")
	}
	r := Record{Plan: p}
	loaded := make(chan error, 1)
	go func() {
		var err error
		r.Load, err = load.Run(ctx, c)
		loaded <- err
	}()
	frozen := false
	thaw := func() {
		if frozen {
			at.Thaw()
			frozen = false
		}
	}
	defer thaw()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		now := time.Since(at.Started).Seconds()
		i := len(stages) - 1
		for i > 0 && now < stages[i].From {
			i--
		}
		at.Progress(stages[i].Name, min(1, now/end))
		switch {
		case now >= end:
			return r, errors.Join(<-loaded, ctx.Err())
		case i == pause && !frozen:
			at.Freeze()
			frozen = true
		case i != pause:
			thaw()
		}
		if values, err := load.ReadMetrics(ctx, at.Metrics); err == nil { // at other times there is no sample
			r.Samples = append(r.Samples, Sample{At: time.Since(at.Started).Seconds(), Values: values})
		}
		select {
		case <-tick.C:
		case err := <-loaded: // it lasts longer than the stages, unless it could not begin or is interrupted
			return r, cmp.Or(err, ctx.Err(), errors.New("the load has ended early"))
		}
	}
}
