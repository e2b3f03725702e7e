package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// program is one of ours. It has a process group of its own, so that a Ctrl-C on the
// terminal does not end the stack under the replay: signals pass through here.
func (d day) program(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(d.programs, name), args...)
	c.Args[0] = strings.Join(append([]string{name}, args[:min(len(args), 1)]...), " ")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Stderr = d.stderr
	return c
}

// do runs it to its end, which a signal brings about: the first in order.
func (d day) do(c *exec.Cmd) error {
	if err := c.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	with := syscall.SIGINT
	for {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("%s: %w", c.Args[0], err)
			}
			return nil
		case <-d.signals:
			_ = c.Process.Signal(with) // it may just have ended
			with = syscall.SIGKILL
		}
	}
}

// doTo is do with the standard output to a file.
func (d day) doTo(file string, c *exec.Cmd) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	c.Stdout = f
	return d.do(c)
}

// stack starts the local stack, and returns when it has said where it is.
func (d day) stack(cache, pools string) (*exec.Cmd, string, error) {
	c := d.program("localstack", "-addr", "127.0.0.1:0", "-cache", cache, "-pools", pools)
	c.Args[0], c.Stderr = "localstack", d.log
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := c.Start(); err != nil {
		return nil, "", err
	}
	found := make(chan string, 1)
	go func() {
		defer close(found)
		for s := bufio.NewScanner(out); s.Scan(); {
			fmt.Fprintln(d.log, s.Text())
			if u, err := url.Parse(strings.TrimSpace(s.Text())); err == nil && u.Scheme == "http" && u.Host != "" {
				select {
				case found <- "http://" + u.Host:
				default: // it prints several; the first is as good
				}
			}
		}
	}()
	err = errors.New("it was not ready within a minute")
	select {
	case at, ok := <-found:
		if ok {
			return c, at, nil
		}
		err = errors.New("it ended before it was ready")
	case <-d.signals:
		err = errors.New("interrupted")
	case <-time.After(time.Minute):
	}
	d.stop(c)
	return nil, "", fmt.Errorf("the local stack: %w; see %s", err, d.file("stack.log"))
}

// stop ends what is not waited for yet: in order, and after a while by force.
func (d day) stop(c *exec.Cmd) {
	if c.ProcessState != nil {
		return
	}
	_ = c.Process.Signal(syscall.SIGTERM) // it may just have ended
	late := time.AfterFunc(20*time.Second, func() { _ = c.Process.Kill() })
	defer late.Stop()
	_ = c.Wait() // ended by a signal
}

// peak is the most memory that a process had that has ended.
func peak(c *exec.Cmd) string {
	usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return "an unknown amount"
	}
	kilo := int64(usage.Maxrss)
	if runtime.GOOS == "darwin" {
		kilo /= 1024 // which has bytes
	}
	return fmt.Sprintf("%d MiB", kilo/1024)
}
