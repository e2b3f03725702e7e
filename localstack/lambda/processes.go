package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A Program is one built function.
type Program struct {
	// Command is the path of its bootstrap, after an interpreter if it needs one.
	Command []string
	// Env has the function's variables, as NAME=value. Lambda's own variables are added;
	// those of this process are not.
	Env []string
	// Timeout ends an invocation and its environment; 0 is [DefaultTimeout].
	Timeout time.Duration
	// MemoryMB is passed to the function, and not enforced.
	MemoryMB int
}

// Options configure a runtime of processes. The zero value has the defaults.
type Options struct {
	// Concurrency is the maximum number of environments of one function; default 50.
	Concurrency int
	// InitTimeout is how long an environment may take to ask for its first event; default
	// 10 s, as on Lambda.
	InitTimeout time.Duration
	Log         *slog.Logger // gets the output of the functions; default slog.Default()
	// Taken reports whether it has taken a line of output, which is then not logged; nil: none.
	Taken func(line []byte) bool
}

// Processes runs functions as processes. An environment serves one event at a time. An
// invocation takes the environment that was used last; if all are busy it starts
// another one. Processes is safe for concurrent use.
type Processes struct {
	fleets map[string]*fleet
}

// Start returns a runtime for programs, by function name. It starts no process yet.
// Close ends the runtime.
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

// Invoke runs a function and returns its JSON result. A failure of the function is a
// *[FunctionError]; without a free environment the error is [ErrThrottled]. Invoke
// returns when ctx ends; the function continues until its own timeout.
func (p *Processes) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f, ok := p.fleets[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", errNoFunction, name)
	}
	done, err := f.start(payload)
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

// Close stops all environments and waits for them. An Invoke during or after Close
// fails.
func (p *Processes) Close() {
	var closing sync.WaitGroup
	for _, f := range p.fleets {
		closing.Go(f.close)
	}
	closing.Wait()
}

// A fleet holds the environments of one function.
type fleet struct {
	name    string
	program Program
	options Options

	mu     sync.Mutex
	closed bool
	live   map[*environment]bool
	idle   []*environment // ordered by last use
	stats  Stats
	// running has invocations and environments; Add only under mu while not closed.
	running sync.WaitGroup
}

var errClosed = errors.New("lambda: closed")

// start lets an environment serve an event. The outcome is sent once.
func (f *fleet) start(payload []byte) (<-chan outcome, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, err := f.acquire()
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

// acquire returns an environment for the caller alone. The caller holds mu.
func (f *fleet) acquire() (*environment, error) {
	if f.closed {
		return nil, errClosed
	}
	for len(f.idle) > 0 {
		e := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		if !e.hasExited() {
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

// run lets an environment serve an event, and keeps it unless it has exited. It replaces
// an environment that exited while it was idle.
func (f *fleet) run(e *environment, payload []byte) outcome {
	for {
		cold := !e.warm
		o := e.serve(payload)
		f.mu.Lock()
		if cold {
			f.stats.Starting += e.starting
		}
		if !errors.Is(o.err, errExitedIdle) {
			if !e.hasExited() {
				f.idle = append(f.idle, e)
			}
			f.mu.Unlock()
			return o
		}
		var err error
		e, err = f.acquire()
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
