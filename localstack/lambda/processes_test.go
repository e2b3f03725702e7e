package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"waggle/localstack/lambda"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// invoke invokes a function that must succeed.
func invoke(t *testing.T, r runtime, function, payload string) string {
	t.Helper()
	got, err := r.Invoke(t.Context(), function, []byte(payload))
	if err != nil {
		t.Fatalf("%s: %v", function, err)
	}
	return string(got)
}

// failure invokes a function that must fail.
func failure(t *testing.T, r runtime, function, payload string) lambda.FunctionError {
	t.Helper()
	got, err := r.Invoke(t.Context(), function, []byte(payload))
	var failure *lambda.FunctionError
	if !errors.As(err, &failure) {
		t.Fatalf("%s: got %s, %v, want a FunctionError", function, got, err)
	}
	return *failure
}

func TestAnIdleEnvironmentIsReused(t *testing.T) {
	p := processes(t, lambda.Options{}, "pid", "none")
	first := invoke(t, p, "pid", "{}")
	for range 3 {
		if next := invoke(t, p, "pid", "{}"); next != first {
			t.Errorf("got process %s, then %s, want the same one", first, next)
		}
	}
	got := p.Stats()
	if s := got["pid"]; s.ColdStarts != 1 || s.Invocations != 4 || s.Starting <= 0 {
		t.Errorf("got %+v, want one cold start, with its duration", s)
	}
	if s := got["none"]; s != (lambda.Stats{}) {
		t.Errorf("a function that was not invoked: got %+v, want it not started", s)
	}
}

func TestEnvironmentsAreBounded(t *testing.T) {
	p := processes(t, lambda.Options{Concurrency: 2}, "hangs", "pid")
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			if _, err := p.Invoke(ctx, "hangs", []byte("{}")); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the caller's cancellation", err)
			}
		})
	}
	for p.Stats()["hangs"].Invocations < 2 {
		time.Sleep(time.Millisecond) // they are counted as soon as they start
	}
	_, err := p.Invoke(t.Context(), "hangs", []byte("{}"))
	var failed *lambda.FunctionError
	if !errors.Is(err, lambda.ErrThrottled) || errors.As(err, &failed) {
		t.Errorf("a third one: got %v, want ErrThrottled", err)
	}
	invoke(t, p, "pid", "{}") // another function has environments of its own
	// When a caller gives up, its environment stays busy.
	cancel()
	callers.Wait()
	if _, err := p.Invoke(t.Context(), "hangs", []byte("{}")); !errors.Is(err, lambda.ErrThrottled) {
		t.Errorf("after the callers gave up: got %v, want ErrThrottled", err)
	}
	if s := p.Stats()["hangs"]; s.Throttles != 2 || s.Invocations != 2 || s.ColdStarts != 2 {
		t.Errorf("got %+v, want 2 of each", s)
	}
}

func TestTimeoutsAndExitsEndAnEnvironment(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		timeout, init time.Duration
		want, message string
	}{
		"hangs":       {timeout: 50 * time.Millisecond, want: "Sandbox.Timedout", message: "Task timed out after 50ms"},
		"exits":       {want: "Runtime.ExitError", message: "exit status 3"},
		"never ready": {want: "Runtime.ExitError", message: "exit status 1"},
		"never asks":  {init: 50 * time.Millisecond, want: "Sandbox.Timedout", message: "Task timed out after 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			p := lambda.Start(map[string]lambda.Program{name: {Command: []string{program}, Env: []string{asFunction + "=" + name}, Timeout: test.timeout}},
				lambda.Options{InitTimeout: test.init, Log: slog.New(slog.NewTextHandler(&log, nil))})
			for range 2 {
				if f := failure(t, p, name, "{}"); f.Type != test.want || !strings.Contains(f.Message, test.message) {
					t.Errorf("got %+v, want %s: %s", f, test.want, test.message)
				}
			}
			if s := p.Stats()[name]; s.ColdStarts != 2 || s.Errors != 2 {
				t.Errorf("got %+v, want a new environment each time", s)
			}
			p.Close()
			if name == "never ready" && strings.Count(log.String(), "WAGGLE_CACHE_URL is not set") != 2 {
				t.Errorf("the log lacks the output of the function: %s", &log)
			}
		})
	}
}

func TestAnEnvironmentThatDiesWhileIdleIsReplaced(t *testing.T) {
	p := processes(t, lambda.Options{}, "pid")
	first := invoke(t, p, "pid", "{}")
	var pid int
	if _, err := fmt.Sscan(first, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for p.Stats()["pid"].Environments > 0 {
		time.Sleep(time.Millisecond) // until the exit is noticed
	}
	if next := invoke(t, p, "pid", "{}"); next == first {
		t.Errorf("got process %s, which was killed", next)
	}
	if s := p.Stats()["pid"]; s.Errors != 0 || s.ColdStarts != 2 {
		t.Errorf("got %+v, want no error and two cold starts", s)
	}
}

// A function gets Lambda's variables and its own, but none of this machine's.
func TestAFunctionGetsOnlyLambdasVariablesAndItsOwn(t *testing.T) {
	t.Setenv("WAGGLE_CACHE_URL", "redis://elsewhere")
	p := processes(t, lambda.Options{}, "env")
	for name, want := range map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "env", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_REGION": "us-east-1",
		asFunction: "env", "WAGGLE_CACHE_URL": "", "HOME": ""} {
		if got := invoke(t, p, "env", `"`+name+`"`); got != `"`+want+`"` {
			t.Errorf("%s: got %s, want %q", name, got, want)
		}
	}
}

func TestAResultIsAtMost6MB(t *testing.T) {
	p := processes(t, lambda.Options{}, "large")
	if got := invoke(t, p, "large", "4000000"); len(got) < 4_000_000 {
		t.Errorf("got %d bytes", len(got))
	}
	if f := failure(t, p, "large", "6000000"); f.Type != "Function.ResponseSizeTooLarge" {
		t.Errorf("got %+v, want Function.ResponseSizeTooLarge", f)
	}
	invoke(t, p, "large", "1")
}

// runKilledStack runs a function, prints its process id, and waits to be killed.
func runKilledStack() {
	p := lambda.Start(map[string]lambda.Program{"pid": {Command: os.Args[:1], Env: []string{asFunction + "=pid"}}}, lambda.Options{})
	pid, err := p.Invoke(context.Background(), "pid", []byte("{}"))
	fmt.Println(string(pid), err)
	select {}
}

// A stack that is killed cannot stop its functions: they exit by themselves.
func TestNoFunctionOutlivesAKilledStack(t *testing.T) {
	stack := exec.CommandContext(t.Context(), os.Args[0])
	stack.Env = append(os.Environ(), asFunction+"=a stack")
	out, err := stack.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stack.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the function: %v", err)
	}
	_ = stack.Process.Kill()
	_ = stack.Wait() // it was killed
	for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the function still runs without its stack")
		}
	}
}

// alive reports whether a process runs. A zombie does not run.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(state), ") Z ")
}

func TestCloseLeavesNoProcess(t *testing.T) {
	p := processes(t, lambda.Options{}, "pid", "hangs")
	var pid int
	if _, err := fmt.Sscan(invoke(t, p, "pid", "{}"), &pid); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := p.Invoke(context.Background(), "hangs", []byte("{}"))
		ended <- err
	}()
	for p.Stats()["hangs"].Invocations < 1 {
		time.Sleep(time.Millisecond)
	}
	p.Close()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d: got %v, want it gone", pid, err)
	}
	var failed *lambda.FunctionError
	if err := <-ended; !errors.As(err, &failed) || failed.Type != "Runtime.ExitError" {
		t.Errorf("the invocation in progress: got %v, want Runtime.ExitError", err)
	}
	if _, err := p.Invoke(t.Context(), "pid", []byte("{}")); err == nil {
		t.Error("a closed runtime starts processes")
	}
}
