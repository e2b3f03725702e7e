package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gobwas/ws"

	"waggle/localstack/lambda"
)

// integrationResult is a function's result.
type integrationResult struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
}

var (
	errMalformed = errors.New("malformed result: not an object with a statusCode")
	errTimedOut  = errors.New("the integration timed out")
)

// serveUpgrade serves a connection from its upgrade request to its end: the authorizer,
// $connect, the handshake, the frames, $disconnect.
func (g *Gateway) serveUpgrade(w http.ResponseWriter, r *http.Request) {
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Sec-WebSocket-Version", "13")
		writeJSON(w, http.StatusUpgradeRequired, refusal{Message: "Upgrade Required"})
		return
	}
	if len("wss://")+len(r.Host)+len(r.RequestURI) > maxURL {
		writeJSON(w, http.StatusRequestURITooLong, refusal{Message: "Request-URI Too Long"})
		return
	}
	client := g.newClient(r)
	if g.config.Authorizer != "" {
		values, refused := g.authorize(&client, r)
		if refused != nil {
			refused.write(w)
			return
		}
		client.authorizer = values
	}
	protocol, refused := g.connect(&client, r)
	if refused != nil {
		refused.write(w)
		return
	}

	// From here on $disconnect must run. The connection is registered before the client
	// learns that it is open, so that a post after that finds it.
	c := newConnection(g, client)
	if !g.register(c) {
		writeJSON(w, http.StatusServiceUnavailable, refusal{Message: "Service Unavailable"})
		g.disconnect(&client, goingAway)
		return
	}
	upgrader := ws.HTTPUpgrader{Protocol: func(offered string) bool { return offered == protocol }}
	socket, buffers, _, err := upgrader.Upgrade(r, w)
	if err != nil {
		g.unregister(c)
		if socket != nil {
			socket.Close()
		}
		g.disconnect(&client, abnormal)
		return
	}
	ending := c.serve(socket, buffers)
	g.disconnect(&client, ending)
	c.invocations.Wait()
}

// connect runs $connect, whose status accepts or refuses the upgrade. It returns the
// subprotocol that the function chose.
func (g *Gateway) connect(c *client, r *http.Request) (protocol string, refused *refusal) {
	function, ok := g.config.Routes["$connect"]
	if !ok {
		return "", nil
	}
	rc := g.requestContext(c, connectEvent, "$connect", g.config.Now())
	e := event{RequestContext: rc, IsBase64Encoded: new(bool)}
	e.setRequest(r)
	err := lambda.ErrThrottled
	var result integrationResult
	if g.begin() {
		result, err = g.integrate(function, e)
		g.end()
	}
	if err != nil {
		g.log.Error("apigateway: $connect", "connection", c.connectionID, "err", err)
	}
	switch {
	case errors.Is(err, errTimedOut):
		return "", newRefusal(http.StatusGatewayTimeout, timedOut, &rc)
	case err != nil:
		return "", newRefusal(http.StatusBadGateway, "Internal server error", &rc)
	case result.StatusCode > 299:
		return "", newRefusal(result.StatusCode, http.StatusText(result.StatusCode), &rc)
	}
	return result.header("Sec-WebSocket-Protocol"), nil
}

// disconnect runs $disconnect. It logs a failure and does not retry.
func (g *Gateway) disconnect(c *client, ending ending) {
	function, ok := g.config.Routes["$disconnect"]
	if !ok {
		return
	}
	e := event{RequestContext: g.requestContext(c, disconnectEvent, "$disconnect", g.config.Now()), IsBase64Encoded: new(bool)}
	e.RequestContext.DisconnectStatusCode = int(ending.code)
	e.RequestContext.DisconnectReason = &ending.reason
	select {
	case g.invoking <- struct{}{}:
		defer g.end()
	case <-g.base.Done():
	}
	if _, err := g.integrate(function, e); err != nil {
		g.log.Error("apigateway: $disconnect", "connection", c.connectionID, "err", err)
	}
}

// integrate invokes a function and decodes its proxy result.
func (g *Gateway) integrate(function string, e event) (result integrationResult, err error) {
	answer, err := g.invoke(function, e)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return result, fmt.Errorf("%s: %w: %w", function, errMalformed, err)
	}
	if result.StatusCode < 200 || result.StatusCode > 599 {
		return result, fmt.Errorf("%s: %w", function, errMalformed)
	}
	return result, nil
}

// begin begins an invocation, which the caller ends with end. It returns false if too many
// are in progress.
func (g *Gateway) begin() bool {
	select {
	case g.invoking <- struct{}{}:
		return true
	default:
		g.throttled.Add(1)
		return false
	}
}

func (g *Gateway) end() { <-g.invoking }

// invoke runs a function, for a caller that has begun the invocation. After the integration
// timeout it fails with errTimedOut.
func (g *Gateway) invoke(function string, e event) ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(g.base, g.config.IntegrationTimeout, errTimedOut)
	defer cancel()
	answer, err := g.config.Invoker.Invoke(ctx, function, payload)
	if err != nil && errors.Is(context.Cause(ctx), errTimedOut) {
		return nil, fmt.Errorf("%s: %w: %w", function, errTimedOut, err)
	}
	return answer, err
}

// header returns a header regardless of case; the multi-valued form wins.
func (r *integrationResult) header(name string) (value string) {
	for key, v := range r.Headers {
		if strings.EqualFold(key, name) {
			value = v
		}
	}
	for key, values := range r.MultiValueHeaders {
		if strings.EqualFold(key, name) && len(values) > 0 {
			value = values[len(values)-1]
		}
	}
	return strings.TrimSpace(value)
}

// isUpgrade reports whether the request has what the handshake needs.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade") &&
		len(r.Header.Get("Sec-WebSocket-Key")) == 24 &&
		r.Header.Get("Sec-WebSocket-Version") == "13"
}
