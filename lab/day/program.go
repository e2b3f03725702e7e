package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"waggle/cmd/waggle/stack"
)

// program returns a command of one of the programs. It gets a process group of its own,
// so that Ctrl-C on the terminal does not end the stack while the replay still needs it.
// Signals go through this process instead.
func (d day) program(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(d.programs, name), args...)
	c.Args[0] = strings.Join(append([]string{name}, args[:min(len(args), 1)]...), " ")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Stderr = d.stderr
	return c
}

// do runs a program to its end. A signal is passed on: the first one as an interrupt,
// the next one kills it.
func (d day) do(c *exec.Cmd) error {
	if err := c.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	next := syscall.SIGINT
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("%s: %w", c.Args[0], err)
			}
			return nil
		case <-d.signals:
			_ = c.Process.Signal(next) // it may have ended
			next = syscall.SIGKILL
		}
	}
}

// doTo is do with the standard output in a file.
func (d day) doTo(file string, c *exec.Cmd) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	c.Stdout = f
	return d.do(c)
}

// startStack starts the local stack, and returns when it is ready. A signal ends the wait.
func (d day) startStack(cache, pools string) (*stack.Stack, *exec.Cmd, error) {
	c := d.program("localstack", "-addr", "127.0.0.1:0", "-cache", cache, "-pools", pools, "-faults", cmp.Or(d.faults, "limit=0"),
		"-concurrency", "1000") // a day at 60 times its speed has 60 times its bursts
	c.Args[0], c.Stderr = "localstack", d.log
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-d.signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	s, err := stack.Start(ctx, c)
	if err != nil {
		return nil, nil, fmt.Errorf("%w; see %s", err, d.file("stack.log"))
	}
	fmt.Fprintln(d.log, s.URL)
	return s, c, nil
}

// peak returns the most memory that a process had. It must have ended.
func peak(c *exec.Cmd) string {
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return "an unknown amount"
	}
	kilo := int64(usage.Maxrss)
	if runtime.GOOS == "darwin" {
		kilo /= 1024 // there it is in bytes
	}
	return fmt.Sprintf("%d MiB", kilo/1024)
}
