// Package lambda runs Lambda functions on one machine under AWS's contract: events and
// results travel as JSON, an invocation has a request id and a deadline, and a failure
// inside a function is returned as its error.
//
// There are two runtimes, with one test suite for both. [New] calls handlers in this
// process. [Start] runs the built functions as processes, which it starts on demand and
// serves with Lambda's Runtime API, one event at a time.
package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// DefaultTimeout equals the time that API Gateway waits for an integration.
const DefaultTimeout = 29 * time.Second

// ErrThrottled is Lambda's error while all allowed environments of a function are busy.
// It is not a failure of the function.
var ErrThrottled = errors.New("TooManyRequestsException: Rate Exceeded")

var errNoFunction = errors.New("lambda: no function")

// FunctionError is the failure of a function. Type is the Go type of the error or the
// panic; "Sandbox.Timedout" after a timeout; "Runtime.ExitError" if the process exited
// during the invocation.
type FunctionError struct {
	Function string
	Type     string
	Message  string
}

func (e *FunctionError) Error() string {
	return fmt.Sprintf("function %s: %s: %s", e.Function, e.Type, e.Message)
}

func timedOut(function string, after time.Duration) *FunctionError {
	return &FunctionError{function, "Sandbox.Timedout", "Task timed out after " + after.String()}
}

// Stats are the counters of one function. Errors includes timeouts.
type Stats struct {
	Invocations, Errors uint64
	// Only for processes: invocations refused with [ErrThrottled], which Invocations does
	// not include; environments started, the total time of their starts, and those
	// running now.
	Throttles, ColdStarts uint64
	Starting              time.Duration
	Environments          int
}

func arn(function string) string {
	return "arn:aws:lambda:us-east-1:000000000000:function:" + function
}

// requestID returns an id in the form of a UUID, as Lambda's are.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
