package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"waggle/localstack/lambda"
)

// A runtime is one of the two, which must behave alike.
type runtime interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
	Stats() map[string]lambda.Stats
}

// eachRuntime runs a test on both runtimes, with the named functions.
func eachRuntime(t *testing.T, names []string, test func(*testing.T, runtime)) {
	t.Run("in process", func(t *testing.T) {
		mine := map[string]any{}
		for _, name := range names {
			mine[name] = handlers()[name]
		}
		p := lambda.New(mine, 0)
		t.Cleanup(p.Wait)
		test(t, p)
	})
	t.Run("processes", func(t *testing.T) { test(t, processes(t, lambda.Options{}, names...)) })
}

// asFunction is the variable that turns the test binary into a function.
const asFunction = "WAGGLE_TEST_FUNCTION"

func TestMain(m *testing.M) {
	if name := os.Getenv(asFunction); name != "" {
		runFunction(name)
	}
	os.Exit(m.Run())
}

// processes returns a runtime whose functions are this test binary.
func processes(t *testing.T, o lambda.Options, names ...string) *lambda.Processes {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]lambda.Program{}
	for _, name := range names {
		programs[name] = lambda.Program{Command: []string{program}, Env: []string{asFunction + "=" + name}, MemoryMB: 128}
	}
	if o.Log == nil {
		o.Log = quiet()
	}
	p := lambda.Start(programs, o)
	t.Cleanup(p.Close)
	return p
}

type event struct {
	N      int    `json:"n"`
	hidden string // not in JSON
}

type custom struct{}

func (*custom) Error() string { return "custom message" }

// handlers returns the functions of the tests.
func handlers() map[string]any {
	return map[string]any{
		"double": func(ctx context.Context, e event) (event, error) { return event{N: 2 * e.N, hidden: "x"}, nil },
		"none":   func() error { return nil },
		"echo":   func(n int) (int, error) { return n, nil },
		"context": func(ctx context.Context) (seen, error) {
			lc, _ := lambdacontext.FromContext(ctx)
			deadline, _ := ctx.Deadline()
			return seen{lc.AwsRequestID, lc.InvokedFunctionArn, time.Until(deadline)}, nil
		},
		"odd": func(n int) error {
			if n%2 == 1 {
				return errors.New("odd")
			}
			return nil
		},
		"fails":        func() error { return errors.New("Unauthorized") },
		"typed":        func() error { return &custom{} },
		"chosen":       func() error { return messages.InvokeResponse_Error{Type: "T", Message: "m"} },
		"panics":       func() error { panic("boom") },
		"out of range": func() error { var none []int; return fmt.Errorf("%d", none[len(none)]) },
		"event":        func(event) error { return nil },
		"bad":          func(a, b, c int) {},
		"pid":          func() (int, error) { return os.Getpid(), nil },
		"env":          func(name string) (string, error) { return os.Getenv(name), nil },
		"exits":        func() error { os.Exit(3); return nil },
		"hangs":        func() error { select {} },
		"large":        func(n int) ([]byte, error) { return make([]byte, n), nil },
	}
}

type seen struct {
	ID, ARN string
	Left    time.Duration
}

// runFunction serves as the function of that name, and does not return.
func runFunction(name string) {
	switch name {
	case "never ready":
		fmt.Fprintln(os.Stderr, "WAGGLE_CACHE_URL is not set")
		os.Exit(1)
	case "never asks":
		select {}
	case "a stack":
		runKilledStack()
	}
	awslambda.Start(handlers()[name])
}

func TestEventsAndResultsTravelAsJSON(t *testing.T) {
	eachRuntime(t, []string{"double", "none"}, func(t *testing.T, r runtime) {
		for name, want := range map[string]string{"double": `{"n":42}`, "none": `null`} {
			got, err := r.Invoke(t.Context(), name, []byte(`{"n":21}`))
			if err != nil || string(got) != want {
				t.Errorf("%s: got %s, %v; want %s", name, got, err, want)
			}
		}
	})
}

func TestInvocationHasRequestIDAndDeadline(t *testing.T) {
	eachRuntime(t, []string{"context"}, func(t *testing.T, r runtime) {
		ids := map[string]bool{}
		for range 2 {
			result, err := r.Invoke(t.Context(), "context", []byte("{}"))
			if err != nil {
				t.Fatal(err)
			}
			var got seen
			if err := json.Unmarshal(result, &got); err != nil {
				t.Fatal(err)
			}
			ids[got.ID] = true
			if len(got.ID) != 36 || got.ARN != "arn:aws:lambda:us-east-1:000000000000:function:context" {
				t.Errorf("got %+v", got)
			}
			if got.Left <= 0 || got.Left > lambda.DefaultTimeout {
				t.Errorf("deadline: got %v left", got.Left)
			}
		}
		if len(ids) != 2 {
			t.Errorf("got the ids %v, want one for each invocation", ids)
		}
	})
}

func TestFailuresAreFunctionErrors(t *testing.T) {
	tests := []struct{ function, payload, wantType, wantMessage string }{
		{"fails", `{}`, "errorString", "Unauthorized"},
		{"typed", `{}`, "custom", "custom message"},
		{"chosen", `{}`, "T", "m"},
		{"panics", `{}`, "string", "boom"},
		{"out of range", `{}`, "boundsError", "runtime error: index out of range [0] with length 0"},
		{"event", `[]`, "UnmarshalTypeError", "json: cannot unmarshal array into Go value of type lambda_test.event"},
		{"bad", `{}`, "errorString", "handlers may not take more than two arguments, but handler takes 3"},
	}
	var names []string
	for _, test := range tests {
		names = append(names, test.function)
	}
	eachRuntime(t, names, func(t *testing.T, r runtime) {
		for _, test := range tests {
			for range 2 { // the second one follows a panic, which ends a process
				_, err := r.Invoke(t.Context(), test.function, []byte(test.payload))
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
	})
}

func TestUnknownFunctionIsNotAFunctionError(t *testing.T) {
	eachRuntime(t, nil, func(t *testing.T, r runtime) {
		_, err := r.Invoke(t.Context(), "missing", nil)
		var failure *lambda.FunctionError
		if err == nil || errors.As(err, &failure) {
			t.Errorf("got %v, want an error that is not a FunctionError", err)
		}
	})
}

func TestConcurrentInvocationsDoNotShareResults(t *testing.T) {
	eachRuntime(t, []string{"echo"}, func(t *testing.T, r runtime) {
		var callers sync.WaitGroup
		for n := range 4 {
			callers.Go(func() {
				want := strconv.Itoa(1000 + n)
				for range 200 {
					got, err := r.Invoke(t.Context(), "echo", []byte(want))
					if err != nil || string(got) != want {
						t.Errorf("got %s, %v; want %s", got, err, want)
						return
					}
				}
			})
		}
		callers.Wait()
	})
}

func TestStatsCountInvocationsAndErrors(t *testing.T) {
	eachRuntime(t, []string{"odd", "none"}, func(t *testing.T, r runtime) {
		for _, payload := range []string{"1", "2", "3"} {
			_, _ = r.Invoke(t.Context(), "odd", []byte(payload))
		}
		for name, want := range map[string]lambda.Stats{"odd": {Invocations: 3, Errors: 2}, "none": {}} {
			if got := r.Stats()[name]; got.Invocations != want.Invocations || got.Errors != want.Errors {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
		}
	})
}
