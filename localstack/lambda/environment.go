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

// An environment is one process of a function, with a Runtime API of its own by which
// it gets its events.
type environment struct {
	function    string
	program     Program
	initTimeout time.Duration
	command     *exec.Cmd
	server      *http.Server
	said        *lines
	started     time.Time

	work    chan *invocation              // to who asks for the next event
	current atomic.Pointer[invocation]    // the one being served
	failed  atomic.Pointer[FunctionError] // what it said of its own start
	exited  chan struct{}                 // closed when the process has ended

	// Of who has taken it:
	warm     bool          // it has served before
	starting time.Duration // how long it took to ask for its first event
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

// errNotTaken: the process ended before it asked for this event, having served others.
var errNotTaken = errors.New("lambda: the environment had ended")

// goodbye is how long a process may take to end by itself.
const goodbye = time.Second

func startEnvironment(function string, program Program, o Options) (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &environment{function: function, program: program, initTimeout: o.InitTimeout, started: time.Now(),
		work: make(chan *invocation), exited: make(chan struct{})}
	e.server = &http.Server{Handler: e.runtimeAPI(), ReadHeaderTimeout: 10 * time.Second}
	e.command = exec.Command(program.Command[0], program.Command[1:]...)
	e.command.Env = append(e.environ(l.Addr().String()), program.Env...)
	e.said = &lines{log: o.Log, function: function}
	e.command.Stdout, e.command.Stderr = e.said, e.said
	e.command.WaitDelay = goodbye
	// A group of its own: a signal from the terminal is for the stack, which ends the
	// functions last.
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
		_ = e.command.Wait() // how it ended is in its state
		e.server.Close()
		<-served
		e.said.end()
		close(e.exited)
	}()
	return e, nil
}

// environ is what Lambda gives every function. The credentials are signed with, and
// nobody here checks by whom.
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

// serve has the process serve one event. Where it takes too long it is killed.
func (e *environment) serve(payload []byte) outcome {
	i := &invocation{id: requestID(), payload: payload, timeout: e.program.Timeout, done: make(chan outcome, 1)}
	limit := time.NewTimer(e.initTimeout)
	defer limit.Stop()
	select {
	case e.work <- i:
	case <-e.exited:
		if e.warm {
			return outcome{err: errNotTaken}
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
	case o := <-i.done: // it ended after its answer
		return o
	default:
		return outcome{err: e.failure(i)}
	}
}

// failure is why a process that has ended did not serve an event.
func (e *environment) failure(i *invocation) *FunctionError {
	if said := e.failed.Load(); said != nil {
		return said
	}
	how := "Runtime exited without providing a reason"
	if state := e.command.ProcessState; !state.Success() {
		how = "Runtime exited with error: " + state.String()
	}
	return &FunctionError{e.function, "Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", i.id, how)}
}

// over tells whether the process has ended.
func (e *environment) over() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// end lets the process end by itself, which a function does that finds its Runtime API
// gone, and kills it otherwise.
func (e *environment) end() {
	e.said.end() // that its Runtime API is gone is no news
	_ = e.command.Process.Signal(syscall.SIGTERM)
	e.server.Close()
	select {
	case <-e.exited:
	case <-time.After(goodbye):
		e.kill()
	}
}

// kill ends the process and all that it has started.
func (e *environment) kill() {
	if !e.over() {
		_ = syscall.Kill(-e.command.Process.Pid, syscall.SIGKILL)
	}
	<-e.exited
}
