package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/coder/websocket"

	"waggle/internal/gateway"
	"waggle/internal/match"
	"waggle/localstack/apigateway"
	"waggle/localstack/lambda"
)

func localCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
}

func newClient(t testing.TB, endpoint string) *gateway.Client {
	t.Helper()
	return gateway.New(endpoint, "us-east-1", aws.CredentialsProviderFunc(localCredentials))
}

func TestPostAndDeleteOnTheLocalGateway(t *testing.T) {
	ids := make(chan string, 1)
	api := apigateway.New(apigateway.Config{
		Stage:  "prod",
		Routes: map[string]string{"$connect": "connect"},
		Invoker: lambda.New(map[string]any{"connect": func(event struct {
			RequestContext struct{ ConnectionID string }
		}) (map[string]int, error) {
			ids <- event.RequestContext.ConnectionID
			return map[string]int{"statusCode": 200}, nil
		}}, 0),
	})
	server := httptest.NewServer(api)
	defer server.Close()
	defer api.Close(t.Context())
	client := newClient(t, server.URL+"/prod")

	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/prod", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	id := <-ids
	if err := client.Post(t.Context(), id, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v; want hello", got, err)
	}
	err = client.Post(t.Context(), id, make([]byte, apigateway.MaxMessage+1))
	if err == nil || !strings.Contains(err.Error(), "StatusCode: 413") {
		t.Errorf("got %v, want status 413", err)
	}
	if err := client.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("got %v, want close 1000", err)
	}
	if err := client.Post(t.Context(), id, []byte("late")); !errors.Is(err, match.ErrConnectionGone) {
		t.Errorf("got %v, want ErrConnectionGone", err)
	}
	if err := client.Delete(t.Context(), id); !errors.Is(err, match.ErrConnectionGone) {
		t.Errorf("got %v, want ErrConnectionGone", err)
	}
}

func TestRefusedPushesAreErrorsAndAreNotRetried(t *testing.T) {
	for _, test := range []struct {
		status     int
		kind, body string
	}{
		{410, "GoneException", `{"message":"x"}`},
		{410, "", ``},
		{429, "LimitExceededException", `{"message":"x"}`},
		{429, "", `<html>`},
		{413, "PayloadTooLargeException", `{"message":"x"}`},
		{403, "ForbiddenException", `{"message":"x"}`},
		{500, "InternalServerError", `{"message":"x"}`},
		{503, "", ``},
	} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if test.kind != "" {
				w.Header().Set("x-amzn-errortype", test.kind)
			}
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		}))
		err := newClient(t, server.URL).Post(t.Context(), "R1kmxc2VNjMCFIA=", []byte("x"))
		server.Close()
		gone := test.status == http.StatusGone
		if errors.Is(err, match.ErrConnectionGone) != gone {
			t.Errorf("%d: got %v, want ErrConnectionGone: %v", test.status, err, gone)
		} else if !strings.Contains(fmt.Sprint(err), "post to connection R1kmxc2VNjMCFIA=") {
			t.Errorf("%d: %v names neither the operation nor the connection", test.status, err)
		} else if !gone && !strings.Contains(err.Error(), fmt.Sprint("StatusCode: ", test.status)) {
			t.Errorf("%d: %v does not have the status", test.status, err)
		}
		if got := requests.Load(); got != 1 {
			t.Errorf("%d: got %d requests, want 1", test.status, got)
		}
	}
}

func TestTheRequestIsSignedAndTheConnectionsIDEscaped(t *testing.T) {
	type request struct{ method, path, authorization, body string }
	requests := make(chan request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- request{r.Method, r.URL.EscapedPath(), r.Header.Get("Authorization"), string(body)}
	}))
	defer server.Close()
	if err := newClient(t, server.URL+"/prod").Post(t.Context(), "R1km/c2VNjMCFIA=", []byte("x")); err != nil {
		t.Fatal(err)
	}
	got := <-requests
	if got.method != "POST" || got.path != "/prod/@connections/R1km%2Fc2VNjMCFIA%3D" && got.path != "/prod/%40connections/R1km%2Fc2VNjMCFIA%3D" || got.body != "x" {
		t.Errorf("got %+v", got)
	}
	if !strings.HasPrefix(got.authorization, "AWS4-HMAC-SHA256 Credential=local/") ||
		!strings.Contains(got.authorization, "/us-east-1/execute-api/aws4_request") {
		t.Errorf("authorization: got %s", got.authorization)
	}
}

func TestAHangingPostTimesOut(t *testing.T) {
	var requests atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		<-release
	}))
	defer server.Close()
	defer close(release)
	began := time.Now()
	err := newClient(t, server.URL).Post(t.Context(), "id=", []byte("x"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if took := time.Since(began); took < gateway.Timeout || took > 2*gateway.Timeout {
		t.Errorf("took %v, want %v", took, gateway.Timeout)
	}
	if got := requests.Load(); got != 1 {
		t.Errorf("got %d requests, want 1", got)
	}
}

func TestAFailedConnectionIsRetriedOnce(t *testing.T) {
	for _, test := range []struct {
		failures, wantRequests int32
		wantErr                bool
	}{{1, 2, false}, {2, 2, true}} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) <= test.failures {
				panic(http.ErrAbortHandler) // closes the socket without a response
			}
		}))
		err := newClient(t, server.URL).Delete(t.Context(), "id=")
		server.Close()
		if (err != nil) != test.wantErr || requests.Load() != test.wantRequests {
			t.Errorf("%d failures: got %v after %d requests, want %d", test.failures, err, requests.Load(), test.wantRequests)
		}
	}
}

func TestPrepareOpensTheConnectionThatThePostUses(t *testing.T) {
	var requests []string
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests = append(requests, r.Method)
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := newClient(t, server.URL)
	if err := client.Prepare(t.Context()); err != nil {
		t.Error(err)
	}
	if err := client.Post(t.Context(), "id=", []byte("x")); err != nil {
		t.Error(err)
	}
	if got := opened.Load(); got != 1 || len(requests) != 2 {
		t.Errorf("got %d connections for %v, want one for both", got, requests)
	}
}

func TestPrepareReportsAnEndpointThatIsDown(t *testing.T) {
	if err := newClient(t, "http://127.0.0.1:1").Prepare(t.Context()); err == nil {
		t.Error("got no error")
	}
}

func BenchmarkPost(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	client := newClient(b, server.URL)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := client.Post(b.Context(), "id=", []byte("hello")); err != nil {
				b.Error(err)
			}
		}
	})
}
