package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// A process is one start of a function. It gets its events from Lambda's Runtime API, as
// on Lambda.
type process struct {
	command *exec.Cmd
	server  *http.Server
	started time.Time
	ended   chan error    // takes the reason why the process ended
	exited  chan struct{} // closed when it has ended

	ready   chan time.Time // the process has asked for an event
	events  chan []byte
	answers chan answer
}

type answer struct {
	at   time.Time
	body string
	ok   bool
}

// launch starts a function's program with these variables.
func launch(program string, variables []string) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{ended: make(chan error, 1), exited: make(chan struct{}), ready: make(chan time.Time, 1), events: make(chan []byte), answers: make(chan answer, 1)}
	p.server = &http.Server{Handler: p.runtimeAPI(), ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // until it is closed
	p.command = exec.Command(program)
	p.command.Stderr, p.command.Stdout = os.Stderr, os.Stderr
	p.command.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=location", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=local", "_HANDLER=bootstrap",
	}, variables...)
	p.started = time.Now()
	if err := p.command.Start(); err != nil {
		p.server.Close()
		return nil, err
	}
	go func() {
		p.ended <- p.command.Wait()
		close(p.exited)
	}()
	return p, nil
}

// runtimeAPI is as much of Lambda's Runtime API as a function needs.
func (p *process) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	const invocation = "/2018-06-01/runtime/invocation/"
	mux.HandleFunc("GET "+invocation+"next", func(w http.ResponseWriter, r *http.Request) {
		p.ready <- time.Now()
		select {
		case event := <-p.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(10*time.Second).UnixMilli(), 10))
			_, _ = w.Write(event) // fails if the process has ended, which send notices
		case <-r.Context().Done():
		}
	})
	respond := func(ok bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // fails if the process has ended, which send notices
			p.answers <- answer{time.Now(), string(body), ok}
			w.WriteHeader(http.StatusAccepted)
		}
	}
	mux.HandleFunc("POST "+invocation+"1/response", respond(true))
	mux.HandleFunc("POST "+invocation+"1/error", respond(false))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", respond(false))
	mux.HandleFunc("POST /2020-01-01/extension/register", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Lambda-Extension-Identifier", "1")
		fmt.Fprint(w, "{}")
	})
	mux.HandleFunc("GET /2020-01-01/extension/event/next", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

// await waits until the process asks for an event, and returns when it did.
func (p *process) await(ctx context.Context) (time.Time, error) {
	select {
	case at := <-p.ready:
		return at, nil
	case err := <-p.ended:
		return time.Time{}, fmt.Errorf("the function exited: %w", err)
	case <-ctx.Done():
		return time.Time{}, errors.New("the function did not ask for an event")
	}
}

// send gives an event to a process that has asked for one, and returns when it answered.
func (p *process) send(ctx context.Context, event []byte) (time.Time, error) {
	select {
	case p.events <- event:
	case <-ctx.Done():
		return time.Time{}, errors.New("the function did not ask for an event")
	}
	select {
	case a := <-p.answers:
		if !a.ok {
			return a.at, errors.New("the function failed: " + a.body)
		}
		return a.at, nil
	case err := <-p.ended:
		return time.Time{}, fmt.Errorf("the function exited: %w", err)
	case <-ctx.Done():
		return time.Time{}, errors.New("the function did not answer")
	}
}

// stop kills the process, and returns the processor time that it took.
func (p *process) stop() time.Duration {
	_ = p.command.Process.Kill() // it may have exited
	<-p.exited
	p.server.Close()
	return p.command.ProcessState.UserTime() + p.command.ProcessState.SystemTime()
}
