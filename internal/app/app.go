// Package app wires the parts together from the environment. FromEnv makes the
// handlers that the functions and the local stack run, one and the same.
package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"time"

	"waggle/internal/gateway"
	"waggle/internal/handler"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/store"
	"waggle/internal/topology"
)

// App is a wired function. Handle serves any route.
type App struct {
	*handler.Handler
	Store *store.Store
}

// Options are what is not in the environment.
type Options struct {
	Log *slog.Logger
	// Push replaces connection management, and Store the parts of the cache's
	// options that tests and the stack on one machine set.
	Push  match.Pusher
	Store store.Options
	Now   func() time.Time
}

// FromEnv reads the environment that internal/topology lists. It does not wait
// for the cache. An error names the variable and what it may be.
func FromEnv(ctx context.Context, lookup func(string) (string, bool), o Options) (*App, error) {
	get := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	if get(topology.CacheURL) == "" {
		return nil, fmt.Errorf("%s is not set: it must be redis://host:port or rediss://host:port", topology.CacheURL)
	}
	pools, err := pool.Parse([]byte(get(topology.PoolFile)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", topology.PoolFile, err)
	}
	if o.Store.Token, err = cacheToken(ctx, get); err != nil {
		return nil, fmt.Errorf("%s: %w", topology.CacheIAM, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Store.URL, o.Store.User, o.Store.Password = get(topology.CacheURL), get(topology.CacheUser), get(topology.CachePassword)
	o.Store.Pools = pools
	cache, err := store.Open(o.Store)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", topology.CacheURL, err)
	}
	h := &handler.Handler{Push: o.Push, Now: o.Now, Log: o.Log}
	if o.Push == nil {
		p := gateway.NewPusher(get(topology.ManagementEndpoint))
		h.Push, h.Endpoint = p, p.Learn
	}
	h.Service = &match.Service{Store: cache, Push: h.Push, Pools: pools, NewID: newID, Now: o.Now, Sleep: match.Sleep, Log: o.Log}
	return &App{Handler: h, Store: cache}, nil
}

// Close lets the cache's connections go.
func (a *App) Close() { a.Store.Close() }

// newID returns 128 random bits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
