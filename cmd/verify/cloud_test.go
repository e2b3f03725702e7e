package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// counting is a target whose account answers with these numbers.
func counting(throttled string) *target {
	answer := func(_ context.Context, _ io.Writer, _ string, args ...string) ([]byte, error) {
		text := "{}"
		switch args[1] {
		case "describe-stack-resources":
			text = `{"StackResources":[{"LogicalResourceId":"WaggleApi1","PhysicalResourceId":"api","ResourceType":"AWS::ApiGatewayV2::Api"},
				{"LogicalResourceId":"WagglePublicCache1","PhysicalResourceId":"cache","ResourceType":"AWS::ElastiCache::ServerlessCache"}`
			for _, name := range []string{"Authorizer", "Connect", "Disconnect", "Location", "Match"} {
				text += `,{"LogicalResourceId":"Waggle` + name + `1","PhysicalResourceId":"` + name + `","ResourceType":"AWS::Lambda::Function"}`
			}
			text += "]}"
		case "get-function-configuration":
			text = `{"LoggingConfig":{"LogGroup":"` + args[slices.Index(args, "--function-name")+1] + `Logs"}}`
		case "filter-log-events":
			if slices.Contains(args, "LocationLogs") {
				report := func(metrics string) string {
					return `{"message":"{\"type\":\"platform.report\",\"record\":{\"metrics\":{` + strings.ReplaceAll(metrics, `"`, `\"`) + `}}}"}`
				}
				text = `{"events":[` + report(`"durationMs":90.5,"initDurationMs":210.4`) + "," + report(`"durationMs":9.0`) + "," + report(`"durationMs":4.25`) + "," + report(`"durationMs":5.5`) + "]}"
			}
		case "get-metric-statistics":
			sum := "0"
			switch args[slices.Index(args, "--metric-name")+1] {
			case "NewConnections":
				sum = "7"
			case "IamAuthenticationThrottling":
				sum = throttled
			}
			text = `{"Datapoints":[{"Sum":` + sum + `},{"Sum":0}]}`
			if !slices.Contains(args, "Name=clusterId,Value=cache") {
				text = `{}`
			}
		}
		return []byte(text), nil
	}
	return &target{account: &account{command: answer, log: io.Discard}, began: time.Now()}
}

func TestWhatLambdaAndTheCacheCount(t *testing.T) {
	found, ok, err := starts(t.Context(), counting("0"))
	if !ok || err != nil || !strings.Contains(found, "match 0 starts") || !strings.Contains(found, "location 1 starts, the longest 210 ms, warm 5.5 ms in the median of 3") {
		t.Errorf("got %q, %v, %v", found, ok, err)
	}
	for throttled, want := range map[string]bool{"0": true, "3": false} {
		found, ok, err := signIns(t.Context(), counting(throttled))
		if ok != want || err != nil || !strings.Contains(found, "NewConnections 7, IamAuthenticationThrottling "+throttled) {
			t.Errorf("%s throttled: got %q, %v, %v", throttled, found, ok, err)
		}
	}
}
