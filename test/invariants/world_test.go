package invariants_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/valkey-io/valkey-go"

	"waggle/internal/app"
	"waggle/internal/handler"
	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/internal/token"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// A world is the functions on a cache, with connections that are only
// recordings and a clock that moves by hand.
type world struct {
	t      *testing.T
	cache  string // which it is
	app    *app.App
	direct valkey.Client // to look at what is stored
	offset atomic.Int64  // nanoseconds ahead of the wall clock
	crawls atomic.Pointer[time.Time]
	hook   atomic.Pointer[store.Hook]
	push   atomic.Pointer[pushHook]
	log    *lockedWriter

	// waits is whether the store's pauses take their time; else time passes by hand.
	waits bool

	// dead is a process that has vanished: what it would still push is lost.
	dead atomic.Bool

	// came, where it is set, is called with every frame that arrives.
	came atomic.Pointer[func(connection string)]
	// pushed, where it is set, is called with every push.
	pushed atomic.Pointer[func()]

	mu     sync.Mutex
	joined int
	// connected is when the last connection was made, epoch ms.
	connected int64
	frames    map[string][]protocol.Frame
	arrived   map[string][]time.Time // when each of them came
	closed    map[string]bool
	// gone are the connections that a push finds gone, each for that many pushes.
	gone map[string]int
	// pushes counts what was pushed to a connection, delivered or not.
	pushes map[string]int
}

// A pushHook makes a push of that kind to a connection, by calling deliver.
type pushHook func(ctx context.Context, kind, connection string, deliver func() error) error

// unlimited is a pool file without rates to speak of.
const unlimited = `{"pools":{"default":{"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6}}}`

// onEach runs a test in a world on the embedded cache and in one on a real server.
func onEach(t *testing.T, pools string, test func(*testing.T, *world)) {
	caches.Each(t, func(t *testing.T, c caches.Cache) { test(t, newWorld(t, c, pools)) })
}

func newWorld(t *testing.T, c caches.Cache, pools string, set ...func(*world, *store.Options)) *world {
	t.Helper()
	w := &world{t: t, cache: c.Name, frames: make(map[string][]protocol.Frame), arrived: make(map[string][]time.Time), closed: make(map[string]bool), gone: make(map[string]int),
		pushes: make(map[string]int), log: &lockedWriter{w: t.Output()}}
	options := store.Options{
		Rewrite: active.Script,
		Offset:  w.ahead,
		Sleep: func(ctx context.Context, d time.Duration) error {
			if w.waits {
				return match.Sleep(ctx, d)
			}
			w.pass(d)
			return ctx.Err()
		},
		Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if h := w.hook.Load(); h != nil {
				(*h)(ctx, commands, send)
				return
			}
			send(ctx)
		},
	}
	for _, s := range set {
		s(w, &options)
	}
	env := map[string]string{"WAGGLE_CACHE_URL": c.URL, "WAGGLE_POOLS": pools}
	a, err := app.FromEnv(t.Context(), func(k string) (string, bool) { v, ok := env[k]; return v, ok }, app.Options{
		Log:   slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})),
		Push:  w,
		Now:   w.now,
		Store: options,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	w.app = a
	w.direct, err = valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.direct.Close)
	return w
}

// withoutTime leaves out what changes from run to run and looks like a coordinate.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A lockedWriter keeps what is written to it.
type lockedWriter struct {
	mu   sync.Mutex
	w    io.Writer
	kept strings.Builder
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Write(b)
	return l.w.Write(b)
}

// logged is the whole log.
func (w *world) logged() string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.kept.String()
}

func (w *world) now() time.Time { return time.Now().Add(w.ahead()) }

// ahead is how far the world's clock is ahead of the wall's.
func (w *world) ahead() time.Duration {
	ahead := time.Duration(w.offset.Load())
	if since := w.crawls.Load(); since != nil {
		ahead -= time.Since(*since) * 3 / 4
	}
	return ahead
}

// crawl lets time pass four times slower from now on, so that what has to be done within
// a second is, on a busy machine too.
func (w *world) crawl() {
	now := time.Now()
	w.crawls.Store(&now)
}

// pass moves time on.
func (w *world) pass(d time.Duration) { w.offset.Add(int64(d)) }

// Push implements match.Pusher.
func (w *world) Push(ctx context.Context, connection string, f protocol.Frame) error {
	return w.deliver(ctx, fmt.Sprintf("%T", f), connection, func() error {
		if observe := w.pushed.Load(); observe != nil {
			(*observe)()
		}
		if w.dead.Load() || ctx.Err() != nil {
			return context.Canceled
		}
		w.pushes[connection]++
		if w.gone[connection] > 0 {
			w.gone[connection]--
			return match.ErrConnectionGone
		}
		if w.closed[connection] {
			return match.ErrConnectionGone
		}
		w.frames[connection] = append(w.frames[connection], f)
		w.arrived[connection] = append(w.arrived[connection], w.now())
		if observe := w.came.Load(); observe != nil {
			(*observe)(connection)
		}
		return nil
	})
}

// Close implements match.Pusher.
func (w *world) Close(ctx context.Context, connection string) error {
	return w.deliver(ctx, "close", connection, func() error {
		if w.dead.Load() {
			return context.Canceled
		}
		w.closed[connection] = true
		return nil
	})
}

// deliver does what a push does, as the fault of the moment lets it.
func (w *world) deliver(ctx context.Context, kind, connection string, push func() error) error {
	locked := func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return push()
	}
	if h := w.push.Load(); h != nil {
		return (*h)(ctx, kind, connection, locked)
	}
	return locked()
}

// tokenText is what a $connect carries where a token would be.
const tokenText = "eyJhbGciOiJFUzI1NiJ9.secret"

// A client is one connection of a member.
type client struct {
	*world
	id          token.Identity
	connection  string
	connectedAt int64
	seen        int  // frames taken
	left        bool // it has disconnected
	reported    int64
}

// join connects a member of the default pool in both roles.
func (w *world) join(member string) *client {
	w.t.Helper()
	return w.joinAs(identity("default", member))
}

// joinIn connects a member of another pool.
func (w *world) joinIn(pool, member string) *client {
	w.t.Helper()
	return w.joinAs(identity(pool, member))
}

// identity is a member in both roles, whose card is its name.
func identity(pool, member string) token.Identity {
	return token.Identity{Member: member, Pool: pool, Matcher: true, Matchee: true, Card: json.RawMessage(strconv.Quote(member))}
}

// again is a new connection of the same member that has not reached $connect yet.
func (c *client) again() *client {
	next := c.newClient(c.id)
	next.reported = c.reported
	return next
}

// rejoin connects the member anew.
func (c *client) rejoin() *client {
	c.t.Helper()
	next := c.again()
	if status := next.connect(); status != 200 {
		c.t.Fatalf("connect of %s: status %d, want 200", c.id.Member, status)
	}
	return next
}

func (w *world) joinAs(id token.Identity) *client {
	w.t.Helper()
	c := w.newClient(id)
	if status := c.connect(); status != 200 {
		w.t.Fatalf("connect of %s: status %d, want 200", id.Member, status)
	}
	return c
}

// newClient makes a connection that has not reached $connect yet.
func (w *world) newClient(id token.Identity) *client {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined++
	if id.Expires.IsZero() {
		id.Expires = w.now().Add(time.Hour)
	}
	w.connected = max(w.connected+1, w.now().UnixMilli())
	return &client{world: w, id: id, connection: fmt.Sprintf("c%d=", w.joined), connectedAt: w.connected}
}

func (c *client) event(route, body string) handler.Event {
	attached := map[string]any{}
	text, err := json.Marshal(c.id.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &attached); err != nil {
		c.t.Fatal(err)
	}
	query := map[string]string{}
	if route == "$connect" {
		query["token"] = tokenText
	}
	return handler.Event{Body: body, QueryStringParameters: query, RequestContext: events.APIGatewayWebsocketProxyRequestContext{
		RouteKey: route, ConnectionID: c.connection, ConnectedAt: c.connectedAt, Authorizer: attached,
		RequestTimeEpoch: c.now().UnixMilli(), Stage: "prod", DomainName: "example.org",
	}}
}

func (c *client) connect() int {
	c.t.Helper()
	return c.connectIn(c.t.Context())
}

func (c *client) connectIn(ctx context.Context) int {
	c.t.Helper()
	r, err := c.app.Handle(ctx, c.event("$connect", ""))
	if err != nil {
		c.t.Fatal(err)
	}
	return r.StatusCode
}

func (c *client) disconnect() {
	c.t.Helper()
	c.disconnectIn(c.t.Context())
}

func (c *client) disconnectIn(ctx context.Context) {
	c.t.Helper()
	c.left = true
	if _, err := c.app.Handle(ctx, c.event("$disconnect", "")); err != nil {
		c.t.Fatal(err)
	}
}

// send sends a message, given in JSON without its action, and returns when it is
// served.
func (c *client) send(action, fields string) {
	c.t.Helper()
	c.serve(c.t.Context(), action, fields)
}

// serve is send in a context.
func (c *client) serve(ctx context.Context, action, fields string) {
	c.t.Helper()
	body := `{"action":"` + action + `"}`
	if fields != "" {
		body = `{"action":"` + action + `",` + fields + `}`
	}
	if _, err := c.app.Handle(ctx, c.event(action, body)); err != nil {
		c.t.Error(err)
	}
}

// at reports a location, later than any before, and takes its ack.
func (c *client) at(lat, lng float64, more ...string) {
	c.t.Helper()
	c.report(lat, lng, append(more, `"id":"at"`)...)
	if _, ok := last[*protocol.Ack](c); !ok {
		c.t.Fatalf("%s: no ack for a location: %s", c.id.Member, c.all())
	}
}

// report reports a location without an id. Two may come within a millisecond:
// seq tells them apart.
func (c *client) report(lat, lng float64, more ...string) {
	c.t.Helper()
	fields := append([]string{`"lat":` + number(lat), `"lng":` + number(lng)}, more...)
	if !strings.Contains(strings.Join(more, ","), `"seq"`) {
		c.mu.Lock()
		c.reported++
		fields = append(fields, fmt.Sprintf(`"seq":%d`, c.reported))
		c.mu.Unlock()
	}
	c.send("location", strings.Join(fields, ","))
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// take returns the frames that came since the last take.
func (c *client) take() []protocol.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.frames[c.connection]
	fresh := all[c.seen:]
	c.seen = len(all)
	return fresh
}

// sent returns every frame of the connection.
func (c *client) sent() []protocol.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.frames[c.connection])
}

// arrivals are the times at which they came.
func (c *client) arrivals() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrived[c.connection])
}

// all shows every frame of the connection.
func (c *client) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, f := range c.frames[c.connection] {
		fmt.Fprintf(&b, "\n  %s", protocol.Encode(f))
	}
	return b.String()
}

// last takes what came and returns the last frame of a type.
func last[F protocol.Frame](c *client) (F, bool) {
	var found F
	ok := false
	for _, f := range c.take() {
		if f, is := f.(F); is {
			found, ok = f, true
		}
	}
	return found, ok
}

// want is last, and fails the test where there is none.
func want[F protocol.Frame](c *client) F {
	c.t.Helper()
	f, ok := last[F](c)
	if !ok {
		c.t.Fatalf("%s was not sent a %T; it was sent: %s", c.id.Member, f, c.all())
	}
	return f
}

// refuse wants an error with that code.
func (c *client) refuse(code protocol.Code) *protocol.Error {
	c.t.Helper()
	e := want[*protocol.Error](c)
	if e.Code != code {
		c.t.Fatalf("%s was refused with %s (%s), want %s", c.id.Member, e.Code, e.Message, code)
	}
	return e
}

// standing is what hello says.
func (c *client) standing() *protocol.Welcome {
	c.t.Helper()
	c.take()
	c.send("hello", "")
	return want[*protocol.Welcome](c)
}

// empty forgets everything that the cache holds.
func (w *world) empty() {
	w.t.Helper()
	for _, node := range w.direct.Nodes() {
		err := node.Do(w.t.Context(), node.B().Flushall().Build()).Error()
		if err != nil && !strings.HasPrefix(err.Error(), "READONLY") { // a replica does what its primary does
			w.t.Fatal(err)
		}
	}
}

// state is that of a member's entry in the routing table, as it is stored.
func (w *world) state(c *client) string { return w.fields(c, "route", "state")[0] }

// fields are those of a member's record (m) or entry (route) as they are stored, ""
// where there is none.
func (w *world) fields(c *client, kind string, names ...string) []string {
	w.t.Helper()
	key := "w2:" + kind + ":{" + c.id.Pool + "/" + c.id.Member + "}"
	values, err := w.direct.Do(w.t.Context(), w.direct.B().Hmget().Key(key).Field(names...).Build()).AsStrSlice()
	if err != nil {
		w.t.Fatal(err)
	}
	return values
}
