package apigateway_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/apigateway"
)

// policy is an authorizer that returns one statement.
func policy(effect string, resource any, context object) func(object) (object, error) {
	return func(event object) (object, error) {
		return object{
			"principalId": "user",
			"policyDocument": object{"Version": "2012-10-17", "Statement": []object{{
				"Effect": effect, "Action": []string{"execute-api:Invoke"}, "Resource": resource,
			}}},
			"context": context,
		}, nil
	}
}

func allow(context object) func(object) (object, error) { return policy("Allow", "*", context) }

func TestConnectAndAuthorizerEvents(t *testing.T) {
	now := time.Date(2024, 1, 20, 11, 55, 0, 453e6, time.UTC)
	s := start(t, apigateway.Config{Authorizer: "authorizer", Now: func() time.Time { return now }},
		handlers{"authorizer": allow(object{"member": "ana", "expires": 1767225600, "on": true})})
	c, _, err := websocket.Dial(t.Context(), s.url()+"?token=a.b.c&x=1&x=2", &websocket.DialOptions{
		HTTPHeader:   http.Header{"User-Agent": {"test"}, "X-Two": {"1", "2"}},
		Subprotocols: []string{"waggle.v1", "bearer.t"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	authorizer, connect := s.event("authorizer", 0), s.event("$connect", 0)

	id := connectionID(connect)
	if len(id) != 16 || !strings.HasSuffix(id, "=") {
		t.Errorf("connection id: got %q, want 16 characters ending in =", id)
	}
	host := strings.TrimPrefix(s.server.URL, "http://")
	common := func(event object) object {
		requestID := requestContext(event)["requestId"]
		key := event["headers"].(object)["Sec-WebSocket-Key"]
		single := object{
			"Host": host, "User-Agent": "test", "Accept-Encoding": "gzip", "X-Two": "2", "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Protocol": "waggle.v1,bearer.t",
		}
		multi := object{}
		for name, value := range single {
			multi[name] = []any{value}
		}
		multi["X-Two"] = []any{"1", "2"}
		return object{
			"headers":                         single,
			"multiValueHeaders":               multi,
			"queryStringParameters":           object{"token": "a.b.c", "x": "2"},
			"multiValueQueryStringParameters": object{"token": []any{"a.b.c"}, "x": []any{"1", "2"}},
			"requestContext": object{
				"routeKey": "$connect", "eventType": "CONNECT", "messageDirection": "IN", "stage": "prod", "apiId": "local",
				"requestId": requestID, "extendedRequestId": requestID, "connectionId": id, "domainName": host,
				"requestTime": "20/Jan/2024:11:55:00 +0000", "requestTimeEpoch": 1705751700453.0, "connectedAt": 1705751700453.0,
				"identity": object{"userAgent": "test", "sourceIp": "127.0.0.1"},
			},
		}
	}
	want := common(authorizer)
	want["type"] = "REQUEST"
	want["methodArn"] = "arn:aws:execute-api:us-east-1:000000000000:local/prod/$connect"
	if diff := cmp.Diff(want, authorizer); diff != "" {
		t.Errorf("authorizer (-want +got)\n%s", diff)
	}
	want = common(connect)
	want["isBase64Encoded"] = false
	requestContext(want)["authorizer"] = object{"principalId": "user", "member": "ana", "expires": "1767225600", "on": "true"}
	if diff := cmp.Diff(want, connect); diff != "" {
		t.Errorf("$connect (-want +got)\n%s", diff)
	}
}

func TestTheAuthorizerDecides(t *testing.T) {
	const arn = "arn:aws:execute-api:us-east-1:000000000000:local/prod/$connect"
	fails := func(err error) func(object) (object, error) {
		return func(object) (object, error) { return nil, err }
	}
	const internal = `{"message":"Internal server error"}`
	for name, test := range map[string]struct {
		authorizer func(object) (object, error)
		status     int // 0: accepted
		body       string
	}{
		"allow":            {allow(nil), 0, ""},
		"allow this ARN":   {policy("Allow", arn, nil), 0, ""},
		"allow a pattern":  {policy("Allow", []string{"none", "arn:aws:execute-api:*:local/pro?/*"}, nil), 0, ""},
		"allow another":    {policy("Allow", arn+"2", nil), 403, `{"Message":"User is not authorized to access this resource"}`},
		"deny":             {policy("Deny", "*", nil), 403, `{"Message":"User is not authorized to access this resource with an explicit deny"}`},
		"unauthorized":     {fails(errors.New("Unauthorized")), 401, `{"message":"Unauthorized"}`},
		"any other error":  {fails(errors.New("unauthorized: no token")), 500, internal},
		"panic":            {func(object) (object, error) { panic("boom") }, 500, internal},
		"nested context":   {allow(object{"list": []int{1}}), 500, internal},
		"8 KB and more":    {allow(object{"card": strings.Repeat("x", 8<<10)}), 500, internal},
		"nearly 8 KB":      {allow(object{"card": strings.Repeat("x", 7<<10)}), 0, ""},
		"no policy at all": {fails(nil), 403, `{"Message":"User is not authorized to access this resource"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, apigateway.Config{Authorizer: "authorizer"}, handlers{"authorizer": test.authorizer})
			if test.status == 0 {
				s.dial(nil)
				return
			}
			status, body := s.refused(nil)
			if got := withoutIDs(t, body); status != test.status || got != test.body {
				t.Errorf("got %d %s, want %d %s", status, got, test.status, test.body)
			}
			if s.count("$connect") != 0 {
				t.Error("$connect was invoked")
			}
		})
	}
}

func TestTheStatusOfConnectDecides(t *testing.T) {
	for name, test := range map[string]struct {
		connect func(object) (object, error)
		status  int // 0: accepted
	}{
		"200":           {answer(200), 0},
		"204":           {answer(204), 0},
		"403":           {answer(403), 403},
		"409":           {answer(409), 409},
		"503":           {answer(503), 503},
		"error":         {func(object) (object, error) { return nil, errors.New("x") }, 502},
		"panic":         {func(object) (object, error) { panic("boom") }, 502},
		"no status":     {func(object) (object, error) { return object{}, nil }, 502},
		"nothing":       {func(object) (object, error) { return nil, nil }, 502},
		"not a status":  {answer(101), 502},
		"wrong headers": {func(object) (object, error) { return object{"statusCode": 200, "headers": "x"}, nil }, 502},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, apigateway.Config{}, handlers{"$connect": test.connect})
			if test.status == 0 {
				s.dial(nil)
				return
			}
			if status, body := s.refused(nil); status != test.status || !strings.Contains(body, `"connectionId":`) {
				t.Errorf("got %d %s, want %d with a connectionId", status, body, test.status)
			}
			if err := s.gateway.Close(t.Context()); err != nil || s.count("$disconnect") != 0 {
				t.Errorf("$disconnect was invoked %d times, %v", s.count("$disconnect"), err)
			}
		})
	}
}

func TestConnectChoosesTheSubprotocolOfThoseOffered(t *testing.T) {
	for name, test := range map[string]struct {
		result object
		want   string
	}{
		"chosen":             {object{"statusCode": 200, "headers": object{"Sec-WebSocket-Protocol": "waggle.v1"}}, "waggle.v1"},
		"in any case":        {object{"statusCode": 200, "headers": object{"sec-websocket-protocol": " waggle.v1 "}}, "waggle.v1"},
		"multi-valued":       {object{"statusCode": 200, "multiValueHeaders": object{"Sec-WebSocket-Protocol": []string{"waggle.v1"}}}, "waggle.v1"},
		"not offered":        {object{"statusCode": 200, "headers": object{"Sec-WebSocket-Protocol": "waggle.v2"}}, ""},
		"nothing was chosen": {object{"statusCode": 200}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, apigateway.Config{}, handlers{"$connect": func(object) (object, error) { return test.result, nil }})
			c := s.dial(&websocket.DialOptions{Subprotocols: []string{"bearer.t", "waggle.v1"}})
			if got := c.Subprotocol(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestPostsFailBeforeConnectReturns(t *testing.T) {
	during := make(chan int, 1)
	var s *stack
	ready := make(chan struct{})
	s = start(t, apigateway.Config{}, handlers{"$connect": func(event object) (object, error) {
		<-ready
		during <- s.post(connectionID(event), []byte("early"))
		return object{"statusCode": 200}, nil
	}})
	close(ready)
	c, id := s.connect()
	if got := <-during; got != http.StatusGone {
		t.Errorf("during $connect: got %d, want 410", got)
	}
	if got := s.post(id, []byte("now")); got != http.StatusOK {
		t.Errorf("after $connect: got %d, want 200", got)
	}
	if got := read(t, c); got != "now" {
		t.Errorf("got %q, want %q", got, "now")
	}
}

func withoutIDs(t *testing.T, body string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(body), &fields); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	delete(fields, "connectionId")
	delete(fields, "requestId")
	text, _ := json.Marshal(fields)
	return string(text)
}
