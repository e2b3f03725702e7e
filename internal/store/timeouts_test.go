package store

import (
	"testing"
	"time"

	"waggle/internal/topology"
)

// TestEachTimeoutAllowsForTheOthers holds the timeouts of a step to each other and to the
// time of a function.
func TestEachTimeoutAllowsForTheOthers(t *testing.T) {
	var repeats time.Duration
	for _, p := range pauses {
		repeats += p
	}
	if retryAfter >= repeats {
		t.Errorf("a failed connection is remembered for %v, want less than the %v of a step's repeats: else none of them connects", retryAfter, repeats)
	}
	for _, f := range topology.Functions() {
		if slowest := max(dialTimeout, writeTimeout) + repeats; slowest >= f.Timeout {
			t.Errorf("a step at a node that hangs is repeated for %v, want less than the %v of the function %s", slowest, f.Timeout, f.Name)
		}
	}
}
