package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

func TestATokenMayBeInTheURL(t *testing.T) {
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

func TestATokenDecidesWhatAMemberMayDo(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		refusal := func(err error) waggle.Code {
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
		if _, err := found.Match(t.Context(), waggle.Match{}); refusal(err) != waggle.CodeForbidden {
			t.Errorf("a matchee requests a match: got %v", err)
		}
		tags := []string{"bike", "xl"}
		if err := found.Report(t.Context(), waggle.Location{Lat: 1, Lng: 2, Tags: &tags}); err != nil {
			t.Fatal(err)
		}
		if e := next(t, found, func(*waggle.ErrorFrame) bool { return true }); e.Code != waggle.CodeForbidden {
			t.Errorf("a tag that the token does not have: got %+v", e)
		}
		seeker := s.join("ana", "roles", "matcher")
		report(t, seeker, 1, 2)
		outcome, err := s.join("cleo").Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: 1, Lng: 2}})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want a match", outcome, err)
		}
		if w := hello(t, found); w.Match == nil || w.Match.Match != outcome.Matched.Match {
			t.Errorf("ben: got %+v: a member who is only a matcher was found", w.Match)
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
		// Pongs until the token expires, then one error and the close.
		var last waggle.Frame
		until(t, "the session to end", func() bool {
			if err := c.Send(t.Context(), []byte(`{"action":"ping"}`)); err != nil {
				return true
			}
			raw, err := c.Receive(t.Context())
			if err != nil {
				return true
			}
			last, err = waggle.DecodeFrame(raw)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Millisecond) // a member's budget is 20 messages a second
			_, pong := last.(*waggle.Pong)
			return !pong
		})
		if e, ok := last.(*waggle.ErrorFrame); !ok || e.Code != waggle.CodeUnauthenticated {
			t.Errorf("got %+v, want unauthenticated", last)
		}
	})
}
