package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"waggle/internal/token"
)

// now is the time in all tests.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// issuer is an OIDC issuer with keys and faults that the test sets.
type issuer struct {
	*httptest.Server
	mu          sync.Mutex
	keys        []jose.JSONWebKey
	down        bool
	discoveries int
	keyFetches  int
	ahead       time.Duration // of now
	hold        chan struct{} // if set, keys are sent once it is closed
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	answer := func(w http.ResponseWriter, body any) {
		if i.down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.discoveries++
		answer(w, map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.keyFetches++
		if hold := i.hold; hold != nil {
			i.mu.Unlock()
			<-hold
			i.mu.Lock()
		}
		answer(w, jose.JSONWebKeySet{Keys: i.keys})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

// publish replaces the issuer's keys.
func (i *issuer) publish(keys ...jose.JSONWebKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for _, key := range keys {
		i.keys = append(i.keys, key.Public())
	}
}

func (i *issuer) setDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *issuer) asked() (discoveries, keyFetches int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.discoveries, i.keyFetches
}

// verifier of the issuer's tokens for audience "waggle".
func (i *issuer) verifier(t *testing.T) *token.Verifier {
	return token.NewVerifier(token.Config{Issuer: i.URL, Audience: "waggle", Now: i.now})
}

// now is the time of the issuer's verifiers. It moves only by advance.
func (i *issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return now.Add(i.ahead)
}

func (i *issuer) advance(by time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ahead += by
}

func clock() time.Time { return now }

// claims returns valid claims with some of them changed; nil leaves one out.
func (i *issuer) claims(change map[string]any) map[string]any {
	claims := map[string]any{"sub": "ana", "iss": i.URL, "aud": "waggle", "exp": now.Add(time.Hour).Unix()}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

func newKey(t *testing.T, id string) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return signText(t, algorithm, key, payload)
}

func signText(t *testing.T, algorithm jose.SignatureAlgorithm, key any, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, nil)
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

// member returns the member of a token, or the error.
func member(v *token.Verifier, raw string) (string, error) {
	identity, err := v.Verify(context.Background(), raw)
	return identity.Member, err
}
