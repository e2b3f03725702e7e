package main

import (
	"net/http"
	"strings"
	"testing"
)

func TestOtherMachinesGetNoTokensByDefault(t *testing.T) {
	// It listens on every address; the test connects over the loopback interface.
	s := runStack(t, "-addr", "0.0.0.0:0")
	if !strings.HasPrefix(s.base, "http://127.0.0.1:") {
		t.Errorf("got %s, want an address to connect to", s.base)
	}
	for _, path := range []string{"/", "/feed", "/streets", "/metrics", "/token?member=ana"} {
		if status, body := s.get(path); status != http.StatusNotFound {
			t.Errorf("%s: got %d %.100s, want it off", path, status, body)
		}
	}
	for _, path := range []string{"/healthz", "/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		if status, body := s.get(path); status != http.StatusOK {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
	if status := s.handshakeStatus(""); status != http.StatusUnauthorized {
		t.Errorf("the API: got %d, want 401", status)
	}
	if !strings.Contains(s.greeting, "-insecure-tokens") || strings.Contains(s.greeting, "/token?") {
		t.Errorf("the greeting does not say what is off:\n%s", s.greeting)
	}
}

func TestOtherMachinesGetTokensWithInsecureTokens(t *testing.T) {
	s := runStack(t, "-addr", "0.0.0.0:0", "-insecure-tokens")
	for _, path := range []string{"/", "/feed", "/streets", "/metrics", "/token?member=ana"} {
		if status, body := s.get(path); status != http.StatusOK {
			t.Errorf("%s: got %d %.100s", path, status, body)
		}
	}
	if w := hello(t, s.join("ana")); w.Member != "ana" {
		t.Errorf("got %q", w.Member)
	}
}
