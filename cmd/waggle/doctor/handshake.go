package doctor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"waggle/clients/go/waggle"
)

// refusal tries to connect without a token.
func (x *examination) refusal(ctx context.Context) finding {
	ctx, cancel := x.wait(ctx)
	defer cancel()
	socket, answer, err := websocket.Dial(ctx, x.Socket, nil)
	if answer == nil {
		return wrong("check that this is the URL of a WebSocket API, and that no proxy on the way refuses upgrades", "no answer to a handshake: %v", err).fatal()
	}
	if date, bad := http.ParseTime(answer.Header.Get("Date")); bad == nil {
		x.learn(date.Add(time.Second / 2)) // the header has whole seconds
	}
	if err == nil {
		_ = socket.CloseNow()
		return wrong("the API's $connect has no authorizer, or one that allows everyone: deploy the stack's own", "it lets in whoever comes, without a token")
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		return fine("401 without a token")
	case http.StatusForbidden:
		return wrong("the URL must end in the stage, as in the stack's output (…/prod); if it does, the authorizer denies instead of failing with Unauthorized",
			"403 without a token, where 401 was expected").fatal()
	case http.StatusMisdirectedRequest:
		return wrong("start the local stack with -allow-host and this name", "the local stack does not serve the name in the URL").fatal()
	case http.StatusInternalServerError:
		x.crashes = true
		return wrong("look at the authorizer's log: it did not start, or timed out", "500: the authorizer failed")
	}
	return wrong("this is no Waggle API: compare the URL with the stack's output, stage included", "%s to a handshake without a token, where 401 was expected", answer.Status).fatal()
}

// connect connects the first member.
func (x *examination) connect(ctx context.Context) finding {
	ctx, cancel := x.wait(ctx)
	defer cancel()
	token, err := x.Members[0].Token(ctx)
	if err != nil {
		return wrong("get a token by hand first: see -token and -token-command", "no token: %v", err).fatal()
	}
	began := time.Now()
	o := x.Members[0]
	o.Token = func(context.Context) (string, error) { return token, nil }
	x.conn, err = waggle.Dial(ctx, o)
	if err == nil {
		return fine("let in within %d ms, authorizer and $connect included", time.Since(began).Milliseconds())
	}
	refused, ok := errors.AsType[*waggle.HandshakeError](err)
	if !ok {
		return wrong("the handshake ended early: a proxy closed it, or $connect took longer than 29 s", "%v", err).fatal()
	}
	switch refused.Status {
	case http.StatusUnauthorized:
		return wrong("the authorizer must have no identity source: it looks for the token itself, in the subprotocol and in ?token=", "401, with a token").fatal()
	case http.StatusForbidden:
		return x.denied(token).fatal()
	case http.StatusConflict:
		return wrong("another client connects as the same member at this moment: use a member of your own", "409: the member has a newer connection").fatal()
	case http.StatusInternalServerError:
		if x.crashes {
			return skipped("an earlier step failed").fatal()
		}
		return wrong("look at the authorizer's log: most likely it cannot reach the issuer (WAGGLE_ISSUER, and /.well-known/openid-configuration under it)",
			"500: the authorizer failed on the token").fatal()
	case http.StatusBadGateway:
		return wrong("look at the log of the function connect: it did not start, crashed, or was throttled", "502: $connect failed").fatal()
	case http.StatusServiceUnavailable:
		return wrong("the functions do not reach the cache: is it up and not full; security groups; WAGGLE_CACHE_URL; with IAM, user, cache name and elasticache:Connect. "+
			"The log of connect has the reason", "503: the cache cannot be reached").fatal()
	case http.StatusGatewayTimeout:
		return wrong("look at the log of the function connect: something that it waits for never answers", "504: $connect took longer than 29 s").fatal()
	}
	return wrong("look at the API's access log", "%v", refused).fatal()
}

// denied looks in the token for the reason that the server does not give.
func (x *examination) denied(token string) finding {
	claims, err := claimsOf(token)
	if err != nil {
		return wrong("give the whole token as the issuer signed it, without blanks", "403: the token is no JWT: %v", err)
	}
	now := x.Now()
	if x.ahead != nil {
		now = now.Add(*x.ahead)
	}
	if claims.Expires > 0 && now.After(time.Unix(int64(claims.Expires), 0)) {
		return wrong("get a fresh token; if it was fresh, set the clock of the issuer", "403: the token expired at %s",
			time.Unix(int64(claims.Expires), 0).UTC().Format(time.RFC3339))
	}
	says := fmt.Sprintf("iss %q, aud %s", claims.Issuer, orNone(claims.Audience))
	mend := "compare with WAGGLE_ISSUER and WAGGLE_AUDIENCE, to the letter"
	if len(claims.Audience) == 0 && claims.ClientID != "" {
		says += fmt.Sprintf(", client_id %q", claims.ClientID)
		mend += "; a token without aud, such as Cognito's access tokens, needs WAGGLE_AUDIENCE_CLAIM=client_id"
	}
	return wrong(mend+"; then sub (1 to 128 bytes) and the claims of pool, roles, tags and card must be as docs/protocol.md has them. The authorizer's log has the reason",
		"403: the token is not accepted. It says %s", says)
}

// claims are the parts of a token that may be wrong.
type claims struct {
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	ClientID string          `json:"client_id"`
	Expires  float64         `json:"exp"`
}

func claimsOf(token string) (c claims, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, fmt.Errorf("it has %d parts with dots between, not 3", len(parts))
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return c, errors.New("its middle part is not base64url")
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, errors.New("its middle part is not the JSON of claims")
	}
	return c, nil
}

func orNone(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "none"
	}
	return string(raw)
}
