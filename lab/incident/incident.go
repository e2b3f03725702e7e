// Package incident plays a scripted incident on a local stack under load: its cache stands still, and
// later pushes fail. It samples the stack's metrics all the time, and says which moved, which alarms
// would go off, what the log says, and when all was as before. Start at [Play].
package incident

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
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
	playing, stop := context.WithCancel(ctx)
	defer stop()
	var loading sync.WaitGroup
	defer loading.Wait()
	var loadErr error
	loading.Go(func() {
		r.Load, loadErr = load.Run(playing, c)
		stop()
	})
	frozen := false
	thaw := func() {
		if frozen {
			at.Thaw()
			frozen = false
		}
	}
	defer thaw()
	for tick := time.NewTicker(every); ; {
		now := time.Since(at.Started).Seconds()
		i := len(stages) - 1
		for i > 0 && now < stages[i].From {
			i--
		}
		at.Progress(stages[i].Name, min(1, now/end))
		switch {
		case now >= end:
			tick.Stop()
			loading.Wait()
			return r, errors.Join(loadErr, ctx.Err())
		case i == pause && !frozen:
			at.Freeze()
			frozen = true
		case i != pause:
			thaw()
		}
		s, err := read(playing, at.Metrics)
		if err == nil {
			s.At = time.Since(at.Started).Seconds()
			r.Samples = append(r.Samples, s)
		} else if ctx.Err() == nil && loadErr == nil && playing.Err() == nil {
			return r, err
		}
		select {
		case <-tick.C:
		case <-playing.Done():
			loading.Wait()
			if err := errors.Join(loadErr, ctx.Err()); err != nil {
				return r, err
			}
			<-tick.C
		}
	}
}

// read reads the metrics of a stack.
func read(ctx context.Context, url string) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Sample{}, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return Sample{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Sample{}, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	return parse(resp.Body)
}

func parse(text io.Reader) (Sample, error) {
	s := Sample{Values: make(map[string]float64)}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || line[0] == '#' {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			return s, fmt.Errorf("the metrics have a line %q", line)
		}
		s.Values[line[:cut]] = value
	}
	return s, lines.Err()
}
