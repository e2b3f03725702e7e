package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// What Verify's errors are. An error's text names the reason, for the log.
var (
	// ErrInvalid: the token will never do.
	ErrInvalid = errors.New("token refused")
	// ErrUnavailable: the issuer could not be asked; the same token may do later.
	ErrUnavailable = errors.New("issuer unavailable")
)

// maxToken bounds a token's length in bytes; API Gateway takes no longer
// headers either.
const maxToken = 8 << 10

// Config says whose tokens are accepted and where in them the claims are.
type Config struct {
	// Issuer is the OIDC issuer's URL, exactly as in the tokens' iss.
	Issuer string
	// Audience must be (among) what AudienceClaim holds.
	Audience string
	// AudienceClaim is "aud" by default. Cognito's access tokens have
	// "client_id" instead.
	AudienceClaim string
	// PoolClaim, RolesClaim, TagsClaim and CardClaim are "pool", "roles",
	// "tags" and "card" by default.
	PoolClaim, RolesClaim, TagsClaim, CardClaim string
	// HTTPClient asks the issuer; the default one gives up after 5 s.
	HTTPClient *http.Client
	// Now is time.Now by default.
	Now func() time.Time
}

// A Verifier checks tokens of one issuer. It may be used concurrently.
type Verifier struct {
	config    Config
	names     claimNames
	ctx       context.Context // carries the HTTP client, as go-oidc wants it
	discovery chan discovered // one slot: whoever holds it discovers
}

// discovered is what is known of the issuer: nothing before the first success.
type discovered struct{ keys oidc.KeySet }

// NewVerifier returns a verifier. The issuer is asked at the first Verify, so
// that it may start later than its users; what it says is kept, its keys until
// a token names one that is not among them.
func NewVerifier(ctx context.Context, config Config) *Verifier {
	config.AudienceClaim = or(config.AudienceClaim, "aud")
	if config.HTTPClient == nil {
		config.HTTPClient = &http.Client{Timeout: 5 * time.Second}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	v := &Verifier{
		config: config,
		names: claimNames{
			pool:  or(config.PoolClaim, "pool"),
			roles: or(config.RolesClaim, "roles"),
			tags:  or(config.TagsClaim, "tags"),
			card:  or(config.CardClaim, "card"),
		},
		ctx:       oidc.ClientContext(context.WithoutCancel(ctx), config.HTTPClient),
		discovery: make(chan discovered, 1),
	}
	v.discovery <- discovered{}
	return v
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// Verify returns whose token this is. Its signature (RS256, ES256 or EdDSA),
// issuer, audience and expiry are checked, and that its claims are in bounds.
// An error is ErrInvalid or ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, raw string) (Identity, error) {
	if !compact(raw) {
		return Identity{}, fmt.Errorf("%w: not a JWT", ErrInvalid)
	}
	remote, err := v.keys(ctx)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}

	keys := &observed{KeySet: remote}
	verified, err := oidc.NewVerifier(v.config.Issuer, keys, &oidc.Config{
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256, oidc.EdDSA},
		SkipClientIDCheck:    true, // the claim's name is configurable: see read
		Now:                  v.config.Now,
	}).Verify(ctx, raw)
	var expired *oidc.TokenExpiredError
	switch {
	case keys.unavailable != nil:
		return Identity{}, fmt.Errorf("%w: %w", ErrUnavailable, keys.unavailable)
	case !keys.asked:
		return Identity{}, fmt.Errorf("%w: not a JWT signed with RS256, ES256 or EdDSA", ErrInvalid)
	case !keys.verified:
		return Identity{}, fmt.Errorf("%w: the signature is not the issuer's", ErrInvalid)
	case errors.As(err, &expired):
		return Identity{}, fmt.Errorf("%w: expired", ErrInvalid)
	case err != nil:
		return Identity{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}

	identity, err := v.read(verified)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return identity, nil
}

// compact tells whether raw looks like a JWT: the parser would take other
// forms of a signature as well.
func compact(raw string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	return len(raw) <= maxToken && strings.Count(raw, ".") == 2 && strings.Trim(raw, alphabet) == ""
}

// keys returns the issuer's keys, found by discovery. A failed discovery is not
// kept: the next call tries again.
func (v *Verifier) keys(ctx context.Context) (oidc.KeySet, error) {
	var known discovered
	select {
	case known = <-v.discovery:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { v.discovery <- known }()
	if known.keys != nil {
		return known.keys, nil
	}

	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, v.config.HTTPClient), v.config.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var metadata struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	if metadata.Keys == "" {
		return nil, errors.New("discovery: the issuer names no jwks_uri")
	}
	known.keys = oidc.NewRemoteKeySet(v.ctx, metadata.Keys)
	return known.keys, nil
}

// observed is a key set that remembers how one check of a signature went, since
// go-oidc tells a forged token and an unreachable issuer apart in words only.
type observed struct {
	oidc.KeySet
	asked, verified bool
	unavailable     error
}

// VerifySignature implements oidc.KeySet. Only the fetching of keys has an
// error to wrap.
func (o *observed) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	o.asked = true
	payload, err := o.KeySet.VerifySignature(ctx, raw)
	o.verified = err == nil
	o.unavailable = errors.Unwrap(err)
	return payload, err
}

// read takes the claims from a verified token. Unlike go-oidc it minds their
// case: "Sub" is not "sub".
func (v *Verifier) read(verified *oidc.IDToken) (Identity, error) {
	var claims map[string]json.RawMessage
	if err := verified.Claims(&claims); err != nil {
		return Identity{}, errors.New("the claims are not a JSON object")
	}
	if issuer, ok := asText(claims["iss"]); !ok || issuer != v.config.Issuer {
		return Identity{}, errors.New("of another issuer")
	}
	if !slices.Contains(audiences(claims[v.config.AudienceClaim]), v.config.Audience) || v.config.Audience == "" {
		return Identity{}, fmt.Errorf("for another audience, by its claim %q", v.config.AudienceClaim)
	}

	var expires float64 // seconds, and zero where the claim is missing
	if err := json.Unmarshal(claims["exp"], &expires); err != nil || expires > 1<<40 {
		return Identity{}, errors.New("no time in exp")
	}
	identity := Identity{Expires: time.UnixMilli(int64(math.Floor(expires * 1000)))}
	if !v.config.Now().Before(identity.Expires) {
		return Identity{}, errors.New("expired")
	}

	identity.Member, _ = asText(claims["sub"])
	if err := checkMember(identity.Member); err != nil {
		return Identity{}, err
	}
	if err := identity.read(claims, v.names); err != nil {
		return Identity{}, err
	}
	return identity, nil
}

// audiences reads one string or an array of them.
func audiences(raw json.RawMessage) []string {
	if one, ok := asText(raw); ok {
		return []string{one}
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil
	}
	return many
}
