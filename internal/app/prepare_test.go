package app_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waggle/internal/app"
	"waggle/internal/handler"
	"waggle/internal/store"
	"waggle/internal/topology"
	"waggle/test/kit/caches"
	"waggle/test/kit/iamtest"
)

// A relay passes connections on to a cache, and counts them.
type relay struct {
	address string
	opened  atomic.Int32
}

func startRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String()}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			r.opened.Add(1)
			serving.Go(func() {
				defer near.Close()
				far, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { _, _ = io.Copy(far, near); far.Close() }()
				_, _ = io.Copy(near, far)
			})
		}
	})
	return r
}

// open wires a function, with the credentials that Lambda would give it.
func open(t *testing.T, cache, management string) (*app.App, *bytes.Buffer) {
	t.Helper()
	env := map[string]string{topology.CacheURL: cache, topology.ManagementEndpoint: management,
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
	var log bytes.Buffer
	a, err := app.FromEnv(func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		app.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Store: store.Options{Sleep: func(context.Context, time.Duration) error { return nil }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, &log
}

func event(route, body string) handler.Event {
	e := handler.Event{Body: body}
	e.RequestContext.RouteKey, e.RequestContext.ConnectionID, e.RequestContext.ConnectedAt = route, "c=", time.Now().UnixMilli()
	e.RequestContext.Authorizer = map[string]any{"member": "ana", "pool": "default", "roles": `["matcher"]`, "expires": "9999999999999"}
	return e
}

func TestTheFirstMessageOpensNoConnectionAfterPrepare(t *testing.T) {
	var connections, posts atomic.Int32
	management := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
	}))
	management.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	management.Start()
	defer management.Close()
	cache := startRelay(t, strings.TrimPrefix(caches.Server(t).URL, "redis://"))
	a, log := open(t, "redis://"+cache.address, management.URL)

	a.Prepare(t.Context())
	if cache.opened.Load() != 1 || connections.Load() != 1 || log.Len() > 0 {
		t.Errorf("prepared: got %d connections to the cache, %d to the API and log %q, want 1 each and none", cache.opened.Load(), connections.Load(), log)
	}
	if r, err := a.Handle(t.Context(), event("$connect", "")); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("$connect: got %v, %v", r, err)
	}
	if _, err := a.Handle(t.Context(), event("ping", `{"action":"ping","id":"p"}`)); err != nil {
		t.Error(err)
	}
	if cache.opened.Load() != 1 || connections.Load() != 1 || posts.Load() != 1 {
		t.Errorf("after the first message: got %d connections to the cache, %d to the API and %d posts, want 1 of each",
			cache.opened.Load(), connections.Load(), posts.Load())
	}
}

func TestAFunctionStartsWithoutCacheAndAPI(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, test := range map[string]struct {
		address string
		atMost  time.Duration
	}{
		"down":   {"127.0.0.1:1", time.Second},
		"silent": {silent.Addr().String(), 3 * time.Second},
	} {
		a, log := open(t, "redis://"+test.address, "http://"+test.address)
		began := time.Now()
		a.Prepare(t.Context())
		if took := time.Since(began); took > test.atMost {
			t.Errorf("%s: took %v, want at most %v", name, took, test.atMost)
		}
		if !strings.Contains(log.String(), "prepare") {
			t.Errorf("%s: got log %q, want what failed", name, log)
		}
	}
}

func TestWithoutCacheTheFirstMessageSaysUnavailable(t *testing.T) {
	frames := make(chan string, 1)
	management := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			frames <- string(body)
		}
	}))
	defer management.Close()
	a, _ := open(t, "redis://127.0.0.1:1", management.URL)
	a.Prepare(t.Context())
	if _, err := a.Handle(t.Context(), event("ping", `{"action":"ping","id":"p"}`)); err != nil {
		t.Error(err)
	}
	if frame := <-frames; !strings.Contains(frame, "unavailable") {
		t.Errorf("got %s, want the error unavailable", frame)
	}
}

// A cache that lets nobody in any more is down for a client, whatever the cache says.
func TestACacheThatRefusesAConnectionIsUnavailable(t *testing.T) {
	frames := make(chan string, 1)
	management := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			frames <- string(body)
		}
	}))
	defer management.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var refuses atomic.Bool
	front := iamtest.StartFront(t, l, strings.TrimPrefix(caches.Server(t, "--requirepass", "sesame").URL, "redis://"), "sesame", func(_, _ string) error {
		if refuses.Load() {
			return iamtest.Refusal("ERR service is not available")
		}
		return nil
	})
	a, _ := open(t, "redis://waggle:any@"+front.Address, management.URL)
	a.Prepare(t.Context())
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		if r, err := a.Handle(t.Context(), event("$connect", "")); err != nil || r.StatusCode != want {
			t.Errorf("$connect: got %v, %v, want %d", r, err, want)
		}
		refuses.Store(true)
		front.Drop()
	}
	if _, err := a.Handle(t.Context(), event("ping", `{"action":"ping","id":"p"}`)); err != nil {
		t.Error(err)
	}
	if frame := <-frames; !strings.Contains(frame, `"code":"unavailable"`) || !strings.Contains(frame, `"retryable":true`) {
		t.Errorf("got %s, want the error unavailable, which is retryable", frame)
	}
}
