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

// forLambda is where this test has make build put the functions, so that it leaves
// dist alone.
const forLambda = "bin/arm64"

// builtForLambda builds the functions as they are deployed.
func builtForLambda(t *testing.T) (dir string) {
	t.Helper()
	finder := exec.CommandContext(t.Context(), "build/cross-cc.sh", "arm64")
	finder.Dir = ".."
	if said, err := finder.CombinedOutput(); err != nil {
		t.Logf("%s", said)
		kit.Missing(t, "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross, or zig (pip install ziglang)")
	}
	build := exec.CommandContext(t.Context(), kit.Command(t, "make", "make"), "build", "ARCH=arm64", "DIST="+forLambda)
	build.Dir = ".."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, said)
	}
	dir, err := filepath.Abs("../" + forLambda)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFunctionsAreSmallAndStatic(t *testing.T) {
	dir := builtForLambda(t)
	for _, f := range topology.Functions() {
		most := int64(12 << 20)
		if f.Authorizer {
			most = 8 << 20
		}
		path := bootstrap(dir, f.Name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MB", f.Name, float64(info.Size())/(1<<20))
		if info.Size() > most {
			t.Errorf("%s: got %d bytes, want at most %d", f.Name, info.Size(), most)
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
				t.Errorf("%s: it asks for a loader, and so is not static", f.Name)
			}
		}
		if libraries, err := program.ImportedLibraries(); err == nil && len(libraries) > 0 {
			t.Errorf("%s: it needs %v, and so is not static", f.Name, libraries)
		}
	}
}

// TestFunctionsRunAsOnLambda has the deployed binaries serve two members from
// beginning to end, on a real cache, with the local issuer.
func TestFunctionsRunAsOnLambda(t *testing.T) {
	emulator := ""
	if runtime.GOOS != "linux" || runtime.GOARCH != "arm64" {
		emulator = kit.Command(t, "qemu-aarch64-static", "qemu-user-static")
	}
	dir, scripts := builtForLambda(t), map[string]string{}
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
	said := s.wantSummary()
	t.Logf("\n%s", said)
	for _, f := range topology.Functions() {
		if !strings.Contains(said, f.Name) {
			t.Errorf("%s served nothing", f.Name)
		}
	}
	if strings.Count(said, " 0 errors, 0 throttled") != len(topology.Functions()) {
		t.Error("something failed")
	}
}
