package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
	"waggle/internal/protocol"
	"waggle/test/kit/caches"
)

func TestBadTokensAreSignedAndRefused(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		for name, test := range map[string]struct {
			query []string
			want  int
		}{
			"good":          {[]string{"member", "ana"}, http.StatusSwitchingProtocols},
			"128 bytes":     {[]string{"member", strings.Repeat("é", 64)}, http.StatusSwitchingProtocols},
			"129 bytes":     {[]string{"member", "x" + strings.Repeat("é", 64)}, http.StatusForbidden},
			"no name":       {[]string{"member", ""}, http.StatusForbidden},
			"bad pool":      {[]string{"member", "ana", "pool", "Not A Pool"}, http.StatusForbidden},
			"empty pool":    {[]string{"member", "ana", "pool", ""}, http.StatusForbidden},
			"unknown role":  {[]string{"member", "ana", "roles", "king"}, http.StatusForbidden},
			"expired":       {[]string{"member", "ana", "ttl", "-1"}, http.StatusForbidden},
			"card too long": {[]string{"member", "ana", "card", `"` + strings.Repeat("x", 511) + `"`}, http.StatusForbidden},
		} {
			if got := s.refused(s.token(test.query...)); got != test.want {
				t.Errorf("%s: got %d, want %d", name, got, test.want)
			}
		}
		if got := s.refused("no.token.atall"); got != http.StatusForbidden {
			t.Errorf("a token of no kind: got %d, want 403", got)
		}
		if got := runStack(t, runtime...).refused(s.token("member", "ana")); got != http.StatusForbidden {
			t.Errorf("a token of another stack: got %d, want 403", got)
		}
	})
}

func TestATokenMayStandInTheAddress(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		for query, want := range map[string]int{
			"":                     http.StatusUnauthorized,
			"?token=":              http.StatusUnauthorized,
			"?token=" + "nonsense": http.StatusForbidden,
			"?token=" + url.QueryEscape(s.token("member", "a/b 🐝")): http.StatusSwitchingProtocols,
		} {
			c, answer, err := websocket.Dial(t.Context(), s.api+query, nil)
			if answer == nil {
				t.Fatal(err)
			}
			if answer.StatusCode != want {
				t.Errorf("%.20s: got %d, want %d", query, answer.StatusCode, want)
			}
			if err == nil {
				c.CloseNow()
			}
		}
	})
}

func TestATokenSaysWhatAMemberMayDo(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		refusal := func(err error) protocol.Code {
			var refused *waggle.Error
			errors.As(err, &refused)
			if refused == nil {
				t.Errorf("got %v, want a refusal", err)
				return ""
			}
			return refused.Code
		}
		found := s.join("ben", "roles", "matchee", "tags", "bike")
		report(t, found, 1, 2)
		if _, err := found.Match(t.Context(), waggle.Match{}); refusal(err) != protocol.CodeForbidden {
			t.Errorf("a matchee asks: got %v", err)
		}
		tags := []string{"bike", "xl"}
		if err := found.Report(t.Context(), waggle.Location{Lat: 1, Lng: 2, Tags: &tags}); err != nil {
			t.Fatal(err)
		}
		if e := next(t, found, func(*waggle.ErrorFrame) bool { return true }); e.Code != protocol.CodeForbidden {
			t.Errorf("more tags than the token's: got %+v", e)
		}
		seeker := s.join("ana", "roles", "matcher")
		report(t, seeker, 1, 2)
		outcome, err := s.join("cleo").Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: 1, Lng: 2}})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want a match", outcome, err)
		}
		if w := hello(t, found); w.Match == nil || w.Match.Match != outcome.Matched.Match {
			t.Errorf("ben: got %+v: who is not to be found was", w.Match)
		}
	})
}

func TestASessionEndsWithItsToken(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		token := s.token("member", "ana", "ttl", "2")
		c, err := waggle.Dial(t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) { return token, nil }})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Drop()
		// Pongs until the token ends, then the one error and the close.
		var last protocol.Frame
		until(t, "the end of the session", func() bool {
			if err := c.Send(t.Context(), []byte(`{"action":"ping"}`)); err != nil {
				return true
			}
			raw, err := c.Receive(t.Context())
			if err != nil {
				return true
			}
			last, err = protocol.DecodeFrame(raw)
			if err != nil {
				t.Fatal(err)
			}
			_, pong := last.(*protocol.Pong)
			return !pong
		})
		if e, ok := last.(*protocol.Error); !ok || e.Code != protocol.CodeUnauthenticated {
			t.Errorf("got %+v, want unauthenticated", last)
		}
	})
}

func TestAFallenCacheIsToldAs503(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		cache := caches.Server(t)
		s := runStack(t, append(runtime, "-cache", cache.URL)...)
		c := s.join("ana")
		shutDown(t, cache)
		if got := s.refused(s.token("member", "ben")); got != http.StatusServiceUnavailable {
			t.Errorf("$connect: got %d, want 503", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		var refused *waggle.Error
		if _, err := c.Hello(ctx); !errors.As(err, &refused) || refused.Code != protocol.CodeUnavailable || !refused.Retryable {
			t.Errorf("hello: got %v, want unavailable", err)
		}
		if status, _ := s.get("/healthz"); status != http.StatusOK {
			t.Errorf("/healthz: got %d: the stack itself is there", status)
		}
	})
}

// shutDown ends a real server.
func shutDown(t *testing.T, c caches.Cache) {
	t.Helper()
	socket, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if _, err := socket.Write([]byte("SHUTDOWN NOSAVE\r\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(socket); len(answer) > 0 {
		t.Fatalf("SHUTDOWN: got %s, %v", answer, err)
	}
}
