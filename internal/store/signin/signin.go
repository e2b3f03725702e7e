// Package signin signs in to ElastiCache with AWS credentials in place of a stored
// password: the password is a token, signed for one user of one cache. Start at
// [New]; [Parse] reads which cache it is. No error of this package holds a token.
//
// A token opens connections for 15 minutes. Each connection gets a new one, so no token
// is stored that could expire. ElastiCache closes a connection 12 hours after it signed
// in. Few Lambda environments live that long; if one does, the store opens another
// connection, as it does after any failed one.
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
)

// Lifetime is how long a token opens connections, the longest that AWS allows.
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

// New returns a signer for a user, whose id must be the same as its name. It is an error if
// there is no region. New makes no request.
func New(cache Cache, user, region string, credentials aws.CredentialsProvider) (*Signer, error) {
	if region == "" {
		return nil, errors.New("sign in by IAM: there is no region: set AWS_REGION")
	}
	return &Signer{cache: cache, user: user, region: region, credentials: aws.NewCredentialsCache(credentials), signer: v4.NewSigner()}, nil
}

// Token returns a password for the user. It requests new credentials only if those that
// it has are about to expire.
func (s *Signer) Token(ctx context.Context) (string, error) {
	credentials, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return "", fmt.Errorf("sign in by IAM: get AWS credentials: %w", err)
	}
	query := url.Values{"Action": {"connect"}, "User": {s.user}, "X-Amz-Expires": {strconv.Itoa(int(Lifetime.Seconds()))}}
	if s.cache.Serverless {
		query.Set("ResourceType", "ServerlessCache")
	}
	// The request is signed, and never sent.
	const scheme = "http://"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+s.cache.Name+"/?"+query.Encode(), nil)
	if err != nil {
		return "", errors.New("sign in by IAM: the cache's name does not fit into a URL")
	}
	noBody := sha256.Sum256(nil)
	signed, _, err := s.signer.PresignHTTP(ctx, credentials, request, hex.EncodeToString(noBody[:]), service, s.region, time.Now())
	if err != nil {
		return "", fmt.Errorf("sign in by IAM: sign: %w", err)
	}
	return strings.TrimPrefix(signed, scheme), nil
}
