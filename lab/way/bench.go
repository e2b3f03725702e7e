package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"

	"waggle/internal/app"
	"waggle/internal/gateway"
	"waggle/internal/handler"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/internal/topology"
	"waggle/lab/scope"
	"waggle/localstack/apigateway"
	"waggle/localstack/lambda"
)

// A bench is the stack with a clock at every joint, and its clients.
type bench struct {
	app      *app.App
	gateway  *apigateway.Gateway
	sink     *gateway.Client // of a server that does nothing
	matchee  *websocket.Conn
	matcher  *websocket.Conn
	idle     *websocket.Conn
	echo     *websocket.Conn // echoed by a server that does nothing else
	front    *websocket.Conn // echoed by a function behind the gateway
	location int             // of the last report, so that each is elsewhere

	mu    sync.Mutex
	marks []mark
	frame string // that the message under way is measured to
	kinds []*kind
}

// A mark is a moment on the way of the message that is under way.
type mark struct {
	what string
	at   time.Time
}

func (b *bench) mark(what string) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marks = append(b.marks, mark{what, now})
}

// markFrame marks what is done with a frame, if it is the one that is measured.
func (b *bench) markFrame(what string, frame []byte) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.frame != "" && bytes.Contains(frame, []byte(b.frame)) {
		b.marks = append(b.marks, mark{what, now})
	}
}

// expect forgets all marks, and begins those of a message that is measured to a frame.
func (b *bench) expect(frame string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.marks, b.frame = nil, frame
}

// take returns the marks so far.
func (b *bench) take() []mark {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.marks
}

// pusher marks the posts.
type pusher struct {
	*gateway.Pusher
	bench *bench
}

func (p pusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	p.bench.markFrame("post", protocol.Encode(f))
	return p.Pusher.Push(ctx, connection, f)
}

const (
	stage     = "prod"
	frontEcho = "echo" // the function behind the gateway that echoes
)

func newBench(ctx context.Context, s *scope.Scope, cache string) (*bench, error) {
	b := &bench{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/echo" {
			serveEcho(w, r)
			return
		}
		b.gateway.ServeHTTP(w, r)
	}))
	s.Cleanup(server.Close)
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Cleanup(sink.Close)
	b.sink = gateway.New(sink.URL, "us-east-1", credentials())
	env := map[string]string{topology.CacheURL: cache,
		topology.PoolFile: `{"pools":{"default":{"reportsPerSecond":1000,"reportsBurst":1000000,"messagesPerSecond":1000,"messagesBurst":1000000}}}`}
	var err error
	b.app, err = app.FromEnv(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, app.Options{
		Log:  slog.New(slog.DiscardHandler),
		Push: pusher{gateway.NewPusher(server.URL+"/"+stage, "us-east-1", credentials()), b},
		Store: store.Options{Hook: func(ctx context.Context, commands []store.Command, send func(context.Context, ...int)) {
			b.mark("trip " + scripts(commands))
			send(ctx)
			b.mark("back")
		}},
	})
	if err != nil {
		return nil, err
	}
	s.Cleanup(b.app.Close)
	b.gateway = apigateway.New(b.config())
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = b.gateway.Close(ctx) // the program ends
	})
	for member, c := range map[string]**websocket.Conn{"matchee": &b.matchee, "matcher": &b.matcher, "idle": &b.idle, frontEcho: &b.front, "": &b.echo} {
		path := "/" + stage + "?member=" + member
		if member == "" {
			path = "/echo"
		}
		if *c, _, err = websocket.Dial(ctx, "ws"+strings.TrimPrefix(server.URL, "http")+path, nil); err != nil {
			return nil, err
		}
		(*c).SetReadLimit(1 << 20)
	}
	return b, b.pair(ctx)
}

// config is that of the gateway: its routes, and functions that mark when they begin.
func (b *bench) config() apigateway.Config {
	routes := map[string]string{frontEcho: frontEcho}
	for _, f := range topology.Functions() {
		for _, route := range f.Routes {
			routes[route] = f.Name
		}
	}
	functions := map[string]any{
		topology.Authorizer: authorize,
		frontEcho: func(_ context.Context, e handler.Event) (handler.Response, error) {
			// A post without a network.
			r := httptest.NewRequest(http.MethodPost, "/"+stage+"/@connections/"+strings.ReplaceAll(e.RequestContext.ConnectionID, "=", "%3D"), strings.NewReader(e.Body))
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=")
			b.gateway.ServeHTTP(httptest.NewRecorder(), r)
			return handler.Response{StatusCode: http.StatusOK}, nil
		},
	}
	for _, f := range topology.Functions() {
		if !f.Authorizer {
			functions[f.Name] = func(ctx context.Context, e handler.Event) (handler.Response, error) {
				b.mark("handler")
				return b.app.Handle(ctx, e)
			}
		}
	}
	return apigateway.Config{Stage: stage, Routes: routes, Authorizer: topology.Authorizer, Invoker: lambda.New(functions, 0),
		Logger: slog.New(slog.DiscardHandler), Observe: func(f apigateway.Frame) {
			if f.Direction == apigateway.In {
				b.mark("in")
			} else {
				b.markFrame("out", f.Payload)
			}
		}}
}

// authorize lets everybody in as the member of the query.
func authorize(_ context.Context, e struct {
	MethodARN             string `json:"methodArn"`
	QueryStringParameters map[string]string
}) (any, error) {
	member := e.QueryStringParameters["member"]
	return json.RawMessage(fmt.Sprintf(`{"principalId":%q,"policyDocument":{"Statement":[{"Effect":"Allow","Action":"execute-api:Invoke","Resource":%q}]},`+
		`"context":{"member":%[1]q,"pool":"default","roles":"[\"matcher\",\"matchee\"]","expires":"%[3]d"}}`,
		member, e.MethodARN, time.Now().Add(time.Hour).UnixMilli())), nil
}

func credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
	})
}

func scripts(commands []store.Command) string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Script
	}
	return strings.Join(names, "+")
}
