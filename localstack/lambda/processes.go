package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A Program is one function as it was built.
type Program struct {
	// Command is the path of its bootstrap, after what runs it where that is needed.
	Command []string
	// Env is what the function reads, as NAME=value. Lambda's own variables are added,
	// and nothing of this process's environment.
	Env []string
	// Timeout ends an invocation, and its environment with it; 0 is [DefaultTimeout].
	Timeout time.Duration
	// MemoryMB is only what the function is told.
	MemoryMB int
}

// Options say how processes are run. The zero value has the defaults.
type Options struct {
	// Concurrency is how many environments of one function there may be; default 50.
	Concurrency int
	// InitTimeout is how long one may take to ask for its first event; default 10 s,
	// which is Lambda's.
	InitTimeout time.Duration
	Log         *slog.Logger // of what the functions write; default slog.Default()
}

// Processes runs functions as processes of their own. An environment serves one event
// at a time; the last one used is used first, and where all are at work another one
// is started. It is safe for concurrent use.
type Processes struct {
	fleets map[string]*fleet
}

// Start returns a runtime for these programs, by function name, none of which runs
// yet. Close ends it.
func Start(programs map[string]Program, o Options) *Processes {
	if o.Concurrency == 0 {
		o.Concurrency = 50
	}
	if o.InitTimeout == 0 {
		o.InitTimeout = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Processes{fleets: make(map[string]*fleet, len(programs))}
	for name, program := range programs {
		if program.Timeout == 0 {
			program.Timeout = DefaultTimeout
		}
		p.fleets[name] = &fleet{name: name, program: program, options: o, live: map[*environment]bool{}}
	}
	return p
}

// Invoke runs a function and returns its JSON result. The function's own failure is a
// *[FunctionError]; without a free environment it fails with [ErrThrottled]. It
// returns when ctx ends; the function goes on until its own timeout.
func (p *Processes) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f, ok := p.fleets[name]
	if !ok {
		return nil, fmt.Errorf("lambda: no function %q", name)
	}
	done, err := f.begin(payload)
	if err != nil {
		return nil, err
	}
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("lambda: invoke %s: %w", name, ctx.Err())
	}
}

// Stats returns the counters by function name.
func (p *Processes) Stats() map[string]Stats {
	stats := make(map[string]Stats, len(p.fleets))
	for name, f := range p.fleets {
		f.mu.Lock()
		s := f.stats
		s.Environments = len(f.live)
		stats[name] = s
		f.mu.Unlock()
	}
	return stats
}

// Close ends all environments, and returns when none is left. What is invoked
// meanwhile or later fails.
func (p *Processes) Close() {
	var closing sync.WaitGroup
	for _, f := range p.fleets {
		closing.Go(f.close)
	}
	closing.Wait()
}

// A fleet is the environments of one function.
type fleet struct {
	name    string
	program Program
	options Options

	mu     sync.Mutex
	closed bool
	live   map[*environment]bool
	idle   []*environment // the last used at the end
	stats  Stats
	// running are invocations and environments; added to under mu while not closed.
	running sync.WaitGroup
}

var errClosed = errors.New("lambda: closed")

// begin has an environment serve an event. What comes of it is sent once.
func (f *fleet) begin(payload []byte) (<-chan outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.take()
	if err != nil {
		return nil, err
	}
	f.stats.Invocations++
	done := make(chan outcome, 1)
	f.running.Go(func() {
		o := f.run(e, payload)
		if o.err != nil {
			f.mu.Lock()
			f.stats.Errors++
			f.mu.Unlock()
		}
		done <- o
	})
	return done, nil
}

// take returns an environment that nobody else has. The caller holds mu.
func (f *fleet) take() (*environment, error) {
	if f.closed {
		return nil, errClosed
	}
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !e.over() {
			return e, nil
		}
	}
	if len(f.live) >= f.options.Concurrency {
		f.stats.Throttles++
		return nil, fmt.Errorf("function %s: %w", f.name, ErrThrottled)
	}
	e, err := startEnvironment(f.name, f.program, f.options)
	if err != nil {
		return nil, fmt.Errorf("lambda: start %s: %w", f.name, err)
	}
	f.stats.ColdStarts++
	f.live[e] = true
	f.running.Go(func() {
		<-e.exited
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.live, e)
	})
	return e, nil
}

// run has an environment serve an event and keeps it, if it may serve another. One
// that turns out to have ended while it was idle is replaced.
func (f *fleet) run(e *environment, payload []byte) outcome {
	for {
		cold := !e.warm
		o := e.serve(payload)
		f.mu.Lock()
		if cold {
			f.stats.Starting += e.starting
		}
		if !errors.Is(o.err, errNotTaken) {
			if !e.over() {
				f.idle = append(f.idle, e)
			}
			f.mu.Unlock()
			return o
		}
		var err error
		e, err = f.take()
		f.mu.Unlock()
		if err != nil {
			return outcome{err: err}
		}
	}
}

func (f *fleet) close() {
	f.mu.Lock()
	f.closed = true
	for e := range f.live {
		f.running.Go(e.end)
	}
	f.mu.Unlock()
	f.running.Wait()
}
