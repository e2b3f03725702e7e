package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"waggle/internal/token"
)

func TestVerifyAcceptsThreeAlgorithms(t *testing.T) {
	i := newIssuer(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[jose.SignatureAlgorithm]jose.JSONWebKey{
		jose.RS256: {Key: rsaKey, KeyID: "rsa"},
		jose.ES256: newKey(t, "ec"),
		jose.EdDSA: {Key: edKey, KeyID: "ed"},
		jose.RS512: {Key: rsaKey, KeyID: "rsa"},
		jose.PS256: {Key: rsaKey, KeyID: "rsa"},
		jose.ES384: {Key: p384, KeyID: "p384"},
	}
	i.publish(keys[jose.RS256], keys[jose.ES256], keys[jose.EdDSA], keys[jose.ES384])
	v := i.verifier(t)
	for algorithm, key := range keys {
		got, err := member(v, sign(t, algorithm, key, i.claims(nil)))
		switch algorithm {
		case jose.RS256, jose.ES256, jose.EdDSA:
			if got != "ana" || err != nil {
				t.Errorf("%s: got %q, %v, want ana", algorithm, got, err)
			}
		default:
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: got %q, %v, want ErrInvalid", algorithm, got, err)
			}
		}
	}
}

func TestVerifyRefusesForgeries(t *testing.T) {
	i := newIssuer(t)
	key, other := newKey(t, "k"), newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	good := sign(t, jose.ES256, key, i.claims(nil))
	if got, err := member(v, good); got != "ana" || err != nil {
		t.Fatalf("the valid token that the forgeries begin from: got %q, %v", got, err)
	}
	parts := strings.Split(good, ".")

	public, err := x509.MarshalPKIXPublicKey(key.Public().Key)
	if err != nil {
		t.Fatal(err)
	}
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	b64 := base64.RawURLEncoding.EncodeToString
	payload := func(change map[string]any) string {
		data, err := json.Marshal(i.claims(change))
		if err != nil {
			t.Fatal(err)
		}
		return b64(data)
	}
	embedded := signEmbedding(t, other, i.claims(nil))

	for name, raw := range map[string]string{
		"empty":                    "",
		"no JWT":                   "hello",
		"two parts":                parts[0] + "." + parts[1],
		"JSON serialization":       `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"other key, same id":       sign(t, jose.ES256, other, i.claims(nil)),
		"key embedded in token":    embedded,
		"other payload":            parts[0] + "." + payload(map[string]any{"sub": "bob"}) + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"alg none":                 b64([]byte(`{"alg":"none","kid":"k"}`)) + "." + parts[1] + ".",
		"alg None, with signature": b64([]byte(`{"alg":"None","kid":"k"}`)) + "." + parts[1] + "." + parts[2],
		"HS256 by public key":      sign(t, jose.HS256, jose.JSONWebKey{Key: public, KeyID: "k"}, i.claims(nil)),
		"HS256 by public PEM":      sign(t, jose.HS256, jose.JSONWebKey{Key: publicPEM, KeyID: "k"}, i.claims(nil)),
		"longer than 8 KB":         sign(t, jose.ES256, key, i.claims(map[string]any{"x": strings.Repeat("x", 8<<10)})),
	} {
		got, err := member(v, raw)
		if !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrUnavailable) {
			t.Errorf("%s: got %q, %v, want ErrInvalid", name, got, err)
			continue
		}
		for _, part := range strings.Split(raw, ".") {
			if len(part) > 8 && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error holds a part of the token: %v", name, err)
			}
		}
	}
}

// signEmbedding signs with a key that is in the token's own header.
func signEmbedding(t *testing.T, key jose.JSONWebKey, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key.Key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestVerifyChecksIssuerAudienceAndExpiry(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	tests := []struct {
		name   string
		change map[string]any
		reason string // "" where it is accepted
	}{
		{"as is", nil, ""},
		{"among audiences", map[string]any{"aud": []string{"other", "waggle"}}, ""},
		{"one second left", map[string]any{"exp": now.Unix() + 1}, ""},
		{"expires now", map[string]any{"exp": now.Unix()}, "expired"},
		{"expired", map[string]any{"exp": now.Unix() - 1}, "expired"},
		{"no expiry", map[string]any{"exp": nil}, "expired"},
		{"expiry as text", map[string]any{"exp": "soon"}, "claims"},
		{"expiry beyond time", map[string]any{"exp": 1e17}, "exp"},
		{"capital Exp", map[string]any{"exp": nil, "Exp": now.Add(time.Hour).Unix()}, "exp"},
		{"not yet valid", map[string]any{"nbf": now.Add(time.Hour).Unix()}, "nbf"},
		{"other issuer", map[string]any{"iss": "https://issuer.example"}, "different provider"},
		{"no issuer", map[string]any{"iss": nil}, "different provider"},
		{"capital Iss", map[string]any{"iss": nil, "Iss": i.URL}, "another issuer"},
		{"other audience", map[string]any{"aud": "other"}, "another audience"},
		{"no audience", map[string]any{"aud": nil}, "another audience"},
		{"empty audiences", map[string]any{"aud": []string{}}, "another audience"},
		{"audience elsewhere", map[string]any{"aud": nil, "client_id": "waggle"}, "another audience"},
	}
	for _, test := range tests {
		got, err := member(v, sign(t, jose.ES256, key, i.claims(test.change)))
		if test.reason == "" {
			if got != "ana" || err != nil {
				t.Errorf("%s: got %q, %v, want ana", test.name, got, err)
			}
			continue
		}
		if !errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: got %q, %v, want ErrInvalid with %q", test.name, got, err, test.reason)
		}
	}
}

func TestWithoutAConfiguredAudienceEveryTokenIsRefused(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := token.NewVerifier(token.Config{Issuer: i.URL, Now: clock})
	if got, err := member(v, sign(t, jose.ES256, key, i.claims(map[string]any{"aud": ""}))); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("got %q, %v, want ErrInvalid", got, err)
	}
}

// Access tokens of Cognito have client_id instead of aud, and only strings in
// custom claims.
func TestClaimNamesAreConfigurable(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := token.NewVerifier(token.Config{
		Issuer: i.URL, Audience: "app1", AudienceClaim: "client_id", Now: clock,
		PoolClaim: "https://waggle.example/pool", RolesClaim: "custom:roles", TagsClaim: "custom:tags", CardClaim: "custom:card",
	})
	got, err := v.Verify(t.Context(), sign(t, jose.ES256, key, i.claims(map[string]any{
		"aud": nil, "client_id": "app1", "https://waggle.example/pool": "city", "custom:roles": "matchee", "custom:tags": "van, xl", "custom:card": "Ana",
		"pool": "BAD", "roles": 7, "tags": 7, // not the configured names
	})))
	if err != nil {
		t.Fatal(err)
	}
	want := token.Identity{
		Member: "ana", Pool: "city", Matchee: true, Tags: []string{"van", "xl"}, HasTags: true,
		Card: json.RawMessage(`"Ana"`), Expires: now.Add(time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestKeysAreCachedAndRotate(t *testing.T) {
	i := newIssuer(t)
	first, second := newKey(t, "first"), newKey(t, "second")
	i.publish(first)
	v := i.verifier(t)
	if discoveries, _ := i.asked(); discoveries != 0 {
		t.Errorf("before the first token: got %d discoveries, want 0", discoveries)
	}
	for range 20 {
		if got, err := member(v, sign(t, jose.ES256, first, i.claims(nil))); got != "ana" || err != nil {
			t.Fatalf("first key: got %q, %v", got, err)
		}
	}
	if discoveries, fetches := i.asked(); discoveries != 1 || fetches != 1 {
		t.Errorf("after 20 tokens of one key: got %d discoveries and %d fetches of keys, want 1 of each", discoveries, fetches)
	}

	i.publish(second)
	i.advance(10 * time.Second)
	soon(t, "second key", func() error {
		_, err := member(v, sign(t, jose.ES256, second, i.claims(nil)))
		return err
	})
	soon(t, "first key once withdrawn", func() error {
		if got, err := member(v, sign(t, jose.ES256, first, i.claims(nil))); !errors.Is(err, token.ErrInvalid) {
			return fmt.Errorf("got %q, %v, want ErrInvalid", got, err)
		}
		return nil
	})
}

func TestAnUnreachableIssuerIsNoInvalidToken(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	v := i.verifier(t)
	raw := sign(t, jose.ES256, key, i.claims(nil))

	i.setDown(true)
	got, err := member(v, raw)
	if !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("discovery down: got %q, %v, want ErrUnavailable", got, err)
	}
	if got, err := member(v, "hello"); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("discovery down, no JWT: got %q, %v, want ErrInvalid", got, err)
	}
	i.setDown(false)
	i.advance(time.Second)
	if got, err := member(v, raw); got != "ana" || err != nil {
		t.Errorf("discovery up again: got %q, %v, want ana", got, err)
	}

	i.setDown(true)
	i.advance(10 * time.Second)
	soon(t, "known key while down", func() error {
		_, err := member(v, raw)
		return err
	})
	next := newKey(t, "next")
	raw = sign(t, jose.ES256, next, i.claims(nil))
	soon(t, "unknown key while down", func() error {
		if got, err := member(v, raw); !errors.Is(err, token.ErrUnavailable) {
			return fmt.Errorf("got %q, %v, want ErrUnavailable", got, err)
		}
		return nil
	})
	i.publish(next)
	i.setDown(false)
	i.advance(10 * time.Second)
	soon(t, "new key once up", func() error {
		_, err := member(v, raw)
		return err
	})
}

// soon repeats a check for up to 5 s: go-oidc shares one fetch of keys among
// callers, and caches the keys shortly after it has returned them.
func soon(t *testing.T, name string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %v", name, err)
			return
		}
		runtime.Gosched()
	}
}

func TestACancelledCallIsUnavailableAndTheNextIsNot(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	ctx, cancel := context.WithCancel(t.Context())
	v := i.verifier(t)
	cancel()
	raw := sign(t, jose.ES256, key, i.claims(nil))
	if _, err := v.Verify(ctx, raw); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("cancelled: got %v, want ErrUnavailable", err)
	}
	if got, err := member(v, raw); got != "ana" || err != nil {
		t.Errorf("afterwards: got %q, %v, want ana", got, err)
	}
}
