package invariants_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/app"
	"waggle/internal/handler"
	"waggle/internal/store"
	"waggle/internal/store/signin"
	"waggle/internal/topology"
	"waggle/test/kit/caches"
	"waggle/test/kit/iamtest"
)

const password = "open sesame"

// A gate is a real server behind IAM and TLS.
type gate struct {
	*iamtest.Front
	verifier iamtest.Verifier
	offset   atomic.Int64 // of its clock
	tls      *tls.Config
	env      map[string]string
}

func startGate(t *testing.T) *gate {
	// Lambda sets these variables to the credentials of the function's role.
	for name, value := range map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "ASIA1", "AWS_SECRET_ACCESS_KEY": "secret/+",
		"AWS_SESSION_TOKEN": "session/+==", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
	g := &gate{}
	g.verifier = iamtest.Verifier{Name: "waggle", Region: "eu-west-1", Serverless: true, Users: []string{"functions", "other"},
		Keys: map[string]iamtest.Key{"ASIA1": {Secret: "secret/+", Session: "session/+=="}},
		Now:  func() time.Time { return time.Now().Add(time.Duration(g.offset.Load())) }}
	server := caches.Server(t, "--requirepass", password)
	certified := httptest.NewTLSServer(nil)
	t.Cleanup(certified.Close)
	authorities := x509.NewCertPool()
	authorities.AddCert(certified.Certificate())
	g.tls = &tls.Config{RootCAs: authorities}
	newest := certified.TLS.Clone()
	newest.MinVersion = tls.VersionTLS13 // a public endpoint of ElastiCache takes no older one
	l, err := tls.Listen("tcp", "127.0.0.1:0", newest)
	if err != nil {
		t.Fatal(err)
	}
	g.Front = iamtest.StartFront(t, l, strings.TrimPrefix(server.URL, "redis://"), password, g.verifier.Verify)
	g.env = map[string]string{topology.CacheURL: "rediss://" + g.Address, topology.CacheUser: "functions", topology.CacheIAM: "serverless/waggle"}
	return g
}

// open wires the functions. It returns their log too.
func (g *gate) open(t *testing.T) (*app.App, *logWriter) {
	t.Helper()
	log := &logWriter{to: t.Output()}
	a, err := app.FromEnv(func(k string) (string, bool) {
		if v, ok := g.env[k]; ok {
			return v, true
		}
		return os.LookupEnv(k) // the role's credentials
	},
		app.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Store: store.Options{TLS: g.tls, Sleep: func(context.Context, time.Duration) error { return nil }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, log
}

func TestTheCacheAcceptsIAMTokens(t *testing.T) {
	g := startGate(t)
	a, _ := g.open(t)
	if err := a.Store.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := g.SignIns()
	// Hours later the connections are closed, and the first tokens have expired.
	g.Drop()
	g.offset.Store(int64(signin.Lifetime) + int64(time.Second))
	for _, s := range before {
		if err := g.verifier.Verify(s.User, s.Token); err == nil {
			t.Error("a token outlived its time")
		}
	}
	g.offset.Store(0)
	var err error
	for range 10 { // the first one may meet a closed connection
		if err = a.Store.Ping(t.Context()); err == nil {
			break
		}
	}
	after := g.SignIns()[len(before):]
	if err != nil || len(after) == 0 {
		t.Fatalf("after the connections were closed: got %v, %d sign-ins", err, len(after))
	}
	for _, s := range append(before, after...) {
		if s.User != "functions" || s.Refused != nil {
			t.Errorf("%s was refused: %v", s.User, s.Refused)
		}
	}
}

func TestARefusedSignInSaysWhatToCheck(t *testing.T) {
	for name, test := range map[string]struct {
		env    map[string]string
		change func(*gate)
		why    string
	}{
		"another user":                {env: map[string]string{topology.CacheUser: "nobody"}, why: "no user"},
		"another cache":               {env: map[string]string{topology.CacheIAM: "serverless/wiggle"}, why: "for the cache"},
		"another kind":                {env: map[string]string{topology.CacheIAM: "cluster/waggle"}, why: "ResourceType"},
		"another role":                {change: func(g *gate) { g.verifier.Keys = nil }, why: "credentials"},
		"a clock that is an hour off": {change: func(g *gate) { g.offset.Store(int64(time.Hour)) }, why: "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGate(t)
			maps.Copy(g.env, test.env)
			if test.change != nil {
				test.change(g)
			}
			a, log := g.open(t)
			err := a.Store.Ping(t.Context())
			if err == nil || !strings.Contains(err.Error(), "elasticache:Connect") || !strings.Contains(err.Error(), g.env[topology.CacheUser]) {
				t.Errorf("got %v, want what to check", err)
			}
			seen := g.SignIns()
			if len(seen) == 0 || seen[0].Refused == nil || !strings.Contains(seen[0].Refused.Error(), test.why) {
				t.Errorf("sign-ins: got %v, want them refused with %q", seen, test.why)
			}
			// The log of a handler has no token either.
			answer, err2 := a.Handle(t.Context(), handler.Event{RequestContext: events.APIGatewayWebsocketProxyRequestContext{
				RouteKey: "$connect", ConnectionID: "c", ConnectedAt: time.Now().UnixMilli(), Authorizer: map[string]any{
					"member": "ana", "pool": "default", "roles": `["matcher","matchee"]`, "expires": "9999999999999"}}})
			if err2 != nil || answer.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("$connect: got %d, %v, want 503", answer.StatusCode, err2)
			}
			if said := log.text() + err.Error(); !strings.Contains(said, "cache") || strings.Contains(said, "X-Amz") || strings.Contains(said, "session/") {
				t.Errorf("it says %s", said)
			}
		})
	}
}

func TestSettingsThatRuleOutIAMAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, want string }{
		"neither kind":       {topology.CacheIAM, "waggle", "serverless/NAME or cluster/NAME"},
		"no name":            {topology.CacheIAM, "serverless/", "serverless/NAME or cluster/NAME"},
		"no user":            {topology.CacheUser, "", topology.CacheUser},
		"the default user":   {topology.CacheUser, "default", topology.CacheUser},
		"a password as well": {topology.CachePassword, "sesame", topology.CachePassword},
		"no TLS":             {topology.CacheURL, "redis://localhost", "rediss://host:port"},
	} {
		env := map[string]string{topology.CacheURL: "rediss://localhost", topology.CacheUser: "functions", topology.CacheIAM: "serverless/waggle", "AWS_REGION": "eu-west-1"}
		lookup := func(k string) (string, bool) { v, ok := env[k]; return v, ok }
		a, err := app.FromEnv(lookup, app.Options{})
		if err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		a.Close()
		env[test.variable] = test.value
		_, err = app.FromEnv(lookup, app.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), topology.CacheIAM+":") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: got %v, want an error of %s that says %s", name, err, topology.CacheIAM, test.want)
		}
	}
}
