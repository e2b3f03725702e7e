package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// denied is the whole response to a refused token.
const denied = `{"Message":"User is not authorized to access this resource with an explicit deny"}`

// wantDenied wants a token to be refused without a reason.
func (s *testStack) wantDenied(t *testing.T, token string) {
	t.Helper()
	c, err := s.connect(token)
	if err == nil {
		c.Close()
		t.Fatal("the token was accepted")
	}
	var refusal *waggle.HandshakeError
	if !errors.As(err, &refusal) || refusal.Status != http.StatusForbidden || strings.TrimSpace(refusal.Body) != denied {
		t.Errorf("got %v, want 403 %s", err, denied)
	}
}

func TestBadTokens(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		good := s.token("member", "ana")
		header, payload, signature := split(good)
		_, others, _ := split(s.token("member", "ben"))
		encode := base64.RawURLEncoding.EncodeToString
		unsigned := encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + payload + "."
		// The public key used as a secret: a verifier that trusts the token's alg would
		// accept it.
		_, keys := s.get("/.well-known/jwks.json")
		symmetric := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + payload
		mac := hmac.New(sha256.New, []byte(strings.TrimSpace(keys)))
		mac.Write([]byte(symmetric))

		for name, token := range map[string]string{
			"expired":               s.token("member", "ana", "ttl", "-1"),
			"another's payload":     header + "." + others + "." + signature,
			"a changed signature":   header + "." + payload + "." + flip(signature),
			"no signature":          header + "." + payload + ".",
			"alg none":              unsigned,
			"alg none, signed":      unsigned + signature,
			"alg HS256":             symmetric + "." + encode(mac.Sum(nil)),
			"wrong audience":        s.token("member", "ana", "aud", "others"),
			"no audience":           s.token("member", "ana", "aud", ""),
			"wrong issuer":          s.token("member", "ana", "iss", "https://login.example.com"),
			"another stack's":       runStack(t, runtime...).token("member", "ana"),
			"no token at all":       "no.token.atall",
			"over 8 KB":             header + "." + payload + strings.Repeat("x", 8<<10) + "." + signature,
			"a role that is none":   s.token("member", "ana", "roles", "king"),
			"tags that are none":    s.token("member", "ana", "tags", "NOT A TAG"),
			"a card over 512 bytes": s.token("member", "ana", "card", `"`+strings.Repeat("x", 511)+`"`),
		} {
			t.Run(name, func(t *testing.T) { s.wantDenied(t, token) })
		}
		t.Run("none", func(t *testing.T) {
			if _, answer, err := websocket.Dial(t.Context(), s.api, nil); err == nil || answer == nil || answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("got %v, want 401", err)
			}
		})
		s.dial("ana").stillWorks()
		s.stillWorks()
	})
}

func split(token string) (header, payload, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

// flip changes the first character, since the last one may hold padding.
func flip(signature string) string {
	if signature[0] == 'A' {
		return "B" + signature[1:]
	}
	return "A" + signature[1:]
}

func TestHostileNames(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		for name, query := range map[string][]string{
			"an empty member":            {"member", ""},
			"a member of 129 bytes":      {"member", "x" + strings.Repeat("é", 64)},
			"a member that is no UTF-8":  {"member", "a\xff"},
			"an empty pool":              {"member", "ana", "pool", ""},
			"a pool of 33 characters":    {"member", "ana", "pool", strings.Repeat("x", 33)},
			"a pool in capitals":         {"member", "ana", "pool", "Default"},
			"a pool that leaves its key": {"member", "ana", "pool", "default/ben}"},
			"a pool that is a path":      {"member", "ana", "pool", "../default"},
			"a pool that is a pattern":   {"member", "ana", "pool", "*"},
			"a pool of two lines":        {"member", "ana", "pool", "a\r\nFLUSHALL"},
		} {
			t.Run(name, func(t *testing.T) { s.wantDenied(t, s.token(query...)) })
		}
		// Any other name is allowed: one with a meaning for a cache, a path, a page or a log
		// is a member like any other.
		for i, member := range []string{"*", "a:b", "m:{default/ben}", "../../etc/passwd", "a\r\nFLUSHALL\r\n", "\x00", "<script>alert(1)</script>",
			"'; DROP TABLE members; --", "__proto__", "${jndi:ldap://x}", "%s%n", "\u202enaeb", "null", strings.Repeat("🐝", 32), strings.Repeat("x", 128),
			"a/b", "}", "{a}", "two words", "%2F%", `"'\`, "?&=#+", "ключ"} {
			t.Run(fmt.Sprintf("member %q", member), func(t *testing.T) {
				pool := fmt.Sprint("hostile-", i)
				odd, ben := s.join(member, "pool", pool), s.join("ben", "pool", pool)
				if w := hello(t, odd); w.Member != member || w.Pool != pool {
					t.Errorf("got %q of %q", w.Member, w.Pool)
				}
				match := pair(t, odd, ben)
				report(t, ben, 37.7765, -122.4172)
				next(t, odd, func(l *waggle.LocationFrame) bool { return l.Lat == 37.7765 })
				if _, err := ben.End(t.Context(), match, waggle.Cancelled); err != nil {
					t.Error(err)
				}
				next(t, odd, func(e *waggle.Ended) bool { return e.Match == match })
			})
		}
		s.stillWorks()
	})
}

func TestAnotherMembersMatch(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana, ben := s.join("ana"), s.join("ben")
		match := pair(t, ana, ben)
		for _, pool := range []string{"default", "other"} {
			eve := s.dial("eve", "pool", pool)
			// The same sentence for all ids, so that nobody learns which matches exist.
			for _, id := range []string{match, "nosuchmatch", "*", "{default/ana}"} {
				eve.sendText(fmt.Sprintf(`{"action":"end","id":"i","match":%q}`, id))
				eve.wantError(waggle.CodeNotFound, "i", "there is no such match of yours, or it ended more than 60 s ago")
				eve.sendText(fmt.Sprintf(`{"action":"say","id":"i","match":%q,"data":1}`, id))
				eve.wantError(waggle.CodeNotFound, "i", "there is no such match of yours, or it ended more than 60 s ago")
			}
			eve.sendText(`{"action":"locate","id":"i"}`)
			eve.wantError(waggle.CodeNotFound, "i", "there is no match under way")
			eve.stillWorks()
		}
		for _, c := range []*waggle.Client{ana, ben} {
			if w := hello(t, c); w.Match == nil || w.Match.Match != match {
				t.Errorf("%s: got %+v, want still match %s", w.Member, w.Match, match)
			}
		}
		s.stillWorks()
	})
}

func TestTwoConnectionsOfOneMember(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		older := s.dial("ana")
		older.stillWorks()
		newer := s.dial("ana")
		older.wantError(waggle.CodeReplaced, "", "a newer connection of this member has taken over")
		older.wantClosed(websocket.StatusNormalClosure, "Connection Closed Normally")
		newer.stillWorks()
		// The member can still be found after the older connection has closed.
		newer.sendText(at(`"lat":37.7764,"lng":-122.4172`))
		if _, ok := newer.receive().(*waggle.Ack); !ok {
			t.Error("the report of the newer connection was not acknowledged")
		}
		ben := s.join("ben")
		report(t, ben, 37.7764, -122.4172)
		outcome, err := ben.Match(t.Context(), waggle.Match{})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("ben: got %+v, %v, want ana", outcome, err)
		}
		if m, ok := newer.receive().(*waggle.Matched); !ok || m.Match != outcome.Matched.Match {
			t.Errorf("ana: got %+v, want the match", m)
		}
		newer.stillWorks()
		s.stillWorks()
	})
}

// Longitudes 180 and -180 are the same line.
func TestAcrossTheAntimeridian(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana, ben := s.join("ana"), s.join("ben")
		report(t, ben, 10, -179.999)
		report(t, ana, 10, 180)
		outcome, err := ana.Match(t.Context(), waggle.Match{})
		if err != nil || outcome.Matched == nil {
			t.Fatalf("got %+v, %v, want ben", outcome, err)
		}
		if d := outcome.Matched.Peer.Distance; d < 109 || d > 110 {
			t.Errorf("got %v m, want 109.6", d)
		}
	})
}

// defaultPool writes a pool file with these settings.
func defaultPool(t *testing.T, settings string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pools.json")
	if err := os.WriteFile(path, []byte(`{"pools":{"default":{`+settings+`}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestARemoteRequestNeedsAReport(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, append(runtime, "-pools", defaultPool(t, `"remoteRequests":false`))...)
		ana := s.dial("ana")
		ana.sendText(`{"action":"match","id":"r","lat":1,"lng":2}`)
		const text = "report your location first: in this pool a request needs a report of the last 60 seconds, with lat and lng too"
		if f, ok := ana.receive().(*waggle.ErrorFrame); !ok || f.Code != waggle.CodeConflict || f.Message != text || f.ID != "r" {
			t.Errorf("got %+v, want conflict", f)
		}
		ana.stillWorks()
		s.stillWorks()
	})
}

// As after a tunnel, in order: the newest one counts.
func TestThirtyReportsAtOnce(t *testing.T) {
	eachStack(t, func(t *testing.T, s *testStack) {
		ana := s.dial("ana")
		start := time.Now().Add(-30 * time.Second).UnixMilli()
		for n := range 30 {
			ana.sendText(at(fmt.Sprintf(`"lat":%v,"lng":2,"at":%d`, 1+float64(n)/10_000, start+int64(n)*1000)))
		}
		for range 30 {
			if f, ok := ana.receive().(*waggle.Ack); !ok {
				t.Fatalf("got %+v, want an ack", f)
			}
		}
		ben := s.join("ben")
		report(t, ben, 1, 2)
		outcome, err := ben.Match(t.Context(), waggle.Match{})
		if err != nil || outcome.Matched == nil || outcome.Matched.Peer.Lat != 1.0029 {
			t.Errorf("got %+v, %v, want ana at the last of the places", outcome, err)
		}
	})
}

func TestTooMuchAtOnce(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, append(runtime, "-pools", defaultPool(t, `"reportsBurst":10`))...)
		ana := s.dial("ana")
		const many = 25 // after more than 50 refusals the connection would be closed
		for range many {
			ana.sendText(at(`"lat":1,"lng":2`))
		}
		accepted, refused := 0, 0
		for range many {
			switch f := ana.receive().(type) {
			case *waggle.Ack:
				accepted++
			case *waggle.ErrorFrame:
				refused++
				if f.Code != waggle.CodeRateLimited || !f.Retryable || f.RetryAfter <= 0 || f.Message != "at most 5 locations a second in this pool, and 10 at once: report as advised" {
					t.Errorf("got %+v, want rate_limited", f)
				}
			}
		}
		if accepted < 10 || refused == 0 || accepted+refused != many {
			t.Errorf("of %d reports %d were accepted and %d refused; 10 at once are allowed", many, accepted, refused)
		}
		ana.stillWorks()
		s.stillWorks()
	})
}
