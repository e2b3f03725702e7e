// Package need says what a test needs that not every machine has. Where it is
// missing the test is skipped with a word on what to install; with
// WAGGLE_NO_SKIP=1, as in CI, it fails instead.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Command returns the path of a program, or skips the test, naming what to
// install.
func Command(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, install)
	}
	return path
}

// Missing skips the test because something is not there, or fails it where
// nothing may be skipped.
func Missing(t testing.TB, install string) {
	t.Helper()
	if os.Getenv("WAGGLE_NO_SKIP") == "1" {
		t.Fatalf("missing here, and nothing may be skipped: install %s", install)
	}
	t.Skipf("install %s", install)
}
