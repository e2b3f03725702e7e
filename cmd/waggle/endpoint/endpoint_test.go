package endpoint_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"waggle/clients/go/waggle"
	"waggle/cmd/waggle/endpoint"
	"waggle/test/kit"
)

func TestParseFindsTheAPI(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8080":   "ws://127.0.0.1:8080/prod",
		"http://127.0.0.1:8080/":  "ws://127.0.0.1:8080/prod",
		"https://api.example/dev": "wss://api.example/dev",
		"ws://localhost:1/x":      "ws://localhost:1/x",
		"ws://[::1]:8080":         "ws://[::1]:8080/prod",
	} {
		e, err := endpoint.Parse(in, "")
		if err != nil || e.Socket != want {
			t.Errorf("%s: got %s, %v, want %s", in, e.Socket, err, want)
		}
	}
	for _, in := range []string{"", "127.0.0.1:8080", "ftp://h", "http://", "ws://10.0.0.1/prod", "wss://api.example/prod"} {
		if e, err := endpoint.Parse(in, ""); err == nil {
			t.Errorf("%q: got %+v, want an error", in, e)
		}
	}
}

func TestNoErrorRepeatsAPassword(t *testing.T) {
	for _, in := range []string{"wss://ana:secret@api.example/prod", "wss://api.example/prod?token=secret", "ana:secret@api.example", "ws://ana:secret@%/"} {
		for _, command := range []string{"", "print {member}"} {
			if _, err := endpoint.Parse(in, command); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "-token-command") {
				t.Errorf("%s: got %v", in, err)
			}
		}
		if _, _, err := endpoint.Bearers(in, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", in, err)
		}
	}
	for _, program := range []string{"false", "true", "echo"} {
		e, err := endpoint.Parse("wss://api.example/prod", program+" https://ana:secret@issuer.example/{member}")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Options(endpoint.Member{ID: "ana"}).Token(t.Context()); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), program) {
			t.Errorf("%s: got %v", program, err)
		}
	}
}

func TestCheckRefusesNamesThatNoTokenHas(t *testing.T) {
	for _, m := range []endpoint.Member{{ID: "ana"}, {ID: strings.Repeat("é", 64), Pool: "sf-2"}, {ID: "a/b }"}} {
		if err := m.Check(); err != nil {
			t.Errorf("%+v: got %v", m, err)
		}
	}
	for want, m := range map[string]endpoint.Member{
		"-as":   {},
		"bytes": {ID: strings.Repeat("é", 65)},
		"-pool": {ID: "ana", Pool: "Bad Pool"},
	} {
		if err := m.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", m, err, want)
		}
	}
}

func TestTheLocalStackGivesTokens(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" || r.FormValue("member") == "" {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(r.FormValue("member") + "|" + r.FormValue("pool") + "|" + r.FormValue("tags") + "\n"))
	}))
	defer s.Close()
	e, err := endpoint.Parse(s.URL+"/prod", "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Options(endpoint.Member{ID: "a b/c&d", Pool: "p", Tags: []string{"x", "y"}}).Token(t.Context())
	if want := "a b/c&d|p|x,y"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	_, err = e.Options(endpoint.Member{}).Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "-token-command") {
		t.Errorf("got %v, want the status and the next step", err)
	}
}

func TestACommandGivesTokens(t *testing.T) {
	kit.Command(t, "echo", "coreutils")
	kit.Command(t, "false", "coreutils")
	kit.Command(t, "awk", "mawk")
	for command, want := range map[string]string{
		"echo tok-{pool}": "tok-p",
		// A name with a blank is one argument.
		"awk BEGIN{print(ARGC\"-\"length(ARGV[1]))} {member}": "2-5",
		"echo Bearer {pool}":       "!printed no token: it has the character ' '",
		"echo {\"token\":\"a.b\"}": "!printed no token: it has the character '{'",
		"echo":                     "!printed nothing",
		"false":                    "!-token-command",
		"/no/such/program":         "!-token-command",
	} {
		e, err := endpoint.Parse("wss://api.example/prod", command)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Options(endpoint.Member{ID: "a b;c", Pool: "p"}).Token(t.Context())
		if says, failing := strings.CutPrefix(want, "!"); failing {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: got %q, %v, want an error with %q", command, got, err, says)
			}
		} else if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", command, got, err, want)
		}
	}
}

func TestNothingListeningIsExplained(t *testing.T) {
	// A port below those that systems give out, so no other test comes to listen there.
	const addr = "127.0.0.1:1"
	e, err := endpoint.Parse("http://"+addr, "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = waggle.Connect(t.Context(), e.Options(endpoint.Member{ID: "ana"}))
	if !endpoint.Nobody(err) {
		t.Fatalf("got %v, want that nobody is there", err)
	}
	if err := e.Explain(err); !strings.Contains(err.Error(), "make run") {
		t.Errorf("got %v, want the next step", err)
	}
}
