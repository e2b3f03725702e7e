package cachetest_test

import (
	"strings"
	"testing"

	"waggle/internal/cachetest"
)

// TestClusterRefusesWhatASingleServerTakes: the stand-in owns every slot and never
// says so.
func TestClusterRefusesWhatASingleServerTakes(t *testing.T) {
	cluster := cachetest.StartCluster(t)
	for _, n := range cluster.Nodes {
		_, err := cachetest.Ask(n.Address, "EVAL", "return 1", "2", "{a}", "{b}")
		if err == nil || !strings.HasPrefix(err.Error(), "CROSSSLOT") {
			t.Errorf("two slots in one script: got %v, want CROSSSLOT", err)
		}
	}
}
