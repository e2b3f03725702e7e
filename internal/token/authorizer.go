package token

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// ErrUnauthorized is the very text that API Gateway answers with 401.
var ErrUnauthorized = errors.New("Unauthorized")

// An Authorizer answers API Gateway's question, before $connect, whether a
// client may connect and who it is.
type Authorizer struct {
	verifier *Verifier
	log      *slog.Logger
}

// NewAuthorizer returns an authorizer that logs each refusal, with its reason
// and never with the token.
func NewAuthorizer(verifier *Verifier, log *slog.Logger) *Authorizer {
	return &Authorizer{verifier, log}
}

// Handle allows the connection and attaches the identity to it, or denies it
// (403) where the token will not do. It fails with ErrUnauthorized (401) where
// there is no token, and with ErrUnavailable (500) where the issuer cannot be
// asked.
func (a *Authorizer) Handle(ctx context.Context, event events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	log := a.log.With("request", event.RequestContext.RequestID)
	raw := find(event)
	if raw == "" {
		log.InfoContext(ctx, "authorizer: no token")
		return events.APIGatewayCustomAuthorizerResponse{}, ErrUnauthorized
	}
	identity, err := a.verifier.Verify(ctx, raw)
	switch {
	case errors.Is(err, ErrInvalid):
		log.InfoContext(ctx, "authorizer: denied", "err", err)
		return answer("Deny", "unknown", event.MethodArn), nil
	case err != nil:
		log.ErrorContext(ctx, "authorizer: failed", "err", err)
		return events.APIGatewayCustomAuthorizerResponse{}, err
	}
	response := answer("Allow", identity.Member, event.MethodArn)
	response.Context = identity.Context()
	return response, nil
}

func answer(effect, principal, resource string) events.APIGatewayCustomAuthorizerResponse {
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: principal,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action:   []string{"execute-api:Invoke"},
				Effect:   effect,
				Resource: []string{resource},
			}},
		},
	}
}

// find returns the token of a request, or "": from ?token= or, since a browser
// can set no header of its own on a WebSocket, from a subprotocol that is
// "bearer." and the token.
func find(event events.APIGatewayCustomAuthorizerRequestTypeRequest) string {
	if raw := event.QueryStringParameters["token"]; raw != "" {
		return raw
	}
	for _, raw := range event.MultiValueQueryStringParameters["token"] {
		if raw != "" {
			return raw
		}
	}
	for name, value := range event.Headers {
		if raw := bearer(name, value); raw != "" {
			return raw
		}
	}
	for name, values := range event.MultiValueHeaders {
		for _, value := range values {
			if raw := bearer(name, value); raw != "" {
				return raw
			}
		}
	}
	return ""
}

func bearer(header, value string) string {
	if !strings.EqualFold(header, "Sec-WebSocket-Protocol") {
		return ""
	}
	for offered := range strings.SplitSeq(value, ",") {
		if raw, ok := strings.CutPrefix(strings.TrimSpace(offered), "bearer."); ok {
			return raw
		}
	}
	return ""
}
