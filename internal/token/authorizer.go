package token

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/boundedlog"
)

// ErrUnauthorized has the exact text that API Gateway turns into 401.
var ErrUnauthorized = errors.New("Unauthorized")

// An Authorizer decides for API Gateway, before $connect, whether a client may
// connect and as which member.
type Authorizer struct {
	verifier *Verifier
	log      *slog.Logger
}

// NewAuthorizer returns an authorizer that logs refusals, at a bounded rate, with
// their reason and never with the token.
func NewAuthorizer(verifier *Verifier, log *slog.Logger) *Authorizer {
	return &Authorizer{verifier, boundedlog.New(log, time.Now)}
}

// Prepare fetches the issuer's keys while the function starts, for at most two seconds. If
// that fails, it logs why, and Handle fetches them.
func (a *Authorizer) Prepare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := a.verifier.prepare(ctx); err != nil {
		a.log.WarnContext(ctx, "authorizer: prepare", "err", err)
	}
}

// Handle allows the connection and attaches the identity to it, or denies it
// (403) if the token is invalid. It fails with ErrUnauthorized (401) if there is
// no token, and with ErrUnavailable (500) if the issuer cannot be reached.
func (a *Authorizer) Handle(ctx context.Context, event events.APIGatewayCustomAuthorizerRequestTypeRequest) (events.APIGatewayCustomAuthorizerResponse, error) {
	log := a.log.With("request", event.RequestContext.RequestID)
	raw := tokenOf(event)
	if raw == "" {
		log.InfoContext(ctx, "authorizer: no token")
		return events.APIGatewayCustomAuthorizerResponse{}, ErrUnauthorized
	}
	identity, err := a.verifier.Verify(ctx, raw)
	switch {
	case errors.Is(err, ErrInvalid):
		log.InfoContext(ctx, "authorizer: denied", "err", err)
		return policy("Deny", "unknown", event.MethodArn), nil
	case err != nil:
		log.ErrorContext(ctx, "authorizer: failed", "err", err)
		return events.APIGatewayCustomAuthorizerResponse{}, err
	}
	response := policy("Allow", identity.Member, event.MethodArn)
	response.Context = identity.Context()
	return response, nil
}

func policy(effect, principal, resource string) events.APIGatewayCustomAuthorizerResponse {
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

// tokenOf returns the token of a request, or "". It is in ?token= or, since a
// browser cannot set headers on a WebSocket, in a subprotocol "bearer.TOKEN".
func tokenOf(event events.APIGatewayCustomAuthorizerRequestTypeRequest) string {
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
