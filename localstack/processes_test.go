package main

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waggle/internal/topology"
)

// functionDirWith returns a directory of the built functions, with scripts in place of
// some.
func functionDirWith(t *testing.T, scripts map[string]string) (dir string) {
	t.Helper()
	asProcesses(t) // builds them
	all := map[string]string{}
	for _, f := range topology.Functions() {
		program, err := os.ReadFile(bootstrap("../"+localBuild, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(program)
	}
	maps.Copy(all, scripts)
	return functionDir(t, all)
}

// functionDir returns a directory with the programs of these functions.
func functionDir(t *testing.T, functions map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range functions {
		if err := errors.Join(os.Mkdir(filepath.Join(dir, name), 0o700), os.WriteFile(bootstrap(dir, name), []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// wantInternalServerError wants the next frame to be API Gateway's frame for a failure.
func (b *rawConn) wantInternalServerError() {
	b.t.Helper()
	const want = `{"message":"Internal server error","connectionId":`
	if frame := b.receiveRaw(); !strings.HasPrefix(string(frame), want) {
		b.t.Errorf("got %s, want %s…", frame, want)
	}
}

func TestACrashIsInternalServerError(t *testing.T) {
	s := runStack(t, "-runtime", processes, "-functions", functionDirWith(t, map[string]string{topology.Match: "#!/bin/sh\nexit 7\n"}))
	ana := s.dial("ana")
	ana.sendText(`{"action":"match","id":"m"}`)
	ana.wantInternalServerError()
	ana.stillWorks() // another function serves it
	s = runStack(t, "-runtime", processes, "-functions", functionDirWith(t, map[string]string{topology.Connect: "#!/bin/sh\nexit 7\n"}))
	if got := s.handshakeStatus(s.token("member", "ana")); got != http.StatusBadGateway {
		t.Errorf("$connect: got %d, want 502", got)
	}
}

func TestThrottledIsInternalServerError(t *testing.T) {
	// The only environment is busy with the first message while it fails to start.
	s := runStack(t, "-runtime", processes, "-concurrency", "1", "-functions", functionDirWith(t, map[string]string{topology.Match: "#!/bin/sh\nexec sleep 2\n"}))
	ana := s.dial("ana")
	for _, id := range []string{"m", "n"} {
		ana.sendText(`{"action":"match","id":"` + id + `"}`)
	}
	ana.wantInternalServerError()
	ana.wantInternalServerError()
	ana.stillWorks()
	s.wantSummary("match       1 events, 1 errors, 1 throttled, 1 cold starts of ")
}

// wantSummary stops the stack, and wants these texts in the summary of the functions.
func (s *testStack) wantSummary(want ...string) (summary string) {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatal(err)
	}
	summary = <-s.output
	for _, want := range want {
		if !strings.Contains(summary, want) {
			s.t.Errorf("no %q in:\n%s", want, summary)
		}
	}
	return summary
}

func TestFunctionsStartOnDemand(t *testing.T) {
	s := runStack(t, asProcesses(t)...)
	if want := "run as processes"; !strings.Contains(s.greeting, want) {
		t.Errorf("no %q in:\n%s", want, s.greeting)
	}
	s.dial("ana").stillWorks()
	summary := s.wantSummary("authorizer  1 events, 0 errors, 0 throttled, 1 cold starts of ", "connect     2 events, 0 errors")
	if strings.Contains(summary, topology.Match) {
		t.Errorf("a function without events was started:\n%s", summary)
	}
}
