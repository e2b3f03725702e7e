package lambda_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/lambda"
)

type event struct {
	N      int    `json:"n"`
	hidden string // does not survive JSON
}

func TestEventsAndResultsTravelAsJSON(t *testing.T) {
	p := lambda.New(map[string]any{
		"double": func(ctx context.Context, e event) (event, error) {
			return event{N: 2 * e.N, hidden: "lost"}, nil
		},
		"none": func() error { return nil },
	}, 0)
	for name, want := range map[string]string{"double": `{"n":42}`, "none": `null`} {
		got, err := p.Invoke(t.Context(), name, []byte(`{"n":21}`))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, want)
		}
	}
}

func TestInvocationHasRequestIDAndDeadline(t *testing.T) {
	p := lambda.New(map[string]any{
		"f": func(ctx context.Context) (map[string]any, error) {
			lc, ok := lambdacontext.FromContext(ctx)
			if !ok || len(lc.AwsRequestID) != 36 {
				t.Errorf("Lambda context: got %+v, %v", lc, ok)
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > lambda.DefaultTimeout {
				t.Errorf("deadline: got %v, %v", deadline, ok)
			}
			return nil, nil
		},
	}, 0)
	if _, err := p.Invoke(t.Context(), "f", nil); err != nil {
		t.Fatal(err)
	}
}

type custom struct{}

func (*custom) Error() string { return "made to measure" }

func TestFailuresAreFunctionErrors(t *testing.T) {
	p := lambda.New(map[string]any{
		"fails":  func() error { return errors.New("Unauthorized") },
		"typed":  func() error { return &custom{} },
		"chosen": func() error { return messages.InvokeResponse_Error{Type: "T", Message: "m"} },
		"panics": func() error { panic("boom") },
		"event":  func(event) error { return nil },
		"bad":    func(a, b, c int) {},
	}, 0)
	for _, test := range []struct{ function, payload, wantType, wantMessage string }{
		{"fails", `{}`, "errorString", "Unauthorized"},
		{"typed", `{}`, "custom", "made to measure"},
		{"chosen", `{}`, "T", "m"},
		{"panics", `{}`, "panic", "boom"},
		{"event", `[]`, "UnmarshalTypeError", "json: cannot unmarshal array into Go value of type lambda_test.event"},
		{"bad", `{}`, "errorString", "handlers may not take more than two arguments, but handler takes 3"},
	} {
		_, err := p.Invoke(t.Context(), test.function, []byte(test.payload))
		var got *lambda.FunctionError
		if !errors.As(err, &got) {
			t.Errorf("%s: got %v, want a FunctionError", test.function, err)
			continue
		}
		want := lambda.FunctionError{Function: test.function, Type: test.wantType, Message: test.wantMessage}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.function, diff)
		}
	}
}

func TestUnknownFunctionIsNotAFunctionError(t *testing.T) {
	_, err := lambda.New(nil, 0).Invoke(t.Context(), "missing", nil)
	var failure *lambda.FunctionError
	if err == nil || errors.As(err, &failure) {
		t.Errorf("got %v, want an error that is not the function's", err)
	}
}

func TestTimeoutIsAFunctionErrorAndWaitJoins(t *testing.T) {
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

func TestCancelledCallerIsNotAFunctionError(t *testing.T) {
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

func TestConcurrentInvocationsDoNotShareResults(t *testing.T) {
	p := lambda.New(map[string]any{"echo": func(n int) (int, error) { return n, nil }}, 0)
	var callers sync.WaitGroup
	for n := range 8 {
		callers.Go(func() {
			want := strconv.Itoa(1000 + n)
			for range 500 {
				got, err := p.Invoke(t.Context(), "echo", []byte(want))
				if err != nil || string(got) != want {
					t.Errorf("got %s, %v; want %s", got, err, want)
					return
				}
			}
		})
	}
	callers.Wait()
}

func TestStatsCountInvocationsAndErrors(t *testing.T) {
	p := lambda.New(map[string]any{
		"odd": func(n int) error {
			if n%2 == 1 {
				return errors.New("odd")
			}
			return nil
		},
		"idle": func() {},
	}, 0)
	for _, payload := range []string{"1", "2", "3"} {
		_, _ = p.Invoke(t.Context(), "odd", []byte(payload))
	}
	want := map[string]lambda.Stats{"odd": {Invocations: 3, Errors: 2}, "idle": {}}
	if diff := cmp.Diff(want, p.Stats()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
