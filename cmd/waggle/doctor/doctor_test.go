package doctor

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// Package localstack tests the doctor on running stacks. These tests are for replies of AWS
// that a local stack does not give.

// refusing starts a server that refuses handshakes, with a token and without.
func refusing(t *testing.T, without, with int) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "bearer.") {
			w.WriteHeader(with)
			return
		}
		w.WriteHeader(without)
	}))
	t.Cleanup(s.Close)
	return s
}

// examine examines a server with a member's token, and returns the steps by name.
func examine(t *testing.T, s *httptest.Server, token string) map[string]Step {
	t.Helper()
	url := strings.Replace(s.URL, "http:", "ws:", 1) + "/prod"
	steps, err := Case{Socket: url, Patience: 5 * time.Second,
		Members: []waggle.Options{{URL: url, Token: func(context.Context) (string, error) { return token, nil }}}}.Examine(t.Context())
	if err != nil || len(steps) != 8 {
		t.Fatalf("got %+v, %v, want 8 steps", steps, err)
	}
	all := map[string]Step{}
	for _, step := range steps {
		all[step.Name] = step
	}
	return all
}

func TestTheDoctorExplainsARefusal(t *testing.T) {
	for _, test := range []struct {
		without, with int
		step, mend    string
	}{
		{http.StatusForbidden, 0, Refusal, "end in the stage"},
		{http.StatusMisdirectedRequest, 0, Refusal, "-allow-host"},
		{http.StatusInternalServerError, 0, Refusal, "authorizer's log"},
		{http.StatusNotFound, 0, Refusal, "no Waggle API"},
		{http.StatusUnauthorized, http.StatusUnauthorized, Connect, "no identity source"},
		{http.StatusUnauthorized, http.StatusConflict, Connect, "a member of your own"},
		{http.StatusUnauthorized, http.StatusInternalServerError, Connect, "cannot reach the issuer"},
		{http.StatusUnauthorized, http.StatusBadGateway, Connect, "log of the function connect"},
		{http.StatusUnauthorized, http.StatusServiceUnavailable, Connect, "security groups"},
		{http.StatusUnauthorized, http.StatusGatewayTimeout, Connect, "never answers"},
		{http.StatusUnauthorized, http.StatusTooManyRequests, Connect, "access log"},
	} {
		steps := examine(t, refusing(t, test.without, test.with), "a.b.c")
		if got := steps[test.step]; got.Status != Fail || !strings.Contains(got.Mend, test.mend) {
			t.Errorf("%d and %d: got %+v, want %s to say %q", test.without, test.with, got, test.step, test.mend)
		}
		if got := steps[Matched]; got.Status != Skipped {
			t.Errorf("%d and %d: the match: got %+v", test.without, test.with, got)
		}
	}
}

// welcoming starts a server whose answer to hello is this frame, after which it is gone.
func welcoming(t *testing.T, frame string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "bearer.") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"waggle.v1"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.CloseNow()
		if _, _, err := conn.Read(r.Context()); err == nil {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(frame)) // if it fails, the doctor says so
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestTheDoctorTellsTheServersVersion(t *testing.T) {
	const welcome = `{"type":"welcome","id":"doctor-hello","member":"ana","pool":"default","protocol":1,"now":1795396500000,"expiresAt":1795403700000`
	for frame, want := range map[string]string{
		welcome + `,"server":"v1.2.3 44e738fabcde"}`: "ends in 2h0m0s; the server is v1.2.3 44e738fabcde",
		welcome + `}`: "ends in 2h0m0s",
	} {
		if got := examine(t, welcoming(t, frame), "a.b.c")[Hello]; got.Status != OK || !strings.HasSuffix(got.Found, want) {
			t.Errorf("got %+v, want it to end with %q", got, want)
		}
	}
}

// The doctor reads a token to explain why it is denied, and never prints it.
func TestTheDoctorExplainsADeniedToken(t *testing.T) {
	for claims, want := range map[string][]string{
		`{"iss":"https://i.example","client_id":"c","exp":99999999999}`: {`iss "https://i.example", aud none, client_id "c"`, "WAGGLE_AUDIENCE_CLAIM=client_id"},
		`{"iss":"https://i.example","aud":["a","b"],"exp":99999999999}`: {`aud ["a","b"]`, "WAGGLE_AUDIENCE"},
		`{"iss":"https://i.example","aud":"a","exp":1000000000}`:        {"expired at 2001-09-09T01:46:40Z", "fresh token"},
		`nothing`: {"not the JSON of claims"},
	} {
		token := "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".signature"
		got := examine(t, refusing(t, http.StatusUnauthorized, http.StatusForbidden), token)[Connect]
		said := got.Found + " → " + got.Mend
		for _, word := range want {
			if got.Status != Fail || !strings.Contains(said, word) {
				t.Errorf("%s: got %+v, want %q in it", claims, got, word)
			}
		}
		if strings.Contains(said, token) || strings.Contains(said, "signature") {
			t.Errorf("%s: it prints the token: %s", claims, said)
		}
	}
}

func TestTheDoctorExplainsATLSFailure(t *testing.T) {
	for want, err := range map[string]error{
		"out of date":                        x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired},
		"a name that the certificate is for": x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other.example"}}, Host: "h"},
		"public authority":                   x509.UnknownAuthorityError{},
		"breaks TLS off":                     errors.New("EOF"),
	} {
		if f := tlsFailure("h", err); f.status != Fail || !strings.Contains(f.found+" → "+f.mend, want) {
			t.Errorf("%v: got %+v, want %q in it", err, f, want)
		}
	}
}

func TestAnExaminationEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	url := strings.Replace(refusing(t, 401, 401).URL, "http:", "ws:", 1)
	if steps, err := (Case{Socket: url}).Examine(ctx); !errors.Is(err, context.Canceled) || len(steps) > 0 {
		t.Errorf("got %+v, %v, want it to stop", steps, err)
	}
}
