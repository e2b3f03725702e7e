package invariants_test

import (
	"cmp"
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
	"waggle/internal/store/records"
	"waggle/internal/token"
	"waggle/test/kit/caches"
	"waggle/test/mutation/active"
)

// A backend is the functions on a cache. Connections only record what is pushed to
// them, and the test moves the clock.
type backend struct {
	t      *testing.T
	cache  string // its name
	app    *app.App
	direct valkey.Client // reads and writes the cache past the store
	log    *logWriter

	offset    atomic.Int64 // nanoseconds ahead of the machine's clock
	slowSince atomic.Pointer[time.Time]
	// realPauses is set if the store really pauses. Otherwise a pause moves the clock.
	realPauses bool

	hook     atomic.Pointer[store.Hook]
	pushHook atomic.Pointer[pushHook]
	// dead is set while the process of a message counts as dead: its pushes are dropped.
	dead atomic.Bool
	// onFrame is called with the connection of each frame that arrives, onPush before each
	// push. Both may be nil.
	onFrame atomic.Pointer[func(connection string)]
	onPush  atomic.Pointer[func()]

	mu          sync.Mutex
	connections int
	connectedAt int64                       // of the last connection, epoch ms
	frames      map[string][]protocol.Frame // by connection
	arrived     map[string][]time.Time      // when each of the frames arrived
	closed      map[string]bool
	gone        map[string]int // how many pushes find the connection gone
	pushes      map[string]int // how many pushes were tried
}

// A pushHook makes a push of a kind (the frame's type, or close) by calling deliver.
type pushHook func(ctx context.Context, kind, connection string, deliver func() error) error

// unlimited is a pool file whose rates no test reaches.
const unlimited = `{"pools":{"default":{"reportsPerSecond":1e6,"reportsBurst":1e6,"requestsPerMinute":1e6,"matchesPerHour":1e6,"harvestPerHour":1e6,"nearbyPerMinute":1e6,"messagesPerSecond":1e6,"messagesBurst":1e6,"maxSpeed":0}}}`

// onEach runs a test on the embedded cache and on a real server.
func onEach(t *testing.T, pools string, test func(*testing.T, *backend)) {
	caches.Each(t, func(t *testing.T, c caches.Cache) { test(t, newBackend(t, c, pools)) })
}

// newBackend starts the functions. Without a pool file a member may move as fast as a test likes.
func newBackend(t *testing.T, c caches.Cache, pools string, set ...func(*backend, *store.Options)) *backend {
	t.Helper()
	pools = cmp.Or(pools, `{"pools":{"default":{"maxSpeed":0}}}`)
	be := &backend{t: t, cache: c.Name, frames: make(map[string][]protocol.Frame), arrived: make(map[string][]time.Time),
		closed: make(map[string]bool), gone: make(map[string]int), pushes: make(map[string]int), log: &logWriter{to: t.Output()}}
	options := store.Options{
		Rewrite: active.Script,
		Offset:  be.clockOffset,
		Sleep: func(ctx context.Context, d time.Duration) error {
			if be.realPauses {
				return match.Sleep(ctx, d)
			}
			be.advance(d)
			return ctx.Err()
		},
		Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			if h := be.hook.Load(); h != nil {
				(*h)(ctx, commands, send)
				return
			}
			send(ctx)
		},
	}
	for _, s := range set {
		s(be, &options)
	}
	env := map[string]string{"WAGGLE_CACHE_URL": c.URL, "WAGGLE_POOLS": pools}
	a, err := app.FromEnv(func(k string) (string, bool) { v, ok := env[k]; return v, ok }, app.Options{
		Log:   slog.New(slog.NewTextHandler(be.log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime})),
		Push:  be,
		Now:   be.now,
		Store: options,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	a.Prepare(t.Context())
	be.app = a
	be.direct, err = valkey.NewClient(valkey.ClientOption{InitAddress: []string{strings.TrimPrefix(c.URL, "redis://")}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(be.direct.Close)
	return be
}

// withoutTime leaves out the time, which could look like a coordinate.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// A logWriter keeps what is written to it, and passes it on.
type logWriter struct {
	mu   sync.Mutex
	to   io.Writer
	kept strings.Builder
}

func (l *logWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Write(b)
	return l.to.Write(b)
}

// text is the whole log.
func (l *logWriter) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept.String()
}

func (be *backend) now() time.Time { return time.Now().Add(be.clockOffset()) }

// clockOffset is how far the backend's clock is ahead of the machine's.
func (be *backend) clockOffset() time.Duration {
	offset := time.Duration(be.offset.Load())
	if since := be.slowSince.Load(); since != nil {
		offset -= time.Since(*since) * 3 / 4
	}
	return offset
}

// slowDown lets time pass four times slower from now on, so that a busy machine too has
// done within a second what must be done within a second.
func (be *backend) slowDown() {
	now := time.Now()
	be.slowSince.Store(&now)
}

// advance moves the clock on.
func (be *backend) advance(d time.Duration) { be.offset.Add(int64(d)) }

// Push implements match.Pusher.
func (be *backend) Push(ctx context.Context, connection string, f protocol.Frame) error {
	return be.deliver(ctx, fmt.Sprintf("%T", f), connection, func() error {
		if observe := be.onPush.Load(); observe != nil {
			(*observe)()
		}
		if be.dead.Load() || ctx.Err() != nil {
			return context.Canceled
		}
		be.pushes[connection]++
		if be.gone[connection] > 0 {
			be.gone[connection]--
			return match.ErrConnectionGone
		}
		if be.closed[connection] {
			return match.ErrConnectionGone
		}
		be.frames[connection] = append(be.frames[connection], f)
		be.arrived[connection] = append(be.arrived[connection], be.now())
		if observe := be.onFrame.Load(); observe != nil {
			(*observe)(connection)
		}
		return nil
	})
}

// Close implements match.Pusher.
func (be *backend) Close(ctx context.Context, connection string) error {
	return be.deliver(ctx, "close", connection, func() error {
		if be.dead.Load() {
			return context.Canceled
		}
		be.closed[connection] = true
		return nil
	})
}

// deliver makes a push, by the hook if there is one.
func (be *backend) deliver(ctx context.Context, kind, connection string, push func() error) error {
	locked := func() error {
		be.mu.Lock()
		defer be.mu.Unlock()
		return push()
	}
	if h := be.pushHook.Load(); h != nil {
		return (*h)(ctx, kind, connection, locked)
	}
	return locked()
}

// tokenText stands for the token of a $connect.
const tokenText = "eyJhbGciOiJFUzI1NiJ9.secret"

// A client is one connection of a member.
type client struct {
	*backend
	id          token.Identity
	connection  string
	connectedAt int64
	taken       int   // how many frames were taken
	left        bool  // it has disconnected
	reported    int64 // how many locations were reported
}

// join connects a member of the default pool in both roles.
func (be *backend) join(member string) *client {
	be.t.Helper()
	return be.joinAs(identity("default", member))
}

// joinIn connects a member of another pool.
func (be *backend) joinIn(pool, member string) *client {
	be.t.Helper()
	return be.joinAs(identity(pool, member))
}

// identity is that of a member in both roles, whose card is its name.
func identity(pool, member string) token.Identity {
	return token.Identity{Member: member, Pool: pool, Matcher: true, Matchee: true, Card: json.RawMessage(strconv.Quote(member))}
}

// next is a newer connection of the same member, before its $connect.
func (c *client) next() *client {
	next := c.newClient(c.id)
	next.reported = c.reported
	return next
}

// reconnect connects the member on a newer connection.
func (c *client) reconnect() *client {
	c.t.Helper()
	next := c.next()
	if status := next.connect(); status != 200 {
		c.t.Fatalf("connect of %s: status %d, want 200", c.id.Member, status)
	}
	return next
}

func (be *backend) joinAs(id token.Identity) *client {
	be.t.Helper()
	c := be.newClient(id)
	if status := c.connect(); status != 200 {
		be.t.Fatalf("connect of %s: status %d, want 200", id.Member, status)
	}
	return c
}

// newClient makes a connection, before its $connect.
func (be *backend) newClient(id token.Identity) *client {
	be.mu.Lock()
	defer be.mu.Unlock()
	be.connections++
	if id.Expires.IsZero() {
		id.Expires = be.now().Add(time.Hour)
	}
	be.connectedAt = max(be.connectedAt+1, be.now().UnixMilli())
	return &client{backend: be, id: id, connection: fmt.Sprintf("c%d=", be.connections), connectedAt: be.connectedAt}
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

// send sends a message with these fields, in JSON, and returns when it has been served.
func (c *client) send(action, fields string) {
	c.t.Helper()
	c.serve(c.t.Context(), action, fields)
}

// serve is send with a context.
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

// at reports a location, and takes its ack.
func (c *client) at(lat, lng float64, more ...string) {
	c.t.Helper()
	c.report(lat, lng, append(more, `"id":"at"`)...)
	if a, ok := last[*protocol.Ack](c); !ok || a.Position == protocol.PositionJump {
		c.t.Fatalf("%s: no ack for a location, or for a jump: %s", c.id.Member, c.all())
	}
}

// report reports a location without an id. Its seq is higher than that of the last one,
// since two may have the same time.
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

// take returns the frames that arrived since the last take.
func (c *client) take() []protocol.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.frames[c.connection]
	fresh := all[c.taken:]
	c.taken = len(all)
	return fresh
}

// sent returns every frame of the connection.
func (c *client) sent() []protocol.Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.frames[c.connection])
}

// arrivals are the times at which they arrived.
func (c *client) arrivals() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrived[c.connection])
}

// all is every frame of the connection as text.
func (c *client) all() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, f := range c.frames[c.connection] {
		fmt.Fprintf(&b, "\n  %s", protocol.Encode(f))
	}
	return b.String()
}

// last takes the frames and returns the last one of a type.
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

// want is last, and fails the test if there is none.
func want[F protocol.Frame](c *client) F {
	c.t.Helper()
	f, ok := last[F](c)
	if !ok {
		c.t.Fatalf("%s was not sent a %T; it was sent: %s", c.id.Member, f, c.all())
	}
	return f
}

// wantError wants an error with that code.
func (c *client) wantError(code protocol.Code) *protocol.Error {
	c.t.Helper()
	e := want[*protocol.Error](c)
	if e.Code != code {
		c.t.Fatalf("%s got the error %s (%s), want %s", c.id.Member, e.Code, e.Message, code)
	}
	return e
}

// hello says hello, and returns the welcome.
func (c *client) hello() *protocol.Welcome {
	c.t.Helper()
	c.take()
	c.send("hello", "")
	return want[*protocol.Welcome](c)
}

// flush empties the cache.
func (be *backend) flush() {
	be.t.Helper()
	for _, node := range be.direct.Nodes() {
		err := node.Do(be.t.Context(), node.B().Flushall().Build()).Error()
		if err != nil && !strings.HasPrefix(err.Error(), "READONLY") { // a replica follows its primary
			be.t.Fatal(err)
		}
	}
}

// state is that of a member's route, as it is stored.
func (be *backend) state(c *client) string { return be.fields(c, "route", "state")[0] }

// fields are those of a member's record (kind m) or of its route (kind route), as they
// are stored. An absent field is "".
func (be *backend) fields(c *client, kind string, names ...string) []string {
	be.t.Helper()
	key := "w3:" + kind + ":{" + c.id.Pool + "/" + c.id.Member + "}"
	if kind == "m" {
		fields, err := records.Read(be.t.Context(), be.direct, key)
		if err != nil {
			be.t.Fatal(err)
		}
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = fields[name]
		}
		return values
	}
	values, err := be.direct.Do(be.t.Context(), be.direct.B().Hmget().Key(key).Field(names...).Build()).AsStrSlice()
	if err != nil {
		be.t.Fatal(err)
	}
	return values
}
