package main

import (
	"context"
	"errors"
	"fmt"
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

// Nothing watches for the expiry of a session that says nothing. Its next message, or the next push
// to it, gets the error that says so, and nothing else.
func TestAnIdleSessionWhoseTokenExpiresIsSentNothing(t *testing.T) {
	const ttl = 4 * time.Second
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		// idle connects, sends these messages and no more. Its frames come with their times.
		idle := func(member string, messages ...string) (c *waggle.Conn, frames chan waggle.Frame) {
			token := s.token("member", member, "ttl", fmt.Sprint(ttl.Seconds()))
			c, err := waggle.Dial(t.Context(), waggle.Options{URL: s.api, Token: func(context.Context) (string, error) { return token, nil }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Drop)
			time.AfterFunc(ttl+20*time.Second, c.Drop)
			for _, m := range messages {
				if err := c.Send(t.Context(), []byte(m)); err != nil {
					t.Fatal(err)
				}
			}
			frames = make(chan waggle.Frame, 1000)
			go func() {
				defer close(frames)
				for {
					raw, err := c.Receive(t.Context())
					if err != nil {
						return
					}
					if f, err := waggle.DecodeFrame(raw); err == nil {
						frames <- f
					}
				}
			}()
			return c, frames
		}
		found := s.join("ben")
		report(t, found, 1, 2)
		c, alone := idle("ana", `{"action":"location","lat":30,"lng":40,"id":"l"}`)
		_, watching := idle("cleo", `{"action":"match","lat":1,"lng":2}`)
		for after := time.After(ttl + time.Second); ; {
			select {
			case <-time.After(300 * time.Millisecond):
				report(t, found, 1, 2)
				continue
			case <-after:
			}
			break
		}
		outcome, err := s.join("dan").Match(t.Context(), waggle.Match{Point: &waggle.Point{Lat: 30, Lng: 40}})
		if err != nil || outcome.NoMatch == nil {
			t.Errorf("a search where only an expired session is: got %+v, %v", outcome, err)
		}
		if len(alone) != 1 {
			t.Errorf("the idle session was sent %d frames, want its ack", len(alone))
		}
		if err := c.Send(t.Context(), []byte(`{"action":"ping"}`)); err != nil {
			t.Errorf("the connection of the idle session: %v, want it open", err)
		}
		for name, frames := range map[string]chan waggle.Frame{"idle": alone, "watching": watching} {
			var last waggle.Frame
			refused := 0
			for last = range frames {
				if e, ok := last.(*waggle.ErrorFrame); ok && e.Code == waggle.CodeUnauthenticated {
					refused++
				}
			}
			if e, ok := last.(*waggle.ErrorFrame); !ok || e.Code != waggle.CodeUnauthenticated || refused != 1 {
				t.Errorf("%s: the last frame is %+v, want unauthenticated, once, and the close", name, last)
			}
		}
	})
}
