package token

import (
	"cmp"
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

// The two kinds of errors of Verify. An error's text names the reason, for the log.
var (
	// ErrInvalid is about the token. It will never be accepted, with one exception: its key
	// is so new that the verifier has not seen it (see NewVerifier).
	ErrInvalid = errors.New("token refused")
	// ErrUnavailable is about the issuer, which could not be reached: the same token
	// may be accepted later.
	ErrUnavailable = errors.New("issuer unavailable")
)

// maxToken is the longest token in bytes. API Gateway takes no longer headers
// either.
const maxToken = 8 << 10

// Config says whose tokens are accepted and where in them the claims are.
type Config struct {
	// Issuer is the OIDC issuer's URL, exactly as in the tokens' iss.
	Issuer string
	// Audience must be the value of AudienceClaim, or one of its values.
	Audience string
	// AudienceClaim is "aud" by default. Cognito's access tokens have
	// "client_id" instead.
	AudienceClaim string
	// PoolClaim, RolesClaim, TagsClaim and CardClaim are "pool", "roles",
	// "tags" and "card" by default.
	PoolClaim, RolesClaim, TagsClaim, CardClaim string
	// HTTPClient is for requests to the issuer; the default one times out after 5 s.
	HTTPClient *http.Client
	// Now is time.Now by default.
	Now func() time.Time
}

// A Verifier checks tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	config    Config
	names     claimNames
	keyClient *http.Client    // fetches the keys
	discovery chan discovered // one slot: the goroutine that has its value discovers
}

// discovered has the issuer's keys; nil before the first successful discovery.
type discovered struct{ keys oidc.KeySet }

// NewVerifier returns a verifier. It makes no request: the first Verify does,
// so that the issuer may start later. The verifier caches what it discovers. It fetches
// the keys anew when none of them fits a token, at most once in ten seconds: so forged
// tokens do not become requests to the issuer, and a new key is found within ten seconds.
// Until the issuer has answered, it is asked at most once a second. Callers at the same
// time share a fetch.
func NewVerifier(config Config) *Verifier {
	config.AudienceClaim = cmp.Or(config.AudienceClaim, "aud")
	if config.HTTPClient == nil {
		config.HTTPClient = &http.Client{Timeout: 5 * time.Second}
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	v := &Verifier{
		config:    config,
		names:     claimNamesOf(config),
		keyClient: throttle(config.HTTPClient, betweenFetches, config.Now),
		discovery: make(chan discovered, 1),
	}
	v.config.HTTPClient = throttle(config.HTTPClient, betweenFailures, config.Now)
	v.discovery <- discovered{}
	return v
}

// claimNamesOf returns the names of the claims, with the defaults for those not set.
func claimNamesOf(config Config) claimNames {
	return claimNames{
		pool:  cmp.Or(config.PoolClaim, "pool"),
		roles: cmp.Or(config.RolesClaim, "roles"),
		tags:  cmp.Or(config.TagsClaim, "tags"),
		card:  cmp.Or(config.CardClaim, "card"),
	}
}

// prepare fetches the issuer's keys, so that the first Verify need not.
func (v *Verifier) prepare(ctx context.Context) error {
	keys, err := v.keys(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	// A key set fetches only when it is to check a signature, so it gets one that fits no key.
	const unsigned = "eyJhbGciOiJFUzI1NiJ9.e30.AA" // {"alg":"ES256"}, {}, one zero byte
	check := &observed{KeySet: keys}
	if _, _ = check.VerifySignature(ctx, unsigned); check.unavailable != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, check.unavailable)
	}
	return nil
}

// Verify returns the identity in a token. It checks the signature (RS256, ES256 or
// EdDSA), the issuer, the audience, the expiry and the bounds of the claims. An
// error wraps ErrInvalid or ErrUnavailable.
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

// compact reports whether raw looks like a JWT. The parser alone would accept
// other serializations of a signature too.
func compact(raw string) bool {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
	return len(raw) <= maxToken && strings.Count(raw, ".") == 2 && strings.Trim(raw, alphabet) == ""
}

// keys returns the issuer's keys, found by discovery. A failed discovery is not
// cached: the first call a second later retries.
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
	known.keys = oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), v.keyClient), metadata.Keys)
	return known.keys, nil
}

// observed is a key set that records the result of one check of a signature. The
// errors of go-oidc differ between a forged token and an unreachable issuer in
// their text alone.
type observed struct {
	oidc.KeySet
	asked, verified bool
	unavailable     error
}

// VerifySignature implements oidc.KeySet. An error that wraps another is one of
// fetching the keys.
func (o *observed) VerifySignature(ctx context.Context, raw string) ([]byte, error) {
	o.asked = true
	payload, err := o.KeySet.VerifySignature(ctx, raw)
	if errors.Is(err, errFresh) { // the keys may have come since the set looked at those it had
		payload, err = o.KeySet.VerifySignature(ctx, raw)
	}
	o.verified = err == nil
	if !errors.Is(err, errFresh) {
		o.unavailable = errors.Unwrap(err)
	}
	return payload, err
}

// read takes the claims from a verified token. Unlike those of go-oidc, its names
// are case-sensitive: "Sub" is not "sub".
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
