package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"waggle/internal/store"
	"waggle/internal/topology"
	"waggle/localstack/apigateway"
	"waggle/localstack/eventbus"
	"waggle/localstack/issuer"
	"waggle/localstack/lambda"
	"waggle/localstack/livemap"
	"waggle/localstack/members"
	"waggle/localstack/queue"
	"waggle/localstack/streets"
)

const (
	stage         = topology.Stage
	audience      = "waggle"
	embeddedCache = "embedded" // -cache without a server
	shutdownTime  = 5 * time.Second
)

// config is what the flags set.
type config struct {
	Addr, Cache, Pools string
	Members            int
	Mingle             bool
	Decline, Silent    float64 // shares of the offers to simulated members
	Seed               uint64  // of the simulated members
	InsecureTokens     bool
	AllowHosts         hosts  // nil: none
	Runtime            string // inProcess or processes
	Functions          string // directory of the built functions; "": build them from the checkout
	Next               string // directory of another release of them; "": there is none
	Concurrency        int    // invocations in progress; with processes, environments of each function; 0: the default
	TwoWay             bool   // routes have responses
	Log                *slog.Logger
	Building           io.Writer            // gets the progress of a build
	Events             io.Writer            // gets the application's events; nil: there are none
	Faults             injector             // nil: no faults
	Offset             func() time.Duration // added to the clock; tests move time with it
}

// An injector injects faults: between the gateway and the functions, into pushes to
// clients, and into trips to the cache. With -faults it is a *faults.Faults.
type injector interface {
	Events(apigateway.Invoker) apigateway.Invoker
	Post(connection string) (refused int)
	Trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int))
	Stop()
}

// stack is everything that runs. close stops it.
type stack struct {
	config   config
	address  string // host:port at which this machine reaches it
	open     bool   // /token and the map are served
	loopback bool   // only this machine can reach it
	metrics  *scrape
	read     func() snapshot
	stats    func() map[string]lambda.Stats // of the functions
	keys     func() int                     // in the embedded cache; nil with a server
	// throttled is how many invocations the gateway has refused.
	throttled func() uint64
	closers   []func() error // in the order in which things started
}

// start starts the stack. If it fails, it stops what it had started.
func start(ctx context.Context, c config) (_ *stack, err error) {
	s := &stack{config: c, metrics: newScrape()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	s.closers = append(s.closers, func() error { _ = listener.Close(); return nil })
	bound := listener.Addr().(*net.TCPAddr)
	s.loopback = bound.IP.IsLoopback()
	s.open = s.loopback || c.InsecureTokens
	s.address = bound.String()
	if bound.IP.IsUnspecified() {
		s.address = net.JoinHostPort("127.0.0.1", fmt.Sprint(bound.Port))
	}

	tokens, err := issuer.New(s.url("http", ""), audience)
	if err != nil {
		return nil, err
	}
	queueURL := s.url("http", "/"+rand.Text()) // only the functions know it
	bus := ""                                  // only the functions know its name
	if c.Events != nil {
		bus = rand.Text()
	}
	functions, err := s.functions(ctx, queueURL, bus)
	if err != nil {
		return nil, err
	}
	s.stats = functions.Stats
	liveMap, metrics := livemap.New(), newMetrics()
	routes := make(map[string]string)
	for _, f := range topology.Functions() {
		for _, route := range f.Routes {
			routes[route] = f.Name
		}
	}
	front := apigateway.Config{Stage: stage, Routes: routes, Authorizer: topology.Authorizer,
		Invoker: functions, TwoWay: c.TwoWay, Logger: c.Log, Now: c.now, Observe: func(f apigateway.Frame) {
			if f.Direction == apigateway.Out && bytes.HasPrefix(f.Payload, []byte(`{"message":`)) {
				return // the gateway's own, of which there are many under overload
			}
			liveMap.Observe(f)
			metrics.observe(f)
		}}
	if c.Runtime != processes {
		front.Concurrency = c.Concurrency
	}
	if c.Faults != nil {
		front.Invoker, front.Refuse = c.Faults.Events(functions), c.Faults.Post
	}
	gateway := apigateway.New(front)
	timers := queue.New(queueURL, func(ctx context.Context, payload []byte) ([]byte, error) {
		return front.Invoker.Invoke(ctx, topology.Match, payload)
	}, c.Log)
	s.closers = append(s.closers, func() error { timers.Close(); return nil })
	s.throttled = gateway.Throttled
	s.read = func() snapshot {
		now := metrics.read(time.Now())
		now.members = gateway.Connections()
		for _, stats := range s.stats() {
			now.errors += stats.Errors
			now.environments += stats.Environments
			now.coldStarts += stats.ColdStarts
		}
		return now
	}

	mux := http.NewServeMux()
	mux.Handle("/"+stage, gateway)
	mux.Handle("/"+stage+"/", gateway)
	mux.Handle("/{$}", timers) // also GET, if the map is not served: it is not found
	if bus != "" {
		events := eventbus.New(bus, c.Events)
		mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") == eventbus.Target {
				events.ServeHTTP(w, r)
			} else {
				timers.ServeHTTP(w, r)
			}
		})
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+issuer.DiscoveryPath, tokens.ServeDiscovery)
	mux.HandleFunc("GET "+issuer.KeysPath, tokens.ServeKeys)
	if s.loopback { // nothing else keeps others from acting as the back end
		mux.HandleFunc(lambda.InvokePath, lambda.ServeInvoke(functions))
		if split, ok := functions.(*lambda.Split); ok {
			mux.HandleFunc(lambda.ShiftPath, split.ServeShift)
		}
	}
	if s.open {
		s.metrics.registry.MustRegister(numbers{s})
		mux.Handle("GET /metrics", s.metrics.handler())
		mux.HandleFunc("GET "+issuer.TokenPath, tokens.ServeToken)
		mux.Handle("GET /{$}", liveMap.Page())
		mux.Handle("GET /map/", liveMap.Page())
		mux.Handle("GET /feed", liveMap.Feed())
		mux.HandleFunc("GET /cells/{cell}", livemap.Cell)
		if c.Members > 0 {
			mux.Handle("GET /streets", streets.Handler())
		} else {
			mux.HandleFunc("GET /streets", func(http.ResponseWriter, *http.Request) {}) // no members, no streets
		}
	}
	server := newServer(c.hosts().check(mux, c.Log), c.Log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.closers = append(s.closers, func() error {
		if c.Faults != nil {
			c.Faults.Stop() // so that no event is held back while the stack stops
		}
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		// Not Shutdown: it waits 5 s for each idle connection that an HTTP client
		// has opened and not used yet.
		err := errors.Join(gateway.Close(ctx), server.Close())
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	})
	if c.Members > 0 {
		pool := members.Pool
		if c.Mingle {
			pool = ""
		}
		simulated := members.Start(ctx, members.Config{URL: s.url("ws", "/"+stage), Members: c.Members, Pool: pool,
			Decline: c.Decline, Silent: c.Silent, Seed: c.Seed, Sign: tokens.Sign, Log: c.Log})
		s.closers = append(s.closers, func() error { simulated.Stop(); return nil })
	}
	return s, nil
}

// newServer returns a server that closes HTTP connections on which nothing happens. After
// the upgrade to a WebSocket the gateway's own limits hold.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // of a request with its body
		MaxHeaderBytes:    32 << 10,         // API Gateway takes 10 KB
		// Beyond an upgrade, which waits for two functions.
		WriteTimeout: 90 * time.Second,
		// The functions keep their own idle connections for 90 s, so no post of theirs
		// meets a connection that is being closed.
		IdleTimeout: 2 * time.Minute,
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func (c config) now() time.Time {
	if c.Offset == nil {
		return time.Now()
	}
	return time.Now().Add(c.Offset())
}

// close stops everything, in the reverse order of the start.
func (s *stack) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *stack) url(scheme, path string) string { return scheme + "://" + s.address + path }
