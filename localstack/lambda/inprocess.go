package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// InProcess invokes functions as plain calls. It is safe for concurrent use.
type InProcess struct {
	functions map[string]*function
	timeout   time.Duration
	running   sync.WaitGroup
}

type function struct {
	name                string
	environments        sync.Pool // of lambda.Handler
	invocations, errors atomic.Uint64
}

// newFunction gives each invocation in progress its own lambda.Handler, like an
// execution environment: a handler's result aliases a buffer that its next invocation
// overwrites.
func newFunction(name string, handler any) *function {
	return &function{name: name, environments: sync.Pool{
		New: func() any { return lambda.NewHandler(handler) },
	}}
}

// New returns a runtime for handlers, by function name, in any form that lambda.Start
// accepts. A timeout of 0 is [DefaultTimeout].
func New(handlers map[string]any, timeout time.Duration) *InProcess {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	functions := make(map[string]*function, len(handlers))
	for name, handler := range handlers {
		functions[name] = newFunction(name, handler)
	}
	return &InProcess{functions: functions, timeout: timeout}
}

// Invoke runs a function and returns its JSON result. A failure of the function is a
// *[FunctionError].
//
// Invoke returns when ctx ends or after the timeout, even if the function does not
// return. Such a function continues, because nothing can stop it within a process;
// [InProcess.Wait] waits for it.
func (p *InProcess) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f, ok := p.functions[name]
	if !ok {
		return nil, fmt.Errorf("%w %q", errNoFunction, name)
	}
	f.invocations.Add(1)
	result, err := p.run(ctx, f, payload)
	if err != nil {
		f.errors.Add(1)
	}
	return result, err
}

// Wait waits for all invocations, including those that Invoke no longer waits for.
// There must be no Invoke during Wait.
func (p *InProcess) Wait() { p.running.Wait() }

// Stats returns the counters by function name.
func (p *InProcess) Stats() map[string]Stats {
	stats := make(map[string]Stats, len(p.functions))
	for name, f := range p.functions {
		stats[name] = Stats{Invocations: f.invocations.Load(), Errors: f.errors.Load()}
	}
	return stats
}

func (p *InProcess) run(caller context.Context, f *function, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(caller, p.timeout)
	defer cancel()
	type outcome struct {
		result []byte
		err    error
	}
	done := make(chan outcome, 1)
	p.running.Go(func() {
		growStack()
		result, err := f.call(ctx, payload)
		done <- outcome{result, err}
	})
	select {
	case o := <-done:
		return o.result, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done: // both were ready: the result counts
		return o.result, o.err
	default:
	}
	if err := caller.Err(); err != nil { // the caller gave up: not a failure of the function
		return nil, fmt.Errorf("lambda: invoke %s: %w", f.name, err)
	}
	return nil, timedOut(f.name, p.timeout)
}

// growStack lets a new goroutine have a stack that a function hardly outgrows. Otherwise the
// runtime would copy the stack four times on the way down.
//
//go:noinline
func growStack() {
	var room [20 << 10]byte
	runtime.KeepAlive(&room)
}

func (f *function) call(ctx context.Context, payload []byte) (result []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &FunctionError{f.name, typeName(v), fmt.Sprint(v)}
		}
	}()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       requestID(),
		InvokedFunctionArn: arn(f.name),
	})
	environment := f.environments.Get().(lambda.Handler)
	defer f.environments.Put(environment)
	if result, err = environment.Invoke(ctx, payload); err != nil {
		return nil, f.failure(err)
	}
	return bytes.Clone(result), nil
}

// failure converts an error as Lambda's runtime does: its type is the Go type, unless the
// function chose type and message itself.
func (f *function) failure(err error) *FunctionError {
	var chosen messages.InvokeResponse_Error
	if errors.As(err, &chosen) {
		return &FunctionError{f.name, chosen.Type, chosen.Message}
	}
	return &FunctionError{f.name, typeName(err), err.Error()}
}

func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
