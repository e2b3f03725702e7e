// Package app wires the parts together from the environment. [Main] is the whole
// of a function on Lambda; [FromEnv] makes the handler that it runs, the same one
// that the local stack runs.
package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"waggle/internal/gateway"
	"waggle/internal/handler"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/store"
	"waggle/internal/topology"
)

// Main serves a function's events on Lambda. If the environment is wrong, it logs
// the error and exits.
func Main(function string) {
	a, err := FromEnv(context.Background(), os.LookupEnv, Options{})
	if err != nil {
		slog.Error(function+": start", "err", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(a.Handle, lambda.WithEnableSIGTERM(a.Close))
}

// App is a wired function. Its Handle serves any route.
type App struct {
	*handler.Handler
	Store *store.Store
}

// Options are settings that do not come from the environment. Zero fields are those of production.
type Options struct {
	// Log is by default JSON on standard output.
	Log *slog.Logger
	// Push replaces connection management.
	Push match.Pusher
	// Store holds options of the cache for tests and the local stack. FromEnv sets its
	// address, credentials and pools.
	Store store.Options
	// Now is time.Now by default.
	Now func() time.Time
}

// FromEnv reads the environment that internal/topology lists; lookup is
// os.LookupEnv. It does not wait for the cache. An error names the variable and
// what it may be.
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
	o.Log = boundedLog(o.Log, o.Now)
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

// Close closes the connections to the cache.
func (a *App) Close() { a.Store.Close() }

// newID returns 128 random bits as text.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
