package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waggle/test/kit"
)

// top is the checkout.
var top = filepath.Join("..", "..")

// planted copies what the functions are built of, and changes texts of the script that reads and writes
// records: each text and what takes its place, by turns.
func planted(t *testing.T, texts ...string) (checkout string) {
	t.Helper()
	checkout = t.TempDir()
	for _, name := range []string{"internal", "functions", "cmd", "clients"} {
		if err := os.CopyFS(filepath.Join(checkout, name), os.DirFS(filepath.Join(top, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", filepath.Join("internal", "store", "scripts", "member.lua")} {
		text, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; filepath.Ext(name) == ".lua" && i < len(texts); i += 2 {
			if bytes.Count(text, []byte(texts[i])) != 1 {
				t.Fatalf("%s: %q must be there once", name, texts[i])
			}
			text = bytes.Replace(text, []byte(texts[i]), []byte(texts[i+1]), 1)
		}
		if err := os.WriteFile(filepath.Join(checkout, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return checkout
}

// A release leaves alone a field that the next one has added. One that refuses it is found.
func TestTheDrillFindsAReleaseThatRefusesAField(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	kit.Command(t, "valkey-server", "valkey-server 8 or later")
	programs, out := t.TempDir(), t.TempDir()
	build := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "waggle/localstack")
	build.Dir = top
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, said)
	}
	drill := func(from, to string) (said string, err error) {
		var b bytes.Buffer
		err = run(t.Context(), programs, []string{"-from", from, "-to", to, "-for", "1s", "-pairs", "12", "-out", out}, &b, io.Discard)
		return b.String(), err
	}
	next := planted(t, "lk = 'looked' }", "lk = 'looked', zz = 'added' }",
		"  m.heard, changed.heard = math.max", "  m.added = 'yes'\n  m.heard, changed.heard = math.max")
	if said, err := drill(top, next); err != nil {
		t.Errorf("a field more: %v\n%s", err, said)
	}
	refuses := planted(t, "if name then -- else a newer version wrote it", "if not name then error('unknown field') else -- a newer version wrote it")
	said, err := drill(refuses, next)
	if err == nil || !strings.Contains(err.Error(), "got the error internal") {
		t.Errorf("got %v, want the error internal\n%s", err, said)
	}
}
