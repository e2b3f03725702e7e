package gateway_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"waggle/internal/gateway"
	"waggle/internal/match"
	"waggle/internal/protocol"
)

func newPusher(endpoint string) *gateway.Pusher {
	return gateway.NewPusher(endpoint, "us-east-1", aws.CredentialsProviderFunc(localCredentials))
}

func TestAPusherSendsFramesAndClosesConnections(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+strings.Replace(r.URL.Path, "%40", "@", 1)+" "+string(body))
		if strings.HasSuffix(r.URL.Path, "gone") {
			w.WriteHeader(http.StatusGone)
		}
	}))
	defer server.Close()
	pusher := newPusher(server.URL + "/prod")
	pusher.Learn("other.example", "prod") // comes too late
	frame := &protocol.Pong{}
	if err := pusher.Push(t.Context(), "here", frame); err != nil {
		t.Error(err)
	}
	if err := pusher.Close(t.Context(), "here"); err != nil {
		t.Error(err)
	}
	for _, err := range []error{pusher.Push(t.Context(), "gone", frame), pusher.Close(t.Context(), "gone")} {
		if !errors.Is(err, match.ErrConnectionGone) {
			t.Errorf("got %v, want ErrConnectionGone", err)
		}
	}
	want := []string{"POST /prod/@connections/here " + string(protocol.Encode(frame)), "DELETE /prod/@connections/here "}
	if len(got) != 4 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %q, want %q and two more", got, want)
	}
}

func TestAPusherWithoutAnEndpointTakesThatOfTheFirstEvent(t *testing.T) {
	pusher := newPusher("")
	pusher.Learn("127.0.0.1:1", "prod") // refuses connections
	pusher.Learn("other.example", "prod")
	if err := pusher.Push(t.Context(), "id", &protocol.Pong{}); err == nil || !strings.Contains(err.Error(), `"https://127.0.0.1:1/prod/`) {
		t.Errorf("got %v, want a push to the first event's domain and stage", err)
	}
}
