package caches_test

import (
	"strings"
	"testing"

	"waggle/test/kit/caches"
)

// TestClusterRefusesWhatASingleServerTakes: the stand-in owns every slot and never
// says so.
func TestClusterRefusesWhatASingleServerTakes(t *testing.T) {
	cluster := caches.StartCluster(t)
	for _, n := range cluster.Nodes {
		_, err := caches.Ask(n.Address, "EVAL", "return 1", "2", "{a}", "{b}")
		if err == nil || !strings.HasPrefix(err.Error(), "CROSSSLOT") {
			t.Errorf("two slots in one script: got %v, want CROSSSLOT", err)
		}
	}
}
