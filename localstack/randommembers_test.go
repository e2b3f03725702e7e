package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waggle/clients/go/waggle"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// unlimited is a pool file without effective rate limits.
const unlimited = `{"pools":{"default":{"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6,"messagesPerSecond":1e6,"messagesBurst":1e6,"maxSpeed":0}}}`

// TestNoMemberIsStuckAfterRandomFaults lets a dozen members report, request, wait, cancel,
// end, drop and open second tabs while all faults occur. Then the faults stop, and all
// members reconnect: a member that is in a match shares it with exactly one other, and
// every other member is found.
func TestNoMemberIsStuckAfterRandomFaults(t *testing.T) {
	first := kit.Seed(t)
	for round := range uint64(kit.Times(1, 30)) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			caches.Each(t, func(t *testing.T, cache caches.Cache) {
				f := parseFaults(t, fmt.Sprintf("lost-disconnect=0.4,late-disconnect=0.5:50ms,duplicate=0.2,reorder=0.2:20ms,"+
					"gone=0.1,limit=0.1,lost-reply=0.04,slow-cache=0.2:5ms,seed=%d", first+round))
				c := newRandomMembers(t, config{Cache: cache.URL, Faults: f}, first+round)
				c.act(30)
				f.Stop()
				t.Logf("%s; %d matches, %d calls without a reply", f.Summary(), c.matches.Load(), c.unanswered.Load())
				for _, count := range f.Counts() {
					if count.Occurred == 0 {
						t.Errorf("%s never occurred, at %d opportunities", count.Name, count.Opportunities)
					}
				}
				if c.matches.Load() == 0 {
					t.Error("there was no match")
				}
				c.wantNobodyStuck()
			})
		})
	}
}

// randomMembers act at random, at the same time, on one stack.
type randomMembers struct {
	*testStack
	members             []*randomMember
	passed              atomic.Int64 // added to the clock, in nanoseconds
	matches, unanswered atomic.Int64
}

// A randomMember is one of them.
type randomMember struct {
	*randomMembers
	name, token string
	random      *rand.Rand
	client      *waggle.Client // the newest
	tabs        []*waggle.Client
}

// newRandomMembers starts a stack with a dozen members.
func newRandomMembers(t *testing.T, with config, seed uint64) *randomMembers {
	t.Helper()
	c := &randomMembers{}
	with.Pools, with.Offset = unlimited, func() time.Duration { return time.Duration(c.passed.Load()) }
	c.testStack = startStack(t, with)
	for i := range uint64(12) {
		name := fmt.Sprint("member-", i)
		c.members = append(c.members, &randomMember{randomMembers: c, name: name, token: c.token("member", name), random: rand.New(rand.NewPCG(seed, i))})
	}
	return c
}

// act lets all members take so many steps, at the same time.
func (c *randomMembers) act(steps int) {
	var all sync.WaitGroup
	for _, w := range c.members {
		all.Go(func() { w.act(steps) })
	}
	all.Wait()
}

// replyTimeout is how long a member waits for a reply that may have been lost.
const replyTimeout = 300 * time.Millisecond

// act takes so many steps, and advances the clock at each.
func (w *randomMember) act(steps int) {
	defer func() {
		for _, c := range w.tabs {
			c.Close()
		}
	}()
	w.connect()
	for range steps {
		w.passed.Add(int64(w.random.IntN(600)) * int64(time.Millisecond))
		if err := w.step(); errors.Is(err, waggle.ErrReplaced) || errors.Is(err, waggle.ErrClosed) {
			w.connect()
		} else if errors.Is(err, context.DeadlineExceeded) {
			w.unanswered.Add(1)
			w.client.Drop()
		} else if refused := new(waggle.Error); errors.As(err, &refused) && refused.Code == waggle.CodeInternal {
			w.t.Errorf("%s: %v", w.name, err)
		}
	}
}

// step does one random thing.
func (w *randomMember) step() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), replyTimeout)
	defer cancel()
	lat, lng := lat+w.random.Float64()/100, lng+w.random.Float64()/100
	switch w.random.IntN(14) {
	default:
		return w.client.Report(ctx, waggle.Location{Lat: lat, Lng: lng})
	case 0, 1, 2:
		return w.ask(ctx, waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}})
	case 3, 4:
		return w.ask(ctx, waggle.Match{Point: &waggle.Point{Lat: lat, Lng: lng}, Wait: 5})
	case 5:
		_, err := w.client.Cancel(ctx)
		return err
	case 6, 7:
		now, err := w.client.Hello(ctx)
		if err == nil && now.Match != nil {
			_, err = w.client.End(ctx, now.Match.Match, waggle.Completed)
		}
		return err
	case 8:
		_, err := w.client.Locate(ctx)
		return err
	case 9:
		w.client.Drop()
	case 10: // a second tab
		w.connect()
	case 11:
		w.client.Close()
	}
	return nil
}

func (w *randomMember) ask(ctx context.Context, m waggle.Match) error {
	outcome, err := w.client.Match(ctx, m)
	if outcome.Matched != nil {
		w.matches.Add(1)
	}
	return err
}

// connect opens a tab, with as many retries as it needs.
func (w *randomMember) connect() {
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*replyTimeout)
		c, err := waggle.Connect(ctx, waggle.Options{URL: w.api, Token: func(context.Context) (string, error) { return w.token, nil },
			Backoff: waggle.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}})
		cancel()
		if err == nil {
			w.client = c
			w.tabs = append(w.tabs, c)
			return
		}
		var refused *waggle.HandshakeError
		if try == 100 || errors.As(err, &refused) && refused.Status < http.StatusInternalServerError && !errors.Is(err, waggle.ErrReplaced) {
			w.t.Errorf("%s connects: %v", w.name, err)
			return
		}
	}
}

// wantNobodyStuck lets all members reconnect once the faults have stopped. Each member
// must be in a match with exactly one other, or be found.
func (c *randomMembers) wantNobodyStuck() {
	c.t.Helper()
	c.passed.Add(int64(16 * time.Second)) // all assignment attempts have ended
	for _, w := range c.members {
		w.client = c.join(w.name)
		if hello(c.t, w.client).Request == nil {
			continue
		}
		if _, err := w.client.Cancel(c.t.Context()); err != nil {
			c.t.Errorf("%s cancels: %v", w.name, err)
		}
	}
	matches := make(map[string][]int) // members of each match
	for i, w := range c.members {
		welcome := hello(c.t, w.client)
		if welcome.Request != nil {
			c.t.Errorf("%s still has a request: %+v", w.name, welcome.Request)
		}
		if welcome.Match != nil {
			matches[welcome.Match.Match] = append(matches[welcome.Match.Match], i)
		}
		report(c.t, w.client, place(i), lng)
		if found := c.isFoundAt(place(i), lng); found != (welcome.Match == nil) {
			c.t.Errorf("%s, in match %+v: found %t", w.name, welcome.Match, found)
		}
	}
	for match, members := range matches {
		if len(members) != 2 {
			c.t.Errorf("match %s has the members %v, want two", match, members)
			continue
		}
		if _, err := c.members[members[0]].client.End(c.t.Context(), match, waggle.Completed); err != nil {
			c.t.Errorf("%s ends: %v", c.members[members[0]].name, err)
		}
		for _, i := range members {
			if !c.isFoundAt(place(i), lng) {
				c.t.Errorf("%s is not found after the end of its match", c.members[i].name)
			}
		}
	}
	c.t.Logf("%d were in a match", 2*len(matches))
}

// place returns a latitude for each member, far from all others.
func place(i int) float64 { return lat + float64(i+1)/20 }
