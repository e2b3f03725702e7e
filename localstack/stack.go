package main

import (
	"context"
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
	"waggle/localstack/issuer"
	"waggle/localstack/lambda"
	"waggle/localstack/livemap"
	"waggle/localstack/members"
	"waggle/localstack/streets"
)

const (
	stage         = topology.Stage
	audience      = "waggle"
	embeddedCache = "embedded" // -cache without a server
	shutdownTime  = 5 * time.Second
)

// The limits of an HTTP connection, so that no client holds one open for nothing. They end
// with the upgrade to a WebSocket, which has limits of its own.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second // of a request with its body
	// idleTimeout is longer than the functions keep their own idle connections, 90 s, so
	// that no post meets a connection that is being closed.
	idleTimeout = 2 * time.Minute
)

// config is what the flags set.
type config struct {
	Addr, Cache, Pools string
	Members            int
	Mingle             bool
	InsecureTokens     bool
	Runtime            string // inProcess or processes
	Functions          string // directory of the built functions; "": build them from the checkout
	Concurrency        int    // invocations in progress, of all functions; of each with processes; 0: the runtime's default
	Log                *slog.Logger
	Building           io.Writer            // gets the progress of a build
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
	read     func() snapshot
	stats    func() map[string]lambda.Stats // of the functions
	keys     func() int                     // in the embedded cache; nil with a server
	closers  []func() error                 // in the order in which things started
}

// start starts the stack. If it fails, it stops what it had started.
func start(ctx context.Context, c config) (_ *stack, err error) {
	if c.Concurrency == 0 {
		c.Concurrency = lambda.DefaultConcurrency
		if c.Runtime == processes {
			c.Concurrency = lambda.DefaultEnvironments
		}
	}
	s := &stack{config: c}
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
	functions, err := s.functions(ctx)
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
		Invoker: functions, Logger: c.Log, Now: c.now, Observe: func(f apigateway.Frame) {
			liveMap.Observe(f)
			metrics.observe(f)
		}}
	if c.Faults != nil {
		front.Invoker, front.Refuse = c.Faults.Events(functions), c.Faults.Post
	}
	gateway := apigateway.New(front)
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
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+issuer.DiscoveryPath, tokens.ServeDiscovery)
	mux.HandleFunc("GET "+issuer.KeysPath, tokens.ServeKeys)
	if s.open {
		mux.HandleFunc("GET /metrics", s.serveMetrics)
		mux.HandleFunc("GET "+issuer.TokenPath, tokens.ServeToken)
		mux.Handle("GET /{$}", liveMap.Page())
		mux.Handle("GET /map/", liveMap.Page())
		mux.Handle("GET /feed", liveMap.Feed())
		if c.Members > 0 {
			mux.Handle("GET /streets", streets.Handler())
		} else {
			mux.HandleFunc("GET /streets", func(http.ResponseWriter, *http.Request) {}) // no members, no streets
		}
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug)}
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
		simulated := members.Start(ctx, members.Config{URL: s.url("ws", "/"+stage), Members: c.Members, Pool: pool, Sign: tokens.Sign, Log: c.Log})
		s.closers = append(s.closers, func() error { simulated.Stop(); return nil })
	}
	return s, nil
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
