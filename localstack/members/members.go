// Package members simulates members for the local stack: they drive along streets,
// report as often as the server advises, now and then ask for a member near them, and
// end the match after a while. An offer they accept, decline, or do not answer. They are
// clients like any other.
package members

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"waggle/localstack/streets"
)

// Pool is the pool of the members unless they mingle with others.
const Pool = "city"

// Config says how many members there are, and how they connect.
type Config struct {
	URL     string // of the WebSocket API
	Members int
	Pool    string // "": the pool of a token that names none
	// Decline and Silent are the shares of offers that the members decline and do not answer.
	Decline, Silent float64
	Seed            uint64 // of how they drive, ask and answer
	Sign            func(claims map[string]any) (string, error)
	Log             *slog.Logger
	Client          *http.Client // nil: http.DefaultClient
}

// Members are the running members.
type Members struct {
	stop func()
	all  sync.WaitGroup
}

const (
	step   = time.Second           // of a member's life
	rampUp = 20 * time.Millisecond // between the first connections of two members
)

// Start starts the members, one after the other. With the same seed they drive the same
// way every time, apart from the members that they meet.
func Start(ctx context.Context, c Config) *Members {
	ctx, stop := context.WithCancel(ctx)
	all := &Members{stop: stop}
	all.all.Go(func() {
		m := streets.New()
		for number := range c.Members {
			all.all.Go(func() { newMember(c, newWalk(m, c.Seed, number), number+1).live(ctx) })
			if !pause(ctx, rampUp) {
				return
			}
		}
	})
	return all
}

// Stop ends all members, and returns when their connections are closed.
func (m *Members) Stop() {
	m.stop()
	m.all.Wait()
}

// pause waits, and tells whether ctx is still there afterwards.
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
