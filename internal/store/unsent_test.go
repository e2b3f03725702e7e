package store_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/match"
	"waggle/internal/store"
	"waggle/test/kit/caches"
	"waggle/test/kit/iamtest"
)

// A gate is a real cache that does not let connections in while it is shut.
type gate struct {
	options    store.Options
	shut, open func()
	refusal    string // in the error of a step
}

// What refuses a connection has not done the step, whatever its words are. So even a step that is
// sent only once is repeated, and gets through if the cache lets it in within that time.
func TestAStepThatIsRefusedAConnectionIsRepeatedAndUnavailable(t *testing.T) {
	gates := map[string]func(*testing.T) gate{"cluster down": slotless, "no token": noToken, "loading": loading,
		"max clients":              func(t *testing.T) gate { return maxClients(t, caches.Server(t)) },
		"max clients of a cluster": func(t *testing.T) gate { return maxClients(t, single(t)) }}
	for _, text := range []string{"service is not available", "Exceeded limit of IAM Authentication requests",
		"LOADING Valkey is loading the dataset in memory", "CLUSTERDOWN The cluster is down", "anything"} {
		gates[text] = func(t *testing.T) gate { return signIn(t, text) }
	}
	for name, start := range gates {
		t.Run(name, func(t *testing.T) {
			for _, when := range []string{"at the start", "later"} {
				t.Run(when, func(t *testing.T) {
					t.Parallel()
					g := start(t)
					opensAfter, tries := 0, 0 // pauses; 0: never
					g.options.Sleep = func(ctx context.Context, d time.Duration) error {
						tries++
						if opensAfter == 0 {
							return nil
						}
						if tries == opensAfter {
							g.open()
						}
						return match.Sleep(ctx, d)
					}
					s, err := store.Open(g.options)
					if err != nil {
						t.Fatal(err)
					}
					defer s.Close()
					if when == "later" {
						if err := s.Prepare(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					g.shut()
					_ = s.Ping(t.Context()) // it may find that its connection is gone
					if err := s.Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), g.refusal) {
						t.Errorf("Prepare: got %v, want %q", err, g.refusal)
					}
					x := match.Session{Member: match.Member{Pool: "default", ID: "ana"}, Connection: "c1", ConnectedAt: time.Now(), Matcher: true}
					cancel := func() error { _, err := s.Cancel(t.Context(), x, "r1", ""); return err } // it is sent once
					if err := cancel(); !errors.Is(err, match.ErrNotDone) || !strings.Contains(err.Error(), g.refusal) || tries != 14 {
						t.Errorf("shut: got %v after %d pauses, want that it was not done, with %q, after 14", err, tries, g.refusal)
					}
					opensAfter, tries = 3, 0
					if err := cancel(); err != nil || tries < opensAfter {
						t.Errorf("opened after pause %d: got %v after %d", opensAfter, err, tries)
					}
				})
			}
		})
	}
}

// A refused connection after a try that may have been done does not say that it was not.
func TestAStepThatMayHaveBeenDoneIsInDoubtWhenConnectionsAreRefused(t *testing.T) {
	g := signIn(t, "service is not available")
	g.options.Sleep = func(context.Context, time.Duration) error { return nil }
	tries := 0
	g.options.Hook = func(ctx context.Context, _ []store.Command, send func(context.Context, ...int)) {
		send(ctx)
		if tries++; tries == 1 {
			g.shut()
			ended, cancel := context.WithCancel(ctx)
			cancel()
			send(ended) // the reply is lost
		}
	}
	s, err := store.Open(g.options)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x := match.Session{Member: match.Member{Pool: "default", ID: "ana"}, Connection: "c1", ConnectedAt: time.Now(), Matcher: true}
	if _, err := s.Connect(t.Context(), x, false); !errors.Is(err, match.ErrUnavailable) || errors.Is(err, match.ErrNotDone) ||
		!strings.Contains(err.Error(), g.refusal) || tries < 2 {
		t.Errorf("got %v after %d tries, want that it may have been done", err, tries)
	}
}

// A cache that does not take the library for the moment does so later.
func TestAFullCacheTakesTheLibraryLater(t *testing.T) {
	c := caches.Server(t, "--maxmemory", "1")
	s, err := store.Open(store.Options{URL: c.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(words ...string) string {
		text, err := caches.Ask(strings.TrimPrefix(c.URL, "redis://"), words...)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	x := match.Session{Member: match.Member{Pool: "default", ID: "ana"}, Connection: "c1", ConnectedAt: time.Now(), Matchee: true}
	if _, err := s.Connect(t.Context(), x, false); !errors.Is(err, match.ErrNotDone) {
		t.Errorf("full: got %v, want that it was not done", err)
	}
	ask("CONFIG", "SET", "maxmemory", "0")
	if _, err := s.Connect(t.Context(), x, false); err != nil {
		t.Error(err)
	}
	if libraries := ask("FUNCTION", "LIST"); libraries != "1" {
		t.Errorf("got %s libraries, want one", libraries)
	}
}

// signIn is a cache that refuses to sign anybody in.
func signIn(t *testing.T, refusal string) gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var shut atomic.Bool
	front := iamtest.StartFront(t, l, strings.TrimPrefix(caches.Server(t, "--requirepass", "sesame").URL, "redis://"), "sesame", func(_, _ string) error {
		if shut.Load() {
			return iamtest.Refusal(refusal)
		}
		return nil
	})
	return gate{store.Options{URL: "redis://" + front.Address, User: "waggle", Password: "any"},
		func() { shut.Store(true); front.Drop() }, func() { shut.Store(false) }, refusal}
}

// noToken is a cache for which there is no password.
func noToken(t *testing.T) gate {
	var shut atomic.Bool
	g := signIn(t, "no credentials")
	g.options.Password, g.options.Token = "", func(context.Context) (string, error) {
		if shut.Load() {
			return "", errors.New(g.refusal)
		}
		return "any", nil
	}
	shutFront, openFront := g.shut, g.open
	g.shut, g.open = func() { shut.Store(true); shutFront(); openFront() }, func() { shut.Store(false) }
	return g
}

// maxClients is a cache that serves as many clients as it may.
func maxClients(t *testing.T, c caches.Cache) gate {
	direct, err := valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.Close)
	ask := func(words ...string) {
		if err := direct.Do(t.Context(), direct.B().Arbitrary(words...).Build()).Error(); err != nil {
			t.Error(err)
		}
	}
	return gate{store.Options{URL: c.URL}, func() {
		ask("CONFIG", "SET", "maxclients", "1") // which is direct
		ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	}, func() { ask("CONFIG", "SET", "maxclients", "100") }, "max number of clients"}
}

// loading is a cache that takes long to read its data.
func loading(t *testing.T) gate {
	c := caches.Server(t, "--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
	ask := func(words ...string) error {
		_, err := caches.Ask(strings.TrimPrefix(c.URL, "redis://"), words...)
		return err
	}
	must := func(words ...string) {
		if err := ask(words...); err != nil {
			t.Error(err)
		}
	}
	return gate{store.Options{URL: c.URL}, func() {
		must("DEBUG", "POPULATE", "20000")
		must("CONFIG", "SET", "key-load-delay", "1000") // microseconds
		_ = ask("DEBUG", "RELOAD")                      // the reply comes after 20 s
		if err := ask("PING"); err == nil || !strings.HasPrefix(err.Error(), "LOADING") {
			t.Errorf("got %v, want LOADING", err)
		}
	}, func() { must("CONFIG", "SET", "key-load-delay", "0") }, "LOADING"}
}

// slotless is a cluster whose node has no slots.
func slotless(t *testing.T) gate {
	c := single(t)
	return gate{store.Options{URL: c.URL}, func() { slots(t, c, "DELSLOTSRANGE", "fail") }, func() { slots(t, c, "ADDSLOTSRANGE", "ok") }, ""}
}

// single is a cluster of one node.
func single(t *testing.T) caches.Cache {
	c := caches.Server(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "500")
	slots(t, c, "ADDSLOTSRANGE", "ok")
	return c
}

// slots gives all slots to a node, or takes them away, and waits for the state of its cluster.
func slots(t *testing.T, c caches.Cache, command, state string) {
	ask := func(words ...string) (string, error) {
		return caches.Ask(strings.TrimPrefix(c.URL, "redis://"), words...)
	}
	if _, err := ask("CLUSTER", command, "0", "16383"); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, err := ask("CLUSTER", "INFO")
		if err == nil && strings.Contains(text, "cluster_state:"+state) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster is not %s: %v\n%s", state, err, text)
		}
	}
}
