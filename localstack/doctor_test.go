package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"waggle/internal/topology"
	"waggle/localstack/apigateway"
	"waggle/localstack/lambda"
	"waggle/test/kit/caches"
)

// A diagnosis is the result of waggle doctor, by step.
type diagnosis map[string]struct{ Status, Found, Mend string }

// A doctor is the path of the built command.
type doctor string

// run runs waggle doctor. It must exit with 1 if a step failed, and only then.
func (d doctor) run(t *testing.T, args ...string) diagnosis {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, string(d), append([]string{"doctor", "-json"}, args...)...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("doctor %v: %v", args, err)
	}
	var report struct {
		OK    bool
		Steps []struct{ Name, Status, Found, Mend string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	all, failed := diagnosis{}, false
	for _, s := range report.Steps {
		all[s.Name] = struct{ Status, Found, Mend string }{s.Status, s.Found, s.Mend}
		failed = failed || s.Status == "fail"
		if s.Status == "fail" && s.Mend == "" {
			t.Errorf("%s: there is no advice: %s", s.Name, s.Found)
		}
	}
	if len(all) != 8 || failed != (err != nil) || failed == report.OK {
		t.Errorf("got %d steps, exit %v, ok %v:\n%s", len(all), err, report.OK, out)
	}
	for _, arg := range args { // no output may contain a token
		if strings.Count(arg, ".") == 2 && len(arg) > 100 && strings.Contains(string(out), arg[:40]) {
			t.Errorf("the output contains the token:\n%s", out)
		}
	}
	return all
}

// wantFailure wants one step alone to have failed, with these words.
func (d diagnosis) wantFailure(t *testing.T, step string, words ...string) {
	t.Helper()
	for name, s := range d {
		if (s.Status == "fail") != (name == step) {
			t.Errorf("%s: got %+v", name, s)
		}
	}
	for _, word := range words {
		if text := d[step].Found + " → " + d[step].Mend; !strings.Contains(text, word) {
			t.Errorf("%s says %q, want %q in it", step, text, word)
		}
	}
}

func TestTheDoctorFindsNothingWrongWithAGoodStack(t *testing.T) {
	d := doctor(build(t, "./cmd/waggle"))
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		for name, args := range map[string][]string{
			"by the local issuer": {"-url", s.base},
			"with tokens":         {"-url", s.api, "-token", s.token("member", "ana"), "-token", s.token("member", "ben")},
		} {
			for step, got := range d.run(t, args...) {
				if got.Status != "ok" && step != "tls" {
					t.Errorf("%s: %s: got %+v", name, step, got)
				}
			}
		}
		if f := s.feed(); len(f.Matches) != 0 {
			t.Errorf("matches are left: %v", f.Matches)
		}
		// A step that cannot be tried is skipped, not failed.
		for name, tokens := range map[string][]string{
			"takes two members": {"-token", s.token("member", "ana")},
			"different pools":   {"-token", s.token("member", "ana"), "-token", s.token("member", "ben", "pool", "other")},
		} {
			if got := d.run(t, append(tokens, "-url", s.api)...)["match"]; got.Status != "skipped" || !strings.Contains(got.Found, name) {
				t.Errorf("%s: got %+v", name, got)
			}
		}
		same := d.run(t, "-url", s.api, "-token", s.token("member", "ana"), "-token", s.token("member", "ana", "ttl", "7000"))
		same.wantFailure(t, "match", `both tokens are of the member "ana"`, "give the tokens of two members")
		pair(t, s.join("cleo"), s.join("dan"))
		if got := d.run(t, "-url", s.api, "-token", s.token("member", "cleo"), "-token", s.token("member", "eve"))["match"]; got.Status != "skipped" || !strings.Contains(got.Found, "not disturbed") {
			t.Errorf("in a match: got %+v", got)
		}
	})
}

// Each case breaks one thing, which the doctor must find.
func TestTheDoctorFindsWhatIsBroken(t *testing.T) {
	d := doctor(build(t, "./cmd/waggle"))
	const exits = "#!/bin/sh\nexit 1\n"
	t.Run("addresses", func(t *testing.T) {
		s := runStack(t)
		token := s.token("member", "ana")
		d.run(t, "-url", "wss://nosuch.invalid/prod", "-token", token).wantFailure(t, "address", "nosuch.invalid", "the stack's output")
		d.run(t, "-url", "ws://127.0.0.1:1/prod", "-token", token).wantFailure(t, "address", "refuses", "nothing listens there")
		d.run(t, "-url", strings.Replace(s.api, "ws:", "wss:", 1), "-token", token).wantFailure(t, "tls", "speaks no TLS")
		d.run(t, "-url", s.base+"/dev", "-token", token).wantFailure(t, "refusal", "stage included")
		untrusted := httptest.NewTLSServer(http.NotFoundHandler())
		defer untrusted.Close()
		d.run(t, "-url", strings.Replace(untrusted.URL, "https:", "wss:", 1), "-token", token).wantFailure(t, "tls", "nobody whom this machine trusts")
	})
	t.Run("tokens", func(t *testing.T) {
		eachRuntime(t, func(t *testing.T, runtime ...string) {
			s := runStack(t, runtime...)
			for name, test := range map[string]struct {
				token string
				words []string
			}{
				"an expired one":   {s.token("member", "ana", "ttl", "-60"), []string{"expired at", "fresh token"}},
				"another audience": {s.token("member", "ana", "aud", "others"), []string{`aud "others"`, "WAGGLE_AUDIENCE"}},
				"another issuer":   {s.token("member", "ana", "iss", "https://elsewhere.example"), []string{`iss "https://elsewhere.example"`, "WAGGLE_ISSUER"}},
				"none at all":      {"hello", []string{"no JWT"}},
			} {
				t.Run(name, func(t *testing.T) {
					d.run(t, "-url", s.api, "-token", test.token).wantFailure(t, "connect", append(test.words, "403")...)
				})
			}
		})
	})
	t.Run("no authorizer", func(t *testing.T) {
		open := httptest.NewServer(apigateway.New(apigateway.Config{Stage: stage, Routes: map[string]string{"$connect": "f", "$default": "f"},
			Logger: quiet(), Invoker: lambda.New(map[string]any{"f": func() (map[string]int, error) { return map[string]int{"statusCode": 200}, nil }}, 0)}))
		defer open.Close()
		diagnosis := d.run(t, "-url", open.URL, "-token", "a.b.c", "-patience", "1s")
		if got := diagnosis["refusal"]; got.Status != "fail" || !strings.Contains(got.Found, "lets in whoever comes") || !strings.Contains(got.Mend, "no authorizer") {
			t.Errorf("refusal: got %+v", got)
		}
	})
	t.Run("a push that never comes", func(t *testing.T) {
		eachRuntime(t, func(t *testing.T, runtime ...string) {
			s := runStack(t, append(runtime, "-faults", "limit=1")...)
			d.run(t, "-url", s.base, "-patience", "3s").wantFailure(t, "hello", "no answer was pushed", "NAT gateway", "execute-api:ManageConnections")
		})
	})
	t.Run("a push that hangs", func(t *testing.T) {
		pushes := &interceptor{served: map[string]int{}, connection: map[string]string{}}
		held := make(chan struct{})
		pushes.post = func(string) int { <-held; return http.StatusGone }
		s := startStack(t, config{Cache: caches.Embedded(t).URL, Faults: pushes})
		t.Cleanup(func() { close(held) })
		d.run(t, "-url", s.base, "-patience", "4s").wantFailure(t, "hello", "no answer was pushed", "NAT gateway")
	})
	t.Run("no cache", func(t *testing.T) {
		eachRuntime(t, func(t *testing.T, runtime ...string) {
			cache := caches.Server(t)
			s := runStack(t, append(runtime, "-cache", cache.URL)...)
			shutDown(t, cache)
			d.run(t, "-url", s.base).wantFailure(t, "connect", "503", "security groups", "elasticache:Connect")
		})
	})
	t.Run("a clock that is off", func(t *testing.T) {
		for _, test := range []struct {
			by     time.Duration
			status string
			found  string
		}{
			{40 * time.Second, "fail", "this machine's clock is 40."}, {10 * time.Second, "warn", "s behind the server's"},
			{-10 * time.Second, "warn", "s ahead of the server's"},
		} {
			s := startStack(t, config{Cache: caches.Embedded(t).URL, Offset: func() time.Duration { return test.by }})
			if got := d.run(t, "-url", s.base)["clock"]; got.Status != test.status || !strings.Contains(got.Found, test.found) || !strings.Contains(got.Mend, "NTP") {
				t.Errorf("by %v: got %+v, want %s: %s", test.by, got, test.status, test.found)
			}
		}
	})
	for function, test := range map[string]struct {
		step  string
		words []string
	}{
		topology.Authorizer: {"refusal", []string{"500", "authorizer's log"}},
		topology.Connect:    {"connect", []string{"502", "log of the function connect"}},
		topology.Location:   {"match", []string{"Internal server error", "log"}},
		topology.Match:      {"match", []string{"Internal server error", "log"}},
	} {
		t.Run("a function that does not start: "+function, func(t *testing.T) {
			s := runStack(t, "-runtime", processes, "-functions", functionDirWith(t, map[string]string{function: exits}))
			d.run(t, "-url", s.base, "-patience", "5s").wantFailure(t, test.step, test.words...)
		})
	}
}
