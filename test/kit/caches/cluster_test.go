package caches_test

import (
	"strings"
	"testing"

	"waggle/test/kit/caches"
)

// A single server, and the embedded cache, accept a script with keys of two slots.
func TestAClusterRefusesAScriptOnTwoSlots(t *testing.T) {
	cluster := caches.StartCluster(t)
	for _, n := range cluster.Nodes {
		_, err := caches.Ask(n.Address, "EVAL", "return 1", "2", "{a}", "{b}")
		if err == nil || !strings.HasPrefix(err.Error(), "CROSSSLOT") {
			t.Errorf("two slots in one script: got %v, want CROSSSLOT", err)
		}
	}
}
