package waggle_test

import (
	"testing"

	"waggle/internal/topology"
)

func TestTheBusIsReachedByTheNetworksOwnProtocol(t *testing.T) {
	for name, want := range map[string]string{
		serverless: "", // no bus
		ipv6:       "https://events.${AWS::Region}.api.aws/matches",
	} {
		if got := environment(t, stack(t, name), topology.Location)[topology.EventBus]; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
