// Package apigateway is API Gateway's WebSocket front on one machine: the
// upgrade with its authorizer and $connect, routes, events, @connections,
// limits, close codes and error frames, faithful to what AWS documents or was
// seen to do. Start at [New]; a [Gateway] is an http.Handler.
//
// What is kept, so that code proven here holds on AWS:
//   - Nothing can be posted to a connection before $connect has returned.
//   - The messages of one connection are invoked side by side, in no order.
//   - $disconnect is invoked when a connection ends, messages under way or not.
//   - A client that does not read makes posts fail with 429, never wait.
//   - No goroutine outlives [Gateway.Close].
package apigateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits of API Gateway, in bytes.
const (
	MaxFrame   = 32 << 10
	MaxMessage = 128 << 10
)

const apiID = "local"

// maxURL is the length in characters of the longest URL of an upgrade.
const maxURL = 4096

// Invoker runs functions. An error that is a *lambda.FunctionError is the
// function's own; any other means that it could not be run.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// Config says what a Gateway serves. Stage, Routes and Invoker are needed.
type Config struct {
	Stage      string            // path segment, such as "prod"
	Routes     map[string]string // route key → function, "$connect", "$disconnect" and "$default" among the keys
	Authorizer string            // function deciding on the upgrade; empty lets everyone in
	Invoker    Invoker

	IdleTimeout time.Duration // without data in either direction; default 10 min
	MaxDuration time.Duration // of a connection; default 2 h
	// IntegrationTimeout is how long a function is waited for; default 29 s.
	IntegrationTimeout time.Duration

	MaxInFlight int // invocations at once per connection, beyond which its socket is not read; default 32
	SendBuffer  int // bytes waiting for one client, beyond which posts get 429; default 256 KB

	Now    func() time.Time // for timestamps, not for timeouts; default time.Now
	Logger *slog.Logger     // default slog.Default(); neither payloads nor query strings are logged

	// Observe, if set, sees every message in and out. It is called from many
	// goroutines and holds up the connection until it returns. It must not
	// change what it is given.
	Observe func(Frame)

	// Refuse, if set, is asked at each post: with 410 it is refused as if the
	// connection were gone, with 429 as if its client did not read; 0 lets it
	// through. A post waits until it returns.
	Refuse func(connectionID string) (status int)
}

// Frame is one message as [Config.Observe] sees it.
type Frame struct {
	ConnectionID string
	Direction    Direction
	Time         time.Time
	Payload      []byte
	Authorizer   map[string]string // the authorizer's context, principalId among it
}

// Direction of a Frame, seen from the server.
type Direction string

// The two directions.
const (
	In  Direction = "in"
	Out Direction = "out"
)

// Gateway is one API with one stage. It is safe for concurrent use.
type Gateway struct {
	config Config
	// base is what invocations run under: not the upgrade request's context,
	// because Lambda does not stop when a client goes away.
	base   context.Context
	cancel context.CancelFunc

	mu          sync.Mutex
	closed      bool
	connections map[string]*connection
	serving     sync.WaitGroup // upgrades and connections; added to under mu while not closed
}

// New returns a Gateway ready to serve.
func New(config Config) *Gateway {
	setDefault(&config.IdleTimeout, 10*time.Minute)
	setDefault(&config.MaxDuration, 2*time.Hour)
	setDefault(&config.IntegrationTimeout, 29*time.Second)
	setDefault(&config.MaxInFlight, 32)
	setDefault(&config.SendBuffer, 256<<10)
	setDefault(&config.Logger, slog.Default())
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Observe == nil {
		config.Observe = func(Frame) {}
	}
	if config.Refuse == nil {
		config.Refuse = func(string) int { return 0 }
	}
	base, cancel := context.WithCancel(context.Background())
	return &Gateway{config: config, base: base, cancel: cancel, connections: map[string]*connection{}}
}

// ServeHTTP serves the WebSocket API at /{stage} and connection management at
// /{stage}/@connections/{id}. Anything else is forbidden, as on AWS.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The escaped path, so that an id is decoded once, whatever it holds.
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), "/"+g.config.Stage)
	if escapedID, found := strings.CutPrefix(path, "/@connections/"); ok && found {
		if id, err := url.PathUnescape(escapedID); err == nil {
			g.serveManagement(w, r, id)
			return
		}
	}
	if !ok || path != "" && path != "/" {
		writeJSON(w, http.StatusForbidden, refusal{Message: "Forbidden"})
		return
	}
	if !g.enter() {
		writeJSON(w, http.StatusServiceUnavailable, refusal{Message: "Service Unavailable"})
		return
	}
	defer g.serving.Done()
	g.serveUpgrade(w, r)
}

// Connections counts the open connections.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.connections)
}

// Close closes every connection with 1001, runs their $disconnect and joins
// all goroutines. When ctx ends first, sockets and invocations are cut off and
// its error is returned.
func (g *Gateway) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	open := make([]*connection, 0, len(g.connections))
	for _, c := range g.connections {
		open = append(open, c)
	}
	g.mu.Unlock()
	for _, c := range open {
		c.close(goingAway)
	}

	joined := make(chan struct{})
	go func() {
		g.serving.Wait()
		close(joined)
	}()
	select {
	case <-joined:
		g.cancel()
		return nil
	case <-ctx.Done():
	}
	g.cancel()
	for _, c := range open {
		c.cut()
	}
	<-joined
	return ctx.Err()
}

// enter counts the caller in, unless the Gateway is closed.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.serving.Add(1)
	return true
}

// register makes a connection known to @connections, unless closed.
func (g *Gateway) register(c *connection) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.connections[c.id] = c
	return true
}

func (g *Gateway) unregister(c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.connections, c.id)
}

func (g *Gateway) lookup(id string) (*connection, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.connections[id]
	return c, ok
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
