package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"waggle/internal/token"
	"waggle/internal/topology"
)

type request = events.APIGatewayCustomAuthorizerRequestTypeRequest

const arn = "arn:aws:execute-api:eu-west-1:123456789012:api/prod/$connect"

func TestTheAuthorizerFindsTheToken(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	authorizer := token.NewAuthorizer(i.verifier(t), slog.New(slog.DiscardHandler))
	raw := sign(t, jose.ES256, key, i.claims(nil))
	for name, event := range map[string]request{
		"query":               {QueryStringParameters: map[string]string{"token": raw}},
		"multi-value query":   {MultiValueQueryStringParameters: map[string][]string{"token": {raw}}},
		"subprotocol":         {Headers: map[string]string{"Sec-WebSocket-Protocol": "waggle.v1, bearer." + raw}},
		"lower case":          {Headers: map[string]string{"sec-websocket-protocol": "bearer." + raw + ",waggle.v1"}},
		"multi-value headers": {MultiValueHeaders: map[string][]string{"SEC-WEBSOCKET-PROTOCOL": {"waggle.v1", "bearer." + raw}}},
		"empty query":         {QueryStringParameters: map[string]string{"token": ""}, Headers: map[string]string{"Sec-WebSocket-Protocol": "bearer." + raw}},
	} {
		event.MethodArn = arn
		got, err := authorizer.Handle(t.Context(), event)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(policy("Allow"), got.PolicyDocument); diff != "" || got.PrincipalID != "ana" {
			t.Errorf("%s: got principal %q, policy (-want +got):\n%s", name, got.PrincipalID, diff)
		}
		if identity, err := token.FromContext(got.Context); err != nil || identity.Member != "ana" {
			t.Errorf("%s: got identity %+v, %v", name, identity, err)
		}
	}
}

func TestAFloodOfBadTokensIsLoggedInFewLines(t *testing.T) {
	i := newIssuer(t)
	i.publish(newKey(t, "k"))
	var log bytes.Buffer
	authorizer := token.NewAuthorizer(i.verifier(t), slog.New(slog.NewTextHandler(&log, nil)))
	for range 100 {
		for _, raw := range []string{"", "nonsense"} {
			_, _ = authorizer.Handle(t.Context(), request{MethodArn: arn, QueryStringParameters: map[string]string{"token": raw}})
		}
	}
	if got := strings.Count(log.String(), "\n"); got < 2 || got > 40 {
		t.Errorf("got %d lines for 200 refusals", got)
	}
}

func TestAConnectionWithoutATokenIsUnauthorized(t *testing.T) {
	i := newIssuer(t)
	authorizer := token.NewAuthorizer(i.verifier(t), slog.New(slog.DiscardHandler))
	for name, event := range map[string]request{
		"nothing":          {},
		"empty":            {QueryStringParameters: map[string]string{"token": ""}},
		"only subprotocol": {Headers: map[string]string{"Sec-WebSocket-Protocol": "waggle.v1"}},
		"empty bearer":     {Headers: map[string]string{"Sec-WebSocket-Protocol": "waggle.v1, bearer."}},
		"other header":     {Headers: map[string]string{"Authorization": "bearer.x"}},
	} {
		// API Gateway answers 401 to this text and to no other.
		if _, err := authorizer.Handle(t.Context(), event); !errors.Is(err, token.ErrUnauthorized) || err.Error() != "Unauthorized" {
			t.Errorf("%s: got %v, want Unauthorized", name, err)
		}
	}
	if discoveries, _ := i.asked(); discoveries != 0 {
		t.Errorf("got %d discoveries, want 0", discoveries)
	}
}

func TestTheAuthorizerNeverLogsTheToken(t *testing.T) {
	i := newIssuer(t)
	key := newKey(t, "k")
	i.publish(key)
	var log bytes.Buffer
	authorizer := token.NewAuthorizer(i.verifier(t), slog.New(slog.NewJSONHandler(&log, nil)))
	raw := sign(t, jose.ES256, key, i.claims(map[string]any{"pool": "BAD"}))
	event := request{MethodArn: arn, QueryStringParameters: map[string]string{"token": raw}}
	event.RequestContext.RequestID = "request-1"

	i.setDown(true)
	if got, err := authorizer.Handle(t.Context(), event); !errors.Is(err, token.ErrUnavailable) || strings.Contains(err.Error(), raw) {
		t.Errorf("issuer down: got %+v, %v, want ErrUnavailable", got, err)
	}
	i.setDown(false)
	i.advance(time.Second)
	got, err := authorizer.Handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(policy("Deny"), got.PolicyDocument); diff != "" || got.Context != nil {
		t.Errorf("bad pool: got context %v, policy (-want +got):\n%s", got.Context, diff)
	}

	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("got %d log lines, want one for each call:\n%s", len(lines), log.String())
	}
	for n, want := range []string{"issuer unavailable", "the pool must be"} {
		var line struct{ Request, Err string }
		if err := json.Unmarshal([]byte(lines[n]), &line); err != nil {
			t.Fatal(err)
		}
		if line.Request != "request-1" || !strings.Contains(line.Err, want) {
			t.Errorf("got log line %s, want request-1 and %q", lines[n], want)
		}
	}
	for _, part := range strings.Split(raw, ".") {
		if strings.Contains(log.String(), part) {
			t.Errorf("the log holds a part of the token:\n%s", log.String())
		}
	}
}

func policy(effect string) events.APIGatewayCustomAuthorizerPolicy {
	return events.APIGatewayCustomAuthorizerPolicy{
		Version:   "2012-10-17",
		Statement: []events.IAMPolicyStatement{{Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: []string{arn}}},
	}
}

func TestConfigFromEnvReadsEveryVariable(t *testing.T) {
	var asked []string
	config, err := token.ConfigFromEnv(func(name string) (string, bool) {
		asked = append(asked, name)
		return "value of " + name, true
	})
	if err != nil {
		t.Fatal(err)
	}
	want := token.Config{
		Issuer: "value of WAGGLE_ISSUER", Audience: "value of WAGGLE_AUDIENCE", AudienceClaim: "value of WAGGLE_AUDIENCE_CLAIM",
		PoolClaim: "value of WAGGLE_POOL_CLAIM", RolesClaim: "value of WAGGLE_ROLES_CLAIM",
		TagsClaim: "value of WAGGLE_TAGS_CLAIM", CardClaim: "value of WAGGLE_CARD_CLAIM",
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, f := range topology.Functions() {
		if diff := cmp.Diff(slices.Sorted(slices.Values(f.Env)), slices.Sorted(slices.Values(asked))); f.Authorizer && diff != "" {
			t.Errorf("variables (-want those that the function gets, +got):\n%s", diff)
		}
	}
	for _, missing := range []string{topology.Issuer, topology.Audience} {
		_, err := token.ConfigFromEnv(func(name string) (string, bool) {
			if name == missing {
				return "", false
			}
			return name, true
		})
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: got %v, want an error that names it", missing, err)
		}
	}
}

func TestOddVariablesOfTheAuthorizerAreNamed(t *testing.T) {
	for name, test := range map[string]struct{ variable, value, want string }{
		"a blank":                      {topology.Issuer, "https://issuer.example ", "WAGGLE_ISSUER: it begins or ends with a blank"},
		"quotes":                       {topology.Audience, `"waggle"`, "WAGGLE_AUDIENCE: it begins or ends with a blank, a line end, a quote"},
		"a line end":                   {topology.PoolClaim, "pool\r", "WAGGLE_POOL_CLAIM: it begins or ends"},
		"a byte order mark":            {topology.Issuer, "\ufeffhttps://issuer.example", "a byte order mark"},
		"one claim for two":            {topology.PoolClaim, "custom:tags", `WAGGLE_POOL_CLAIM and WAGGLE_TAGS_CLAIM name the same claim, "custom:tags"`},
		"the default of another claim": {topology.PoolClaim, "roles", `WAGGLE_POOL_CLAIM and WAGGLE_ROLES_CLAIM name the same claim, "roles"`},
	} {
		env := map[string]string{topology.Issuer: "https://issuer.example", topology.Audience: "waggle", topology.TagsClaim: "custom:tags"}
		env[test.variable] = test.value
		_, err := token.ConfigFromEnv(func(name string) (string, bool) { value, ok := env[name]; return value, ok })
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}
