package apigateway

import (
	"encoding/json"
	"net/http"
)

// timedOut is the message for a function that did not return in time.
const timedOut = "Endpoint request timed out"

// refusal is an error for a client: the response to an upgrade, or a frame.
type refusal struct {
	Message      string `json:"message"`
	ConnectionID string `json:"connectionId,omitempty"`
	RequestID    string `json:"requestId,omitempty"`

	status int
	denied bool
}

func newRefusal(status int, message string, rc *requestContext) *refusal {
	return &refusal{Message: message, ConnectionID: rc.ConnectionID, RequestID: rc.RequestID, status: status}
}

// denial is the refusal by a policy, whose key is spelled "Message".
func denial(message string) *refusal {
	return &refusal{Message: message, status: http.StatusForbidden, denied: true}
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.denied {
		writeJSON(w, r.status, map[string]string{"Message": r.Message})
		return
	}
	writeJSON(w, r.status, r)
}

// frame returns the payload of a text frame.
func (r *refusal) frame() []byte {
	text, _ := json.Marshal(r) // strings always marshal
	return text
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the client has disconnected
}
