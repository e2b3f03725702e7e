// Package stack runs the local stack as a process.
package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	startTime = time.Minute
	stopTime  = 20 * time.Second
)

// A Stack is a local stack that this program started.
type Stack struct {
	URL     string
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	remove  string        // a folder to remove after that; "": none
}

// Build builds the local stack of the checkout in the working directory, and starts it
// on a free port, with more flags of it. Its log goes to log.
func Build(ctx context.Context, log io.Writer, flags ...string) (*Stack, error) {
	if _, err := os.Stat("localstack"); err != nil {
		return nil, errors.New("there is no ./localstack to start: run this at the top of a checkout, or say with -url where a stack is")
	}
	dir, err := os.MkdirTemp("", "waggle-")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "localstack") // "go run" would not pass a signal on
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./localstack")
	build.Stdout, build.Stderr = log, log
	if err := build.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("build ./localstack: %w", err), os.RemoveAll(dir))
	}
	process := exec.Command(program, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	process.Stderr = log
	s, err := Start(ctx, process)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.remove = dir
	return s, nil
}

// Start starts a local stack, and waits until it prints its URL. When ctx ends before
// that, the stack is stopped. Afterwards ctx does not matter: the clients may still have
// to end their matches, and then call Stop.
func Start(ctx context.Context, process *exec.Cmd) (*Stack, error) {
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("start the local stack: %w", err)
	}
	s := &Stack{process: process, ended: make(chan struct{})}
	found := make(chan string, 1)
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if base, ok := baseURL(lines.Text()); ok {
				select {
				case found <- base:
				default: // it prints several, with the same address
				}
			}
		}
		_ = process.Wait() // its state is known afterwards
	}()
	late := time.NewTimer(startTime)
	defer late.Stop()
	select {
	case s.URL = <-found:
		return s, nil
	case <-s.ended:
		err = fmt.Errorf("the local stack ended before it was ready: %v", process.ProcessState)
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		err = fmt.Errorf("the local stack was not ready within %v", startTime)
	}
	s.Stop()
	return nil, err
}

// Stop ends the stack, and returns when it has ended. It may be called more than once.
func (s *Stack) Stop() {
	_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	late := time.AfterFunc(stopTime, func() { _ = s.process.Process.Kill() })
	defer late.Stop()
	<-s.ended
	if s.remove != "" {
		_ = os.RemoveAll(s.remove) // a temporary folder, which the system clears otherwise
	}
}

// baseURL finds the address in a line that is nothing but a URL.
func baseURL(line string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", false
	}
	return "http://" + u.Host, true
}
