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
	"waggle/internal/protocol"
)

// unlimited is a pool file without rates to speak of.
const unlimited = `{"pools":{"default":{"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6}}}`

// A crowd is members that live at the same time, whatever goes wrong.
type randomMembers struct {
	*testStack
	members             []*randomMember
	passed              atomic.Int64 // nanoseconds
	matches, unanswered atomic.Int64
}

// A walker is one of them.
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

// live has all do so many things, at the same time.
func (c *randomMembers) act(steps int) {
	var all sync.WaitGroup
	for _, w := range c.members {
		all.Go(func() { w.act(steps) })
	}
	all.Wait()
}

// answerTimeout is how long a walker waits for an answer that may have been lost.
const answerTimeout = 300 * time.Millisecond

// live does so many things, each some way into the future.
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
		} else if refused := new(waggle.Error); errors.As(err, &refused) && refused.Code == protocol.CodeInternal {
			w.t.Errorf("%s: %v", w.name, err)
		}
	}
}

// deed does one thing.
func (w *randomMember) step() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), answerTimeout)
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

// connect opens a tab, as often as it takes.
func (w *randomMember) connect() {
	for try := 0; ; try++ {
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*answerTimeout)
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

// settle has everybody connect again, when nothing goes wrong any more, and wants
// each to be in one match with one other, or to be found.
func (c *randomMembers) wantNobodyStuck() {
	c.t.Helper()
	c.passed.Add(int64(16 * time.Second)) // no search is under way
	for _, w := range c.members {
		w.client = c.join(w.name)
		if hello(c.t, w.client).Request == nil {
			continue
		}
		if _, err := w.client.Cancel(c.t.Context()); err != nil {
			c.t.Errorf("%s cancels: %v", w.name, err)
		}
	}
	matches := make(map[string][]int) // of whom
	for i, w := range c.members {
		standing := hello(c.t, w.client)
		if standing.Request != nil {
			c.t.Errorf("%s still asks: %+v", w.name, standing.Request)
		}
		if standing.Match != nil {
			matches[standing.Match.Match] = append(matches[standing.Match.Match], i)
		}
		report(c.t, w.client, place(i), lng)
		if found := c.isFoundAt(place(i), lng); found != (standing.Match == nil) {
			c.t.Errorf("%s, in match %+v: found %t", w.name, standing.Match, found)
		}
	}
	for match, of := range matches {
		if len(of) != 2 {
			c.t.Errorf("match %s is of members %v, want two", match, of)
			continue
		}
		if _, err := c.members[of[0]].client.End(c.t.Context(), match, waggle.Completed); err != nil {
			c.t.Errorf("%s ends: %v", c.members[of[0]].name, err)
		}
		for _, i := range of {
			if !c.isFoundAt(place(i), lng) {
				c.t.Errorf("%s is not found after the end of its match", c.members[i].name)
			}
		}
	}
	c.t.Logf("%d were left in a match", 2*len(matches))
}

// place of a member where nobody else is near.
func place(i int) float64 { return lat + float64(i+1)/20 }
