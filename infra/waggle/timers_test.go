package waggle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

func TestTheTimersInvokeTheMatchFunction(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		if diff := cmp.Diff([]string{"WaggleDeadTimers", "WaggleTimers"}, s.names("AWS::SQS::Queue")); diff != "" {
			t.Errorf("queues (-want +got):\n%s", diff)
		}
		want := map[string]any{"MessageRetentionPeriod": 3600.0, "VisibilityTimeout": 60.0, "SqsManagedSseEnabled": true,
			"RedrivePolicy": map[string]any{"deadLetterTargetArn": "${WaggleDeadTimers.Arn}", "maxReceiveCount": 3.0}}
		if diff := cmp.Diff(want, s.properties(t, "AWS::SQS::Queue", "WaggleTimers")); diff != "" {
			t.Errorf("the queue (-want +got):\n%s", diff)
		}
		mapping := map[string]any{"EventSourceArn": "${WaggleTimers.Arn}", "FunctionName": "${WaggleMatch}", "BatchSize": 10.0,
			"FunctionResponseTypes": []any{"ReportBatchItemFailures"}}
		if diff := cmp.Diff(mapping, s.properties(t, "AWS::Lambda::EventSourceMapping", "WaggleTimersMapping")); diff != "" {
			t.Errorf("the mapping (-want +got):\n%s", diff)
		}
	})
}

func TestTheQueueIsReachedByTheNetworksOwnProtocol(t *testing.T) {
	for name, want := range map[string]string{
		serverless: "${WaggleTimers}",
		ipv6:       "https://sqs.${AWS::Region}.api.aws/${AWS::AccountId}/${WaggleTimers.QueueName}",
	} {
		if got := environment(t, stack(t, name), topology.Location)[topology.TimerQueue]; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
