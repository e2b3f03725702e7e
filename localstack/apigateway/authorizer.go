package apigateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"waggle/localstack/lambda"
)

// maxAuthorizerResult is the maximum size of an authorizer's result, in bytes.
const maxAuthorizerResult = 8 << 10

// policyResult is an authorizer's result.
type policyResult struct {
	PrincipalID    string `json:"principalId"`
	PolicyDocument struct {
		Statement []statement `json:"Statement"`
	} `json:"policyDocument"`
	Context map[string]any `json:"context"`
}

type statement struct {
	Effect   string
	Action   oneOrMore
	Resource oneOrMore
}

// oneOrMore is a list of a policy document, where a single string may stand for it.
type oneOrMore []string

func (l *oneOrMore) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// authorize invokes the REQUEST authorizer for an upgrade. It returns the context for
// the connection's later events, or the refusal.
func (g *Gateway) authorize(c *client, r *http.Request) (map[string]string, *refusal) {
	rc := g.requestContext(c, connectEvent, "$connect", g.config.Now())
	arn := fmt.Sprintf("arn:aws:execute-api:us-east-1:000000000000:%s/%s/$connect", apiID, g.config.Stage)
	e := event{Type: "REQUEST", MethodARN: arn, RequestContext: rc}
	e.setRequest(r)

	var result policyResult
	var answer []byte
	err := lambda.ErrThrottled
	if g.begin() {
		answer, err = g.invoke(g.config.Authorizer, e)
		g.end()
	}
	if err == nil && len(answer) > maxAuthorizerResult {
		err = fmt.Errorf("authorizer: result of %d bytes, at most %d allowed", len(answer), maxAuthorizerResult)
	}
	if err == nil {
		err = json.Unmarshal(answer, &result)
	}
	var values map[string]string
	if err == nil {
		values, err = result.values()
	}
	var failure *lambda.FunctionError
	switch {
	case errors.As(err, &failure) && failure.Message == "Unauthorized":
		return nil, newRefusal(http.StatusUnauthorized, "Unauthorized", &rc)
	case err != nil:
		g.log.Error("apigateway: authorizer", "connection", c.connectionID, "err", err)
		return nil, newRefusal(http.StatusInternalServerError, "Internal server error", &rc)
	}
	switch result.decide(arn) {
	case "Allow":
		return values, nil
	case "Deny":
		return nil, denial("User is not authorized to access this resource with an explicit deny")
	default:
		return nil, denial("User is not authorized to access this resource")
	}
}

// decide evaluates the policy: a Deny that applies wins; without an Allow that applies
// the effect is "".
func (p *policyResult) decide(arn string) (effect string) {
	for _, s := range p.PolicyDocument.Statement {
		if !s.applies(arn) {
			continue
		}
		if s.Effect == "Deny" {
			return "Deny"
		}
		if s.Effect == "Allow" {
			effect = "Allow"
		}
	}
	return effect
}

// values returns the authorizer's context with all values as strings, as events have
// them. Only scalars are allowed.
func (p *policyResult) values() (map[string]string, error) {
	values := make(map[string]string, len(p.Context)+1)
	for name, value := range p.Context {
		switch value := value.(type) {
		case string:
			values[name] = value
		case bool, float64: // as JSON writes them: 1767225600, not 1.7672256e+09
			text, _ := json.Marshal(value)
			values[name] = string(text)
		default:
			return nil, fmt.Errorf("authorizer: context %q is neither a string, a number nor a boolean", name)
		}
	}
	values["principalId"] = p.PrincipalID
	return values, nil
}

func (s *statement) applies(arn string) bool {
	return matchesAny(s.Action, "execute-api:Invoke", "(?i)") && matchesAny(s.Resource, arn, "")
}

// matchesAny matches a value against patterns with the wildcards of policies, * and ?.
func matchesAny(patterns []string, value, flags string) bool {
	for _, pattern := range patterns {
		expression := regexp.QuoteMeta(pattern)
		expression = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(expression)
		if regexp.MustCompile(flags + "^" + expression + "$").MatchString(value) {
			return true
		}
	}
	return false
}
