// Package iam signs in to ElastiCache with AWS credentials in place of a stored
// password: the password is a token, signed for one user of one cache. Start at
// [New]; Parse reads which cache it is. No error of this package holds a token.
//
// A token opens connections for 15 minutes, and is made anew for each: nothing is
// kept that could expire. ElastiCache closes a connection 12 hours after its token
// was taken. A Lambda environment hardly ever lives that long; where one does, the
// store meets it like any connection that broke, and opens another.
package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Lifetime is how long a token opens connections. AWS allows no more.
const Lifetime = 15 * time.Minute

const service = "elasticache"

// A Signer makes tokens. It is safe for concurrent use.
type Signer struct {
	cache       Cache
	user        string
	region      string
	credentials aws.CredentialsProvider
	signer      *v4.Signer
}

// New returns a signer for a user, whose name must be its id too. Credentials and
// region come from the SDK's default chain, which options may override. New makes no
// request.
func New(ctx context.Context, cache Cache, user string, options ...func(*config.LoadOptions) error) (*Signer, error) {
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("iam: load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("iam: there is no region to sign for: set AWS_REGION")
	}
	return &Signer{cache: cache, user: user, region: cfg.Region, credentials: cfg.Credentials, signer: v4.NewSigner()}, nil
}

// Token returns a password for the user. It asks for credentials only where those
// that it has are about to expire.
func (s *Signer) Token(ctx context.Context) (string, error) {
	credentials, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("iam: get AWS credentials: %w", err)
	}
	query := url.Values{"Action": {"connect"}, "User": {s.user}, "X-Amz-Expires": {strconv.Itoa(int(Lifetime.Seconds()))}}
	if s.cache.Serverless {
		query.Set("ResourceType", "ServerlessCache")
	}
	// The request is signed, and never sent.
	const scheme = "http://"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+s.cache.Name+"/?"+query.Encode(), nil)
	if err != nil {
		return "", errors.New("iam: the cache's name makes no request to sign")
	}
	noBody := sha256.Sum256(nil)
	signed, _, err := s.signer.PresignHTTP(ctx, credentials, request, hex.EncodeToString(noBody[:]), service, s.region, time.Now())
	if err != nil {
		return "", fmt.Errorf("iam: sign: %w", err)
	}
	return strings.TrimPrefix(signed, scheme), nil
}
