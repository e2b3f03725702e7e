// Package eventbus is a bus of EventBridge on one machine: it writes each event as a line of JSON. It
// serves the one call that functions make, PutEvents.
package eventbus

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A Bus is a bus. New makes one.
type Bus struct {
	name string
	mu   sync.Mutex
	to   io.Writer
	ids  int
}

// New returns a bus of that name, which writes to a writer.
func New(name string, to io.Writer) *Bus { return &Bus{name: name, to: to} }

// Target names PutEvents: see "AWS JSON protocol" in the documentation of EventBridge.
const Target = "AWSEvents.PutEvents"

const (
	most    = 10        // entries of a request
	longest = 256 << 10 // a request, in bytes
)

// An entry is one of PutEvents.
type entry struct {
	Source, DetailType, Detail, EventBusName string
	Time                                     float64 // epoch seconds
}

// A line is an event as a rule's target gets it, without what only AWS knows.
type line struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

// ServeHTTP implements http.Handler. A request must name the bus: it verifies no signature.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct{ Entries []entry }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(&q)
	if r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != Target || err != nil || len(q.Entries) == 0 || len(q.Entries) > most {
		answer(w, http.StatusBadRequest, map[string]string{"__type": "ValidationException", "message": "this is PutEvents alone, of 1 to 10 entries as JSON of at most 256 KB"})
		return
	}
	var out struct {
		FailedEntryCount int
		Entries          []map[string]string
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range q.Entries {
		if fault := b.write(e); fault != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, map[string]string{"ErrorCode": fault, "ErrorMessage": "there is no such bus, or the detail is no JSON object"})
			continue
		}
		b.ids++
		out.Entries = append(out.Entries, map[string]string{"EventId": strconv.Itoa(b.ids)})
	}
	answer(w, http.StatusOK, out)
}

// write writes an event, or returns the code of the error.
func (b *Bus) write(e entry) string {
	var object map[string]any
	if e.EventBusName != b.name || json.Unmarshal([]byte(e.Detail), &object) != nil {
		return "InvalidArgument"
	}
	text, err := json.Marshal(line{e.Source, e.DetailType, time.UnixMilli(int64(e.Time*1000 + 0.5)).UTC(), json.RawMessage(e.Detail)})
	if err == nil {
		_, err = b.to.Write(append(text, '\n'))
	}
	if err != nil {
		return "InternalFailure"
	}
	return ""
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the caller has gone
}
