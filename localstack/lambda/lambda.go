// Package lambda runs Lambda functions on one machine, behind the contract that AWS
// gives them: events and results travel as JSON, an invocation has a request id and
// a deadline, and whatever goes wrong inside a function comes back as its error.
//
// There are two runtimes, and one suite of tests for both: [New] calls handlers in
// this process; [Start] runs the built functions as processes of their own, which it
// serves Lambda's Runtime API, one event at a time, started when they are needed.
package lambda

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// DefaultTimeout is as long as API Gateway waits for an integration.
const DefaultTimeout = 29 * time.Second

// ErrThrottled is what Lambda answers while a function has as many environments at
// work as it may have. It is not the function's own failure.
var ErrThrottled = errors.New("TooManyRequestsException: Rate Exceeded")

// FunctionError is what a function failed with: an error it returned, or a panic, by
// its Go type; its timeout (type "Sandbox.Timedout"), or its end in the middle
// ("Runtime.ExitError").
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

// Stats counts what one function has done. Errors includes timeouts.
type Stats struct {
	Invocations, Errors uint64
	// Of processes alone: invocations refused with [ErrThrottled], which are not among
	// Invocations; environments started, how long that took in all, and those alive now.
	Throttles, ColdStarts uint64
	Starting              time.Duration
	Environments          int
}

func arn(function string) string {
	return "arn:aws:lambda:us-east-1:000000000000:function:" + function
}

// requestID has the shape of a UUID, as Lambda's.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
