package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"

	"waggle/cmd/waggle/endpoint"
	"waggle/cmd/waggle/stack"
	"waggle/internal/topology"
	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

// pools has settings under which no limit is reached: a limit would hide what the drill looks for.
// Every release since the drill began knows them.
const pools = `{"pools":{"default":{"messagesPerSecond":1000000,"messagesBurst":1000000,"reportsPerSecond":1000000,"reportsBurst":1000000,
"requestsPerMinute":1000000,"matchesPerHour":1000000,"harvestPerHour":1000000,"coolDown":0}}}`

// A phase is a time in which the next release has a share of the invocations.
type phase struct {
	name  string
	share float64
	// oneByOne: the functions take the share one after the other, as in a deploy.
	oneByOne bool
}

// phases are a rollout and a rollback. Each half meets what the other release has stored.
func phases() []phase {
	return []phase{
		{name: "previous", share: 0},
		{name: "both", share: 0.5},
		{name: "function by function", share: 1, oneByOne: true},
		{name: "next", share: 1},
		{name: "both", share: 0.5},
		{name: "rolled back", share: 0},
	}
}

// A running drill has a stack, and counts.
type running struct {
	drill
	at    endpoint.Endpoint
	stack *stack.Stack

	mu       sync.Mutex
	boundary chan struct{} // closed when the next phase begins
	last     bool          // the last phase has begun
	over     bool          // the drill is over
	counts   counts
	wrong    []string
}

// counts are those of a phase.
type counts struct{ Matches, Offers, Resumed, Held int }

// play starts a cache and the stack, plays the phases, and says what was wrong.
func (d drill) play(ctx context.Context, s *scope.Scope) error {
	cache := caches.Valkey(s)
	poolFile, logFile := filepath.Join(d.out, "pools.json"), filepath.Join(d.out, "stack.log")
	if err := os.WriteFile(poolFile, []byte(pools), 0o600); err != nil {
		return err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(filepath.Join(d.programs, "localstack"), "-addr", "127.0.0.1:0", "-cache", cache.URL, "-pools", poolFile,
		"-events", filepath.Join(d.out, "events.jsonl"), "-runtime", "process", "-functions", d.from.functions, "-next", d.to.functions)
	process.Stderr = log
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for this process, which stops the stack last
	local, err := stack.Start(ctx, process)
	if err != nil {
		return fmt.Errorf("%w; see %s", err, logFile)
	}
	s.Cleanup(local.Stop)
	r := &running{drill: d, stack: local, boundary: make(chan struct{})}
	if r.at, err = endpoint.Parse(local.URL, ""); err != nil {
		return err
	}
	fmt.Fprintf(d.stdout, "previous: %s\nnext: %s\non %s, %d pairs, seed %d\n\n", d.from.name, d.to.name, cache.Name, d.pairs, d.seed)
	if err := r.phases(ctx); err != nil {
		return err
	}
	local.Stop()
	if err := r.readLog(logFile); err != nil {
		return err
	}
	if len(r.wrong) > 0 {
		return fmt.Errorf("%d things are wrong, the first ones:\n  %s\nsee %s", len(r.wrong), strings.Join(r.wrong[:min(len(r.wrong), 10)], "\n  "), logFile)
	}
	fmt.Fprintln(d.stdout, "\nno error, nobody is stuck, and both members were told of each match and of its end")
	return nil
}

// phases plays the phases, and checks that nobody is stuck at the end.
func (r *running) phases(ctx context.Context) error {
	table := tabwriter.NewWriter(r.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "phase\tserved by previous\tby next\tmatches\toffers\tresumed\theld over")
	var pairs sync.WaitGroup
	all := make([]*pair, r.pairs)
	for i := range all {
		var err error
		if all[i], err = r.connect(ctx, i); err != nil {
			r.next(true) // ends those that play already
			pairs.Wait()
			return err
		}
		defer all[i].close()
		pairs.Go(all[i].play)
	}
	before, err := r.shift(ctx, "", 0)
	for i, p := range phases() {
		if i > 0 {
			r.next(i == len(phases())-1)
		}
		if err == nil {
			err = r.pass(ctx, p)
		}
		if err != nil {
			break
		}
		var served map[string]int
		if served, err = r.shift(ctx, "", p.share); err != nil {
			break
		}
		c := r.take()
		first, second := served["first"]-before["first"], served["second"]-before["second"]
		before = served
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", p.name, first, second, c.Matches, c.Offers, c.Resumed, c.Held)
		if c.Matches == 0 || p.share < 1 && first == 0 || p.share > 0 && second == 0 {
			r.isWrong("%s: %d matches, served by %d invocations of the previous release and %d of the next one", p.name, c.Matches, first, second)
		}
	}
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.next(true)
	pairs.Wait()
	for _, p := range all {
		p.checkFree()
	}
	return errors.Join(err, table.Flush())
}

// pass lets a phase pass. Meanwhile the command waggle doctor of each release plays a match.
func (r *running) pass(ctx context.Context, p phase) error {
	var doctors sync.WaitGroup
	defer doctors.Wait()
	for _, release := range []release{r.from, r.to} {
		doctors.Go(func() {
			if out, err := exec.CommandContext(ctx, release.doctor, "doctor", "-url", r.stack.URL).CombinedOutput(); err != nil {
				r.isWrong("%s: waggle doctor of %s: %v\n%s", p.name, release.name, err, bytes.TrimSpace(out))
			}
		})
	}
	steps := []string{""}
	if p.oneByOne {
		if _, err := r.shift(ctx, "", 0); err != nil {
			return err
		}
		steps = nil
		for _, f := range topology.Functions() {
			steps = append(steps, f.Name)
		}
	}
	for _, function := range steps {
		if _, err := r.shift(ctx, function, p.share); err != nil {
			return err
		}
		select {
		case <-time.After(r.each / time.Duration(len(steps))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// shift gives the next release a share of a function's invocations, "" of all, and returns how many each has
// served so far.
func (r *running) shift(ctx context.Context, function string, share float64) (served map[string]int, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPut, fmt.Sprintf("%s/shift?function=%s&share=%g", r.stack.URL, function, share), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return served, json.NewDecoder(response.Body).Decode(&served)
}

// next begins the next phase: who holds a match or a request goes on.
func (r *running) next(last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.boundary)
	r.boundary, r.last = make(chan struct{}), last
}

func (r *running) untilNext() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.boundary
}

func (r *running) inLast() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.last }
func (r *running) isOver() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.over }

func (r *running) count(add func(*counts)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.counts)
}

func (r *running) take() (c counts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, r.counts = r.counts, counts{}
	return c
}

func (r *running) isWrong(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// readLog looks for errors that no member is told, such as those of $disconnect and of timers.
func (r *running) readLog(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "level=ERROR") {
			r.isWrong("log: %.300s", lines.Text())
		}
	}
	return lines.Err()
}
