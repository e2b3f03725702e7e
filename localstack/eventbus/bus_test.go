package eventbus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	internal "waggle/internal/eventbus"
	"waggle/internal/match"
	"waggle/localstack/eventbus"
)

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

// start serves a bus. It returns the URL of the server and what the bus writes.
func start(t *testing.T) (string, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	server := httptest.NewServer(eventbus.New("bus", &out))
	t.Cleanup(server.Close)
	return server.URL, &out
}

func TestABusWritesEachEventOnALine(t *testing.T) {
	at, out := start(t)
	b, err := internal.New(at+"/bus", "us-east-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	ana := match.Member{Pool: "city", ID: "é\"ana"}
	events := []match.Event{
		{Type: match.EventWaiting, At: 1795396500123, Match: "s", Matcher: ana, Request: "r1"},
		{Type: match.EventEnded, At: 1795396510000, Match: "m", Matcher: ana, Matchee: "ben", Reason: "completed"},
		{Type: match.EventLeft, At: 1795396510000, Match: "m", Matcher: ana, Matchee: "ben", Left: match.ByMatchee},
	}
	for range 10 { // more than EventBridge takes at once
		events = append(events, match.Event{Type: match.EventMatched, At: 1795396505000, Match: "m", Matcher: ana, Matchee: "ben", Request: "r1", Distance: 250})
	}
	if err := b.Publish(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(events) {
		t.Fatalf("%d lines, want %d", len(lines), len(events))
	}
	if diff := cmp.Diff([]string{
		`{"source":"waggle","detail-type":"request.waiting","time":"2026-11-23T01:15:00.123Z","detail":{"id":"s.waiting","type":"request.waiting","time":1795396500123,"pool":"city","matcher":"é\"ana","request":"r1"}}`,
		`{"source":"waggle","detail-type":"match.ended","time":"2026-11-23T01:15:10Z","detail":{"id":"m.ended","type":"match.ended","time":1795396510000,"pool":"city","match":"m","matcher":"é\"ana","matchee":"ben","reason":"completed"}}`,
		`{"source":"waggle","detail-type":"member.left","time":"2026-11-23T01:15:10Z","detail":{"id":"m.left","type":"member.left","time":1795396510000,"pool":"city","match":"m","matcher":"é\"ana","matchee":"ben","member":"ben"}}`,
		`{"source":"waggle","detail-type":"match.matched","time":"2026-11-23T01:15:05Z","detail":{"id":"m.matched","type":"match.matched","time":1795396505000,"pool":"city","match":"m","matcher":"é\"ana","matchee":"ben","request":"r1","distance":250}}`,
	}, lines[:4]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestABusThatDoesNotTakeAnEventIsAnError(t *testing.T) {
	at, out := start(t)
	b, err := internal.New(at+"/guess", "us-east-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), []match.Event{{Type: match.EventMatched}}); err == nil || !strings.Contains(err.Error(), "InvalidArgument") {
		t.Errorf("got %v, want the error of the entry", err)
	}
	if out.Len() > 0 {
		t.Errorf("it wrote %s", out)
	}
}

func TestABusRefuses(t *testing.T) {
	at, out := start(t)
	for name, test := range map[string]struct{ target, body string }{
		"another action": {"AWSEvents.PutRule", `{"Entries":[{}]}`},
		"no JSON":        {eventbus.Target, `{`},
		"no entries":     {eventbus.Target, `{}`},
		"eleven entries": {eventbus.Target, `{"Entries":[{},{},{},{},{},{},{},{},{},{},{}]}`},
	} {
		r, err := http.NewRequest(http.MethodPost, at, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", test.target)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		var refusal struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal(body, &refusal); err != nil || response.StatusCode != http.StatusBadRequest || refusal.Type != "ValidationException" {
			t.Errorf("%s: got %d %s", name, response.StatusCode, body)
		}
	}
	if out.Len() > 0 {
		t.Errorf("it wrote %s", out)
	}
}

// TestABusThatDoesNotAnswerHoldsNobodyUp: a network without a way to EventBridge drops what is sent.
func TestABusThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client has gone
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	b, err := internal.New(server.URL+"/bus", "us-east-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), []match.Event{{Type: match.EventMatched}}); err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("got %v, want that the time is over", err)
	}
}

func TestABusNeedsAURL(t *testing.T) {
	for _, at := range []string{"bus", "arn:aws:events:eu-west-1:1:event-bus/bus", "https://", "https://events.eu-west-1.amazonaws.com", "https://events.eu-west-1.amazonaws.com/bus?a"} {
		if _, err := internal.New(at, "us-east-1", credentials); err == nil {
			t.Errorf("%q was taken", at)
		}
	}
	if _, err := internal.New("https://events.eu-west-1.amazonaws.com/arn:aws:events:eu-west-1:1:event-bus/bus", "eu-west-1", credentials); err != nil {
		t.Error(err)
	}
}
