package apigateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// route runs the function for one message. One-way: what the function answers
// is ignored, an error status too; only its failure is told to the client.
func (g *Gateway) route(c *connection, data []byte, arrival time.Time) {
	body := string(data)
	key := g.routeKey(data)
	rc := g.requestContext(&c.client, messageEvent, key, arrival)
	rc.MessageID = newID()
	function, ok := g.config.Routes[key]
	if !ok {
		c.send(newRefusal(http.StatusForbidden, "Forbidden", &rc).frame())
		return
	}
	_, err := g.integrate(function, event{RequestContext: rc, Body: &body, IsBase64Encoded: new(bool)})
	if err == nil {
		return
	}
	g.config.Logger.Error("apigateway: message", "connection", c.id, "route", key, "err", err)
	message, status := "Internal server error", http.StatusInternalServerError
	if errors.Is(err, errTimedOut) {
		message, status = timedOut, http.StatusGatewayTimeout
	}
	c.send(newRefusal(status, message, &rc).frame())
}

// routeKey evaluates $request.body.action. What names no route of its own, the
// reserved ones among it, goes to $default.
func (g *Gateway) routeKey(message []byte) string {
	// A map, because keys of a struct would match in any case.
	var body map[string]json.RawMessage
	var action string
	if json.Unmarshal(message, &body) == nil && json.Unmarshal(body["action"], &action) == nil {
		if _, ok := g.config.Routes[action]; ok && !strings.HasPrefix(action, "$") {
			return action
		}
	}
	return "$default"
}
