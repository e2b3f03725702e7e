package apigateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/apigateway"
)

func TestManagementErrors(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	_, id := s.connect()
	for name, test := range map[string]struct {
		method, id string
		body       []byte
		status     int
		kind       string
	}{
		"post to an unknown id":    {"POST", "unknown=", []byte("x"), 410, "GoneException"},
		"get an unknown id":        {"GET", "unknown=", nil, 410, "GoneException"},
		"delete an unknown id":     {"DELETE", "unknown=", nil, 410, "GoneException"},
		"post to an odd id":        {"POST", "a/b%2F c", []byte("x"), 410, "GoneException"},
		"post over 128 KB":         {"POST", id, text(128<<10 + 1), 413, "PayloadTooLargeException"},
		"post far over 128 KB":     {"POST", id, text(2 << 20), 413, "PayloadTooLargeException"},
		"post of exactly 128 KB":   {"POST", id, text(128 << 10), 200, ""},
		"a method that is unknown": {"PUT", id, nil, 403, "MissingAuthenticationTokenException"},
	} {
		t.Run(name, func(t *testing.T) {
			response := s.management(test.method, test.id, test.body)
			if got := response.Header.Get("x-amzn-errortype"); response.StatusCode != test.status || got != test.kind {
				t.Errorf("got %d %s, want %d %s", response.StatusCode, got, test.status, test.kind)
			}
		})
	}
}

func TestManagementNeedsASignature(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	_, id := s.connect()
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		for _, authorization := range []string{"", "Bearer x", "AWS4-HMAC-SHA256 Credential=x"} {
			request, _ := http.NewRequest(method, s.server.URL+"/prod/@connections/"+url.PathEscape(id), strings.NewReader("x"))
			request.Header.Set("Authorization", authorization)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if got := response.Header.Get("x-amzn-errortype"); response.StatusCode != 403 || got != "MissingAuthenticationTokenException" {
				t.Errorf("%s with %q: got %d %s, want 403 MissingAuthenticationTokenException", method, authorization, response.StatusCode, got)
			}
		}
	}
}

func TestGetDescribesAConnection(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	s := start(t, apigateway.Config{Now: func() time.Time { return now }}, nil)
	n := s.count("$connect")
	s.dial(&websocket.DialOptions{HTTPHeader: http.Header{"User-Agent": {"test"}}})
	response := s.management("GET", connectionID(s.event("$connect", n)), nil)
	var got object
	if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := object{
		"connectedAt": "2026-01-02T03:04:05.006Z", "lastActiveAt": "2026-01-02T03:04:05.006Z",
		"identity": object{"sourceIp": "127.0.0.1", "userAgent": "test"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDeleteClosesAfterEarlierPosts(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	c, id := s.connect()
	s.post(id, []byte("the last message"))
	if got := s.management("DELETE", id, nil).StatusCode; got != http.StatusNoContent {
		t.Errorf("delete: got %d, want 204", got)
	}
	if got := s.post(id, []byte("too late")); got != http.StatusGone {
		t.Errorf("post: got %d, want 410", got)
	}
	if got := read(t, c); got != "the last message" {
		t.Errorf("got %q, want the last message", got)
	}
	if code, _ := readClose(t, c); code != websocket.StatusNormalClosure {
		t.Errorf("got %d, want 1000", code)
	}
	if got := requestContext(s.event("$disconnect", 0))["disconnectStatusCode"]; got != 1000.0 {
		t.Errorf("disconnectStatusCode: got %v, want 1000", got)
	}
}

func TestMessagesAfterDeleteAreNotRouted(t *testing.T) {
	s := start(t, apigateway.Config{}, handlers{"$default": answer(200)})
	r := s.dialRaw()
	s.management("DELETE", r.id, nil)
	r.send(ws.NewTextFrame([]byte("late")))
	r.send(ws.NewCloseFrame(nil))
	s.event("$disconnect", 0)
	if got := s.count("$default"); got != 0 {
		t.Errorf("got %d invocations, want none", got)
	}
}

func TestDeleteDisconnectsAClientThatDoesNotAnswer(t *testing.T) {
	s := start(t, apigateway.Config{SendBuffer: 64 << 10}, nil)
	r := s.dialRaw() // never reads
	// A single 429 may mean that the writer is slow. If no post succeeds for a while, the
	// writer is blocked.
	for accepted := time.Now(); time.Since(accepted) < 300*time.Millisecond; {
		if s.post(r.id, text(32<<10)) == http.StatusOK {
			accepted = time.Now()
		}
	}
	began := time.Now()
	s.management("DELETE", r.id, nil)
	s.event("$disconnect", 0)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %v, want about a second", took)
	}
}

func TestDisconnectEventSaysHowTheClientDisconnected(t *testing.T) {
	for name, test := range map[string]struct {
		disconnect func(*raw)
		code       float64
		reason     string
	}{
		"normally":       {func(r *raw) { r.send(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "bye"))) }, 1000, "bye"},
		"going away":     {func(r *raw) { r.send(ws.NewCloseFrame(ws.NewCloseFrameBody(1001, ""))) }, 1001, ""},
		"a private code": {func(r *raw) { r.send(ws.NewCloseFrame(ws.NewCloseFrameBody(4321, "mine"))) }, 4321, "mine"},
		"without a code": {func(r *raw) { r.send(ws.NewCloseFrame(nil)) }, 1005, "Client-side close frame status not set"},
		"end of stream":  {func(r *raw) { r.conn.Close() }, 1006, "Connection closed abnormally"},
		"reset": {func(r *raw) {
			r.conn.(*net.TCPConn).SetLinger(0)
			r.conn.Close()
		}, 1006, "Connection closed abnormally"},
		"within a frame": {func(r *raw) {
			r.conn.Write([]byte{0x81, 0xfe, 0x10})
			r.conn.Close()
		}, 1006, "Connection closed abnormally"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, apigateway.Config{Authorizer: "authorizer"}, handlers{"authorizer": allow(object{"member": "ana"})})
			r := s.dialRaw()
			test.disconnect(r)
			event := s.event("$disconnect", 0)
			rc := requestContext(event)
			got := object{}
			for _, name := range []string{"routeKey", "eventType", "connectionId", "disconnectStatusCode", "disconnectReason", "authorizer"} {
				got[name] = rc[name]
			}
			want := object{
				"routeKey": "$disconnect", "eventType": "DISCONNECT", "connectionId": r.id,
				"disconnectStatusCode": test.code, "disconnectReason": test.reason,
				"authorizer": object{"principalId": "user", "member": "ana"},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if _, ok := event["body"]; ok {
				t.Error("the event has a body")
			}
			if got := s.post(r.id, []byte("x")); got != http.StatusGone {
				t.Errorf("post: got %d, want 410", got)
			}
		})
	}
}

func TestClientsCloseIsEchoed(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	r := s.dialRaw()
	r.send(ws.NewCloseFrame(ws.NewCloseFrameBody(4321, "mine")))
	f := r.readFrame()
	if code, reason := ws.ParseCloseFrameData(f.Payload); f.Header.OpCode != ws.OpClose || code != 4321 || reason != "mine" {
		t.Errorf("got opcode %d, %d %q", f.Header.OpCode, code, reason)
	}
}

func TestDisconnectDoesNotWaitForMessagesInProgress(t *testing.T) {
	release := make(chan struct{})
	s := start(t, apigateway.Config{}, handlers{"$default": func(object) (object, error) {
		<-release
		return nil, errors.New("after the client has disconnected")
	}})
	c, _ := s.connect()
	write(t, c, "slow")
	s.event("$default", 0)
	c.CloseNow()
	s.event("$disconnect", 0)
	close(release)
}

func TestAFailingDisconnectAffectsNoOtherConnection(t *testing.T) {
	s := start(t, apigateway.Config{}, handlers{"$disconnect": func(object) (object, error) { return nil, fmt.Errorf("x") }})
	c, _ := s.connect()
	c.CloseNow()
	s.event("$disconnect", 0)
	s.dial(nil)
}

func TestRefuseDecidesAboutPosts(t *testing.T) {
	var posts []string
	answers := []int{http.StatusGone, http.StatusTooManyRequests, 0}
	s := start(t, apigateway.Config{Refuse: func(connection string) int {
		posts = append(posts, connection)
		return answers[len(posts)-1]
	}}, nil)
	c, id := s.connect()
	for n, want := range []struct {
		status int
		kind   string
	}{{http.StatusGone, "GoneException"}, {http.StatusTooManyRequests, "LimitExceededException"}, {http.StatusOK, ""}} {
		response := s.management("POST", id, []byte(fmt.Sprint("post ", n)))
		if got := response.Header.Get("x-amzn-errortype"); response.StatusCode != want.status || got != want.kind {
			t.Errorf("post %d: got %d %s, want %d %s", n, response.StatusCode, got, want.status, want.kind)
		}
	}
	if got := read(t, c); got != "post 2" {
		t.Errorf("got %q, want only the accepted post", got)
	}
	if diff := cmp.Diff([]string{id, id, id}, posts); diff != "" {
		t.Errorf("posts to (-want +got)\n%s", diff)
	}
	if got := s.management("DELETE", id, nil).StatusCode; got != http.StatusNoContent {
		t.Errorf("delete: got %d, want 204: only posts are refused", got)
	}
}
