package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// cache is a match.Store that knows sessions alone.
type cache struct {
	match.Store
	answer    match.Answer
	err       error
	connected []match.Session
	gone      []string
	left      time.Duration // for the last connect
}

func (c *cache) Connect(ctx context.Context, x match.Session) (match.Answer, error) {
	deadline, _ := ctx.Deadline()
	c.left = time.Until(deadline)
	c.connected = append(c.connected, x)
	return c.answer, c.err
}

func (c *cache) Disconnect(_ context.Context, m match.Member, connection string, age time.Duration) (match.Answer, error) {
	c.gone = append(c.gone, m.Pool+"/"+m.ID+" "+connection+" "+age.String())
	return c.answer, c.err
}

func (c *cache) Read(context.Context, match.Member, *match.Session, bool) (match.Answer, error) {
	return c.answer, c.err
}

func (c *cache) Apply(context.Context, match.Member, []match.Change) ([]match.Waiter, error) {
	return nil, nil
}

var noon = time.UnixMilli(1_795_396_500_000)

// ana is what the authorizer attaches to her connection, which ends an hour from noon.
func ana() map[string]any {
	return map[string]any{"member": "ana", "pool": "default", "roles": `["matcher"]`, "expires": "1795400100000"}
}

// serving returns a handler on that cache, and what it tells and logs.
func serving(c *cache) (*Handler, *told, *strings.Builder) {
	var p told
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	now := func() time.Time { return noon }
	pools, _ := pool.Parse([]byte(``))
	return &Handler{Push: &p, Now: now, Log: logger,
		Service: &match.Service{Store: c, Push: &p, Pools: pools, Now: now, Log: logger}}, &p, &log
}

func TestConnect(t *testing.T) {
	for name, test := range map[string]struct {
		header, value, selected string
	}{
		"no subprotocol":        {"", "", ""},
		"ours":                  {"Sec-WebSocket-Protocol", "waggle.v1", "waggle.v1"},
		"in small letters":      {"sec-websocket-protocol", "waggle.v1", "waggle.v1"},
		"among others":          {"Sec-WebSocket-Protocol", "chat, waggle.v1 ,bearer.x", "waggle.v1"},
		"another version":       {"Sec-WebSocket-Protocol", "waggle.v10", ""},
		"under another header":  {"Sec-WebSocket-Key", "waggle.v1", ""},
		"with the token alone":  {"Sec-WebSocket-Protocol", "bearer.waggle.v1", ""},
		"in a part of the name": {"Sec-WebSocket-Protocol", "not waggle.v1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cache{answer: match.Answer{Status: match.StatusOK}}
			h, _, log := serving(c)
			e := event("$connect", ana())
			e.Headers = map[string]string{"Host": "example.org", test.header: test.value}
			got, err := h.Handle(t.Context(), e)
			if err != nil || log.Len() > 0 {
				t.Fatalf("got %v and the log %s", err, log)
			}
			want := Response{StatusCode: http.StatusOK}
			if test.selected != "" {
				want.Headers = map[string]string{"Sec-WebSocket-Protocol": test.selected}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			session := match.Session{Member: match.Member{Pool: "default", ID: "ana"}, Connection: "c=", ConnectedAt: noon,
				Expires: noon.Add(time.Hour), Matcher: true}
			if diff := cmp.Diff([]match.Session{session}, c.connected); diff != "" {
				t.Errorf("the session (-want +got)\n%s", diff)
			}
		})
	}
}

// A session ends when the gateway would end the connection, if its token does not
// before.
func TestSessionsEndAfterTwoHours(t *testing.T) {
	for expires, want := range map[string]time.Time{"1795403699999": noon.Add(2*time.Hour - time.Millisecond), "1795403700001": noon.Add(2 * time.Hour)} {
		e := event("ping", ana())
		e.RequestContext.Authorizer.(map[string]any)["expires"] = expires
		x, err := session(e)
		if err != nil || !x.Expires.Equal(want) {
			t.Errorf("a token that expires at %s: got %v, %v, want %v", expires, x.Expires, err, want)
		}
	}
}

func TestConnectThatIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		cache  cache
		status int
		logged bool
	}{
		"a newer one is there": {cache{answer: match.Answer{Status: match.StatusReplaced}}, http.StatusConflict, false}, // below the level of the log
		"no cache":             {cache{err: match.ErrUnavailable}, http.StatusServiceUnavailable, true},
		"a broken one":         {cache{err: errors.New("WRONGTYPE")}, http.StatusInternalServerError, true},
	} {
		t.Run(name, func(t *testing.T) {
			h, p, log := serving(&test.cache)
			got, err := h.Handle(t.Context(), event("$connect", ana()))
			if err != nil || got.StatusCode != test.status || got.Headers != nil {
				t.Errorf("got %+v, %v, want %d", got, err, test.status)
			}
			if logged := strings.Contains(log.String(), `connection="c="`); logged != test.logged {
				t.Errorf("got the log %q", log)
			}
			if len(p.frames) > 0 {
				t.Errorf("it was told %v, before it is a connection", p.frames)
			}
		})
	}
}

func TestDisconnect(t *testing.T) {
	c := &cache{answer: match.Answer{Status: match.StatusOK}}
	h, _, log := serving(c)
	if got, err := h.Handle(t.Context(), event("$disconnect", ana())); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"default/ana c= 0s"}, c.gone); diff != "" || log.Len() > 0 {
		t.Errorf("(-want +got)\n%s and the log %s", diff, log)
	}
	c.err = match.ErrUnavailable
	if got, err := h.Handle(t.Context(), event("$disconnect", ana())); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("without a cache: got %+v, %v", got, err)
	}
	if !strings.Contains(log.String(), "route=$disconnect") {
		t.Errorf("without a cache: got the log %q", log)
	}
}

// Where a function is told where to push before it pushes anything.
func TestTheEndpointIsLearntFirst(t *testing.T) {
	h, p, _ := serving(&cache{})
	var learnt []string
	h.Endpoint = func(domain, stage string) { learnt = append(learnt, domain+"/"+stage, strings.Join(p.frames, "")) }
	e := event("nonsense", ana())
	e.RequestContext.DomainName, e.RequestContext.Stage = "example.org", "prod"
	if _, err := h.Handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example.org/prod", ""}, learnt); diff != "" || len(p.frames) != 1 {
		t.Errorf("(-want +got)\n%s and pushed %v", diff, p.frames)
	}
}

func TestNobodyServesWhatIsNoMessage(t *testing.T) {
	h, _, _ := serving(&cache{})
	if err := h.serve(t.Context(), Event{}, match.Session{}, nil); err == nil || !strings.Contains(err.Error(), "no one serves") {
		t.Errorf("got %v", err)
	}
}

// What is said of a fault beyond its text goes to the client; and it is logged with
// whose connection it was, at the level of its kind.
func TestFaultsAreToldInFull(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		frame string
		level string
	}{
		"stale": {&match.Fault{Kind: match.Stale, Text: "too old", Now: 7},
			`c= {"type":"error","id":"i","code":"stale","message":"too old","retryable":false,"now":7}`, "DEBUG"},
		"a conflict that passes": {&match.Fault{Kind: match.Conflict, Text: "in a second", Retryable: true},
			`c= {"type":"error","id":"i","code":"conflict","message":"in a second","retryable":true}`, "DEBUG"},
		"no cache": {match.ErrUnavailable,
			`c= {"type":"error","id":"i","code":"unavailable","message":"the service cannot do this right now: try again in a moment","retryable":true}`, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &cache{err: test.err}
			h, p, log := serving(c)
			h.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			if got, err := h.Handle(t.Context(), event("ping", ana())); err != nil || got.StatusCode != http.StatusOK {
				t.Errorf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff([]string{test.frame}, p.frames); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, want := range []string{"level=" + test.level, "route=ping", `connection="c="`} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("got the log %q, want %s in it", log, want)
				}
			}
		})
	}
}

// Even a message that cannot be read, of nobody knows whom, is answered under its id.
func TestTheIDComesBackInAnyCase(t *testing.T) {
	for name, authorizer := range map[string]any{"of nobody": nil, "of ana": ana()} {
		h, p, log := serving(&cache{})
		e := event("fly", authorizer)
		e.Body = `{"action":"fly","id":"j"}`
		if _, err := h.Handle(t.Context(), e); err != nil {
			t.Error(err)
		}
		if len(p.frames) != 1 || !strings.Contains(p.frames[0], `"id":"j"`) {
			t.Errorf("%s: got %v", name, p.frames)
		}
		if logged := log.Len() > 0; logged != (authorizer == nil) {
			t.Errorf("%s: got the log %q", name, log)
		}
	}
	h, _, log := serving(&cache{})
	if _, err := h.Handle(t.Context(), event("$connect", nil)); err != nil || !strings.Contains(log.String(), "level=WARN msg=connect") {
		t.Errorf("got %v and the log %q", err, log)
	}
}

// pushes fails as it is told to.
type pushes struct {
	told
	push, close error
	deadline    time.Duration
}

func (p *pushes) Push(ctx context.Context, connection string, f protocol.Frame) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	at, _ := ctx.Deadline()
	p.deadline = time.Until(at)
	_ = p.told.Push(ctx, connection, f)
	return p.push
}

func (p *pushes) Close(ctx context.Context, connection string) error {
	_ = p.told.Close(ctx, connection)
	return p.close
}

// An answer is sent even where the time for the work is over, but not for ever; that
// it could not be is logged, unless there is nobody any more.
func TestTheLastWord(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		push, close error
		logged      string
	}{
		"told":      {nil, nil, ""},
		"gone":      {match.ErrConnectionGone, nil, ""},
		"failed":    {errors.New("no route"), nil, "no route"},
		"not ended": {nil, errors.New("no way"), "no way"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			p := &pushes{push: test.push, close: test.close}
			h := Handler{Push: p, Log: slog.New(slog.NewTextHandler(&log, nil))}
			h.answer(over, "c=", protocol.NewError(protocol.CodeReplaced, "", "a newer one"))
			if len(p.frames) != 1 || len(p.closed) != 1 || p.deadline <= 0 || p.deadline > lastWord {
				t.Errorf("got %+v", p)
			}
			if (log.Len() > 0) != (test.logged != "") || !strings.Contains(log.String(), test.logged) {
				t.Errorf("got the log %q, want %q in it", &log, test.logged)
			}
		})
	}
}

// Work ends before the function's time does.
func TestWorkHasADeadline(t *testing.T) {
	c := &cache{answer: match.Answer{Status: match.StatusOK}}
	h, _, _ := serving(c)
	if _, err := h.Handle(t.Context(), event("$connect", ana())); err != nil {
		t.Fatal(err)
	}
	if c.left <= 0 || c.left > timeout {
		t.Errorf("got %v for the work, want at most %v", c.left, timeout)
	}
}
