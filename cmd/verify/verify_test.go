package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cloud is a fake of the command lines of AWS and the CDK.
type cloud struct {
	ran    []string
	stacks map[string]bool
	pool   bool
	url    string       // of a deployed stack
	during func() error // runs during a deployment
	stuck  int          // how many deletions fail
}

func (c *cloud) run(ctx context.Context, _ io.Writer, name string, args ...string) ([]byte, error) {
	c.ran = append(c.ran, name+" "+strings.Join(args, " "))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	flag := func(name string) string {
		for i, a := range args {
			if a == name {
				return args[i+1]
			}
			if value, ok := strings.CutPrefix(a, name+"="); ok {
				return value
			}
		}
		return ""
	}
	switch strings.Join(args[:min(2, len(args))], " ") {
	case "sts get-caller-identity":
		return []byte(`{"Account":"123456789012"}`), nil
	case "cognito-idp create-user-pool":
		c.pool = true
		return []byte(`{"UserPool":{"Id":"eu-west-1_x"}}`), nil
	case "cognito-idp create-user-pool-client":
		return []byte(`{"UserPoolClient":{"ClientId":"client"}}`), nil
	case "cognito-idp initiate-auth":
		return []byte(`{"AuthenticationResult":{"IdToken":"token"}}`), nil
	case "cognito-idp delete-user-pool":
		c.pool = false
	case "cloudformation describe-stacks":
		if !c.stacks[flag("--stack-name")] {
			return nil, errors.New("it does not exist")
		}
	}
	switch args[0] {
	case "deploy":
		c.stacks[flag("stack")] = true
		if err := c.during(); err != nil {
			return nil, err
		}
		if flag("--outputs-file") == "" {
			return nil, nil
		}
		return nil, os.WriteFile(flag("--outputs-file"), fmt.Appendf(nil, `{%q:{"Url":%q,"ManagementEndpoint":"http://127.0.0.1:1"}}`, flag("stack"), c.url), 0o600)
	case "destroy":
		if c.stuck > 0 {
			c.stuck--
			return nil, errors.New("DELETE_FAILED")
		}
		delete(c.stacks, flag("stack"))
	}
	return nil, nil
}

// After any failure, everything that was made is destroyed, and the report says that the run
// was incomplete.
func TestEverythingIsDestroyedWhateverFails(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	for name, test := range map[string]struct {
		during   func(stop func()) error
		stuck    int
		networks []string
		want     string // of the error
		left     bool
	}{
		"the deployment fails":                  {func(func()) error { return errors.New("CREATE_FAILED") }, 0, []string{"nat"}, "CREATE_FAILED", false},
		"it is interrupted":                     {func(stop func()) error { stop(); return context.Canceled }, 0, []string{"nat"}, "canceled", false},
		"nothing gets through":                  {func(func()) error { return nil }, 0, []string{"public", "ipv6", "nat"}, "in none of public, ipv6, nat", false},
		"a deletion fails twice":                {func(func()) error { return nil }, 2, []string{"nat"}, "in none of nat", false},
		"a deletion fails for good":             {func(func()) error { return nil }, 100, []string{"nat"}, "aws cloudformation delete-stack --region eu-west-1 --stack-name WaggleVerify-nat", true},
		"a deployment and then a deletion fail": {func(func()) error { return errors.New("CREATE_FAILED") }, 1, []string{"ipv6"}, "CREATE_FAILED", false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			c := &cloud{stacks: map[string]bool{}, url: "ws://127.0.0.1:1/prod", stuck: test.stuck, during: func() error { return test.during(stop) }}
			o := options{out: filepath.Join(t.TempDir(), "verified.md"), networks: test.networks, within: time.Hour, now: time.Now, command: c.run}
			var log bytes.Buffer
			err := verify(ctx, o, &log)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
			if got := len(c.stacks) > 0; got != test.left || c.pool {
				t.Errorf("left: stacks %v, pool %v, after\n%s", c.stacks, c.pool, strings.Join(c.ran, "\n"))
			}
			text, err := os.ReadFile(o.out)
			if err != nil {
				t.Fatal(err)
			}
			if complete := !strings.Contains(string(text), "was incomplete"); complete && test.left {
				t.Errorf("the report of a run that left something says that it is complete:\n%s", text)
			}
		})
	}
}

// The complete run, with the local stack in place of AWS.
func TestVerifyWritesItsReport(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	s := local(t)
	c := &cloud{stacks: map[string]bool{}, url: s.url, during: func() error { return nil }}
	run := func(ctx context.Context, log io.Writer, name string, args ...string) ([]byte, error) {
		out, err := c.run(ctx, log, name, args...)
		if len(args) > 1 && args[1] == "initiate-auth" {
			member := 0
			if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "USERNAME=ben,") }) {
				member = 1
			}
			out = fmt.Appendf(nil, `{"AuthenticationResult":{"IdToken":%q}}`, s.tokens[member])
		}
		return out, err
	}
	o := options{out: filepath.Join(t.TempDir(), "verified.md"), networks: []string{"public", "nat"}, within: time.Hour, command: run,
		now: func() time.Time { return time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC) }}
	var log bytes.Buffer
	if err := verify(t.Context(), o, &log); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	text, err := os.ReadFile(o.out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"in eu-west-1 on 2 January 2027", "| `@connections` and the cache are reached, network public | eu-west-1 | 2027-01-02 | holds |",
		"| a binary frame closes with 1003 | eu-west-1 | 2027-01-02 | holds | 1003 |", "| cold starts, and how long functions run when warm | eu-west-1 | 2027-01-02 | differs |",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if !slices.ContainsFunc(c.ran, func(line string) bool {
		return strings.HasPrefix(line, "build/cdk.sh deploy ") && strings.Contains(line, "stack=WaggleVerify-public ") && strings.HasSuffix(line, " -c twoWay=true")
	}) {
		t.Errorf("the stack was not updated to two-way routes:\n%s", strings.Join(c.ran, "\n"))
	}
	for _, secret := range append(s.tokens, "PASSWORD=") {
		if strings.Contains(string(text), secret) || strings.Contains(log.String(), secret) {
			t.Errorf("a secret was written")
		}
	}
	if len(c.stacks) > 0 || c.pool {
		t.Errorf("left: stacks %v, pool %v", c.stacks, c.pool)
	}
}
