// Package kit has what tests of every part share: what a test needs that a machine
// may lack (Command, Missing), and randomness that can be repeated (Seed, Random, Times).
package kit

import (
	"os"
	"os/exec"
	"testing"
)

// Command returns the path of a program. Where it is missing the test is skipped,
// naming what to install; with WAGGLE_NO_SKIP=1, as in CI, it fails instead.
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
