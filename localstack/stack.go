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
	livemap "waggle/localstack/map"
	"waggle/localstack/members"
	"waggle/localstack/streets"
)

const (
	stage         = topology.Stage
	audience      = "waggle"
	embeddedCache = "embedded" // -cache without a server
	shutdownTime  = 5 * time.Second
)

// config is what the flags say.
type config struct {
	Addr, Cache, Pools string
	Members            int
	Mingle             bool
	InsecureTokens     bool
	Runtime            string // one of the names below
	Functions          string // where they are built; "": built from the checkout
	Concurrency        int    // of each function, as processes
	Log                *slog.Logger
	Building           io.Writer            // told of a build
	Faults             mischief             // nil: nothing goes wrong
	Offset             func() time.Duration // tests move time by it
}

// mischief stands in the ways from the gateway to the functions, from them to the
// clients and to the cache. *faults.Faults is what -faults says.
type mischief interface {
	Events(apigateway.Invoker) apigateway.Invoker
	Post(connection string) (refused int)
	Trip(ctx context.Context, commands []store.Command, send func(context.Context, ...int))
	Stop()
}

// stack is everything that runs. close ends it.
type stack struct {
	config  config
	address string // host:port that it is reached at from this machine
	open    bool   // whether /token and the map are served
	tunnel  bool   // whether only this machine can reach it
	read    func() reading
	summary func() string // of the functions, at the end
	ending  []func() error
}

// start starts the stack. What it could not start it has ended.
func start(ctx context.Context, c config) (_ *stack, err error) {
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
	s.ending = append(s.ending, func() error { _ = listener.Close(); return nil })
	bound := listener.Addr().(*net.TCPAddr)
	s.tunnel = bound.IP.IsLoopback()
	s.open = s.tunnel || c.InsecureTokens
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
	s.summary = func() string { return summary(functions.Stats()) }
	world, passing := livemap.New(), newFigures()
	routes := make(map[string]string)
	for _, f := range topology.Functions() {
		for _, route := range f.Routes {
			routes[route] = f.Name
		}
	}
	front := apigateway.Config{Stage: stage, Routes: routes, Authorizer: topology.Authorizer,
		Invoker: functions, Logger: c.Log, Now: c.now, Observe: func(f apigateway.Frame) {
			world.Observe(f)
			passing.observe(f)
		}}
	if c.Faults != nil {
		front.Invoker, front.Refuse = c.Faults.Events(functions), c.Faults.Post
	}
	gateway := apigateway.New(front)
	s.read = func() reading {
		r := passing.read(time.Now())
		r.members = gateway.Connections()
		for _, stats := range functions.Stats() {
			r.errors += stats.Errors
			r.environments += stats.Environments
			r.coldStarts += stats.ColdStarts
		}
		return r
	}

	mux := http.NewServeMux()
	mux.Handle("/"+stage, gateway)
	mux.Handle("/"+stage+"/", gateway)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET "+issuer.DiscoveryPath, tokens.ServeDiscovery)
	mux.HandleFunc("GET "+issuer.KeysPath, tokens.ServeKeys)
	if s.open {
		mux.HandleFunc("GET "+issuer.TokenPath, tokens.ServeToken)
		mux.Handle("GET /{$}", world.Page())
		mux.Handle("GET /map/", world.Page())
		mux.Handle("GET /feed", world.Feed())
		if c.Members > 0 {
			mux.Handle("GET /streets", streets.Handler())
		} else {
			mux.HandleFunc("GET /streets", func(http.ResponseWriter, *http.Request) {}) // nothing to draw
		}
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.ending = append(s.ending, func() error {
		if c.Faults != nil {
			c.Faults.Stop() // nothing is held back at the end
		}
		ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
		defer cancel()
		// Not Shutdown: it waits 5 s for each spare connection that an HTTP
		// client has opened and not used yet.
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
		s.ending = append(s.ending, func() error { simulated.Stop(); return nil })
	}
	return s, nil
}

func (c config) now() time.Time {
	if c.Offset == nil {
		return time.Now()
	}
	return time.Now().Add(c.Offset())
}

// close ends everything, the last started first.
func (s *stack) close() error {
	var errs []error
	for i := len(s.ending) - 1; i >= 0; i-- {
		errs = append(errs, s.ending[i]())
	}
	s.ending = nil
	return errors.Join(errs...)
}

func (s *stack) url(scheme, path string) string { return scheme + "://" + s.address + path }
