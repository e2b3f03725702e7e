// Package city has the members of a made-up town live in the stack: they report where
// they drive, now and then ask for somebody near and let them go again, and go
// offline when their shifts end. They are clients like any other; how they move is
// package town's.
package city

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"waggle/localstack/town"
)

// Pool is where the members live unless they mingle.
const Pool = "city"

// Config says who lives where.
type Config struct {
	URL     string // of the WebSocket API
	Members int
	Pool    string // "" is the pool of a token that names none
	Sign    func(claims map[string]any) (string, error)
	Log     *slog.Logger
	Client  *http.Client // nil: http.DefaultClient
}

// City is a running crowd.
type City struct {
	stop func()
	all  sync.WaitGroup
}

const (
	opening = 18 * time.Hour        // the town's time at the start, whatever the time is here: in the rush hour
	step    = time.Second           // as long in the town as here
	rampUp  = 20 * time.Millisecond // between two members
	seed    = 1
)

// Start lets the members go. They are those who are on shift at the opening, and
// live the same way every time, but for whom they meet.
func Start(ctx context.Context, c Config) *City {
	ctx, stop := context.WithCancel(ctx)
	city := &City{stop: stop}
	city.all.Go(func() {
		all := town.New()
		for number, online := 0, 0; online < c.Members && ctx.Err() == nil; number++ {
			m := all.Member(seed, number, opening)
			if !m.Online() {
				continue
			}
			online++
			city.all.Go(func() { newDriver(c, m, online).live(ctx) })
			if !pause(ctx, rampUp) {
				return
			}
		}
	})
	return city
}

// Stop ends them all.
func (c *City) Stop() {
	c.stop()
	c.all.Wait()
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
