package waggle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

// measures writes an alarm as text: its metric, its threshold, and for how many of the
// last minutes.
func measures(properties map[string]any) string {
	metric := func(of map[string]any, statistic any) string {
		var at []string
		dimensions, _ := of["Dimensions"].([]any)
		for _, one := range dimensions {
			d := one.(map[string]any)
			at = append(at, fmt.Sprintf("%s=%s", d["Name"], d["Value"]))
		}
		return fmt.Sprintf("%s(%s %s)", statistic, of["MetricName"], strings.Join(at, " "))
	}
	var what string
	var of []string
	metrics, ok := properties["Metrics"].([]any)
	if !ok { // a single metric
		statistic := properties["Statistic"]
		if statistic == nil {
			statistic = properties["ExtendedStatistic"]
		}
		what = metric(properties, statistic)
	}
	for _, one := range metrics {
		m := one.(map[string]any)
		if expression, ok := m["Expression"].(string); ok {
			what = expression
			continue
		}
		stat := m["MetricStat"].(map[string]any)
		one := metric(stat["Metric"].(map[string]any), stat["Stat"])
		if len(metrics) == 1 {
			what = one
		} else {
			of = append(of, m["Id"].(string)+"="+one)
		}
	}
	if len(of) > 0 {
		what += " of " + strings.Join(of, ", ")
	}
	return fmt.Sprintf("%s >= %v for %v of %v min", what, properties["Threshold"], properties["DatapointsToAlarm"], properties["EvaluationPeriods"])
}

func TestEachAlarmHasThisMetricAndThreshold(t *testing.T) {
	usual := map[string]string{"ExecutionErrors": "Sum(ExecutionError ApiId=${WaggleApi} Stage=prod) >= 1 for 3 of 5 min",
		"IntegrationErrors": "Sum(IntegrationError ApiId=${WaggleApi} Stage=prod) >= 10 for 3 of 5 min",
		"DeadTimers":        "Maximum(ApproximateNumberOfMessagesVisible QueueName=${WaggleDeadTimers.QueueName}) >= 1 for 1 of 5 min"}
	for _, f := range topology.Functions() {
		name, of := title(f.Name), "FunctionName=${Waggle"+title(f.Name)+"}"
		usual[name+"Errors"] = fmt.Sprintf("100 * errors / MAX([invocations, 1]) of errors=Sum(Errors %s), invocations=Sum(Invocations %s) >= 1 for 3 of 5 min", of, of)
		usual[name+"Throttles"] = "Sum(Throttles " + of + ") >= 1 for 1 of 5 min"
		usual[name+"Duration"] = fmt.Sprintf("p99(Duration %s) >= %d for 3 of 5 min", of, f.Timeout.Milliseconds()/2)
	}
	usesServerless := func(name string) map[string]string {
		cache := "clusterId=waggled5bb1d40-" + name
		return map[string]string{
			"CacheEvictions": "Sum(Evictions " + cache + ") >= 1 for 1 of 5 min",
			"CacheMemory":    "Maximum(BytesUsedForCache " + cache + ") >= 7.5e+09 for 3 of 5 min",
			"CacheThrottled": "Sum(ThrottledCmds " + cache + ") >= 1 for 3 of 5 min",
			"CacheSignIns":   "Sum(IamAuthenticationThrottling " + cache + ") >= 1 for 3 of 5 min",
			"CacheStrangers": "Sum(AuthenticationFailures " + cache + ") >= 1 for 3 of 5 min",
			"CacheCommands":  "Sum(CommandAuthorizationFailures " + cache + ") >= 1 for 1 of 5 min",
		}
	}
	of := func(name, statistic string, shard int) string {
		node := func(n int) string {
			return fmt.Sprintf("m%d=%s(%s CacheClusterId=waggled5bb1d40-cluster-%04d-%03d)", n-1, statistic, name, shard, n)
		}
		return "MAX([m0,m1]) of " + node(1) + ", " + node(2)
	}
	const notPublished = "Sum(NotPublished ) >= 1 for 3 of 5 min"
	withBus := usesServerless("serverless")
	withBus["EventsNotPublished"] = notPublished
	for name, more := range map[string]map[string]string{
		public:     usesServerless("public"),
		serverless: usesServerless("serverless"),
		ipv6:       withBus,
		cluster: {
			"CacheEvictions1": of("Evictions", "Sum", 1) + " >= 1 for 1 of 5 min",
			"CacheEvictions2": of("Evictions", "Sum", 2) + " >= 1 for 1 of 5 min",
			"CacheMemory1":    of("DatabaseMemoryUsagePercentage", "Maximum", 1) + " >= 75 for 3 of 5 min",
			"CacheMemory2":    of("DatabaseMemoryUsagePercentage", "Maximum", 2) + " >= 75 for 3 of 5 min",
			"CacheCPU1":       of("EngineCPUUtilization", "Average", 1) + " >= 75 for 3 of 5 min",
			"CacheCPU2":       of("EngineCPUUtilization", "Average", 2) + " >= 75 for 3 of 5 min",
		},
		existing:   {},
		outside:    {},
		everything: {"EventsNotPublished": notPublished},
	} {
		s := stack(t, name)
		want, got := map[string]string{}, map[string]string{}
		for _, all := range []map[string]string{usual, more} {
			for id, text := range all {
				want["Waggle"+id+"Alarm"] = text
			}
		}
		for _, id := range s.names("AWS::CloudWatch::Alarm") {
			p := s.resources[id].Properties
			got[id] = measures(p)
			if p["TreatMissingData"] != "notBreaching" || p["ComparisonOperator"] != "GreaterThanOrEqualToThreshold" || p["AlarmDescription"] == nil {
				t.Errorf("%s: %s: got %v", name, id, p)
			}
			var actions any
			if name == everything {
				actions = []any{"arn:aws:sns:eu-west-3:210987654321:alarms"}
			}
			if diff := cmp.Diff(actions, p["AlarmActions"]); diff != "" {
				t.Errorf("%s: %s notifies (-want +got):\n%s", name, id, diff)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := stack(t, local).names("AWS::CloudWatch::Alarm"); len(got) > 0 {
		t.Errorf("%s: got the alarms %v, on metrics that no emulator has", local, got)
	}
}

func TestTheDashboardShowsTheseMetrics(t *testing.T) {
	usual := []string{"ConnectCount", "MessageCount", "ClientError", "ExecutionError", "IntegrationError", "IntegrationLatency",
		"Errors", "Throttles", "Duration", "ConcurrentExecutions"}
	for name, more := range map[string][]string{
		public: {"BytesUsedForCache", "ElastiCacheProcessingUnits", "ThrottledCmds", "Evictions", "CurrConnections", "NewConnections",
			"IamAuthenticationThrottling", "AuthenticationFailures", "CommandAuthorizationFailures"},
		serverless: {"BytesUsedForCache", "ElastiCacheProcessingUnits", "ThrottledCmds", "Evictions"},
		cluster:    {"DatabaseMemoryUsagePercentage", "EngineCPUUtilization", "ReplicationLag", "Evictions"},
		local:      nil,
	} {
		s := stack(t, name)
		body, ok := s.properties(t, "AWS::CloudWatch::Dashboard", "WaggleDashboard")["DashboardBody"].(string)
		if !ok {
			t.Fatalf("%s: the dashboard is not one text", name)
		}
		for _, metric := range slices.Concat(usual, more) {
			if !strings.Contains(body, `,"`+metric+`",`) {
				t.Errorf("%s: the dashboard does not show %s", name, metric)
			}
		}
		if got := strings.Count(body, `"Errors"`); got != len(topology.Functions()) {
			t.Errorf("%s: the errors of %d functions are shown", name, got)
		}
	}
}
