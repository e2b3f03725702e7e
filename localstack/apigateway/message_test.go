package apigateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/localstack/apigateway"
)

func TestRouteIsTheBodysAction(t *testing.T) {
	s := start(t, apigateway.Config{}, handlers{"location": answer(200), "match": answer(200), "$default": answer(200)})
	c := s.dial(nil)
	for _, test := range []struct{ body, want string }{
		{`{"action":"location","lat":1}`, "location"},
		{` {"lat":1, "action":"match"} `, "match"},
		{`{"action":"unknown"}`, "$default"},
		{`{"Action":"match"}`, "$default"},
		{`{"action":"Match"}`, "$default"},
		{`{"action":7}`, "$default"},
		{`{"action":null}`, "$default"},
		{`{"action":"$connect"}`, "$default"},
		{`{"action":"$disconnect"}`, "$default"},
		{`{"nested":{"action":"match"}}`, "$default"},
		{`["match"]`, "$default"},
		{`null`, "$default"},
		{`not JSON`, "$default"},
		{`{"action":"match"`, "$default"},
		{``, "$default"},
	} {
		n := s.count(test.want)
		write(t, c, test.body)
		event := s.event(test.want, n)
		if body, _ := event["body"].(string); body != test.body {
			t.Errorf("body: got %q, want %q", body, test.body)
		}
		if got := requestContext(event)["routeKey"]; got != test.want {
			t.Errorf("%s: got routeKey %v, want %s", test.body, got, test.want)
		}
	}
}

func TestMessageEvent(t *testing.T) {
	now := time.Date(2024, 1, 20, 11, 55, 0, 453e6, time.UTC)
	s := start(t, apigateway.Config{Authorizer: "authorizer", Now: func() time.Time { return now }},
		handlers{"authorizer": allow(object{"member": "ana"}), "location": answer(200)})
	c, id := s.connect()
	write(t, c, `{"action":"location"}`)
	got := s.event("location", 0)

	rc := requestContext(got)
	for _, name := range []string{"messageId", "requestId"} {
		if text, _ := rc[name].(string); len(text) != 16 {
			t.Errorf("%s: got %v, want 16 characters", name, rc[name])
		}
	}
	want := object{
		"requestContext": object{
			"routeKey": "location", "messageId": rc["messageId"], "eventType": "MESSAGE", "extendedRequestId": rc["requestId"],
			"requestTime": "20/Jan/2024:11:55:00 +0000", "messageDirection": "IN", "stage": "prod",
			"connectedAt": 1705751700453.0, "requestTimeEpoch": 1705751700453.0,
			"identity":  object{"userAgent": "Go-http-client/1.1", "sourceIp": "127.0.0.1"},
			"requestId": rc["requestId"], "domainName": strings.TrimPrefix(s.server.URL, "http://"),
			"connectionId": id, "apiId": "local",
			"authorizer": object{"principalId": "user", "member": "ana"},
		},
		"body":            `{"action":"location"}`,
		"isBase64Encoded": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rc["messageId"] == rc["requestId"] {
		t.Error("messageId and requestId are the same")
	}
}

// Although messages are handled concurrently, each has its time of arrival.
func TestMessagesHaveTheirTimeOfArrival(t *testing.T) {
	var ticks atomic.Int64
	s := start(t, apigateway.Config{Now: func() time.Time { return time.UnixMilli(ticks.Add(1)) }}, handlers{"$default": answer(200)})
	c, _ := s.connect()
	const messages = 500
	for n := range messages {
		write(t, c, fmt.Sprintf(`{"n":%03d}`, n))
	}
	times := map[string]float64{}
	for n := range messages {
		event := s.event("$default", n)
		times[event["body"].(string)] = requestContext(event)["requestTimeEpoch"].(float64)
	}
	for n := 1; n < messages; n++ {
		before, this := times[fmt.Sprintf(`{"n":%03d}`, n-1)], times[fmt.Sprintf(`{"n":%03d}`, n)]
		if before >= this {
			t.Fatalf("message %d arrived at %v, the one before it at %v", n, this, before)
		}
	}
}

func TestNoDefaultRouteIsForbidden(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	c, id := s.connect()
	write(t, c, `{"action":"unknown"}`)
	checkErrorFrame(t, read(t, c), "Forbidden", id)
}

func TestClientsGetAFrameIfAFunctionFailsButNotItsResult(t *testing.T) {
	var s *stack
	ready := make(chan struct{})
	s = start(t, apigateway.Config{}, handlers{
		"error":     func(object) (object, error) { return nil, errors.New("secret") },
		"panic":     func(object) (object, error) { panic("secret") },
		"malformed": func(object) (object, error) { return object{"ok": true}, nil },
		"status":    answer(500),
		"body":      func(object) (object, error) { return object{"statusCode": 200, "body": "not sent"}, nil },
		"$default": func(event object) (object, error) {
			<-ready
			return s.echo(event)
		},
	})
	close(ready)
	c, id := s.connect()
	for _, action := range []string{"error", "panic", "malformed"} {
		write(t, c, fmt.Sprintf(`{"action":%q}`, action))
		checkErrorFrame(t, read(t, c), "Internal server error", id)
	}
	for n, action := range []string{"status", "body"} {
		write(t, c, fmt.Sprintf(`{"action":%q}`, action))
		s.event(action, 0)
		marker := fmt.Sprint("marker ", n)
		write(t, c, marker)
		if got := read(t, c); got != marker {
			t.Errorf("%s: got %s, want nothing", action, got)
		}
	}
}

// With a route response the body is sent, whatever the status, and an empty one too. A route of the
// gateway itself has none.
func TestTwoWayRoutesSendTheBody(t *testing.T) {
	body := func(status int, body any) func(object) (object, error) {
		return func(object) (object, error) { return object{"statusCode": status, "body": body}, nil }
	}
	s := start(t, apigateway.Config{TwoWay: true}, handlers{
		"$connect": body(200, "of $connect"), "body": body(200, "sent"), "status": body(500, "sent too"), "empty": body(200, ""), "none": answer(200),
		"malformed": body(200, 7), "$default": body(200, "of $default"),
		"error": func(object) (object, error) { return nil, errors.New("secret") },
	})
	c, id := s.connect()
	for _, test := range [][2]string{{"body", "sent"}, {"status", "sent too"}, {"empty", ""}, {"none", ""}, {"unknown", "of $default"}} {
		write(t, c, fmt.Sprintf(`{"action":%q}`, test[0]))
		if got := read(t, c); got != test[1] {
			t.Errorf("%s: got %q, want %q", test[0], got, test[1])
		}
	}
	for _, action := range []string{"error", "malformed"} {
		write(t, c, fmt.Sprintf(`{"action":%q}`, action))
		checkErrorFrame(t, read(t, c), "Internal server error", id)
	}
}

func checkErrorFrame(t *testing.T, frame, message, connectionID string) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(frame), &got); err != nil {
		t.Fatalf("%s: %v", frame, err)
	}
	want := map[string]string{"message": message, "connectionId": connectionID, "requestId": got["requestId"]}
	if diff := cmp.Diff(want, got); diff != "" || got["requestId"] == "" {
		t.Errorf("error frame %s (-want +got)\n%s", frame, diff)
	}
}

func TestMessagesOfOneConnectionRunConcurrently(t *testing.T) {
	second := make(chan struct{})
	s := start(t, apigateway.Config{}, handlers{
		"first":  func(object) (object, error) { <-second; return object{"statusCode": 200}, nil },
		"second": func(object) (object, error) { close(second); return object{"statusCode": 200}, nil },
	})
	c := s.dial(nil)
	write(t, c, `{"action":"first"}`)
	write(t, c, `{"action":"second"}`)
	s.event("second", 0)
	if err := s.gateway.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestInvocationsPerConnectionAreBounded(t *testing.T) {
	const bound = 3
	entered, release := make(chan struct{}, 10), make(chan struct{})
	s := start(t, apigateway.Config{MaxInFlight: bound}, handlers{"$default": func(object) (object, error) {
		entered <- struct{}{}
		<-release
		return object{"statusCode": 200}, nil
	}})
	c := s.dial(nil)
	for range bound + 3 {
		write(t, c, "x")
	}
	for range bound {
		<-entered
	}
	// Once the message of another connection is served, a fourth message of the first
	// would have been served too.
	write(t, s.dial(nil), "x")
	<-entered
	if got := s.count("$default"); got != bound+1 {
		t.Errorf("got %d invocations, want %d", got, bound+1)
	}
	close(release)
	s.event("$default", bound+3)
}

func TestLargePostArrivesInFramesOf32KB(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	c, id := s.connect()
	want := strings.Repeat("0123456789abcdef", apigateway.MaxMessage/16)
	if got := s.post(id, []byte(want)); got != http.StatusOK {
		t.Fatalf("post: got %d, want 200", got)
	}
	if got := read(t, c); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
	raw := s.dialRaw()
	s.post(raw.id, []byte(want))
	for n := range 4 {
		h := raw.readFrame().Header
		if h.Length != apigateway.MaxFrame || h.Fin != (n == 3) {
			t.Errorf("frame %d: got length %d fin %v", n, h.Length, h.Fin)
		}
	}
}
