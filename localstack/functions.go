package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"waggle/internal/app"
	"waggle/internal/gateway"
	"waggle/internal/store"
	"waggle/internal/telemetry"
	"waggle/internal/token"
	"waggle/internal/topology"
	"waggle/localstack/apigateway"
	"waggle/localstack/embedded"
	"waggle/localstack/lambda"
)

// The values of -runtime.
const (
	inProcess = "inprocess"
	processes = "process"
)

// functions runs the functions, in this process or as processes.
type functions interface {
	apigateway.Invoker
	Stats() map[string]lambda.Stats
}

// An environment holds the variables that the functions read.
type environment map[string]string

func (e environment) lookup(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// functions starts the runtime of the functions. It first checks their environment.
func (s *stack) functions(ctx context.Context, queueURL, bus string) (functions, error) {
	env := environment{
		topology.CacheURL: s.config.Cache, topology.PoolFile: s.config.Pools,
		topology.ManagementEndpoint: s.url("http", "/"+stage),
		topology.TimerQueue:         queueURL,
		topology.MetricsNamespace:   "Waggle",
		topology.Issuer:             s.url("http", ""), topology.Audience: audience,
		"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", // a process gets its own
	}
	if s.config.TwoWay {
		env[topology.TwoWay] = "true"
	}
	if bus != "" {
		env[topology.EventBus] = s.url("http", "/"+bus)
	}
	if s.config.Cache == embeddedCache {
		cache, err := embedded.Start()
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, func() error { cache.Close(); return nil })
		env[topology.CacheURL], s.keys = cache.URL(), cache.Keys
	}
	handlers, err := s.newHandlers(ctx, env)
	if err != nil {
		return nil, err
	}
	if s.config.Runtime == processes {
		return s.processes(ctx, env)
	}
	return lambda.New(handlers, 0), nil
}

// newHandlers creates the handlers as the functions do, and pings the cache.
func (s *stack) newHandlers(ctx context.Context, env environment) (map[string]any, error) {
	pusher := gateway.NewPusher(env[topology.ManagementEndpoint], "us-east-1", aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	}))
	options := app.Options{Log: s.config.Log, Metrics: s.metrics, Push: pusher, Now: s.config.now, Store: store.Options{Offset: s.config.Offset}}
	if s.config.Faults != nil {
		options.Store.Hook = s.config.Faults.Trip
	}
	a, err := app.FromEnv(env.lookup, options)
	if err != nil {
		return nil, nameFlag(err)
	}
	s.closers = append(s.closers, func() error { a.Close(); return nil })
	if err := a.Store.Ping(ctx); err != nil {
		return nil, nameFlag(fmt.Errorf("%s: %w", topology.CacheURL, err))
	}
	settings, err := token.ConfigFromEnv(env.lookup)
	if err != nil {
		return nil, err
	}
	handlers := map[string]any{topology.Authorizer: token.NewAuthorizer(token.NewVerifier(settings), s.config.Log).Handle}
	for _, f := range topology.Functions() {
		if !f.Authorizer {
			handlers[f.Name] = a.Of(f.Name)
		}
	}
	return handlers, nil
}

// processes starts the built functions as processes. Each gets the variables that the
// topology lists for it.
func (s *stack) processes(ctx context.Context, env environment) (functions, error) {
	dir, err := s.built(ctx)
	if err != nil {
		return nil, err
	}
	first := s.run(dir, env)
	if s.config.Next == "" {
		return first, nil
	}
	if err := complete("-next", s.config.Next); err != nil {
		return nil, err
	}
	return &lambda.Split{First: first, Second: s.run(s.config.Next, env)}, nil
}

// run starts the functions of a directory as processes.
func (s *stack) run(dir string, env environment) *lambda.Processes {
	programs := make(map[string]lambda.Program)
	for _, f := range topology.Functions() {
		p := lambda.Program{Command: []string{bootstrap(dir, f.Name)}, Timeout: f.Timeout, MemoryMB: f.MemoryMB}
		for _, name := range f.Env {
			if value, ok := env[name]; ok {
				p.Env = append(p.Env, name+"="+value)
			}
		}
		programs[f.Name] = p
	}
	running := lambda.Start(programs, lambda.Options{Concurrency: s.config.environments(), Log: s.config.Log,
		Taken: func(line []byte) bool { return telemetry.Replay(line, s.metrics) }})
	s.closers = append(s.closers, func() error { running.Close(); return nil })
	return running
}

// environments is how many of them each function may have.
func (c config) environments() int { return cmp.Or(c.Concurrency, 50) }

// summary formats the counters of functions that ran as processes, a line for each.
func summary(all map[string]lambda.Stats) string {
	var b strings.Builder
	for _, f := range topology.Functions() {
		if s := all[f.Name]; s.ColdStarts > 0 || s.Throttles > 0 {
			fmt.Fprintf(&b, "%-10s  %d events, %d errors, %d throttled, %d cold starts of %d ms on average\n", f.Name, s.Invocations, s.Errors,
				s.Throttles, s.ColdStarts, s.Starting.Milliseconds()/int64(max(s.ColdStarts, 1)))
		}
	}
	return b.String()
}

// nameFlag puts the flag in place of the variable that was set from it, and adds advice
// to errors of the cache.
func nameFlag(err error) error {
	text := strings.NewReplacer(topology.CacheURL, "-cache", topology.PoolFile, "-pools").Replace(err.Error())
	if strings.HasPrefix(text, "-cache") {
		if _, unreachable := errors.AsType[*net.OpError](err); unreachable {
			text += "; is a server running there?"
		} else {
			text += ";"
		}
		text += " -cache " + embeddedCache + " needs none"
	}
	return errors.New(text)
}
