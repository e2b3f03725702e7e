// Package app wires the parts together from the environment. [Main] is the whole
// of a function on Lambda; [FromEnv] makes the handler that it runs, the same one
// that the local stack runs.
package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"waggle/internal/boundedlog"
	"waggle/internal/eventbus"
	"waggle/internal/gateway"
	"waggle/internal/handler"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/store"
	"waggle/internal/telemetry"
	"waggle/internal/timer"
	"waggle/internal/topology"
	"waggle/internal/version"
)

// Main serves a function's events on Lambda. If the environment is wrong, it logs
// the error and exits.
func Main(function string) {
	a, err := FromEnv(os.LookupEnv, Options{})
	if err != nil {
		slog.Error(function+": start", "err", err)
		os.Exit(1)
	}
	made := make(chan lambda.Handler, 1)
	go func() { // it asks Lambda for the signal at the end, which takes as long as a connection
		made <- lambda.NewHandlerWithOptions(a.Of(function), lambda.WithEnableSIGTERM(a.Close))
	}()
	a.Prepare(context.Background())
	lambda.Start(<-made)
}

// App is a wired function. Its Handle serves any route, and its Invoke the verbs too.
type App struct {
	*handler.Handler
	Store  *store.Store
	pusher *gateway.Pusher // nil: Options has another one
	emf    *telemetry.EMF  // nil: there is none
}

// Options are settings that do not come from the environment. Zero fields are those of production.
type Options struct {
	// Log is by default JSON on standard output.
	Log *slog.Logger
	// Metrics gets what is counted: by default CloudWatch, on standard output, if the environment has
	// its namespace.
	Metrics telemetry.Recorder
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
func FromEnv(lookup func(string) (string, bool), o Options) (*App, error) {
	get := func(name string) string {
		value, _ := lookup(name)
		return value
	}
	for _, name := range []string{topology.CacheURL, topology.CacheUser, topology.CacheIAM, topology.ManagementEndpoint, topology.TimerQueue, topology.EventBus, topology.MetricsNamespace} {
		if err := topology.CheckEnds(name, get(name)); err != nil {
			return nil, err
		}
	}
	if strings.HasSuffix(get(topology.CachePassword), "\n") {
		return nil, fmt.Errorf("%s: it ends with a line end: remove that", topology.CachePassword)
	}
	if text := get(topology.ManagementEndpoint); text != "" {
		if u, err := url.Parse(text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" {
			return nil, fmt.Errorf("%s: it must be a URL such as https://host/stage", topology.ManagementEndpoint)
		}
	}
	if text := get(topology.TwoWay); text != "" && text != "true" && text != "false" {
		return nil, fmt.Errorf("%s: it must be true or false", topology.TwoWay)
	}
	if text := get(topology.MetricsNamespace); text != "" && !telemetry.ValidNamespace(text) {
		return nil, fmt.Errorf("%s: it must be a namespace of CloudWatch: at most 255 letters, digits and . - _ / #", topology.MetricsNamespace)
	}
	if get(topology.CacheURL) == "" {
		return nil, fmt.Errorf("%s is not set: it must be redis://host:port or rediss://host:port", topology.CacheURL)
	}
	var file []byte // nil: every pool has the built-in settings
	if text := get(topology.PoolFile); text != "" {
		file = []byte(text)
	}
	pools, err := pool.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", topology.PoolFile, err)
	}
	if o.Store.Token, err = cacheToken(get); err != nil {
		return nil, fmt.Errorf("%s: %w", topology.CacheIAM, err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var emf *telemetry.EMF
	if namespace := get(topology.MetricsNamespace); o.Metrics == nil && namespace != "" {
		emf = telemetry.NewEMF(os.Stdout, namespace, o.Now)
		o.Metrics = emf
	}
	if o.Metrics == nil {
		o.Metrics = telemetry.Nowhere{}
	}
	meter := meter{o.Metrics}
	o.Store.Observe = meter.trip
	audit := o.Log
	o.Log = boundedlog.New(o.Log, o.Now)
	o.Store.URL, o.Store.User, o.Store.Password = get(topology.CacheURL), get(topology.CacheUser), get(topology.CachePassword)
	o.Store.Pools, o.Store.Events = pools, o.Store.Events || get(topology.EventBus) != ""
	cache, err := store.Open(o.Store)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", topology.CacheURL, err)
	}
	h := &handler.Handler{Push: o.Push, Now: o.Now, Log: o.Log, Audit: audit, Metrics: o.Metrics, Respond: get(topology.TwoWay) == "true"}
	var pusher *gateway.Pusher
	if o.Push == nil {
		pusher = gateway.NewPusher(get(topology.ManagementEndpoint), cmp.Or(region(get), "us-east-1"), role(get))
		h.Push, h.Endpoint = pusher, pusher.Learn
	}
	h.Push = measuredPusher{h.Push, meter}
	h.Service = &match.Service{Store: cache, Push: h.Push, Pools: pools, NewID: newID, Now: o.Now, Sleep: match.Sleep, Log: o.Log,
		Version: version.Own(), Partners: new(match.Partners), Measure: meter.figures}
	if at := get(topology.TimerQueue); at != "" {
		if h.Service.Timers, err = timer.NewQueue(at, cmp.Or(region(get), "us-east-1"), role(get)); err != nil {
			return nil, fmt.Errorf("%s: %w", topology.TimerQueue, err)
		}
	}
	if at := get(topology.EventBus); at != "" {
		if h.Service.Bus, err = eventbus.New(at, cmp.Or(region(get), "us-east-1"), role(get)); err != nil {
			return nil, fmt.Errorf("%s: %w", topology.EventBus, err)
		}
	}
	return &App{Handler: h, Store: cache, pusher: pusher, emf: emf}, nil
}

// Of returns the handler of a function, for lambda.Start: only one that has verbs serves them.
func (a *App) Of(function string) any {
	if function == topology.Match {
		return a.Handler
	}
	return a.Handle
}

// preparing is how long a start may wait for the cache and for API Gateway.
const preparing = 2 * time.Second

// Prepare does, while the function starts, what its first message would otherwise wait for:
// it connects to the cache and to API Gateway. It logs what fails, and the first message
// tries again. It returns after preparing at the latest.
func (a *App) Prepare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, preparing)
	defer cancel()
	steps := []func(context.Context) error{a.Store.Prepare, describe}
	if a.pusher != nil {
		steps = append(steps, a.pusher.Prepare)
	}
	failed := make(chan error, len(steps))
	for _, step := range steps {
		go func() { failed <- step(ctx) }()
	}
	for range steps {
		select {
		case err := <-failed:
			if err != nil {
				a.Log.WarnContext(ctx, "prepare", "err", err)
			}
		case <-ctx.Done(): // a connection that is still being made is for the first message
			a.Log.WarnContext(ctx, "prepare", "err", ctx.Err())
			return
		}
	}
}

// describe lets the JSON package look at the types of events and responses, which it does
// once for each type.
func describe(context.Context) error {
	_, err := json.Marshal(handler.Response{})
	return errors.Join(err, json.Unmarshal([]byte("{}"), new(handler.Event)))
}

// Close closes the connections to the cache, and writes what was counted.
func (a *App) Close() {
	a.Store.Close()
	if a.emf != nil {
		a.emf.Close()
	}
}

// newID returns 128 random bits as text.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
