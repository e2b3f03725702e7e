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

// Soak tells whether this is a long run, `make soak`.
func Soak() bool { return os.Getenv("WAGGLE_SOAK") == "1" }

// Times is how often to do something: so many times, or in a long run more.
func Times(short, long int) int {
	if Soak() {
		return long
	}
	return short
}

// Seed returns the seed of the test: the same in every run, unless WAGGLE_SEED names
// another or WAGGLE_SOAK=1 asks for a long run with a seed of its own. If the test
// fails, the command that repeats it is printed.
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

// Random returns the randomness of the test, and of a part of it: each part has the
// same whatever the others took.
func Random(t testing.TB, part uint64) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(Seed(t), part))
}

// command runs one test with a seed again, from the root of the module.
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

// pkg is the package that is being tested, as go test takes it.
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
