package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// raw sends a request as it stands, and returns the status and the body of the answer. PORT
// in it becomes the stack's.
func (s *testStack) raw(request string) (status int, body string) {
	s.t.Helper()
	address := strings.TrimPrefix(s.base, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := net.Dial("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, strings.ReplaceAll(strings.ReplaceAll(request, "PORT", port), "\n", "\r\n")+"\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		s.t.Fatalf("%q: %v", request, err)
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000)) // a CONNECT's body does not end
	return answer.StatusCode, string(text)
}

func TestOnlyLoopbackNamesReachTheStack(t *testing.T) {
	s := runStack(t, "-allow-host", "my-laptop.local, 192.0.2.7", "-allow-host", "Waggle.Test.")
	for name, test := range map[string]struct {
		request string
		want    int
	}{
		"the address":                 {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT", 200},
		"another loopback address":    {"GET /token?member=ana HTTP/1.1\nHost: 127.8.9.1:PORT", 200},
		"localhost":                   {"GET /token?member=ana HTTP/1.1\nHost: localhost:PORT", 200},
		"no port":                     {"GET /token?member=ana HTTP/1.1\nHost: localhost", 200},
		"a forwarded port":            {"GET /token?member=ana HTTP/1.1\nHost: localhost:9999", 200},
		"upper case and a final dot":  {"GET /token?member=ana HTTP/1.1\nHost: LOCALHOST.:PORT", 200},
		"IPv6":                        {"GET /token?member=ana HTTP/1.1\nHost: [::1]:PORT", 200},
		"IPv6, no port":               {"GET /token?member=ana HTTP/1.1\nHost: [::1]", 200},
		"IPv6, written out":           {"GET /token?member=ana HTTP/1.1\nHost: [0:0:0:0:0:0:0:1]:PORT", 200},
		"IPv4 in IPv6":                {"GET /token?member=ana HTTP/1.1\nHost: [::ffff:127.0.0.1]:PORT", 200},
		"IPv6 with a zone":            {"GET /token?member=ana HTTP/1.1\nHost: [::1%25lo]:PORT", 200},
		"the address as origin":       {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT", 200},
		"a page served on this host":  {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://localhost:3000", 200},
		"an allowed name":             {"GET /token?member=ana HTTP/1.1\nHost: MY-laptop.local:PORT\nOrigin: http://my-laptop.local:PORT", 200},
		"an allowed address":          {"GET /token?member=ana HTTP/1.1\nHost: 192.0.2.7", 200},
		"an allowed name without dot": {"GET /token?member=ana HTTP/1.1\nHost: waggle.test", 200},
		"absolute form":               {"GET http://localhost:PORT/token?member=ana HTTP/1.1\nHost: localhost", 200},
		"HTTP/1.0":                    {"GET /token?member=ana HTTP/1.0\nHost: localhost:PORT", 200},

		"a name":                      {"GET /token?member=ana HTTP/1.1\nHost: evil.example:PORT", 421},
		"a name that begins alike":    {"GET /token?member=ana HTTP/1.1\nHost: localhost.evil.example", 421},
		"a name that ends alike":      {"GET /token?member=ana HTTP/1.1\nHost: evil-localhost", 421},
		"a name below an allowed one": {"GET /token?member=ana HTTP/1.1\nHost: evil.waggle.test", 421},
		"a name that begins with 127": {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1.evil.example", 421},
		"another address":             {"GET /token?member=ana HTTP/1.1\nHost: 192.0.2.8:PORT", 421},
		"no address at all":           {"GET /token?member=ana HTTP/1.1\nHost: 0.0.0.0:PORT", 421},
		"an address with a zone":      {"GET /token?member=ana HTTP/1.1\nHost: [fe80::1%25lo]:PORT", 421},
		"an empty name":               {"GET /token?member=ana HTTP/1.1\nHost:", 421},
		"HTTP/1.0 without a name":     {"GET /token?member=ana HTTP/1.0\nA: b", 421},
		"absolute form of a name":     {"GET http://evil.example/token?member=ana HTTP/1.1\nHost: localhost", 421},
		"two names":                   {"GET /token?member=ana HTTP/1.1\nHost: localhost\nHost: evil.example", 400},
		"CONNECT":                     {"CONNECT evil.example:443 HTTP/1.1\nHost: localhost", 421},
		"a page of another site":      {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: https://evil.example", 403},
		"a page with a user's name":   {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1@evil.example", 403},
		"a page with no name":         {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: null", 403},
		"an empty origin":             {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin:", 403},
		"two origins":                 {"GET /token?member=ana HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://localhost\nOrigin: http://evil.example", 403},
		"a preflight":                 {"OPTIONS /token HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: https://evil.example\nAccess-Control-Request-Method: GET", 403},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := s.raw(test.request)
			if status != test.want {
				t.Errorf("got %d %.200s, want %d", status, body, test.want)
			}
			if test.want > 400 && !strings.Contains(body, "-allow-host") {
				t.Errorf("got %q, which does not say what to pass", body)
			}
		})
	}
}

func TestNoPathIsServedToAnotherSite(t *testing.T) {
	s := runStack(t)
	for _, path := range []string{"/", "/map/main.js", "/feed", "/streets", "/metrics", "/healthz", "/token?member=ana", "/.well-known/openid-configuration",
		"/.well-known/jwks.json", "/prod", "/prod/@connections/a", "/nothing"} {
		for from, want := range map[string]int{"Host: evil.example": 421, "Host: localhost\nOrigin: http://evil.example": 403} {
			if status, body := s.raw("GET " + path + " HTTP/1.1\n" + from); status != want || !strings.HasSuffix(body, "start the stack with -allow-host evil.example\n") {
				t.Errorf("%s, %s: got %d %s", path, from, status, body)
			}
		}
	}
	token := s.token("member", "ana")
	for origin, want := range map[string]int{s.base: 101, "https://evil.example": 403, "null": 403} {
		c, answer, err := websocket.Dial(t.Context(), s.api+"?token="+token, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil {
			_ = c.CloseNow()
		}
		if answer == nil || answer.StatusCode != want {
			t.Errorf("a WebSocket from %s: got %v, %v, want %d", origin, answer, err, want)
		}
	}
}

func TestTheAddressThatAClientConnectsToIsAllowed(t *testing.T) {
	handler := hosts{}.check(http.NotFoundHandler(), quiet())
	for arrived, tests := range map[string]map[string]int{
		"192.0.2.7": {"192.0.2.7:8080": 404, "192.0.2.8:8080": 421, "localhost": 404},
		"fe80::1%2": {"[fe80::1]:8080": 404, "[fe80::1%25eth0]": 404, "[fe80::2]": 421},
		"":          {"0.0.0.0": 421, "[::]": 421, "evil.example": 421, "": 421},
	} {
		address, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(arrived, "8080"))
		if err != nil {
			t.Fatal(err)
		}
		for host, want := range tests {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host = host
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, address)))
			if w.Code != want {
				t.Errorf("Host %q at %q: got %d, want %d", host, arrived, w.Code, want)
			}
		}
	}
}

// The name that -addr gives is one under which the stack is reached.
func TestTheNameInAddrIsAllowed(t *testing.T) {
	for addr, want := range map[string]bool{"my-laptop:80": true, "192.0.2.7:80": true, ":80": false, "0.0.0.0:80": false, "[::]:80": false} {
		allowed := config{Addr: addr}.hosts()
		if got := len(allowed) > 0; got != want {
			t.Errorf("%s: got %v", addr, allowed)
		}
	}
}

// A name that is refused is logged, but cannot fill the log.
func TestRefusedNamesAreLoggedInFewLines(t *testing.T) {
	var log bytes.Buffer
	handler := hosts{}.check(http.NotFoundHandler(), slog.New(slog.NewTextHandler(&log, nil)))
	for range 100 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = strings.Repeat("evil.", 100) + "example"
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if lines := strings.Count(log.String(), "\n"); lines < 1 || lines > 10 || log.Len() > 3000 {
		t.Errorf("got %d lines, %d bytes", lines, log.Len())
	}
}

func TestAFloodOfRefusedNamesIsLoggedInFewLines(t *testing.T) {
	var log bytes.Buffer
	handler := hosts{}.check(http.NotFoundHandler(), slog.New(slog.NewTextHandler(&log, nil)))
	for range 1000 {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = "evil.example"
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	if lines := strings.Count(log.String(), "\n"); lines > 100 {
		t.Errorf("1000 refused requests are %d lines in the log", lines)
	}
}
