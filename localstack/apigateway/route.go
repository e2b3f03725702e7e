package apigateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// route runs the function for one message. Unless routes are two-way, the function's result is
// ignored, even an error status. If the function fails, the client gets a frame. A body that is empty
// is sent too: an empty frame.
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
	result, err := g.integrate(function, event{RequestContext: rc, Body: &body, IsBase64Encoded: new(bool)})
	if err == nil {
		if g.config.TwoWay {
			c.send([]byte(result.Body))
		}
		return
	}
	g.log.Error("apigateway: message", "connection", c.id, "route", key, "err", err)
	message, status := "Internal server error", http.StatusInternalServerError
	if errors.Is(err, errTimedOut) {
		message, status = timedOut, http.StatusGatewayTimeout
	}
	c.send(newRefusal(status, message, &rc).frame())
}

// routeKey evaluates $request.body.action. An action without a route, or with the name of
// a reserved route, goes to $default.
func (g *Gateway) routeKey(message []byte) string {
	// A map, because the fields of a struct match keys regardless of case.
	var body map[string]json.RawMessage
	var action string
	if json.Unmarshal(message, &body) == nil && json.Unmarshal(body["action"], &action) == nil {
		if _, ok := g.config.Routes[action]; ok && !strings.HasPrefix(action, "$") {
			return action
		}
	}
	return "$default"
}
