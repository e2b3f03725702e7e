package signin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"waggle/internal/store/signin"
	"waggle/test/kit/iamtest"
)

// temporary are credentials that expire, with another secret and session each time.
type temporary struct {
	retrieved int
	lasts     time.Duration
}

func (c *temporary) Retrieve(context.Context) (aws.Credentials, error) {
	c.retrieved++
	return aws.Credentials{AccessKeyID: fmt.Sprintf("ASIA%d", c.retrieved), SecretAccessKey: fmt.Sprintf("secret/%d+", c.retrieved),
		SessionToken: fmt.Sprintf("session/%d+==", c.retrieved), CanExpire: true, Expires: time.Now().Add(c.lasts)}, nil
}

func keys(n int) map[string]iamtest.Key {
	all := map[string]iamtest.Key{}
	for i := range n {
		all[fmt.Sprintf("ASIA%d", i+1)] = iamtest.Key{Secret: fmt.Sprintf("secret/%d+", i+1), Session: fmt.Sprintf("session/%d+==", i+1)}
	}
	return all
}

func newSigner(t *testing.T, cache signin.Cache, user string, credentials aws.CredentialsProvider) *signin.Signer {
	t.Helper()
	s, err := signin.New(cache, user, "eu-west-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func verifier(serverless bool) *iamtest.Verifier {
	return &iamtest.Verifier{Name: "waggle", Region: "eu-west-1", Serverless: serverless, Users: []string{"waggle-functions", "other"},
		Keys: keys(1), Now: time.Now}
}

func TestATokenIsAccepted(t *testing.T) {
	for name, test := range map[string]struct {
		cache signin.Cache
		user  string
		keys  map[string]iamtest.Key
		from  aws.CredentialsProvider
	}{
		"of a cluster":          {signin.Cache{Name: "waggle"}, "waggle-functions", keys(1), &temporary{lasts: time.Hour}},
		"of a serverless cache": {signin.Cache{Name: "waggle", Serverless: true}, "waggle-functions", keys(1), &temporary{lasts: time.Hour}},
		"with permanent credentials": {signin.Cache{Name: "waggle"}, "waggle-functions", map[string]iamtest.Key{"AKIA": {Secret: "s"}},
			aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "s"}, nil
			})},
	} {
		v := verifier(test.cache.Serverless)
		v.Keys = test.keys
		token, err := newSigner(t, test.cache, test.user, test.from).Token(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if err := v.Verify(test.user, token); err != nil || strings.Contains(token, "://") {
			t.Errorf("%s: %v; %s", name, err, token)
		}
	}
}

func TestATokenIsForOneUserOfOneCache(t *testing.T) {
	const user = "waggle-functions"
	token, err := newSigner(t, signin.Cache{Name: "waggle", Serverless: true}, user, &temporary{lasts: time.Hour}).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*iamtest.Verifier)
		user   string
		token  string
		want   string
	}{
		"expired":            {change: func(v *iamtest.Verifier) { v.Now = ahead(signin.Lifetime + time.Second) }, want: "expired"},
		"signed later":       {change: func(v *iamtest.Verifier) { v.Now = ahead(-10 * time.Minute) }, want: "not valid yet"},
		"another user":       {user: "other", want: "User"},
		"an unknown user":    {user: "nobody", want: "no user"},
		"another cache":      {change: func(v *iamtest.Verifier) { v.Name = "wiggle" }, want: "for the cache"},
		"the other kind":     {change: func(v *iamtest.Verifier) { v.Serverless = false }, want: "ResourceType"},
		"another region":     {change: func(v *iamtest.Verifier) { v.Region = "us-east-1" }, want: "scope"},
		"another secret":     {change: func(v *iamtest.Verifier) { v.Keys["ASIA1"] = iamtest.Key{Secret: "x", Session: "session/1+=="} }, want: "signature"},
		"another session":    {change: func(v *iamtest.Verifier) { v.Keys["ASIA1"] = iamtest.Key{Secret: "secret/1+"} }, want: "credentials"},
		"its name changed":   {change: func(v *iamtest.Verifier) { v.Name = "wiggle" }, token: strings.Replace(token, "waggle/", "wiggle/", 1), want: "signature"},
		"its user changed":   {user: "other", token: strings.Replace(token, "User="+user, "User=other", 1), want: "signature"},
		"its expiry changed": {token: strings.Replace(token, "Expires=900", "Expires=899", 1), want: "signature"},
	} {
		v := verifier(true)
		if test.change != nil {
			test.change(v)
		}
		if test.user == "" {
			test.user = user
		}
		if test.token == "" {
			test.token = token
		}
		if err := v.Verify(test.user, test.token); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.want)
		}
	}
	nearExpiry := verifier(true)
	nearExpiry.Now = ahead(signin.Lifetime - 5*time.Second)
	if err := nearExpiry.Verify(user, token); err != nil {
		t.Errorf("just before it expires: %v", err)
	}
}

func ahead(d time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(d) }
}

func TestCredentialsAreKeptUntilTheyExpire(t *testing.T) {
	for name, test := range map[string]struct {
		lasts time.Duration
		want  int
	}{"an hour": {time.Hour, 1}, "no time at all": {-time.Second, 3}} {
		c := &temporary{lasts: test.lasts}
		s := newSigner(t, signin.Cache{Name: "waggle"}, "waggle-functions", c)
		v := verifier(false)
		v.Keys = keys(3)
		for range 3 {
			token, err := s.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify("waggle-functions", token); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if c.retrieved != test.want {
			t.Errorf("%s: retrieved credentials %d times, want %d", name, c.retrieved, test.want)
		}
	}
}

func TestWithoutARegionNothingIsSigned(t *testing.T) {
	_, err := signin.New(signin.Cache{Name: "waggle"}, "u", "", &temporary{})
	if err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("got %v, want an error that names AWS_REGION", err)
	}
}
