package waggle_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/telemetry"
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
	const measured = "Sum(waggle.%s) >= %d for %d of 5 min"
	notPublished := fmt.Sprintf(measured, "events.unpublished ", 1, 3)
	for id, text := range map[string]string{
		"AnswersInternal":    fmt.Sprintf(measured, "messages.refused code=internal", 1, 1),
		"AnswersUnavailable": fmt.Sprintf(measured, "messages.refused code=unavailable", 10, 3),
		"PushesRefused":      fmt.Sprintf(measured, "pushes result=refused", 1, 3),
		"PushesThrottled":    fmt.Sprintf(measured, "pushes result=throttled", 10, 3),
		"PushesFailed":       fmt.Sprintf(measured, "pushes result=failed", 10, 3),
		"SignInsThrottled":   fmt.Sprintf(measured, "cache.trips result=sign_in_throttled", 1, 3),
		"SignInsRefused":     fmt.Sprintf(measured, "cache.trips result=sign_in_refused", 1, 3),
		"CommandsForbidden":  fmt.Sprintf(measured, "cache.trips result=forbidden", 1, 1),
		"MessagesNearQuota":  "Sum(MessageCount ApiId=${WaggleApi} Stage=prod) >= map[Fn::If:[WaggleSmallRegion0DF96886 120000 480000]] for 3 of 5 min",
	} {
		usual[id] = text
	}
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

// TestTheDocumentListsTheAlarms, each with its metric and threshold; -update writes the table.
func TestTheDocumentListsTheAlarms(t *testing.T) {
	const place, head = "../../docs/operations.md", "| alarm | says that | goes off at |\n|---|---|---|\n"
	rows := make(map[string]string)
	for _, name := range []string{public, cluster, ipv6} { // which together have all
		s := stack(t, name)
		for _, id := range s.names("AWS::CloudWatch::Alarm") {
			p := s.resources[id].Properties
			short := strings.TrimRight(strings.TrimSuffix(strings.TrimPrefix(id, "Waggle"), "Alarm"), "123456789")
			measure := strings.NewReplacer("map[Fn::If:[WaggleSmallRegion0DF96886 120000 480000]]", "480000, 120000 in a small region,", " Stage=prod", "", " )", ")").Replace(measures(p))
			measure = regexp.MustCompile(` (clusterId|FunctionName|CacheClusterId|ApiId|QueueName)=[^ )]*`).ReplaceAllString(measure, "")
			measure = regexp.MustCompile(`MAX\(\[m0,m1\]\) of m0=(\S+ ?[^)]*\)), m1=\S+ ?[^)]*\)`).ReplaceAllString(measure, "highest of $1")
			for _, f := range topology.Functions() {
				short = strings.Replace(short, title(f.Name), "*Function*", 1)
			}
			if short == "*Function*Duration" {
				measure = "p99(Duration) >= half of the timeout for 3 of 5 min"
			}
			description := strings.TrimPrefix(p["AlarmDescription"].(string), "Waggle: ")
			for _, f := range topology.Functions() {
				description = strings.ReplaceAll(description, "of "+f.Name+" ", "of the function ")
				description = strings.ReplaceAll(description, "throttles "+f.Name+":", "throttles the function:")
			}
			rows[short] = fmt.Sprintf("| `%s` | %s | `%s` |\n", short, description, measure)
		}
	}
	table := head
	for _, short := range slices.Sorted(maps.Keys(rows)) {
		table += rows[short]
	}
	text, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)` + regexp.QuoteMeta(head) + `(\|.*\n)*`)
	if *update {
		text = found.ReplaceAllLiteral(text, []byte(table))
		if err := os.WriteFile(place, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(table, string(found.Find(text))); diff != "" {
		t.Errorf("docs/operations.md differs from the templates: run this test with -update (-want +got):\n%s", diff)
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

func TestTheDashboardsShowEachInstrumentAndCostNothing(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		all := ""
		ids := s.names("AWS::CloudWatch::Dashboard")
		if len(ids) > 3 {
			t.Errorf("got %d dashboards, of which an account has three that cost nothing", len(ids))
		}
		for _, id := range ids {
			body, ok := s.properties(t, "AWS::CloudWatch::Dashboard", id)["DashboardBody"].(string)
			if !ok {
				t.Fatalf("%s is not one text", id)
			}
			if shown := strings.Count(body, `"label":`); shown == 0 || shown > 50 {
				t.Errorf("%s shows %d metrics", id, shown)
			}
			all += body
		}
		for _, i := range telemetry.Instruments() {
			want := max(len(i.Values), 1)
			if i.Kind == telemetry.Histogram {
				want = 2 // p50 and p99
			}
			if shown := strings.Count(all, `","`+i.Name+`"`); shown != want {
				t.Errorf("%s: got %d lines in graphs, want %d", i.Name, shown, want)
			}
		}
	})
}
