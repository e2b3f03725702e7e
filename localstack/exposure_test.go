package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestOtherMachinesGetNoTokens(t *testing.T) {
	// Reached over the loopback, but bound to every address.
	s := runStack(t, "-addr", "0.0.0.0:0")
	if !strings.HasPrefix(s.base, "http://127.0.0.1:") {
		t.Errorf("got %s, want an address that can be typed", s.base)
	}
	for _, path := range []string{"/", "/feed", "/streets", "/token?member=ana"} {
		if status, body := s.get(path); status != http.StatusNotFound {
			t.Errorf("%s: got %d %.100s, want it off", path, status, body)
		}
	}
	for _, path := range []string{"/healthz", "/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		if status, body := s.get(path); status != http.StatusOK {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
	if status := s.refused(""); status != http.StatusUnauthorized {
		t.Errorf("the API: got %d, want 401", status)
	}
	if !strings.Contains(s.greeting, "-insecure-tokens") || strings.Contains(s.greeting, "/token?") {
		t.Errorf("it does not say what is off:\n%s", s.greeting)
	}
}

func TestOtherMachinesGetTokensWhereThatIsWanted(t *testing.T) {
	s := runStack(t, "-addr", "0.0.0.0:0", "-insecure-tokens")
	for _, path := range []string{"/", "/feed", "/streets", "/token?member=ana"} {
		if status, body := s.get(path); status != http.StatusOK {
			t.Errorf("%s: got %d %.100s", path, status, body)
		}
	}
	if w := hello(t, s.join("ana")); w.Member != "ana" {
		t.Errorf("got %q", w.Member)
	}
}

func TestConnectionManagementWantsASignature(t *testing.T) {
	s := runStack(t)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		for signature, want := range map[string]int{
			"": http.StatusForbidden,
			"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=0": http.StatusGone,
		} {
			r, err := http.NewRequestWithContext(t.Context(), method, s.base+"/prod/@connections/nobody%3D", strings.NewReader("hi"))
			if err != nil {
				t.Fatal(err)
			}
			if signature != "" {
				r.Header.Set("Authorization", signature)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s with signature %.20q: got %d, want %d", method, signature, answer.StatusCode, want)
			}
		}
	}
}
