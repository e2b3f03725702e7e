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

// A fixture is a server with a script, and the options of a client that connects to it.
type fixture struct {
	*waggletest.Server
	t    *testing.T
	opts waggle.Options

	mu    sync.Mutex
	drops []time.Duration
}

// inBubble runs a test in which time moves by itself. It fails if a goroutine is left
// at the end, so every such test tests Close too.
func inBubble(t *testing.T, script func(*waggletest.Socket), test func(*fixture)) {
	synctest.Test(t, func(t *testing.T) {
		fx := &fixture{Server: waggletest.NewServer(script), t: t}
		defer fx.Close()
		tokens := 0
		fx.opts = waggle.Options{
			URL: fx.URL(), HTTPClient: fx.HTTPClient(),
			Token: func(context.Context) (string, error) {
				tokens++
				return fmt.Sprint("token-", tokens), nil
			},
			Backoff: waggle.Backoff{Jitter: func() float64 { return 0.5 }},
			OnDrop: func(_ error, wait time.Duration) {
				fx.mu.Lock()
				defer fx.mu.Unlock()
				fx.drops = append(fx.drops, wait)
			},
		}
		test(fx)
	})
}

func (fx *fixture) connect() *waggle.Client {
	fx.t.Helper()
	c, err := waggle.Connect(fx.t.Context(), fx.opts)
	if err != nil {
		fx.t.Fatalf("Connect: %v", err)
	}
	return c
}

// next returns the next event, which must come within an hour.
func (fx *fixture) next(c *waggle.Client) waggle.Frame {
	fx.t.Helper()
	ctx, cancel := context.WithTimeout(fx.t.Context(), time.Hour)
	defer cancel()
	f, err := c.Next(ctx)
	if err != nil {
		fx.t.Fatalf("Next: %v", err)
	}
	return f
}

func (fx *fixture) want(c *waggle.Client, want ...waggle.Frame) {
	fx.t.Helper()
	for _, w := range want {
		if diff := cmp.Diff(w, fx.next(c)); diff != "" {
			fx.t.Fatalf("event: got +, want -\n%s", diff)
		}
	}
}

func (fx *fixture) welcome(c *waggle.Client) *waggle.Welcome {
	fx.t.Helper()
	w, ok := fx.next(c).(*waggle.Welcome)
	if !ok {
		fx.t.Fatalf("got another event, want a welcome")
	}
	return w
}

func TestTheClientReconnectsWithFullJitterAndAFreshToken(t *testing.T) {
	var tokens []string
	script := func(s *waggletest.Socket) {
		tokens = append(tokens, s.Token)
		if !s.Welcome(&waggle.Welcome{Member: "ana"}) || s.Attempt == 0 {
			return // cuts the first connection
		}
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		fx.Refuse(0, http.StatusServiceUnavailable, http.StatusServiceUnavailable)
		c := fx.connect()
		defer c.Close()
		if w := fx.welcome(c); w.Member != "ana" {
			t.Errorf("member: got %q, want ana", w.Member)
		}
		start := time.Now()
		fx.welcome(c)
		// Half of 250 ms, 500 ms and 1 s.
		if got, want := time.Since(start), 875*time.Millisecond; got != want {
			t.Errorf("back after %v, want %v", got, want)
		}
		want := []time.Duration{125 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond}
		if diff := cmp.Diff(want, fx.drops); diff != "" {
			t.Errorf("waits: got +, want -\n%s", diff)
		}
		if diff := cmp.Diff([]string{"token-1", "token-4"}, tokens); diff != "" {
			t.Errorf("tokens: got +, want -\n%s", diff)
		}
	})
}

func TestAReplacedClientDoesNotReconnect(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(&waggle.ErrorFrame{Code: "replaced", Message: "connected elsewhere"})
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		if _, err := c.Next(fx.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Next: got %v, want ErrReplaced", err)
		}
		time.Sleep(time.Hour)
		if got := fx.Attempts(); got != 1 {
			t.Errorf("attempts to connect: got %d, want 1", got)
		}
		if _, err := c.Ping(fx.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Ping: got %v, want ErrReplaced", err)
		}
	})
}

func TestARefusedClientDoesNotReconnect(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusConflict} {
		inBubble(t, func(s *waggletest.Socket) { s.Welcome(nil) }, func(fx *fixture) {
			fx.Refuse(0, status)
			c := fx.connect()
			defer c.Close()
			fx.welcome(c)
			_, err := c.Next(fx.t.Context())
			var refused *waggle.HandshakeError
			if !errors.As(err, &refused) || refused.Status != status {
				t.Errorf("Next: got %v, want a refusal with %d", err, status)
			}
			time.Sleep(time.Hour)
			if got := fx.Attempts(); got != 2 {
				t.Errorf("attempts to connect after %d: got %d, want 2", status, got)
			}
		})
	}
}

func TestAClientRefusedForANewerConnectionIsReplaced(t *testing.T) {
	inBubble(t, func(s *waggletest.Socket) { s.Welcome(nil) }, func(fx *fixture) {
		fx.Refuse(0, http.StatusConflict)
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		if _, err := c.Next(fx.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Next: got %v, want ErrReplaced", err)
		}
		if _, err := c.Ping(fx.t.Context()); !errors.Is(err, waggle.ErrReplaced) {
			t.Errorf("Ping: got %v, want ErrReplaced", err)
		}
		time.Sleep(time.Hour)
		if got := fx.Attempts(); got != 2 {
			t.Errorf("attempts to connect: got %d, want 2", got)
		}
	})
}

func TestConnectReturnsWhyItFails(t *testing.T) {
	inBubble(t, func(*waggletest.Socket) {}, func(fx *fixture) {
		fx.Refuse(http.StatusServiceUnavailable)
		_, err := waggle.Connect(fx.t.Context(), fx.opts)
		var refused *waggle.HandshakeError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			t.Errorf("got %v, want a refusal with 503", err)
		}
	})
	inBubble(t, func(s *waggletest.Socket) { s.Drain() }, func(fx *fixture) {
		ctx, cancel := context.WithTimeout(fx.t.Context(), time.Minute)
		defer cancel()
		if _, err := waggle.Connect(ctx, fx.opts); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a welcome: got %v, want that the deadline passed", err)
		}
	})
}

func TestAClientThatIsKeptOutWaitsAsLongAsTheServerSays(t *testing.T) {
	keptOut := &waggle.ErrorFrame{Code: waggle.CodeRateLimited, Retryable: true, RetryAfter: 30}
	for _, c := range []struct {
		name  string
		frame waggle.Frame
		idle  time.Duration // between the frame and the close
		want  time.Duration // until the next welcome
	}{
		{"closed for the refusal", keptOut, 0, 30*time.Second + 125*time.Millisecond},
		{"closed later", keptOut, time.Minute, time.Minute + 125*time.Millisecond},
		{"closed after another error", &waggle.ErrorFrame{Code: waggle.CodeStale}, 0, 125 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			script := func(s *waggletest.Socket) {
				s.Welcome(nil)
				if s.Attempt == 0 {
					s.Push(c.frame)
					time.Sleep(c.idle)
					return
				}
				s.Drain()
			}
			inBubble(t, script, func(fx *fixture) {
				client := fx.connect()
				defer client.Close()
				fx.welcome(client)
				start := time.Now()
				fx.want(client, c.frame)
				fx.welcome(client)
				if got := time.Since(start); got != c.want {
					t.Errorf("back after %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestRepeatedAndOutdatedFramesAreDropped(t *testing.T) {
	point := func(match string, at, seq int64) *waggle.LocationFrame {
		return &waggle.LocationFrame{Match: match, Lat: 1, Lng: 2, At: at, Seq: seq}
	}
	matched := &waggle.Matched{Match: "m1", Role: "matchee"}
	ended := &waggle.Ended{Match: "m1", Reason: "completed"}
	second := &waggle.Matched{Match: "m2", Role: "matchee"}
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for _, f := range []waggle.Frame{
			matched, matched, point("m1", 10, 1), point("m1", 10, 1), point("m1", 9, 5), point("m1", 10, 0),
			ended, ended, point("m1", 11, 0), matched, second, point("m2", 1, 0), point("m1", 12, 0),
		} {
			s.Push(f)
			// Each is read before the next comes, so that no location replaces an
			// unread one.
			synctest.Wait()
		}
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		fx.want(c, matched, point("m1", 10, 1), ended, second, point("m2", 1, 0))
		ctx, cancel := context.WithTimeout(fx.t.Context(), time.Second)
		defer cancel()
		if f, err := c.Next(ctx); err == nil {
			t.Errorf("one event more: %+v", f)
		}
	})
}

func TestOnlyTheNewestUnreadLocationIsKept(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		for at := range int64(5) {
			s.Push(&waggle.LocationFrame{Match: "m", At: at})
		}
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		synctest.Wait()
		fx.welcome(c)
		fx.want(c, &waggle.LocationFrame{Match: "m", At: 4})
	})
}

// A program that reads no events for long still learns what came of its matches.
func TestEventsThatMustBeKnownAreDroppedLast(t *testing.T) {
	matched, ended := &waggle.Matched{Match: "m1", Role: "matchee"}, &waggle.Ended{Match: "m1", Reason: "completed"}
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.Push(matched)
		s.Push(ended)
		for n := range 1030 {
			s.Push(&waggle.Ack{ID: fmt.Sprint(n)})
		}
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		synctest.Wait()
		fx.welcome(c)
		fx.want(c, matched, ended, &waggle.Ack{ID: "9"})
	})
}

func TestFramesOfUnknownTypesAreEvents(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.PushRaw(`[1]`)
		s.PushRaw(`{"type":"dance"}`)
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		c := fx.connect()
		defer c.Close()
		fx.welcome(c)
		fx.want(c, &waggle.Unknown{Type: "dance", Raw: []byte(`{"type":"dance"}`)})
	})
}

func TestOnFrameGetsEveryFrameAsItIs(t *testing.T) {
	script := func(s *waggletest.Socket) {
		s.Welcome(nil)
		s.PushRaw(`{"type":"dance"}`)
		s.Drain()
	}
	inBubble(t, script, func(fx *fixture) {
		var mu sync.Mutex
		frames := map[waggle.Direction]int{}
		fx.opts.OnFrame = func(dir waggle.Direction, raw []byte, at time.Time) {
			mu.Lock()
			defer mu.Unlock()
			frames[dir]++
			if dir == waggle.Received && frames[dir] == 2 && string(raw) != `{"type":"dance"}` {
				t.Errorf("got %s", raw)
			}
		}
		c := fx.connect()
		fx.welcome(c)
		fx.next(c)
		c.Close()
		if diff := cmp.Diff(map[waggle.Direction]int{waggle.Sent: 1, waggle.Received: 2}, frames); diff != "" {
			t.Errorf("frames: got +, want -\n%s", diff)
		}
	})
}

func TestOnConnectAndOnDisconnectRunForEachConnection(t *testing.T) {
	script := func(s *waggletest.Socket) {
		if s.Welcome(nil) && s.Attempt == 1 {
			s.Drain()
		}
	}
	inBubble(t, script, func(fx *fixture) {
		var calls []string // all are made by one goroutine
		fx.opts.OnConnect = func(time.Time) { calls = append(calls, "connected") }
		fx.opts.OnDisconnect = func(closed bool, _ time.Time) { calls = append(calls, fmt.Sprint("closed ", closed)) }
		fx.opts.OnFrame = func(dir waggle.Direction, _ []byte, _ time.Time) {
			if dir == waggle.Received {
				calls = append(calls, "welcome")
			}
		}
		c := fx.connect()
		fx.welcome(c)
		fx.welcome(c)
		c.Close()
		want := []string{"connected", "welcome", "closed false", "connected", "welcome", "closed true"}
		if diff := cmp.Diff(want, calls); diff != "" {
			t.Errorf("got +, want -\n%s", diff)
		}
	})
}
