// Package kit is shared by the tests of all packages. Command and Missing skip a test
// that needs a program the machine lacks. Seed, Random and Times give randomness that can
// be repeated.
package kit

import (
	"os"
	"os/exec"
	"testing"
)

// Command returns the path of a program. If the program is missing, Command skips the
// test and says what to install. With WAGGLE_NO_SKIP=1, as in CI, the test fails instead.
func Command(t testing.TB, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, install)
	}
	return path
}

// Missing skips the test and says what to install. With WAGGLE_NO_SKIP=1 it fails the
// test instead.
func Missing(t testing.TB, install string) {
	t.Helper()
	if os.Getenv("WAGGLE_NO_SKIP") == "1" {
		t.Fatalf("WAGGLE_NO_SKIP=1 allows no skipped test: install %s", install)
	}
	t.Skipf("install %s", install)
}
