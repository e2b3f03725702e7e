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

// sessions is a match.Store that knows sessions alone.
type sessions struct {
	match.Store
	status       match.Status
	untold       []match.Untold
	err          error
	connected    []match.Session
	disconnected []string
	told         []match.Told
	left         time.Duration // until the deadline of the last connect
}

func (s *sessions) Connect(ctx context.Context, x match.Session, _ bool) (match.Connected, error) {
	deadline, _ := ctx.Deadline()
	s.left = time.Until(deadline)
	s.connected = append(s.connected, x)
	return match.Connected{Status: s.status}, s.err
}

func (s *sessions) Disconnect(_ context.Context, m match.Member, connection string, age time.Duration) (match.Disconnected, error) {
	s.disconnected = append(s.disconnected, m.Pool+"/"+m.ID+" "+connection+" "+age.String())
	return match.Disconnected{Status: s.status}, s.err
}

func (s *sessions) Read(context.Context, match.Member, *match.Session, bool) (match.Snapshot, error) {
	return match.Snapshot{Status: s.status, Untold: s.untold, Now: 9}, s.err
}

func (s *sessions) Told(_ context.Context, all []match.Told) error {
	s.told = append(s.told, all...)
	return nil
}

func (s *sessions) Apply(context.Context, match.Member, []match.Change) ([]match.WaitingRequest, error) {
	return nil, nil
}

var noon = time.UnixMilli(1_795_396_500_000)

// ana is what the authorizer attaches to the connection of the member ana. It expires an
// hour after noon.
func ana() map[string]any {
	return map[string]any{"member": "ana", "pool": "default", "roles": `["matcher"]`, "expires": "1795400100000"}
}

// pushed is a Pusher that keeps what it is given.
type pushed struct{ frames, closed []string }

func (p *pushed) Push(_ context.Context, connection string, f protocol.Frame) error {
	p.frames = append(p.frames, connection+" "+string(protocol.Encode(f)))
	return nil
}

func (p *pushed) Close(_ context.Context, connection string) error {
	p.closed = append(p.closed, connection)
	return nil
}

func event(route string, authorizer any) Event {
	var e Event
	e.RequestContext.RouteKey, e.RequestContext.ConnectionID, e.RequestContext.Authorizer = route, "c=", authorizer
	e.RequestContext.ConnectedAt = noon.UnixMilli()
	e.Body = `{"action":"ping","id":"i"}`
	return e
}

// serving returns a handler on that store, what it pushes and its log, from warnings on.
func serving(c *sessions) (*Handler, *pushed, *strings.Builder) {
	var p pushed
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	now := func() time.Time { return noon }
	pools, _ := pool.Parse(nil)
	return &Handler{Push: &p, Now: now, Log: logger,
		Service: &match.Service{Store: c, Push: &p, Pools: pools, Now: now, Log: logger}}, &p, &log
}

func TestConnectSelectsTheSubprotocol(t *testing.T) {
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
			c := &sessions{status: match.StatusOK}
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

// API Gateway ends a connection after two hours. A token may end it earlier.
func TestASessionEndsAfterTwoHoursAtTheLatest(t *testing.T) {
	for expires, want := range map[string]time.Time{"1795403699999": noon.Add(2*time.Hour - time.Millisecond), "1795403700001": noon.Add(2 * time.Hour)} {
		e := event("ping", ana())
		e.RequestContext.Authorizer.(map[string]any)["expires"] = expires
		x, err := session(e)
		if err != nil || !x.Expires.Equal(want) {
			t.Errorf("a token that expires at %s: got %v, %v, want %v", expires, x.Expires, err, want)
		}
	}
}

// Without a connection the service would take the caller for a back end, whose session it does
// not check.
func TestAnEventWithoutAConnectionHasNoSession(t *testing.T) {
	e := event("ping", ana())
	e.RequestContext.ConnectionID = ""
	if x, err := session(e); err == nil {
		t.Errorf("got the session %+v", x)
	}
}

func TestARefusedConnectGetsTheStatusOfItsError(t *testing.T) {
	for name, test := range map[string]struct {
		store  sessions
		status int
		logged bool
	}{
		"a newer one is there":       {sessions{status: match.StatusReplaced}, http.StatusConflict, false}, // below the level of the log
		"the cache is not reachable": {sessions{err: match.ErrUnavailable}, http.StatusServiceUnavailable, true},
		"the cache fails":            {sessions{err: errors.New("WRONGTYPE")}, http.StatusInternalServerError, true},
	} {
		t.Run(name, func(t *testing.T) {
			h, p, log := serving(&test.store)
			got, err := h.Handle(t.Context(), event("$connect", ana()))
			if err != nil || got.StatusCode != test.status || got.Headers != nil {
				t.Errorf("got %+v, %v, want %d", got, err, test.status)
			}
			if logged := strings.Contains(log.String(), `connection="c="`); logged != test.logged {
				t.Errorf("got the log %q", log)
			}
			if len(p.frames) > 0 {
				t.Errorf("pushed %v to a connection that was refused", p.frames)
			}
		})
	}
}

func TestDisconnectIsAlwaysAnswered(t *testing.T) {
	c := &sessions{status: match.StatusOK}
	h, _, log := serving(c)
	if got, err := h.Handle(t.Context(), event("$disconnect", ana())); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"default/ana c= 0s"}, c.disconnected); diff != "" || log.Len() > 0 {
		t.Errorf("(-want +got)\n%s and the log %s", diff, log)
	}
	c.err = match.ErrUnavailable
	if got, err := h.Handle(t.Context(), event("$disconnect", ana())); err != nil || got.StatusCode != http.StatusOK {
		t.Errorf("without a cache: got %+v, %v", got, err)
	}
	if !strings.Contains(log.String(), "action=disconnect") {
		t.Errorf("without a cache: got the log %q", log)
	}
}

func TestTheEndpointIsSetBeforeTheFirstPush(t *testing.T) {
	h, p, _ := serving(&sessions{})
	var calls []string
	h.Endpoint = func(domain, stage string) { calls = append(calls, domain+"/"+stage, strings.Join(p.frames, "")) }
	e := event("nonsense", ana())
	e.RequestContext.DomainName, e.RequestContext.Stage = "example.org", "prod"
	if _, err := h.Handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example.org/prod", ""}, calls); diff != "" || len(p.frames) != 1 {
		t.Errorf("(-want +got)\n%s and pushed %v", diff, p.frames)
	}
}

func TestAMessageWithoutAMethodIsAnError(t *testing.T) {
	h, _, _ := serving(&sessions{})
	if _, err := h.serve(t.Context(), Event{}, match.Session{}, nil); err == nil || !strings.Contains(err.Error(), "no method serves") {
		t.Errorf("got %v", err)
	}
}

// The client gets every field of a fault. The log has it with the connection, at the level
// of its kind.
func TestAFaultIsAnsweredInFullAndLogged(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		frame string
		level string
	}{
		"stale": {&match.Fault{Kind: match.Stale, Text: "too old", Now: 7},
			`c= {"type":"error","id":"i","code":"stale","message":"too old","retryable":false,"now":7}`, "DEBUG"},
		"a retryable conflict": {&match.Fault{Kind: match.Conflict, Text: "in a second", Retryable: true},
			`c= {"type":"error","id":"i","code":"conflict","message":"in a second","retryable":true}`, "DEBUG"},
		"unavailable": {match.ErrUnavailable,
			`c= {"type":"error","id":"i","code":"unavailable","message":"the service cannot do this right now: try again in a moment","retryable":true}`, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			c := &sessions{err: test.err}
			h, p, log := serving(c)
			h.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			if got, err := h.Handle(t.Context(), event("ping", ana())); err != nil || got.StatusCode != http.StatusOK {
				t.Errorf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff([]string{test.frame}, p.frames); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, want := range []string{"level=" + test.level, "action=ping", `connection="c="`} {
				if !strings.Contains(log.String(), want) {
					t.Errorf("got the log %q, want %s in it", log, want)
				}
			}
		})
	}
}

// Replies go out in their order, and before an error.
func TestRepliesAreDeliveredInOrder(t *testing.T) {
	expired := `c= {"type":"no_match","id":"m","radius":500}`
	for route, last := range map[string]string{
		"ping":   `c= {"type":"pong","id":"i","now":9}`,
		"locate": `c= {"type":"error","id":"i","code":"not_found","message":"there is no match under way","retryable":false}`,
	} {
		h, p, _ := serving(&sessions{status: match.StatusOK, untold: []match.Untold{{Notice: match.NoticeNoMatch, Which: "1", ID: "m", Radius: 500}}})
		e := event(route, ana())
		e.Body = strings.Replace(e.Body, "ping", route, 1)
		if _, err := h.Handle(t.Context(), e); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{expired, last}, p.frames); diff != "" {
			t.Errorf("%s (-want +got)\n%s", route, diff)
		}
	}
}

// Even a malformed message, and one of a connection without an identity, is answered under
// its id.
func TestEveryErrorCarriesTheIDOfItsMessage(t *testing.T) {
	for name, authorizer := range map[string]any{"without an identity": nil, "of ana": ana()} {
		h, p, log := serving(&sessions{})
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
	h, _, log := serving(&sessions{})
	if _, err := h.Handle(t.Context(), event("$connect", nil)); err != nil || !strings.Contains(log.String(), "level=ERROR msg=failed action=connect") {
		t.Errorf("got %v and the log %q", err, log)
	}
}

// failing is a Pusher whose pushes and closings return these errors.
type failing struct {
	pushed
	push, close error
	left        time.Duration // until the deadline of the last push
}

func (p *failing) Push(ctx context.Context, connection string, f protocol.Frame) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	deadline, _ := ctx.Deadline()
	p.left = time.Until(deadline)
	_ = p.pushed.Push(ctx, connection, f)
	return p.push
}

func (p *failing) Close(ctx context.Context, connection string) error {
	_ = p.pushed.Close(ctx, connection)
	return p.close
}

// The time limit of an answer is its own. An answer that fails is logged, unless the
// connection is gone.
func TestAnErrorIsAnsweredAfterTheTimeoutToo(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		push, close error
		logged      string
	}{
		"pushed":       {nil, nil, ""},
		"gone":         {match.ErrConnectionGone, nil, ""},
		"push failed":  {errors.New("no route"), nil, "no route"},
		"close failed": {nil, errors.New("no way"), "no way"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			p := &failing{push: test.push, close: test.close}
			h := Handler{Push: p, Log: slog.New(slog.NewTextHandler(&log, nil))}
			h.answer(over, "c=", protocol.NewError(protocol.CodeReplaced, "", "a newer one"), true)
			if len(p.frames) != 1 || len(p.closed) != 1 || p.left <= 0 || p.left > lastWord {
				t.Errorf("got %+v", p)
			}
			if (log.Len() > 0) != (test.logged != "") || !strings.Contains(log.String(), test.logged) {
				t.Errorf("got the log %q, want %q in it", &log, test.logged)
			}
		})
	}
}

func TestWorkHasADeadline(t *testing.T) {
	c := &sessions{status: match.StatusOK}
	h, _, _ := serving(c)
	if _, err := h.Handle(t.Context(), event("$connect", ana())); err != nil {
		t.Fatal(err)
	}
	if c.left <= 0 || c.left > timeout {
		t.Errorf("got %v for the work, want at most %v", c.left, timeout)
	}
}
