package token_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"waggle/internal/token"
)

func TestForgedTokensMakeOneFetchOfKeysInTenSeconds(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	good := sign(t, jose.ES256, key, i.claims(nil))
	if got, err := member(v, good); got != "ana" || err != nil {
		t.Fatalf("got %q, %v, want ana", got, err)
	}
	unknown, sameID := sign(t, jose.ES256, newKey(t, "unknown"), i.claims(nil)), sign(t, jose.ES256, newKey(t, "k"), i.claims(nil))
	want := 1
	for second := range 31 {
		if second > 0 && second%10 == 0 {
			want++
		}
		check := func() error {
			for _, forged := range []string{unknown, sameID} {
				if got, err := member(v, forged); !errors.Is(err, token.ErrInvalid) {
					t.Fatalf("forged: got %q, %v, want ErrInvalid", got, err)
				}
			}
			if _, fetches := i.asked(); fetches != want {
				return fmt.Errorf("after %d s: got %d fetches of keys, want %d", second, fetches, want)
			}
			return nil
		}
		// For a moment, go-oidc answers with the error of a fetch that has just ended.
		soon(t, "forged tokens", check)
		for range 10 {
			if err := check(); err != nil {
				t.Fatal(err)
			}
		}
		i.advance(time.Second)
	}
	if got, err := member(v, good); got != "ana" || err != nil {
		t.Errorf("the genuine token among the forged: got %q, %v, want ana", got, err)
	}
}

func TestANewKeyIsFoundWithinTenSecondsAmongForgedTokens(t *testing.T) {
	i := newIssuer(t)
	first, second := newKey(t, "first"), newKey(t, "second")
	i.publish(first)
	v := i.verifier(t)
	forged := sign(t, jose.ES256, newKey(t, "unknown"), i.claims(nil))
	if _, err := member(v, forged); !errors.Is(err, token.ErrInvalid) {
		t.Fatalf("forged: got %v, want ErrInvalid", err)
	}
	i.publish(second)
	i.advance(10*time.Second - time.Millisecond)
	raw := sign(t, jose.ES256, second, i.claims(nil))
	if _, err := member(v, raw); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("just before: got %v, want ErrInvalid", err)
	}
	i.advance(time.Millisecond)
	// For a moment, go-oidc answers with the error of a fetch that has just ended.
	soon(t, "the new key", func() error {
		got, err := member(v, raw)
		if err == nil && got != "ana" {
			t.Errorf("got %q, want ana", got)
		}
		return err
	})
}

func TestTokensAtTheSameTimeShareAFetchOfKeys(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	i.hold = make(chan struct{})
	v := i.verifier(t)
	raw := sign(t, jose.ES256, key, i.claims(nil))
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if got, err := member(v, raw); got != "ana" || err != nil {
				t.Errorf("got %q, %v, want ana", got, err)
			}
		})
	}
	soon(t, "the fetch", func() error {
		if _, fetches := i.asked(); fetches == 0 {
			return errors.New("has not begun")
		}
		return nil
	})
	close(i.hold)
	callers.Wait()
	if discoveries, fetches := i.asked(); discoveries != 1 || fetches != 1 {
		t.Errorf("got %d discoveries and %d fetches of keys, want 1 of each", discoveries, fetches)
	}
}

func TestAnIssuerThatFailsIsAskedOnceASecond(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	i.setDown(true)
	v := i.verifier(t)
	raw := sign(t, jose.ES256, key, i.claims(nil))
	for second := range 5 {
		for range 10 {
			if _, err := member(v, raw); !errors.Is(err, token.ErrUnavailable) {
				t.Fatalf("got %v, want ErrUnavailable", err)
			}
		}
		if discoveries, _ := i.asked(); discoveries != second+1 {
			t.Fatalf("after %d s: got %d discoveries, want %d", second, discoveries, second+1)
		}
		i.advance(time.Second)
	}
}

func TestPrepareSparesTheFirstTokenTheFetch(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	token.NewAuthorizer(v, slog.New(slog.DiscardHandler)).Prepare(t.Context())
	if discoveries, fetches := i.asked(); discoveries != 1 || fetches != 1 {
		t.Errorf("prepared: got %d discoveries and %d fetches of keys, want 1 of each", discoveries, fetches)
	}
	if got, err := member(v, sign(t, jose.ES256, key, i.claims(nil))); got != "ana" || err != nil {
		t.Errorf("got %q, %v, want ana", got, err)
	}
	if discoveries, fetches := i.asked(); discoveries != 1 || fetches != 1 {
		t.Errorf("with a token: got %d discoveries and %d fetches of keys, want 1 of each", discoveries, fetches)
	}
}

func TestPrepareLogsThatTheIssuerIsDown(t *testing.T) {
	i := newIssuer(t)
	i.setDown(true)
	var log bytes.Buffer
	token.NewAuthorizer(i.verifier(t), slog.New(slog.NewTextHandler(&log, nil))).Prepare(t.Context())
	if !strings.Contains(log.String(), "issuer unavailable") {
		t.Errorf("got log %q, want that the issuer is unavailable", log.String())
	}
}

func TestKeysBehindARedirectAreFetched(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	inner := i.Config.Handler
	i.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/keys" && r.URL.RawQuery == "" {
			http.Redirect(w, r, "/keys?moved", http.StatusFound)
			return
		}
		inner.ServeHTTP(w, r)
	})
	if got, err := member(i.verifier(t), sign(t, jose.ES256, key, i.claims(nil))); got != "ana" || err != nil {
		t.Errorf("got %q, %v, want ana", got, err)
	}
}
