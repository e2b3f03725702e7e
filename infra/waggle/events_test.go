package waggle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestTheLogsCountTheEventsThatWereNotPublished(t *testing.T) {
	for name, want := range map[string][]string{
		serverless: nil,
		local:      nil, // an emulator has no alarms
		everything: {"WaggleConnectUnpublished", "WaggleLocationUnpublished", "WaggleMatchUnpublished"},
	} {
		s := stack(t, name)
		if diff := cmp.Diff(want, s.names("AWS::Logs::MetricFilter")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, id := range want {
			filter := s.properties(t, "AWS::Logs::MetricFilter", id)
			if diff := cmp.Diff(`{ $.msg = "`+topology.UnpublishedLine+`" }`, filter["FilterPattern"]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", id, diff)
			}
			transformation := filter["MetricTransformations"].([]any)[0].(map[string]any)
			if transformation["MetricValue"] != "$.events" || transformation["MetricName"] != "NotPublished" {
				t.Errorf("%s counts %v", id, transformation)
			}
		}
	}
}
