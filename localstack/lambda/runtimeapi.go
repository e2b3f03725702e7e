package lambda

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxResult is the maximum size of a result, in bytes.
const maxResult = 6 << 20

// runtimeAPI returns the API from which a process gets its events. See "Using the Lambda
// runtime API for custom runtimes" in Lambda's developer guide.
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	const version = "/2018-06-01/runtime"
	mux.HandleFunc("GET "+version+"/invocation/next", e.next)
	mux.HandleFunc("POST "+version+"/invocation/{id}/response", e.response)
	mux.HandleFunc("POST "+version+"/invocation/{id}/error", e.invocationError)
	mux.HandleFunc("POST "+version+"/init/error", e.reportInitError)
	// aws-lambda-go registers an extension in order to get SIGTERM. It expects no events.
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", requestID())
		answer(w, http.StatusOK, map[string]string{"functionName": e.function, "functionVersion": "$LATEST", "handler": "bootstrap"})
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

// onlyAt refuses requests that do not name the address as their Host. The events have
// tokens in them, and a browser may send a request of any page to any port of this machine.
func onlyAt(address string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != address || r.Header["Origin"] != nil {
			answer(w, http.StatusForbidden, map[string]string{"errorType": "Forbidden", "errorMessage": "this API is for the function alone"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// next waits for an event. The request for it means that the one before is finished.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	var i *invocation
	select {
	case i = <-e.work:
	case <-r.Context().Done():
		return
	}
	e.current.Store(i)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(i.timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", arn(e.function))
	h.Set("Lambda-Runtime-Trace-Id", traceID())
	_, _ = w.Write(i.payload) // fails if the process has exited, which serve notices
}

func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	i, ok := e.currentInvocation(w, r)
	if !ok {
		return
	}
	result, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResult))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		i.finish(outcome{err: &FunctionError{e.function, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}})
		answer(w, http.StatusRequestEntityTooLarge, map[string]string{"errorType": "RequestEntityTooLarge", "errorMessage": "the response is over 6 MB"})
		return
	}
	if err != nil {
		return // fails if the process has exited, which serve notices
	}
	i.finish(outcome{result: result})
	answer(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func (e *environment) invocationError(w http.ResponseWriter, r *http.Request) {
	i, ok := e.currentInvocation(w, r)
	if !ok {
		return
	}
	i.finish(outcome{err: e.readError(w, r)})
	answer(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func (e *environment) reportInitError(w http.ResponseWriter, r *http.Request) {
	e.initError.Store(e.readError(w, r))
	answer(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

// currentInvocation returns the invocation in the path, which must be the current one.
func (e *environment) currentInvocation(w http.ResponseWriter, r *http.Request) (*invocation, bool) {
	i := e.current.Load()
	if i == nil || i.id != r.PathValue("id") {
		answer(w, http.StatusBadRequest, map[string]string{"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"})
		return nil, false
	}
	return i, true
}

// readError decodes an error that a runtime reports.
func (e *environment) readError(w http.ResponseWriter, r *http.Request) *FunctionError {
	var body struct{ ErrorType, ErrorMessage string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxResult)).Decode(&body); err != nil || body.ErrorType == "" {
		body.ErrorType = "Runtime.Unknown"
	}
	return &FunctionError{e.function, body.ErrorType, body.ErrorMessage}
}

// finish sets the outcome of an invocation. Only the first one counts.
func (i *invocation) finish(o outcome) {
	select {
	case i.done <- o:
	default:
	}
}

// traceID returns an id in the form of X-Ray's, not sampled.
func traceID() string {
	id := requestID()
	return "Root=1-" + id[:8] + "-" + id[9:13] + id[14:18] + id[19:23] + id[24:] + ";Parent=" + id[19:23] + id[24:36] + ";Sampled=0"
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the process has exited
}
