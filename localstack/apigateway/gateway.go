// Package apigateway emulates API Gateway's WebSocket APIs on one machine: the upgrade
// with its authorizer and $connect, routes, events, @connections, limits, close codes
// and error frames. It does what AWS documents or was observed to do. Start at [New]; a
// [Gateway] is an http.Handler.
//
// It guarantees what handlers can rely on, so that code that passes its tests here works
// on AWS:
//   - A post to a connection fails until $connect has returned.
//   - The messages of one connection are handled concurrently, in no order.
//   - $disconnect is invoked when a connection ends, even while messages are handled.
//   - A post to a client that does not read fails with 429 and does not wait.
//   - No more than [Config.Concurrency] invocations are in progress.
//   - No goroutine outlives [Gateway.Close].
package apigateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"waggle/internal/boundedlog"
)

// Limits of API Gateway, in bytes.
const (
	MaxFrame   = 32 << 10
	MaxMessage = 128 << 10
)

const apiID = "local"

// maxURL is the maximum length of an upgrade's URL, in characters.
const maxURL = 4096

// maxDuration is how long a connection may last.
const maxDuration = 2 * time.Hour

// Invoker runs functions. An error that is a *lambda.FunctionError comes from the
// function; any other error means that the function could not be run.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// Config says what a Gateway serves. Stage, Routes and Invoker are required.
type Config struct {
	Stage      string            // path segment, such as "prod"
	Routes     map[string]string // route key → function; the keys include "$connect", "$disconnect" and "$default"
	Authorizer string            // function that decides about the upgrade; "" admits everyone
	Invoker    Invoker
	// TwoWay says that each route of messages has a route response: what a function returns as the
	// body is sent to the client.
	TwoWay bool

	// IdleTimeout closes a connection without data in either direction; default 10 min.
	IdleTimeout time.Duration
	// IntegrationTimeout is how long the gateway waits for a function; default 29 s.
	IntegrationTimeout time.Duration

	// Concurrency bounds the invocations in progress of all connections. An invocation
	// beyond it is refused at once, as by Lambda: if they were begun, each would wait for
	// the others until all time out, and nothing would be done. $disconnect waits instead.
	// Default 200.
	Concurrency int
	// MaxInFlight bounds the concurrent invocations of one connection. At the bound its
	// socket is not read. Default 32.
	MaxInFlight int
	// SendBuffer bounds the bytes that wait for one client. Beyond it posts fail with
	// 429. Default 256 KB.
	SendBuffer int

	Now    func() time.Time // for timestamps, not for timeouts; default time.Now
	Logger *slog.Logger     // default slog.Default(); it gets no payloads and no query strings

	// Observe, if set, is called with every message in both directions, from many
	// goroutines. The connection waits until it returns. It must not change the Frame.
	Observe func(Frame)

	// Refuse, if set, is called at each post, which waits for it. 410 refuses the post as
	// if the connection were gone, 429 as if its client did not read, 403 as if the caller might not
	// post, 500 as if API Gateway had failed; 0 accepts it.
	Refuse func(connectionID string) (status int)
}

// Frame is one message as [Config.Observe] sees it.
type Frame struct {
	ConnectionID string
	Direction    Direction
	Time         time.Time
	Payload      []byte
	Authorizer   map[string]string // the authorizer's context, with principalId
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
	log    *slog.Logger // bounded: under overload each message may fail
	// base is the parent of the invocations' contexts. It is not the context of the
	// upgrade request, because Lambda does not stop when a client disconnects.
	base   context.Context
	cancel context.CancelFunc

	invoking  chan struct{} // one per invocation in progress
	throttled atomic.Uint64

	mu          sync.Mutex
	closed      bool
	connections map[string]*connection
	serving     sync.WaitGroup // upgrades and connections; added to under mu while not closed
}

// New returns a Gateway ready to serve.
func New(config Config) *Gateway {
	setDefault(&config.IdleTimeout, 10*time.Minute)
	setDefault(&config.IntegrationTimeout, 29*time.Second)
	setDefault(&config.Concurrency, 200)
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
	return &Gateway{config: config, log: boundedlog.New(config.Logger, time.Now), base: base, cancel: cancel,
		invoking: make(chan struct{}, config.Concurrency), connections: map[string]*connection{}}
}

// ServeHTTP serves the WebSocket API at /{stage} and connection management at
// /{stage}/@connections/{id}. Anything else is forbidden, as on AWS.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The escaped path, so that an id is decoded exactly once.
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

// Connections returns the number of open connections.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.connections)
}

// Throttled returns how many invocations were refused because of [Config.Concurrency].
func (g *Gateway) Throttled() uint64 { return g.throttled.Load() }

// Close closes every connection with 1001, runs their $disconnect and waits for all
// goroutines. If ctx ends first, Close aborts sockets and invocations and returns the
// error of ctx.
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
		c.abort()
	}
	<-joined
	return ctx.Err()
}

// enter adds the caller to serving, unless the Gateway is closed.
func (g *Gateway) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.serving.Add(1)
	return true
}

// register makes a connection known to @connections, unless the Gateway is closed.
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
