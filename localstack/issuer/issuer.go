// Package issuer is an OpenID Connect issuer for one machine. It signs a token for
// anyone who requests one, so that members can connect without an account. Start at
// [New]. Its key lives as long as the process.
//
// It must not be reachable from other machines: /token authenticates nobody.
package issuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha256" // for crypto.SHA256
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// DefaultTTL is how long a token lasts by default.
const DefaultTTL = 2 * time.Hour

// The paths of the handlers, below the issuer's URL.
const (
	DiscoveryPath = "/.well-known/openid-configuration"
	KeysPath      = "/.well-known/jwks.json"
	TokenPath     = "/token"
)

// Issuer signs tokens with ES256. It is safe for concurrent use.
type Issuer struct {
	url, audience string
	signer        jose.Signer
	keys          jose.JSONWebKeySet
}

// New returns an issuer with a new key. The url, such as
// http://127.0.0.1:8080, becomes the claim iss, under which clients find the
// discovery document; the audience becomes the claim aud.
func New(url, audience string) (*Issuer, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("issuer: generate key: %w", err)
	}
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(jose.ES256), Use: "sig"}
	// The id is derived from the key, so that verifiers that cached the key of an earlier
	// run notice the new one.
	if public.KeyID, err = keyID(public); err != nil {
		return nil, fmt.Errorf("issuer: key id: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: public.KeyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("issuer: new signer: %w", err)
	}
	return &Issuer{
		url:      strings.TrimSuffix(url, "/"),
		audience: audience,
		signer:   signer,
		keys:     jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}},
	}, nil
}

// Sign returns a compact JWT of the claims. It adds iss, aud, iat (now) and exp (now +
// [DefaultTTL]) unless the claims have them.
func (i *Issuer) Sign(claims map[string]any) (string, error) {
	now := time.Now()
	all := map[string]any{
		"iss": i.url,
		"aud": i.audience,
		"iat": now.Unix(),
		"exp": now.Add(DefaultTTL).Unix(),
	}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("issuer: marshal claims: %w", err)
	}
	signature, err := i.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("issuer: sign: %w", err)
	}
	return signature.CompactSerialize()
}

// ServeDiscovery serves /.well-known/openid-configuration.
func (i *Issuer) ServeDiscovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"issuer":                                i.url,
		"jwks_uri":                              i.url + KeysPath,
		"token_endpoint":                        i.url + TokenPath,
		"response_types_supported":              []string{"token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(jose.ES256)},
	})
}

// ServeKeys serves /.well-known/jwks.json.
func (i *Issuer) ServeKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, i.keys)
}

func keyID(key jose.JSONWebKey) (string, error) {
	// RFC 7638.
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(thumbprint), nil
}

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // fails if the client has disconnected
}
