package apigateway

import (
	"encoding/json"
	"net/http"
)

// timedOut is said when a function has not answered in time.
const timedOut = "Endpoint request timed out"

// refusal is an error as clients see it: the answer to an upgrade, or a frame.
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

// denial is the answer of a policy, whose key is spelled with a capital.
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

// frame is the refusal as a text frame.
func (r *refusal) frame() []byte {
	text, _ := json.Marshal(r) // strings always marshal
	return text
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(body)
}
