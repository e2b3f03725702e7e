package invariants_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/kit/caches"
)

// A simulation runs many messages at the same time, one step after the other. A step is a
// trip to the cache or a push. A seed decides which step comes next, and which fault it
// meets. Time passes only between steps, by the clock of a synctest bubble, which the
// scripts see too. So a seed decides everything, on a real cluster too.
type simulation struct {
	*backend
	random *rand.Rand
	odds   odds
	// outside makes trips outside of the bubble, where the network is. The bubble waits.
	outside chan func()
	made    chan struct{}
	clock   atomic.Int64 // what the scripts see, epoch ms

	mu       sync.Mutex
	waiting  []*step
	underWay int // messages
	begun    int
	start    time.Time // by the bubble's clock
	steps    int64
	trace    []string // the steps in their order
}

// odds say how many of a thousand steps meet each fault.
type odds struct {
	cut, lost, twice, held int
}

// A message is one that a function serves.
type message struct {
	n    int
	dead bool // its process has died
}

// A step waits until it is drawn.
type step struct {
	label string
	of    *message
	drawn chan stepFault
}

// A stepFault is the fault that a step meets.
type stepFault int

const (
	noFault    stepFault = iota
	cut                  // the process dies before it
	unanswered           // it is made, and its reply is lost
	doubled              // it is made twice
)

type messageKey struct{}

// simulate runs a test in a bubble, on a backend with the cache.
func simulate(t *testing.T, c caches.Cache, o odds, random *rand.Rand, test func(*simulation)) {
	s := &simulation{odds: o, random: random, outside: make(chan func()), made: make(chan struct{})}
	s.backend = newBackend(t, c, unlimited, func(be *backend, options *store.Options) {
		options.Hook = s.trip
		options.Sleep = s.sleep
		options.Offset = func() time.Duration { return time.Duration(s.clock.Load()) * time.Millisecond }
		rewrite := options.Rewrite
		options.Rewrite = func(file, text string) string {
			text = rewrite(file, text)
			const real = "t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(args[1])"
			if file != "common" {
				return text
			}
			if !strings.Contains(text, real) {
				t.Fatal("the scripts read the clock in another way: adapt the simulation")
			}
			return strings.Replace(text, real, "tonumber(args[1])", 1)
		}
	})
	push := pushHook(s.step)
	s.pushHook.Store(&push)
	s.app.Service.Sleep = s.sleep
	var ids atomic.Int64
	s.app.Service.NewID = func() string { return fmt.Sprint("id", ids.Add(1)) }
	go func() {
		for f := range s.outside {
			f()
			s.made <- struct{}{}
		}
	}()
	defer close(s.outside)
	synctest.Test(t, func(t *testing.T) {
		s.t, s.start = t, time.Now()
		test(s)
	})
	s.t = t
}

// begin serves a message up to its first step. It returns before the next message begins:
// else no seed would decide the order of their ids.
func (s *simulation) begin(do func(context.Context)) {
	s.mu.Lock()
	s.underWay++
	s.begun++
	m := &message{n: s.begun}
	s.mu.Unlock()
	go func() {
		do(context.WithValue(s.t.Context(), messageKey{}, m))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.underWay--
	}()
	synctest.Wait()
}

// run makes one step after the other until no message is under way. Before each step, more
// may begin a message, and returns whether it may do so later.
func (s *simulation) run(more func() bool) {
	for {
		synctest.Wait()
		begun := more()
		s.mu.Lock()
		slices.SortFunc(s.waiting, func(a, b *step) int { return cmp.Or(cmp.Compare(a.of.n, b.of.n), strings.Compare(a.label, b.label)) })
		waiting, underWay := len(s.waiting), s.underWay
		s.mu.Unlock()
		switch {
		case !begun && underWay == 0:
			return
		case waiting == 0:
			time.Sleep(time.Millisecond) // every message sleeps
		case s.random.IntN(1000) < s.odds.held:
			time.Sleep(time.Duration(s.random.ExpFloat64() * float64(3*time.Second)))
		case s.random.IntN(4) == 0:
			time.Sleep(time.Duration(s.random.IntN(20)) * time.Millisecond)
		default:
			s.mu.Lock()
			i := s.random.IntN(len(s.waiting))
			next := s.waiting[i]
			s.waiting = slices.Delete(s.waiting, i, i+1)
			s.steps++
			f := s.draw()
			if f == cut {
				next.of.dead = true
			}
			s.trace = append(s.trace, fmt.Sprintf("%v message %d: %s (%d)", time.Since(s.start), next.of.n, next.label, f))
			s.mu.Unlock()
			next.drawn <- f
		}
	}
}

func (s *simulation) draw() stepFault {
	n := s.random.IntN(1000)
	for _, c := range []struct {
		odds  int
		fault stepFault
	}{{s.odds.cut, cut}, {s.odds.lost, unanswered}, {s.odds.twice, doubled}} {
		if n < c.odds {
			return c.fault
		}
		n -= c.odds
	}
	return noFault
}

// tick is the number of steps so far.
func (s *simulation) tick() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps
}

// await waits until the step is drawn. It returns false if the process of the message has
// died or has run out of time.
func (s *simulation) await(ctx context.Context, label string) (stepFault, bool) {
	m, _ := ctx.Value(messageKey{}).(*message)
	if m == nil {
		return noFault, true // the test itself makes this step, and no message is under way
	}
	s.mu.Lock()
	if m.dead {
		s.mu.Unlock()
		return cut, false
	}
	next := &step{label: label, of: m, drawn: make(chan stepFault)}
	s.waiting = append(s.waiting, next)
	s.mu.Unlock()
	f := <-next.drawn
	s.mu.Lock()
	defer s.mu.Unlock()
	return f, !m.dead && ctx.Err() == nil
}

// sleep waits for the time, and then until it is drawn: many messages may wake at once.
func (s *simulation) sleep(ctx context.Context, d time.Duration) error {
	if err := match.Sleep(ctx, d); err != nil {
		return err
	}
	if _, ok := s.await(ctx, "wake"); !ok {
		return context.Canceled
	}
	return nil
}

// trip is a store.Hook.
func (s *simulation) trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
	label := make([]string, len(commands))
	for i, c := range commands {
		// Two trips of one message may differ in their arguments only.
		label[i] = fmt.Sprint(c.Script, " ", c.Key, " ", c.Args)
	}
	slices.Sort(label)
	f, ok := s.await(ctx, strings.Join(label, ", "))
	if !ok {
		return
	}
	s.clock.Store(time.Now().UnixMilli())
	s.outside <- func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		send(context.Background())
		switch f {
		case unanswered:
			send(ended)
		case doubled:
			if !slices.ContainsFunc(commands, sentOnce) {
				send(context.Background())
			}
		}
	}
	<-s.made
}

// step is a pushHook.
func (s *simulation) step(ctx context.Context, kind, connection string, deliver func() error) error {
	f, ok := s.await(ctx, "push "+kind+" to "+connection)
	switch {
	case !ok:
		return context.Canceled
	case f == unanswered: // the client never gets it
		return errNoReply
	case f == doubled:
		_ = deliver()
	}
	return deliver()
}
