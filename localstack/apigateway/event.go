package apigateway

import (
	"crypto/rand"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// event is the event that functions receive, with exactly the fields that AWS sends. The
// type of aws-lambda-go would add a dozen empty fields.
type event struct {
	Type                            string              `json:"type,omitempty"`      // authorizer only
	MethodARN                       string              `json:"methodArn,omitempty"` // authorizer only
	Headers                         map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders,omitempty"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters,omitempty"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters,omitempty"`
	RequestContext                  requestContext      `json:"requestContext"`
	Body                            *string             `json:"body,omitempty"`
	IsBase64Encoded                 *bool               `json:"isBase64Encoded,omitempty"`
}

type requestContext struct {
	RouteKey             string            `json:"routeKey"`
	Authorizer           map[string]string `json:"authorizer,omitempty"`
	MessageID            string            `json:"messageId,omitempty"`
	DisconnectStatusCode int               `json:"disconnectStatusCode,omitempty"`
	EventType            eventType         `json:"eventType"`
	ExtendedRequestID    string            `json:"extendedRequestId"`
	RequestTime          string            `json:"requestTime"`
	MessageDirection     string            `json:"messageDirection"`
	DisconnectReason     *string           `json:"disconnectReason,omitempty"`
	Stage                string            `json:"stage"`
	ConnectedAt          int64             `json:"connectedAt"`      // epoch ms
	RequestTimeEpoch     int64             `json:"requestTimeEpoch"` // epoch ms
	Identity             identity          `json:"identity"`
	RequestID            string            `json:"requestId"`
	DomainName           string            `json:"domainName"`
	ConnectionID         string            `json:"connectionId"`
	APIID                string            `json:"apiId"`
}

type eventType string

const (
	connectEvent    eventType = "CONNECT"
	messageEvent    eventType = "MESSAGE"
	disconnectEvent eventType = "DISCONNECT"
)

type identity struct {
	UserAgent string `json:"userAgent,omitempty"`
	SourceIP  string `json:"sourceIp"`
}

// client holds what all events of a connection have in common.
type client struct {
	connectionID string
	connectedAt  time.Time
	identity     identity
	domain       string
	authorizer   map[string]string
}

func (g *Gateway) newClient(r *http.Request) client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return client{
		connectionID: newID(),
		connectedAt:  g.config.Now(),
		identity:     identity{UserAgent: r.UserAgent(), SourceIP: host},
		domain:       r.Host,
	}
}

// requestContext describes one request by its time of arrival, with a new id.
func (g *Gateway) requestContext(c *client, kind eventType, routeKey string, arrival time.Time) requestContext {
	id := newID()
	return requestContext{
		RouteKey:          routeKey,
		Authorizer:        c.authorizer,
		EventType:         kind,
		ExtendedRequestID: id,
		RequestTime:       arrival.UTC().Format("02/Jan/2006:15:04:05 -0700"),
		MessageDirection:  "IN",
		Stage:             g.config.Stage,
		ConnectedAt:       c.connectedAt.UnixMilli(),
		RequestTimeEpoch:  arrival.UnixMilli(),
		Identity:          c.identity,
		RequestID:         id,
		DomainName:        c.domain,
		ConnectionID:      c.connectionID,
		APIID:             apiID,
	}
}

// setRequest adds the headers and the query of the upgrade request, which only the
// authorizer and $connect get.
func (e *event) setRequest(r *http.Request) {
	e.MultiValueHeaders = map[string][]string{"Host": {r.Host}}
	for name, values := range r.Header {
		switch name {
		case "Connection", "Upgrade": // hop-by-hop headers
		default:
			// net/http writes Sec-Websocket-Key; clients send Sec-WebSocket-Key.
			name = strings.Replace(name, "Sec-Websocket-", "Sec-WebSocket-", 1)
			e.MultiValueHeaders[name] = values
		}
	}
	e.Headers = lastValues(e.MultiValueHeaders)
	if query, _ := url.ParseQuery(r.URL.RawQuery); len(query) > 0 {
		e.MultiValueQueryStringParameters = query
		e.QueryStringParameters = lastValues(query)
	}
}

func lastValues(multi map[string][]string) map[string]string {
	last := make(map[string]string, len(multi))
	for name, values := range multi {
		last[name] = values[len(values)-1]
	}
	return last
}

// newID returns an id like those of AWS for connections, requests and messages. It ends
// in "=", so that tests catch callers that do not escape ids in URLs.
func newID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.URLEncoding.EncodeToString(b[:])
}
