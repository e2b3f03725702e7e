package apigateway

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// apiError is an error response of @connections. Its kind is sent in a header.
type apiError struct {
	status        int
	kind, message string
}

var (
	errNoToken  = apiError{http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	errGone     = apiError{http.StatusGone, "GoneException", "Gone"}
	errInternal = apiError{http.StatusInternalServerError, "InternalServerError", "Internal server error"}
	errLimit    = apiError{http.StatusTooManyRequests, "LimitExceededException", "Limit exceeded: the client's buffer is full"}
	errTooLarge = apiError{http.StatusRequestEntityTooLarge, "PayloadTooLargeException", "Payload too large: at most 131072 bytes"}
	errBody     = apiError{http.StatusBadRequest, "BadRequestException", "Bad request: the body could not be read"}
)

// connectionInfo is the response to GET.
type connectionInfo struct {
	ConnectedAt  string   `json:"connectedAt"`
	Identity     identity `json:"identity"`
	LastActiveAt string   `json:"lastActiveAt"`
}

// serveManagement serves /{stage}/@connections/{id}.
func (g *Gateway) serveManagement(w http.ResponseWriter, r *http.Request, id string) {
	if !signed(r) {
		errNoToken.write(w)
		return
	}
	switch r.Method {
	case http.MethodPost:
		g.post(w, r, id)
	case http.MethodGet:
		g.describe(w, id)
	case http.MethodDelete:
		g.delete(w, id)
	default:
		errNoToken.write(w) // API Gateway's response to a method that it does not have
	}
}

func (g *Gateway) post(w http.ResponseWriter, r *http.Request, id string) {
	data, err := io.ReadAll(io.LimitReader(r.Body, MaxMessage+1))
	switch {
	case err != nil:
		errBody.write(w)
		return
	case len(data) > MaxMessage:
		errTooLarge.write(w)
		return
	}
	switch g.config.Refuse(id) {
	case http.StatusGone:
		errGone.write(w)
		return
	case http.StatusTooManyRequests:
		errLimit.write(w)
		return
	case http.StatusForbidden:
		errNoToken.write(w)
		return
	case http.StatusInternalServerError:
		errInternal.write(w)
		return
	}
	c, ok := g.lookup(id)
	if !ok {
		errGone.write(w)
		return
	}
	switch c.send(data) {
	case sendGone:
		errGone.write(w)
	case sendFull:
		errLimit.write(w)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func (g *Gateway) describe(w http.ResponseWriter, id string) {
	c, ok := g.lookup(id)
	if !ok {
		errGone.write(w)
		return
	}
	const iso = "2006-01-02T15:04:05.000Z"
	writeJSON(w, http.StatusOK, connectionInfo{
		ConnectedAt:  c.client.connectedAt.UTC().Format(iso),
		Identity:     c.client.identity,
		LastActiveAt: time.UnixMilli(c.lastActive.Load()).UTC().Format(iso),
	})
}

func (g *Gateway) delete(w http.ResponseWriter, id string) {
	c, ok := g.lookup(id)
	if !ok {
		errGone.write(w)
		return
	}
	c.close(deleted)
	w.WriteHeader(http.StatusNoContent)
}

// signed reports whether the request has a SigV4 signature. It does not verify it.
func signed(r *http.Request) bool {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	return ok && strings.Contains(fields, "Credential=") &&
		strings.Contains(fields, "SignedHeaders=") && strings.Contains(fields, "Signature=")
}

func (e apiError) write(w http.ResponseWriter) {
	w.Header().Set("x-amzn-errortype", e.kind)
	writeJSON(w, e.status, refusal{Message: e.message})
}
