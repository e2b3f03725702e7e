package lambda

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// An environment is one process of a function. It gets its events from its own Runtime
// API.
type environment struct {
	function    string
	program     Program
	initTimeout time.Duration
	command     *exec.Cmd
	server      *http.Server
	output      *lineLogger
	started     time.Time

	work      chan *invocation              // for the next request for an event
	current   atomic.Pointer[invocation]    // in progress
	initError atomic.Pointer[FunctionError] // that the process reported during its start
	exited    chan struct{}                 // closed when the process has exited

	// Only for the caller that has acquired the environment:
	warm     bool          // it has asked for an event before
	starting time.Duration // from the start to the first request for an event
}

// An invocation is one event to serve.
type invocation struct {
	id      string
	payload []byte
	timeout time.Duration
	done    chan outcome // takes one
}

type outcome struct {
	result []byte
	err    error
}

// errExitedIdle means that the process exited between two events.
var errExitedIdle = errors.New("lambda: the environment had exited")

// shutdownGrace is how long a process has to exit before it is killed.
const shutdownGrace = time.Second

func startEnvironment(function string, program Program, o Options) (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{function: function, program: program, initTimeout: o.InitTimeout, started: time.Now(),
		work: make(chan *invocation), exited: make(chan struct{})}
	e.server = &http.Server{Handler: e.runtimeAPI(l.Addr().String()), ReadHeaderTimeout: 10 * time.Second}
	e.command = exec.Command(program.Command[0], program.Command[1:]...)
	e.command.Env = append(e.environ(l.Addr().String()), program.Env...)
	e.output = &lineLogger{log: o.Log, function: function, taken: o.Taken}
	e.command.Stdout, e.command.Stderr = e.output, e.output
	e.command.WaitDelay = shutdownGrace
	// Its own process group: a signal from the terminal goes to the stack alone, which
	// stops the functions last.
	e.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := e.command.Start(); err != nil {
		l.Close()
		return nil, err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = e.server.Serve(l) // until it is closed
	}()
	go func() {
		_ = e.command.Wait() // failure reads the exit state
		e.server.Close()
		<-served
		e.output.end()
		close(e.exited)
	}()
	return e, nil
}

// environ returns the variables that Lambda sets for every function. The functions sign
// requests with the credentials; nothing here verifies them.
func (e *environment) environ(address string) []string {
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + address,
		"AWS_LAMBDA_FUNCTION_NAME=" + e.function,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(e.program.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=local",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(e.program.Command[len(e.program.Command)-1]),
		"_HANDLER=bootstrap", "TZ=:UTC", "PATH=/usr/local/bin:/usr/bin:/bin",
	}
}

// serve lets the process serve one event. It kills the process after a timeout.
func (e *environment) serve(payload []byte) outcome {
	i := &invocation{id: requestID(), payload: payload, timeout: e.program.Timeout, done: make(chan outcome, 1)}
	limit := time.NewTimer(e.initTimeout)
	defer limit.Stop()
	select {
	case e.work <- i:
	case <-e.exited:
		if e.warm {
			return outcome{err: errExitedIdle}
		}
		return outcome{err: e.failure(i)}
	case <-limit.C:
		e.kill()
		return outcome{err: timedOut(e.function, e.initTimeout)}
	}
	if !e.warm {
		e.warm, e.starting = true, time.Since(e.started)
	}
	limit.Reset(i.timeout)
	select {
	case o := <-i.done:
		return o
	case <-e.exited:
	case <-limit.C:
		e.kill()
		return outcome{err: timedOut(e.function, i.timeout)}
	}
	select {
	case o := <-i.done: // it exited after its response
		return o
	default:
		return outcome{err: e.failure(i)}
	}
}

// failure returns the reason why a process exited without serving an event.
func (e *environment) failure(i *invocation) *FunctionError {
	if err := e.initError.Load(); err != nil {
		return err
	}
	reason := "Runtime exited without providing a reason"
	if state := e.command.ProcessState; !state.Success() {
		reason = "Runtime exited with error: " + state.String()
	}
	return &FunctionError{e.function, "Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", i.id, reason)}
}

// hasExited reports whether the process has exited.
func (e *environment) hasExited() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// end stops the process. A function exits when its Runtime API is gone; one that does
// not is killed.
func (e *environment) end() {
	e.output.end() // it would log that its Runtime API is gone
	_ = e.command.Process.Signal(syscall.SIGTERM)
	e.server.Close()
	select {
	case <-e.exited:
	case <-time.After(shutdownGrace):
		e.kill()
	}
}

// kill kills the process and its children.
func (e *environment) kill() {
	if !e.hasExited() {
		_ = syscall.Kill(-e.command.Process.Pid, syscall.SIGKILL)
	}
	<-e.exited
}
