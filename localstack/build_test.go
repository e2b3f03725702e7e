package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"waggle/internal/topology"
	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// lambdaBuild is the output directory of make build in this test, so that dist is not
// overwritten.
const lambdaBuild = "bin/arm64"

// buildForLambda builds the functions as they are deployed.
func buildForLambda(t *testing.T) (dir string) {
	t.Helper()
	finder := exec.CommandContext(t.Context(), "build/cross-cc.sh", "arm64")
	finder.Dir = ".."
	if output, err := finder.CombinedOutput(); err != nil {
		t.Logf("%s", output)
		kit.Missing(t, "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross, or zig (pip install ziglang)")
	}
	build := exec.CommandContext(t.Context(), kit.Command(t, "make", "make"), "build", "ARCH=arm64", "DIST="+lambdaBuild)
	build.Dir = ".."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, output)
	}
	dir, err := filepath.Abs("../" + lambdaBuild)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFunctionsAreSmallAndStatic(t *testing.T) {
	dir := buildForLambda(t)
	for _, f := range topology.Functions() {
		limit := int64(12 << 20)
		if f.Authorizer {
			limit = 8 << 20
		}
		path := bootstrap(dir, f.Name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MB", f.Name, float64(info.Size())/(1<<20))
		if info.Size() > limit {
			t.Errorf("%s: got %d bytes, want at most %d", f.Name, info.Size(), limit)
		}
		program, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		if program.Machine != elf.EM_AARCH64 || program.Type != elf.ET_EXEC && program.Type != elf.ET_DYN {
			t.Errorf("%s: got %v for %v, want a program for arm64", f.Name, program.Type, program.Machine)
		}
		for _, p := range program.Progs {
			if p.Type == elf.PT_INTERP {
				t.Errorf("%s: it needs a dynamic loader, so it is not static", f.Name)
			}
		}
		if libraries, err := program.ImportedLibraries(); err == nil && len(libraries) > 0 {
			t.Errorf("%s: it needs %v, so it is not static", f.Name, libraries)
		}
	}
}

// TestFunctionsRunAsOnLambda runs a whole match with the binaries as they are deployed, on
// a real cache, with the local issuer.
func TestFunctionsRunAsOnLambda(t *testing.T) {
	emulator := ""
	if runtime.GOOS != "linux" || runtime.GOARCH != "arm64" {
		emulator = kit.Command(t, "qemu-aarch64-static", "qemu-user-static")
	}
	dir, scripts := buildForLambda(t), map[string]string{}
	for _, f := range topology.Functions() {
		scripts[f.Name] = fmt.Sprintf("#!/bin/sh\nexec %s %s\n", emulator, bootstrap(dir, f.Name))
	}
	s := runStack(t, "-runtime", processes, "-functions", functionDir(t, scripts), "-cache", caches.Server(t).URL)
	ana, ben := s.join("ana"), s.join("ben")
	match := pair(t, ana, ben)
	if l, err := ana.Locate(t.Context()); err != nil || l.Match != match {
		t.Errorf("locate: got %+v, %v", l, err)
	}
	if ended, err := ben.End(t.Context(), match, "cancelled"); err != nil || ended.Match != match {
		t.Errorf("end: got %+v, %v", ended, err)
	}
	summary := s.wantSummary()
	t.Logf("\n%s", summary)
	for _, f := range topology.Functions() {
		if !strings.Contains(summary, f.Name) {
			t.Errorf("%s served no event", f.Name)
		}
	}
	if strings.Count(summary, " 0 errors, 0 throttled") != len(topology.Functions()) {
		t.Error("a function failed")
	}
}
