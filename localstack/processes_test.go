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

// instead is a directory with the built functions, but scripts in place of some.
func functionDirWith(t *testing.T, scripts map[string]string) (dir string) {
	t.Helper()
	asProcesses(t) // builds them
	all := map[string]string{}
	for _, f := range topology.Functions() {
		own, err := os.ReadFile(bootstrap("../"+localBuild, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = string(own)
	}
	maps.Copy(all, scripts)
	return functionDir(t, all)
}

// scripted is a directory with these functions.
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

// failed wants the next frame to be API Gateway's own word for a failure.
func (b *rawConn) wantInternalServerError() {
	b.t.Helper()
	const want = `{"message":"Internal server error","connectionId":`
	if said := b.receiveRaw(); !strings.HasPrefix(string(said), want) {
		b.t.Errorf("got %s, want %s…", said, want)
	}
}

func TestACrashIsInternalServerError(t *testing.T) {
	s := runStack(t, "-runtime", processes, "-functions", functionDirWith(t, map[string]string{topology.Match: "#!/bin/sh\nexit 7\n"}))
	ana := s.dial("ana")
	ana.sendText(`{"action":"match","id":"m"}`)
	ana.wantInternalServerError()
	ana.stillWorks() // by another function
	s = runStack(t, "-runtime", processes, "-functions", functionDirWith(t, map[string]string{topology.Connect: "#!/bin/sh\nexit 7\n"}))
	if got := s.refused(s.token("member", "ana")); got != http.StatusBadGateway {
		t.Errorf("$connect: got %d, want 502", got)
	}
}

func TestThrottledIsInternalServerError(t *testing.T) {
	// The first one holds the only environment for as long as that starts, in vain.
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

// wantSummary ends the stack, and wants this to be said of the functions.
func (s *testStack) wantSummary(want ...string) (said string) {
	s.t.Helper()
	if err := s.end(); err != nil {
		s.t.Fatal(err)
	}
	said = <-s.said
	for _, want := range want {
		if !strings.Contains(said, want) {
			s.t.Errorf("no %q in:\n%s", want, said)
		}
	}
	return said
}

func TestFunctionsStartWhenTheyAreNeeded(t *testing.T) {
	s := runStack(t, asProcesses(t)...)
	if want := "run as processes"; !strings.Contains(s.greeting, want) {
		t.Errorf("no %q in:\n%s", want, s.greeting)
	}
	s.dial("ana").stillWorks()
	said := s.wantSummary("authorizer  1 events, 0 errors, 0 throttled, 1 cold starts of ", "connect     2 events, 0 errors")
	if strings.Contains(said, topology.Match) {
		t.Errorf("a function that nobody needed was started:\n%s", said)
	}
}
