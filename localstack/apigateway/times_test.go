package apigateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"waggle/localstack/apigateway"
	"waggle/localstack/lambda"
)

// pipes is a network in a synctest bubble, where two hours take no time.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p.accepted <- there
	return here, nil
}

// inFakeTime runs a test on a Gateway with the default times, in a synctest bubble.
// connect dials; the channel has what the client receives.
func inFakeTime(t *testing.T, functions map[string]any, test func(t *testing.T, connect func() (*websocket.Conn, <-chan received))) {
	synctest.Test(t, func(t *testing.T) {
		routes := map[string]string{}
		for name := range functions {
			routes[name] = name
		}
		inProcess := lambda.New(functions, time.Hour)
		gateway := apigateway.New(apigateway.Config{Stage: "prod", Routes: routes, Invoker: inProcess, Logger: slog.New(slog.DiscardHandler)})
		network := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: gateway}
		go func() { _ = server.Serve(network) }()
		client := &http.Client{Transport: &http.Transport{DialContext: network.dial}}
		test(t, func() (*websocket.Conn, <-chan received) {
			c, _, err := websocket.Dial(t.Context(), "ws://gateway/prod", &websocket.DialOptions{HTTPClient: client})
			if err != nil {
				t.Fatal(err)
			}
			return c, listen(c)
		})
		if err := gateway.Close(t.Context()); err != nil {
			t.Error(err)
		}
		server.Close()
		inProcess.Wait()
	})
}

// received is a text that a client received, or how its connection ended.
type received struct {
	text string
	err  error
	at   time.Time
}

func listen(c *websocket.Conn) <-chan received {
	messages := make(chan received, 10)
	go func() {
		for {
			_, text, err := c.Read(context.Background())
			messages <- received{string(text), err, time.Now()}
			if err != nil {
				c.CloseNow()
				return
			}
		}
	}()
	return messages
}

func checkGoingAway(t *testing.T, last received, began time.Time, want time.Duration) {
	t.Helper()
	var closed websocket.CloseError
	if !errors.As(last.err, &closed) || closed.Code != websocket.StatusGoingAway || closed.Reason != "Going away" {
		t.Errorf("got %v, want 1001 Going away", last.err)
	}
	if took := last.at.Sub(began); took != want {
		t.Errorf("closed after %v, want %v", took, want)
	}
}

func TestAfterTenIdleMinutesAConnectionIsClosed(t *testing.T) {
	functions, disconnected := recordDisconnects(2)
	inFakeTime(t, functions, func(t *testing.T, connect func() (*websocket.Conn, <-chan received)) {
		began := time.Now()
		_, silent := connect()
		c, pinging := connect()
		for range 9 {
			time.Sleep(time.Minute)
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		checkGoingAway(t, <-silent, began, 10*time.Minute)
		checkGoingAway(t, <-pinging, began, 10*time.Minute)
		for range 2 {
			checkDisconnectEvent(t, <-disconnected)
		}
	})
}

func TestAfterTwoHoursAConnectionIsClosed(t *testing.T) {
	functions, disconnected := recordDisconnects(1)
	inFakeTime(t, functions, func(t *testing.T, connect func() (*websocket.Conn, <-chan received)) {
		began := time.Now()
		c, messages := connect()
		for time.Since(began) < 119*time.Minute {
			write(t, c, "I am here")
			time.Sleep(9 * time.Minute)
		}
		checkGoingAway(t, <-messages, began, 2*time.Hour)
		checkDisconnectEvent(t, <-disconnected)
	})
}

func TestAClientThatReadsNothingForAMinuteIsDisconnected(t *testing.T) {
	functions, disconnected := recordDisconnects(1)
	functions["fails"] = func() (object, error) { return nil, errors.New("broken") }
	inFakeTime(t, functions, func(t *testing.T, connect func() (*websocket.Conn, <-chan received)) {
		c, messages := connect() // nobody takes what it receives, so it stops reading
		for range 100 {
			write(t, c, `{"action":"fails"}`)
		}
		time.Sleep(time.Minute - time.Second)
		if len(disconnected) > 0 {
			t.Error("disconnected within a minute")
		}
		time.Sleep(2 * time.Second)
		if len(disconnected) == 0 {
			t.Error("still connected after a minute")
		} else if e := <-disconnected; e.RequestContext.DisconnectStatusCode != 1006 {
			t.Errorf("got %+v, want 1006", e)
		}
		for (<-messages).err == nil {
		}
	})
}

// recordDisconnects returns functions whose $disconnect sends its events.
func recordDisconnects(n int) (functions map[string]any, disconnected chan event) {
	disconnected = make(chan event, n)
	return map[string]any{
		"$default":    func() (object, error) { return object{"statusCode": 200}, nil },
		"$disconnect": func(e event) (object, error) { disconnected <- e; return object{"statusCode": 200}, nil },
	}, disconnected
}

func checkDisconnectEvent(t *testing.T, e event) {
	t.Helper()
	if e.RequestContext.DisconnectStatusCode != 1001 || e.RequestContext.DisconnectReason != "Going away" {
		t.Errorf("$disconnect: got %+v, want 1001 Going away", e)
	}
}

// event has the fields of an event that these tests look at.
type event struct {
	RequestContext struct {
		ConnectionID         string
		DisconnectStatusCode int
		DisconnectReason     string
	}
}

func TestTheGatewayWaits29SecondsForAFunction(t *testing.T) {
	takes := func(d time.Duration) func(context.Context) (object, error) {
		return func(ctx context.Context) (object, error) {
			select {
			case <-time.After(d):
				return object{"statusCode": 200}, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	functions := map[string]any{"in time": takes(29*time.Second - 1), "late": takes(29*time.Second + 1), "ignores its context": func() (object, error) {
		time.Sleep(time.Minute)
		return object{"statusCode": 200}, nil
	}}
	inFakeTime(t, functions, func(t *testing.T, connect func() (*websocket.Conn, <-chan received)) {
		for _, action := range []string{"in time", "late", "ignores its context"} {
			c, messages := connect()
			began := time.Now()
			write(t, c, `{"action":"`+action+`"}`)
			if action == "in time" {
				time.Sleep(time.Minute)
				if len(messages) > 0 {
					t.Errorf("%s: got %+v", action, <-messages)
				}
				continue
			}
			answer := <-messages
			var frame struct{ Message, ConnectionID, RequestID string }
			if err := json.Unmarshal([]byte(answer.text), &frame); err != nil {
				t.Fatalf("%s: got %+v: %v", action, answer, err)
			}
			if frame.Message != "Endpoint request timed out" || len(frame.ConnectionID) != 16 || len(frame.RequestID) != 16 {
				t.Errorf("%s: got %s", action, answer.text)
			}
			if took := answer.at.Sub(began); took != 29*time.Second {
				t.Errorf("%s: the frame came after %v, want 29 s", action, took)
			}
		}
	})
}

func TestAConnectThatTimesOutIsRefused(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := start(t, apigateway.Config{IntegrationTimeout: 10 * time.Millisecond},
		handlers{"$connect": func(object) (object, error) { <-release; return nil, nil }})
	status, body := s.refused(nil)
	if status != http.StatusGatewayTimeout || !strings.Contains(body, `"message":"Endpoint request timed out"`) {
		t.Errorf("got %d %s, want 504", status, body)
	}
}

func TestALongURLIsRefused(t *testing.T) {
	s := start(t, apigateway.Config{}, nil)
	fixed := len("wss://") + len(strings.TrimPrefix(s.server.URL, "http://")) + len("/prod?token=")
	for length, want := range map[int]int{4096: http.StatusSwitchingProtocols, 4097: http.StatusRequestURITooLong} {
		c, answer, err := websocket.Dial(t.Context(), s.url()+"?token="+string(text(length-fixed)), nil)
		if answer == nil {
			t.Fatal(err)
		}
		if answer.StatusCode != want {
			t.Errorf("a URL of %d characters: got %d, want %d", length, answer.StatusCode, want)
		}
		if err == nil {
			c.CloseNow()
		}
	}
}
