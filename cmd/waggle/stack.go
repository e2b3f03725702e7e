package main

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

// A stack is a local stack that this program started.
type stack struct {
	url  string
	stop func() // and waits for its end
}

// startStack builds and starts the local stack of the checkout in the working
// directory, and waits until it prints its URL. Its log goes to log.
func startStack(ctx context.Context, log io.Writer) (*stack, error) {
	if _, err := os.Stat("localstack"); err != nil {
		return nil, errors.New("there is no ./localstack to start: run this at the top of a checkout, or say with -url where a stack is")
	}
	dir, err := os.MkdirTemp("", "waggle-")
	if err != nil {
		return nil, err
	}
	// It is built first because "go run" does not pass a signal on.
	binary := filepath.Join(dir, "localstack")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./localstack")
	build.Stdout, build.Stderr = log, log
	if err := build.Run(); err != nil {
		return nil, errors.Join(fmt.Errorf("build ./localstack: %w", err), os.RemoveAll(dir))
	}
	s, err := runStack(ctx, log, binary)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop := s.stop
	s.stop = func() {
		stop()
		_ = os.RemoveAll(dir) // the system clears it otherwise
	}
	return s, nil
}

// runStack runs a local stack that was built, with these flags, on a free port.
func runStack(ctx context.Context, log io.Writer, binary string, flags ...string) (*stack, error) {
	// Ending ctx must not kill it before the matches were ended: stop does it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(ctx, binary, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start the local stack: %w", err)
	}
	found := make(chan string, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			if base, ok := baseURL(scanner.Text()); ok {
				select {
				case found <- base:
				default: // it prints several; the first is as good
				}
			}
		}
		_ = cmd.Wait() // stopped by a signal, or found is never filled
	}()
	stop := func() {
		cancel()
		<-done
	}
	select {
	case base := <-found:
		return &stack{url: base, stop: stop}, nil
	case <-done:
		cancel()
		return nil, fmt.Errorf("the local stack ended before it was ready: %v", cmd.ProcessState)
	case <-time.After(time.Minute):
		stop()
		return nil, errors.New("the local stack was not ready within a minute")
	}
}

// baseURL finds the stack's address in a line that is a URL alone.
func baseURL(line string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(line))
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", false
	}
	return "http://" + u.Host, true
}
