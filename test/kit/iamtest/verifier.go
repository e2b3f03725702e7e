// Package iamtest stands for ElastiCache in tests of signing in by IAM: a Verifier checks
// tokens, and a Front passes clients with a valid token on to a real cache. It follows
// AWS's specification of Signature Version 4 and ElastiCache's page on IAM, and shares no
// code with the package that signs.
package iamtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Verifier checks the tokens for one cache.
type Verifier struct {
	Name, Region string // the name in lower case
	Serverless   bool
	// Users are those who may sign in by IAM.
	Users []string
	// Keys are the valid credentials, by access key id.
	Keys map[string]Key
	Now  func() time.Time
}

// Key belongs to an access key id. Session is the token of temporary credentials, or "".
type Key struct{ Secret, Session string }

const (
	algorithm = "AWS4-HMAC-SHA256"
	stamp     = "20060102T150405Z"
	longest   = 15 * time.Minute
	skew      = 5 * time.Minute // how far a signer's clock may be ahead
)

// Verify checks that the token is a password of the user. The error says what is wrong;
// the cache itself would only reply WRONGPASS.
func (v *Verifier) Verify(user, token string) error {
	host, query, ok := strings.Cut(token, "/?")
	values, err := url.ParseQuery(query)
	if !ok || err != nil {
		return errors.New("not a presigned request")
	}
	for name, all := range values {
		if len(all) != 1 {
			return fmt.Errorf("%s is there %d times", name, len(all))
		}
	}
	if !slices.Contains(v.Users, user) {
		return fmt.Errorf("no user %q with IAM", user)
	}
	resource := ""
	if v.Serverless {
		resource = "ServerlessCache"
	}
	for name, want := range map[string]string{
		"Action": "connect", "User": user, "ResourceType": resource,
		"X-Amz-Algorithm": algorithm, "X-Amz-SignedHeaders": "host",
	} {
		if got := values.Get(name); got != want {
			return fmt.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if host != v.Name {
		return fmt.Errorf("for the cache %q, this is %q", host, v.Name)
	}

	date, err := time.Parse(stamp, values.Get("X-Amz-Date"))
	if err != nil {
		return errors.New("no time in X-Amz-Date")
	}
	seconds, err := strconv.Atoi(values.Get("X-Amz-Expires"))
	valid := time.Duration(seconds) * time.Second
	switch now := v.Now(); {
	case err != nil || valid <= 0 || valid > longest:
		return errors.New("X-Amz-Expires is not 1 to 900")
	case now.After(date.Add(valid)):
		return errors.New("expired")
	case now.Before(date.Add(-skew)):
		return errors.New("not valid yet")
	}

	id, scope, _ := strings.Cut(values.Get("X-Amz-Credential"), "/")
	if want := date.Format("20060102") + "/" + v.Region + "/elasticache/aws4_request"; scope != want {
		return fmt.Errorf("scope: got %q, want %q", scope, want)
	}
	key, ok := v.Keys[id]
	if !ok || key.Session != values.Get("X-Amz-Security-Token") {
		return errors.New("AWS has given out no such credentials")
	}
	signature := values.Get("X-Amz-Signature")
	values.Del("X-Amz-Signature")
	want := request{host: host, path: "/", query: values, payload: hexSHA256("")}.signature(key.Secret, scope, date)
	if !hmac.Equal([]byte(signature), []byte(want)) {
		return errors.New("the signature is not of these credentials")
	}
	return nil
}

// request is a GET whose only signed header is host.
type request struct {
	host, path string
	query      url.Values
	payload    string // its hash
}

func (r request) signature(secret, scope string, at time.Time) string {
	canonical := strings.Join([]string{"GET", r.path, canonicalQuery(r.query), "host:" + r.host, "", "host", r.payload}, "\n")
	toSign := strings.Join([]string{algorithm, at.Format(stamp), scope, hexSHA256(canonical)}, "\n")
	return hex.EncodeToString(hmacSHA256(signingKey(secret, scope), toSign))
}

// signingKey derives a key from the secret and the date, region, service and kind of scope.
func signingKey(secret, scope string) []byte {
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSHA256(key, part)
	}
	return key
}

// canonicalQuery encodes names and values as RFC 3986 says, and sorts the pairs.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		for _, value := range values {
			pairs = append(pairs, encode(name)+"="+encode(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func encode(text string) string {
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
	var b strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(unreserved, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
