package kit

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Soak reports whether this is a long run, `make soak`.
func Soak() bool { return os.Getenv("WAGGLE_SOAK") == "1" }

// Times returns how often to repeat something: short, or long in a long run.
func Times(short, long int) int {
	if Soak() {
		return long
	}
	return short
}

// Seed returns the seed of the test: WAGGLE_SEED if that is set, a random seed in a long
// run, and otherwise the same in every run. A test that fails logs the command that
// repeats it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	var seed uint64 = 1
	if text := os.Getenv("WAGGLE_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("WAGGLE_SEED must be a whole number from 0 to 2^64-1, not %q", text)
		}
	} else if Soak() {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to see it again: %s", command(t.Name(), seed))
		}
	})
	return seed
}

// Random returns a source of randomness by the seed of the test. Each part of the test
// has its own, so that what one part draws does not change another.
func Random(t testing.TB, part uint64) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), part))
}

// command returns the command that runs a test with a seed, from the root of the module.
func command(test string, seed uint64) string {
	soak := ""
	if Soak() {
		soak = "WAGGLE_SOAK=1 "
	}
	levels := strings.Split(test, "/")
	for i, level := range levels {
		levels[i] = "^" + level + "$"
	}
	return fmt.Sprintf("%sWAGGLE_SEED=%d go test -run '%s' %s", soak, seed, strings.Join(levels, "/"), pkg())
}

// pkg returns the package under test, in the form that go test takes.
func pkg() string {
	dir, err := os.Getwd()
	if err != nil {
		return "./..."
	}
	for root := dir; root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			below, _ := filepath.Rel(root, dir)
			return "./" + filepath.ToSlash(below)
		}
	}
	return "."
}
