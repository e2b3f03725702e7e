package lambda_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"waggle/localstack/lambda"
)

func TestATimeoutIsAFunctionErrorAndWaitWaitsForTheFunction(t *testing.T) {
	release, finished := make(chan struct{}), false
	p := lambda.New(map[string]any{
		"stuck": func() error { <-release; finished = true; return nil },
	}, 10*time.Millisecond)
	_, err := p.Invoke(t.Context(), "stuck", nil)
	var failure *lambda.FunctionError
	if !errors.As(err, &failure) || failure.Type != "Sandbox.Timedout" {
		t.Fatalf("got %v, want Sandbox.Timedout", err)
	}
	close(release)
	p.Wait()
	if !finished {
		t.Error("Wait returned before the function")
	}
}

func TestACancelledCallerIsNotAFunctionError(t *testing.T) {
	release := make(chan struct{})
	p := lambda.New(map[string]any{"stuck": func() error { <-release; return nil }}, 0)
	defer p.Wait()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Invoke(ctx, "stuck", nil)
	var failure *lambda.FunctionError
	if !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	_, err = p.Invoke(ctx, "stuck", nil)
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failure) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}
