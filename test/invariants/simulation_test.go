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

// A simulation runs many messages at once, one step at a time: a step is a trip to
// the cache or a push, and which of those under way comes next is drawn from a seed,
// as is what befalls it. Time passes only in between, by the bubble's clock,
// which the scripts see too. So a seed decides everything, on a real cluster as well.
type simulation struct {
	*world
	random *rand.Rand
	odds   odds
	// outside makes what the network is needed for: the bubble waits for it.
	outside chan func()
	made    chan struct{}
	clock   atomic.Int64 // what the scripts see, epoch ms

	mu      sync.Mutex
	waiting []*step
	under   int // operations under way
	begun   int
	start   time.Time // by the bubble's clock
	steps   int64
	trace   []string // the steps in their order
}

// odds are how often, of a thousand steps, something befalls one.
type odds struct {
	cut, lost, twice, held int
}

// A message is what a function serves.
type message struct {
	n    int
	dead bool // its process has vanished
}

// A step waits for its turn.
type step struct {
	label string
	of    *message
	turn  chan turn
}

// A turn is what befalls a step.
type turn int

const (
	goes       turn = iota
	cuts            // the process vanishes before it
	unanswered      // it is made, and its reply is lost
	doubles         // it is made twice
)

type operationKey struct{}

// simulate runs a test in a bubble with a world on the cache.
func simulate(t *testing.T, c caches.Cache, o odds, random *rand.Rand, test func(*simulation)) {
	s := &simulation{odds: o, random: random, outside: make(chan func()), made: make(chan struct{})}
	s.world = newWorld(t, c, unlimited, func(w *world, options *store.Options) {
		options.Hook = s.trip
		options.Sleep = s.sleep
		options.Offset = func() time.Duration { return time.Duration(s.clock.Load()) * time.Millisecond }
		rewrite := options.Rewrite
		options.Rewrite = func(name, text string) string {
			text = rewrite(name, text)
			const real = "t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])"
			if !strings.Contains(text, real) {
				t.Fatal("the scripts tell the time in another way: the simulation has to follow")
			}
			return strings.Replace(text, real, "tonumber(ARGV[1])", 1)
		}
	})
	push := pushHook(s.step)
	s.push.Store(&push)
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

// begin starts an operation, up to its first step, which will come when it is drawn.
// Two that start at once would draw their ids in an order that no seed decides.
func (s *simulation) begin(do func(context.Context)) {
	s.mu.Lock()
	s.under++
	s.begun++
	o := &message{n: s.begun}
	s.mu.Unlock()
	go func() {
		do(context.WithValue(s.t.Context(), operationKey{}, o))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.under--
	}()
	synctest.Wait()
}

// run makes one step after the other until nothing is under way any more. Before
// each, more says whether to begin something.
func (s *simulation) run(more func() bool) {
	for {
		synctest.Wait()
		begun := more()
		s.mu.Lock()
		slices.SortFunc(s.waiting, func(a, b *step) int { return cmp.Or(cmp.Compare(a.of.n, b.of.n), strings.Compare(a.label, b.label)) })
		waiting, under := len(s.waiting), s.under
		s.mu.Unlock()
		switch {
		case !begun && under == 0:
			return
		case waiting == 0:
			time.Sleep(time.Millisecond) // somebody sleeps
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
			t := s.draw()
			if t == cuts {
				next.of.dead = true
			}
			s.trace = append(s.trace, fmt.Sprintf("%v message %d: %s (%d)", time.Since(s.start), next.of.n, next.label, t))
			s.mu.Unlock()
			next.turn <- t
		}
	}
}

func (s *simulation) draw() turn {
	n := s.random.IntN(1000)
	for _, c := range []struct {
		odds int
		turn turn
	}{{s.odds.cut, cuts}, {s.odds.lost, unanswered}, {s.odds.twice, doubles}} {
		if n < c.odds {
			return c.turn
		}
		n -= c.odds
	}
	return goes
}

// tick is how many steps have been made.
func (s *simulation) tick() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.steps
}

// await waits for the turn of a step; false: its process has vanished, or has no
// time left.
func (s *simulation) await(ctx context.Context, label string) (turn, bool) {
	o, _ := ctx.Value(operationKey{}).(*message)
	if o == nil {
		return goes, true // nothing is under way but this
	}
	s.mu.Lock()
	if o.dead {
		s.mu.Unlock()
		return cuts, false
	}
	next := &step{label: label, of: o, turn: make(chan turn)}
	s.waiting = append(s.waiting, next)
	s.mu.Unlock()
	t := <-next.turn
	s.mu.Lock()
	defer s.mu.Unlock()
	return t, !o.dead && ctx.Err() == nil
}

// sleep waits until the time has passed, and then for its turn: many may wake at once.
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
		// Two trips of one message may well differ only in what they are given.
		label[i] = fmt.Sprint(c.Script, " ", c.Key, " ", c.Args)
	}
	slices.Sort(label)
	t, ok := s.await(ctx, strings.Join(label, ", "))
	if !ok {
		return
	}
	s.clock.Store(time.Now().UnixMilli())
	s.outside <- func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		send(context.Background())
		switch t {
		case unanswered:
			send(ended)
		case doubles:
			if !slices.ContainsFunc(commands, once) {
				send(context.Background())
			}
		}
	}
	<-s.made
}

// step is a pushHook.
func (s *simulation) step(ctx context.Context, kind, connection string, deliver func() error) error {
	t, ok := s.await(ctx, "push "+kind+" to "+connection)
	switch {
	case !ok:
		return context.Canceled
	case t == unanswered: // the client never gets it
		return errNoReply
	case t == doubles:
		_ = deliver()
	}
	return deliver()
}
