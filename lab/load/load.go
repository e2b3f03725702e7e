// Package load puts a stated load on a running Waggle: connections, reports, requests and
// follows. It measures throughput and latency beside a bare echo in the same run, what
// the server uses, and whether anybody is lost when all connections drop at once.
//
// Start at Run. The load is open: it does not wait for answers, so it may offer more than
// the server can do.
package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"waggle/clients/go/waggle"
)

const (
	// connecting is how many connections are made, and how many members are asked how
	// things stand, at the same time.
	connecting = 50
	// patience is how long an answer may take.
	patience = 15 * time.Second
	// returning is how long after a drop all must be back. The clients wait up to 20 s
	// between two attempts.
	returning = 90 * time.Second
	// samples is how often the server's usage is read in a run.
	samples = 60
	// startTries is how often a follower asks for its member before the run fails.
	startTries = 8
)

// A Config says what load to put on a server. Rates are of all members together.
type Config struct {
	Connections int // of all members below, and of members who only report
	Follows     int // pairs who are matched for the whole run: two connections each
	Waiting     int // members whose request waits, since nobody has its tag
	Askers      int // members who ask, follow for Follow, and end

	Reports, Requests float64 // a second
	Follow            time.Duration
	WarmUp, Length    time.Duration
	// Ramp has rates of reports, each for Step. It takes the place of Reports and Length.
	Ramp []float64
	Step time.Duration
	// ReconnectAt is when in the run all connections are cut at once; 0: never.
	ReconnectAt time.Duration

	// Name distinguishes this run's members from those of other runs.
	Name string
	// Options returns how a member connects.
	Options func(member string) waggle.Options
	// Usage returns what the server uses now.
	Usage func(context.Context) Usage
	// Progress is called with what is being done, and how much of it is done, from 0 to 1.
	// It must be quick.
	Progress func(what string, done float64)
}

// reporters is how many members report.
func (c Config) reporters() int { return c.Connections - c.Follows - c.Waiting - c.Askers }

// Interval is the time between two reports of a member.
func (c Config) Interval() time.Duration {
	return time.Duration(float64(c.reporters()) / slices.Min(c.rates()) * float64(time.Second))
}

// rates are the rates of reports, one after the other.
func (c Config) rates() []float64 {
	if len(c.Ramp) > 0 {
		return c.Ramp
	}
	return []float64{c.Reports}
}

// Run puts the load on the server. It returns an error only if it could not begin. When
// ctx ends it stops in order, and returns the result so far.
func Run(ctx context.Context, c Config) (Result, error) {
	r := &runner{Config: c, sent: newLedger(), place: newPlaces(c.Name)}
	r.first = r.begin(c.rates()[0])
	defer r.close()
	stopEcho, err := r.echo()
	if err != nil {
		return Result{}, err
	}
	defer stopEcho()
	r.note("start")
	if err := r.connect(ctx); err != nil {
		return Result{}, err
	}
	if err := r.startFollows(ctx); err != nil {
		return Result{}, err
	}
	r.play(ctx)
	r.endAll(lasting(ctx), r.askers) // an end may have had no answer under overload
	r.check(lasting(ctx), "at the end")
	r.checkFree()
	r.endAll(lasting(ctx), r.members)
	r.close()
	r.awaitClosed(lasting(ctx))
	return r.result(ctx.Err() != nil), nil
}

func lasting(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

type runner struct {
	Config
	sent  *ledger
	place *places

	members []*member
	pairs   []*pair
	waiting []*member
	askers  []*member
	reports []*member // all who report

	first  *tally                // of the time before the warm-up has ended
	now    atomic.Pointer[tally] // what is counted now
	phases []*tally
	usage  []Usage // by note
	series []Usage // after the warm-up

	running   sync.WaitGroup // of requests and reports under way
	closeOnce sync.Once

	mu   sync.Mutex
	back []time.Duration // from the drop to the welcome
	lost []string
	told int // who were notified of an end
}

// A pair is a member and its follower.
type pair struct {
	follower, member *member
	match            string
}

// begin starts to count anew.
func (r *runner) begin(rate float64) *tally {
	t := newTally(rate)
	r.now.Store(t)
	return t
}

func (r *runner) note(when string) {
	u := r.Usage(context.Background())
	u.When = when
	r.usage = append(r.usage, u)
}

// connect connects all members.
func (r *runner) connect(ctx context.Context) error {
	add := func(kind string, n int) (some []*member) {
		for i := range n {
			m := &member{r: r, name: fmt.Sprintf("load-%s-%s-%d", r.Name, kind, i)}
			some = append(some, m)
		}
		r.members = append(r.members, some...)
		return some
	}
	followed, followers := add("followed", r.Follows), add("follower", r.Follows)
	for i := range r.Follows {
		followed[i].at = r.place.apart(i)
		r.pairs = append(r.pairs, &pair{follower: followers[i], member: followed[i]})
	}
	r.waiting, r.askers = add("waiting", r.Waiting), add("asker", r.Askers)
	free := add("free", r.Connections-len(r.members))
	for _, m := range free {
		m.at = r.place.inTown()
	}
	r.reports = append(followed, free...)
	r.place.shuffle(r.reports)

	var connected atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connecting)
	for _, m := range r.members {
		group.Go(func() error {
			if err := m.connect(ctx); err != nil {
				return fmt.Errorf("connect %s: %w", m.name, err)
			}
			r.Progress("connect", float64(connected.Add(1))/float64(len(r.members)))
			return nil
		})
	}
	return group.Wait()
}

// startFollows matches each pair. Its members are alone at their place.
func (r *runner) startFollows(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(connecting)
	for _, p := range r.pairs {
		group.Go(func() error { return p.start(ctx) })
	}
	return group.Wait()
}

func (p *pair) start(ctx context.Context) error {
	var problem error
	for range startTries {
		asking, cancel := context.WithTimeout(ctx, patience)
		err := p.member.reportAndWait(asking)
		var out waggle.Outcome
		if err == nil {
			out, err = p.follower.client.Match(asking, waggle.Match{Radius: aloneRadius, Point: &p.member.at})
		}
		cancel()
		if err == nil && out.Matched != nil {
			p.match = out.Matched.Match
			return nil
		}
		if problem = err; err == nil {
			problem = errors.New("it was not found")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return fmt.Errorf("%s was to be matched with %s: %w", p.follower.name, p.member.name, problem)
}

// play puts the load on the server until the end of the run, or of ctx.
func (r *runner) play(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	var traffic sync.WaitGroup
	defer r.running.Wait()
	defer traffic.Wait()
	defer stop()
	for _, m := range r.waiting {
		traffic.Go(func() { m.waits(ctx) })
	}
	traffic.Go(func() { r.traffic(ctx) })
	r.pass(ctx, "warm up", r.WarmUp)
	r.note("warm")
	if len(r.Ramp) > 0 {
		for _, rate := range r.Ramp {
			before, t := r.Usage(ctx), r.begin(rate)
			r.phases = append(r.phases, t)
			r.pass(ctx, fmt.Sprintf("%.0f reports a second", rate), r.Step)
			t.end()
			t.cores = cores(before, r.Usage(ctx))
		}
		r.begin(slices.Min(r.Ramp))
		r.awaitAnswers(ctx)
	} else {
		t := r.begin(r.Reports)
		r.phases = []*tally{t}
		if r.ReconnectAt > 0 {
			r.pass(ctx, "load", r.ReconnectAt)
			r.reconnect(ctx)
		}
		r.pass(ctx, "load", time.Until(t.began.Add(r.Length)))
		t.end()
	}
	r.note("end")
}

// awaitAnswers waits for those that are late.
func (r *runner) awaitAnswers(ctx context.Context) {
	for range 20 {
		if !slices.ContainsFunc(r.phases, func(t *tally) bool { return t.phase().NoAnswer > 0 }) {
			return
		}
		r.pass(ctx, "wait for late answers", patience/20)
	}
}

// pass lets a time pass, shows the progress, and reads the server's usage now and then.
func (r *runner) pass(ctx context.Context, what string, d time.Duration) {
	began := time.Now()
	every := r.Length / samples
	sample := began.Add(every)
	for ctx.Err() == nil {
		passed := time.Since(began)
		if passed >= d {
			return
		}
		r.Progress(what, float64(passed)/float64(d))
		if what == "load" && time.Now().After(sample) {
			r.series = append(r.series, r.Usage(ctx))
			sample = sample.Add(every)
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(200*time.Millisecond, d-passed)):
		}
	}
}

// endAll ends what members have under way, so that a run leaves nothing behind.
func (r *runner) endAll(ctx context.Context, members []*member) {
	r.each(ctx, members, func(ctx context.Context, m *member) {
		match, request := m.underWay()
		if match != "" {
			_, _ = m.client.End(ctx, match, waggle.Completed) // the check has counted who is lost
		}
		if request != "" {
			_, _ = m.client.Cancel(ctx)
		}
	})
}

// each calls do for members, some at a time, each with a deadline.
func (r *runner) each(ctx context.Context, members []*member, do func(context.Context, *member)) {
	group := errgroup.Group{}
	group.SetLimit(connecting)
	for _, m := range members {
		group.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			do(ctx, m)
			return nil
		})
	}
	_ = group.Wait() // do returns no error
}

func (r *runner) close() {
	r.closeOnce.Do(func() {
		r.running.Wait()
		var closing sync.WaitGroup
		for _, m := range r.members {
			if m.client != nil {
				closing.Go(m.client.Close)
			}
		}
		closing.Wait()
	})
}

// idleGoroutines is how many more goroutines than at the start may serve idle connections to
// the cache and to @connections.
const idleGoroutines = 200

// awaitClosed waits until the server has no connections of this run, and has handled their
// end.
func (r *runner) awaitClosed(ctx context.Context) {
	left := func(now, start *float64, more float64) bool { return now != nil && start != nil && *now > *start+more }
	for range 100 {
		now, start := r.Usage(ctx), r.usage[0]
		if !left(now.Connections, start.Connections, 0) && !left(now.Goroutines, start.Goroutines, idleGoroutines) {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	r.note("closed")
}
