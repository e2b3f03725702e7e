package waggle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/clients/go/waggle"
	"waggle/clients/go/waggle/waggletest"
)

// bench is a server that plays a script and what connects to it.
type bench struct {
	*waggletest.Server
	t    *testing.T
	opts waggle.Options

	mu    sync.Mutex
	drops []time.Duration
}

// inBubble runs a test where time moves by itself, and every goroutine must
// have ended with it: so each of them also tests Close.
func inBubble(t *testing.T, play func(*waggletest.Socket), test func(*bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{Server: waggletest.NewServer(play), t: t}
		defer b.Close()
		tokens := 0
		b.opts = waggle.Options{
			URL: b.URL(), HTTPClient: b.HTTPClient(),
			Token: func(context.Context) (string, error) {
				tokens++
				return fmt.Sprint("token-", tokens), nil
			},
			Backoff: waggle.Backoff{Jitter: func() float64 { return 0.5 }},
			OnDrop: func(_ error, wait time.Duration) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.drops = append(b.drops, wait)
			},
		}
		test(b)
	})
}

func (b *bench) connect() *waggle.Client {
	b.t.Helper()
	c, err := waggle.Connect(b.t.Context(), b.opts)
	if err != nil {
		b.t.Fatalf("Connect: %v", err)
	}
	return c
}

// next is the next event, which has to come within the hour.
func (b *bench) next(c *waggle.Client) waggle.Frame {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Hour)
	defer cancel()
	f, err := c.Next(ctx)
	if err != nil {
		b.t.Fatalf("Next: %v", err)
	}
	return f
}

func (b *bench) want(c *waggle.Client, want ...waggle.Frame) {
	b.t.Helper()
	for _, w := range want {
		if diff := cmp.Diff(w, b.next(c)); diff != "" {
			b.t.Fatalf("event: got +, want -\n%s", diff)
		}
	}
}

func (b *bench) welcome(c *waggle.Client) *waggle.Welcome {
	b.t.Helper()
	w, ok := b.next(c).(*waggle.Welcome)
	if !ok {
		b.t.Fatalf("got another event, want a welcome")
	}
	return w
}

func TestReconnectsWithFullJitterAndFreshTokens(t *testing.T) {
	var tokens []string
	play := func(s *waggletest.Socket) {
		tokens = append(tokens, s.Token)
		if !s.Welcome(&waggle.Welcome{Member: "ana"}) || s.Attempt == 0 {
			return // cuts the first connection
		}
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		b.Refuse(0, http.StatusServiceUnavailable, http.StatusServiceUnavailable)
		c := b.connect()
		defer c.Close()
		if w := b.welcome(c); w.Member != "ana" {
			t.Errorf("member: got %q, want ana", w.Member)
		}
		start := time.Now()
		b.welcome(c)
		// Half of 250 ms, 500 ms and 1 s.
		if got, want := time.Since(start), 875*time.Millisecond; got != want {
			t.Errorf("back after %v, want %v", got, want)
		}
		want := []time.Duration{125 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond}
		if diff := cmp.Diff(want, b.drops); diff != "" {
			t.Errorf("waits: got +, want -\n%s", diff)
		}
		if diff := cmp.Diff([]string{"token-1", "token-4"}, tokens); diff != "" {
			t.Errorf("tokens: got +, want -\n%s", diff)
		}
	})
}

func TestDoesNotComeBackWhenReplaced(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.ErrorFrame{Code: "replaced", Message: "connected elsewhere"})
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		if _, err := c.Next(b.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Next: got %v, want ErrReplaced", err)
		}
		time.Sleep(time.Hour)
		if got := b.Attempts(); got != 1 {
			t.Errorf("attempts to connect: got %d, want 1", got)
		}
		if _, err := c.Ping(b.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Ping: got %v, want ErrReplaced", err)
		}
	})
}

func TestDoesNotComeBackWhenRefused(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict} {
		inBubble(t, func(s *waggletest.Socket) { s.Welcome(nil) }, func(b *bench) {
			b.Refuse(0, status)
			c := b.connect()
			defer c.Close()
			b.welcome(c)
			_, err := c.Next(b.t.Context())
			var refused *waggle.HandshakeError
			if !errors.As(err, &refused) || refused.Status != status {
				t.Errorf("Next: got %v, want a refusal with %d", err, status)
			}
			time.Sleep(time.Hour)
			if got := b.Attempts(); got != 2 {
				t.Errorf("attempts to connect after %d: got %d, want 2", status, got)
			}
		})
	}
}

func TestDoesNotComeBackWhenANewerConnectionIsThere(t *testing.T) {
	inBubble(t, func(s *waggletest.Socket) { s.Welcome(nil) }, func(b *bench) {
		b.Refuse(0, http.StatusConflict)
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		if _, err := c.Next(b.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Next: got %v, want ErrReplaced", err)
		}
		if _, err := c.Ping(b.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Ping: got %v, want ErrReplaced", err)
		}
		time.Sleep(time.Hour)
		if got := b.Attempts(); got != 2 {
			t.Errorf("attempts to connect: got %d, want 2", got)
		}
	})
}

func TestConnectTellsWhyItCannot(t *testing.T) {
	inBubble(t, func(*waggletest.Socket) {}, func(b *bench) {
		b.Refuse(http.StatusServiceUnavailable)
		_, err := waggle.Connect(b.t.Context(), b.opts)
		var refused *waggle.HandshakeError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			t.Errorf("got %v, want a refusal with 503", err)
		}
	})
	inBubble(t, func(s *waggletest.Socket) { s.Drain() }, func(b *bench) {
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
		defer cancel()
		if _, err := waggle.Connect(ctx, b.opts); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a welcome: got %v, want that the deadline passed", err)
		}
	})
}

func TestDropsWhatWasSeenAndWhatHasEnded(t *testing.T) {
	point := func(match string, at, seq int64) *waggle.LocationFrame {
		return &waggle.LocationFrame{Match: match, Lat: 1, Lng: 2, At: at, Seq: seq}
	}
	matched := &waggle.Matched{Match: "m1", Role: "matchee"}
	ended := &waggle.Ended{Match: "m1", Reason: "completed"}
	second := &waggle.Matched{Match: "m2", Role: "matchee"}
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for _, f := range []waggle.Frame{
			matched, matched, point("m1", 10, 1), point("m1", 10, 1), point("m1", 9, 5), point("m1", 10, 0),
			ended, ended, point("m1", 11, 0), matched, second, point("m2", 1, 0), point("m1", 12, 0),
		} {
			s.Push(f)
			// Each is read before the next comes, so that no point takes
			// the place of an unread one.
			synctest.Wait()
		}
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		b.want(c, matched, point("m1", 10, 1), ended, second, point("m2", 1, 0))
		ctx, cancel := context.WithTimeout(b.t.Context(), time.Second)
		defer cancel()
		if f, err := c.Next(ctx); err == nil {
			t.Errorf("one event more: %+v", f)
		}
	})
}

func TestKeepsOnlyTheNewestUnreadPoint(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for at := range int64(5) {
			s.Push(&waggle.LocationFrame{Match: "m", At: at})
		}
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		synctest.Wait()
		b.welcome(c)
		b.want(c, &waggle.LocationFrame{Match: "m", At: 4})
	})
}

func TestFramesThatAreNoneOfWaggle(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.PushRaw(`[1]`)
		s.PushRaw(`{"type":"dance"}`)
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		c := b.connect()
		defer c.Close()
		b.welcome(c)
		b.want(c, &waggle.Unknown{Type: "dance", Raw: []byte(`{"type":"dance"}`)})
	})
}

func TestShowsFramesAsTheyAre(t *testing.T) {
	play := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.PushRaw(`{"type":"dance"}`)
		s.Drain()
	}
	inBubble(t, play, func(b *bench) {
		var mu sync.Mutex
		frames := map[waggle.Direction]int{}
		b.opts.OnFrame = func(dir waggle.Direction, raw []byte, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			frames[dir]++
			if dir == waggle.Received && frames[dir] == 2 && string(raw) != `{"type":"dance"}` {
				t.Errorf("got %s", raw)
			}
		}
		c := b.connect()
		b.welcome(c)
		b.next(c)
		c.Close()
		if diff := cmp.Diff(map[waggle.Direction]int{waggle.Sent: 1, waggle.Received: 2}, frames); diff != "" {
			t.Errorf("frames: got +, want -\n%s", diff)
		}
	})
}

func TestTellsOfConnections(t *testing.T) {
	play := func(s *waggletest.Socket) {
		if s.Welcome(nil) && s.Attempt == 1 {
			s.Drain()
		}
	}
	inBubble(t, play, func(b *bench) {
		var told []string // from one goroutine alone, that of the connections
		b.opts.OnConnect = func(time.Time) { told = append(told, "connected") }
		b.opts.OnDisconnect = func(closed bool, _ time.Time) { told = append(told, fmt.Sprint("closed ", closed)) }
		b.opts.OnFrame = func(dir waggle.Direction, _ []byte, _ time.Time) {
			if dir == waggle.Received {
				told = append(told, "welcome")
			}
		}
		c := b.connect()
		b.welcome(c)
		b.welcome(c)
		c.Close()
		want := []string{"connected", "welcome", "closed false", "connected", "welcome", "closed true"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("got +, want -\n%s", diff)
		}
	})
}
