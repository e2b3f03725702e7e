package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// build builds a command of this repository.
func build(t *testing.T, pkg string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), filepath.Base(pkg))
	c := exec.CommandContext(t.Context(), "go", "build", "-o", binary, pkg)
	c.Dir = ".."
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return binary
}

// execute runs a program, which must exit with 0.
func execute(t *testing.T, stdin, program string, args ...string) (stdout string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Stdin = strings.NewReader(stdin)
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	if err := c.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, &out, &log)
	}
	return out.String()
}

func TestAClientInAnotherLanguage(t *testing.T) {
	node := javascript(t)
	eachStack(t, func(t *testing.T, s *testStack) {
		out := execute(t, "", node, "e2e/two-members.mjs", s.base)
		if !strings.HasSuffix(out, "\nok\n") {
			t.Errorf("the output does not end with ok:\n%s", out)
		}
	})
	t.Run("no server", func(t *testing.T) {
		if out, err := exec.CommandContext(t.Context(), node, "e2e/two-members.mjs", "http://127.0.0.1:1").CombinedOutput(); err == nil {
			t.Errorf("it exits with 0 although nothing listens:\n%s", out)
		}
	})
}

// javascript returns the path of Node.js, and installs the packages of e2e.
func javascript(t *testing.T) string {
	t.Helper()
	const install = "nodejs and npm, then run npm ci in localstack/e2e"
	node, npm := kit.Command(t, "node", install), kit.Command(t, "npm", install)
	if out, err := exec.CommandContext(t.Context(), npm, "ls", "--prefix", "e2e").CombinedOutput(); err == nil && len(out) > 0 {
		return node // all packages of the lock file are installed
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts")
	c.Dir = "e2e"
	if out, err := c.CombinedOutput(); err != nil {
		t.Logf("npm ci: %v\n%s", err, out)
		kit.Missing(t, install)
	}
	return node
}

func TestTheCommandLineWorksWithTheStack(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		waggle := build(t, "./cmd/waggle")
		s := runStack(t, runtime...)
		t.Run("shell", func(t *testing.T) {
			out := execute(t, "hello\nlocation 37.77 -122.42 id=1\n{\"action\":\"dance\",\"id\":\"d1\"}\n[1]\n", waggle, "shell", "-url", s.base, "-as", "a/b 🐝", "-tags", "bike")
			for _, want := range []string{
				`→ {"action":"hello"}`, `"member":"a/b 🐝"`,
				`→ {"action":"location","lat":37.77,"lng":-122.42,"id":"1"}`, `← {"type":"ack","id":"1"`,
				`→ {"action":"dance","id":"d1"}`, `"id":"d1","code":"unknown_action"`,
				`→ [1]`, `"code":"invalid_message"`,
			} {
				if !strings.Contains(out, want) {
					t.Errorf("no %s in:\n%s", want, out)
				}
			}
		})
		t.Run("demo", func(t *testing.T) {
			out := execute(t, "", waggle, "demo", "-url", s.base)
			if !strings.Contains(out, "Both are free again.") {
				t.Errorf("got:\n%s", out)
			}
			if f := s.feed(); len(f.Matches) != 0 {
				t.Errorf("the demo left matches: %v", f.Matches)
			}
		})
	})
}

func TestSignalsStopTheStack(t *testing.T) {
	stack := build(t, "./localstack")
	cache := caches.Embedded(t)
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c := exec.CommandContext(ctx, stack, "-addr", "127.0.0.1:0", "-cache", cache.URL, "-members", "2")
			var log bytes.Buffer
			c.Stderr = &log
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for lines := bufio.NewScanner(out); lines.Scan(); {
				if strings.HasPrefix(lines.Text(), "ws://") {
					break
				}
			}
			if err := c.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := c.Wait(); err != nil || log.Len() > 0 {
				t.Errorf("got %v, logged %s", err, &log)
			}
		})
	}
}
