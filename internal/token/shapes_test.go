package token_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"waggle/internal/token"
)

// A shape is a token of an issuer and the issuer's discovery document, as its
// documentation shows them. Names and numbers in them are made up.
type shape struct {
	Discovery struct {
		Issuer string
		Keys   string `json:"jwks_uri"`
	}
	Claims map[string]any
	text   []byte // of the discovery
}

func readShape(t *testing.T, name string) shape {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var s shape
	var raw struct{ Discovery json.RawMessage }
	if err := errors.Join(json.Unmarshal(text, &s), json.Unmarshal(text, &raw)); err != nil {
		t.Fatal(err)
	}
	s.text = raw.Discovery
	return s
}

// atIssuer returns an HTTP client that finds, at the real addresses of the shape's issuer,
// one with this key.
func (s shape) atIssuer(t *testing.T, key jose.JSONWebKey) *http.Client {
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string][]byte{
		strings.TrimSuffix(s.Discovery.Issuer, "/") + "/.well-known/openid-configuration": s.text,
		s.Discovery.Keys: keys,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.Header.Get("Wanted")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(page)
	}))
	t.Cleanup(server.Close)
	there, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: redirected(func(r *http.Request) {
		r.Header.Set("Wanted", r.URL.String())
		r.URL = there
	})}
}

// redirected changes each request before it is sent.
type redirected func(*http.Request)

func (change redirected) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	change(r)
	return http.DefaultTransport.RoundTrip(r)
}

func TestTokensOfKnownIssuers(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: rsaKey, KeyID: "k", Algorithm: string(jose.RS256), Use: "sig"}
	const (
		cognitoClient = "1example23456789abcdefghij"
		cognitoSub    = "b2a5e4c4-3071-70ab-5d6e-1f3b9c2d4e5f"
		auth0         = "https://waggle.example/"
	)
	custom := token.Config{Audience: cognitoClient, PoolClaim: "custom:pool", TagsClaim: "custom:tags", CardClaim: "custom:card"}
	access := token.Config{Audience: cognitoClient, AudienceClaim: "client_id"}
	namespaced := token.Config{Audience: auth0 + "api", PoolClaim: auth0 + "pool", RolesClaim: auth0 + "roles", TagsClaim: auth0 + "tags", CardClaim: auth0 + "card"}
	hour := time.UnixMilli(1795435200_000)
	tests := map[string]struct {
		shape  string
		config token.Config
		want   token.Identity // its member is "" where the token is refused
	}{
		"Cognito, id token": {"cognito-id", custom, token.Identity{Member: cognitoSub, Pool: "berlin", Matcher: true, Matchee: true,
			// An attribute of Cognito is a string, and so is the card.
			Tags: []string{"van", "cold"}, HasTags: true, Card: json.RawMessage(`"{\"name\":\"Ana\"}"`), Expires: hour}},
		"Cognito, access token":                                 {"cognito-access", access, token.Identity{Member: cognitoSub, Pool: "default", Matcher: true, Matchee: true, Expires: hour}},
		"Cognito, an access token where id tokens are accepted": {"cognito-access", custom, token.Identity{}},
		"Cognito, an id token where access tokens are accepted": {"cognito-id", access, token.Identity{}},
		"Cognito, groups as roles":                              {"cognito-id", token.Config{Audience: cognitoClient, RolesClaim: "cognito:groups"}, token.Identity{}},
		"Cognito, of another client":                            {"cognito-access", token.Config{Audience: "2example", AudienceClaim: "client_id"}, token.Identity{}},
		"Auth0, access token": {"auth0-access", namespaced, token.Identity{Member: "auth0|63b1f0a2c4d5e6f708192a3b", Pool: "berlin", Matchee: true,
			Tags: []string{"van", "cold"}, HasTags: true, Card: json.RawMessage(`{"name":"Ana"}`), Expires: time.UnixMilli(1795518000_000)}},
		"Auth0, for another API": {"auth0-access", token.Config{Audience: auth0 + "other"}, token.Identity{}},
		"Firebase": {"firebase-id", token.Config{Audience: "waggle-example", CardClaim: "name"}, token.Identity{Member: "Xb3kQ9mZpTfL2sVwYh7rUcNd8Ae1",
			Pool: "berlin", Matcher: true, Tags: []string{"van"}, HasTags: true, Card: json.RawMessage(`"Ana"`), Expires: hour}},
		"Firebase, of another project": {"firebase-id", token.Config{Audience: "wiggle-example"}, token.Identity{}},
	}
	for name, test := range tests {
		s := readShape(t, test.shape)
		issued, ok := s.Claims["iat"].(float64)
		if !ok {
			t.Fatalf("%s: no iat", test.shape)
		}
		test.config.Issuer = s.Discovery.Issuer
		test.config.HTTPClient = s.atIssuer(t, key)
		test.config.Now = func() time.Time { return time.Unix(int64(issued), 0).Add(time.Minute) }
		got, err := token.NewVerifier(test.config).Verify(t.Context(), sign(t, jose.RS256, key, s.Claims))
		if refused := test.want.Member == ""; refused != errors.Is(err, token.ErrInvalid) || refused != (err != nil) {
			t.Errorf("%s: got %v, want it refused: %v", name, err, refused)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
