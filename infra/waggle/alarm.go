package waggle

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// An alarm goes off when its metric has reached the threshold in so many of the last
// minutes.
type alarm struct {
	id, description string
	metric          awscloudwatch.IMetric
	threshold       float64
	minutes, within int
}

// alarms returns all alarms.
func (w *Waggle) alarms(c config.Config, api *api, cache *cache, timers *timers) []alarm {
	all := []alarm{
		{"ExecutionErrors", "API Gateway cannot invoke a function", api.metric("ExecutionError", sum, "errors"), 1, 3, 5},
		// A connection that a function refuses counts as an integration error.
		{"IntegrationErrors", "functions fail or refuse connections", api.metric("IntegrationError", sum, "errors"), 10, 3, 5},
		{"MessagesNearQuota", "four fifths of the region's usual quota of requests to WebSocket APIs are used: ask for more, or lower throttleRate",
			api.metric("MessageCount", sum, "messages in both directions"), *bound(api.smallRegion(), 0, nearQuota(2500), nearQuota(10_000)), 3, 5},
		{"DeadTimers", "timers could not be done: members are told later of what has run out", timers.dead.MetricApproximateNumberOfMessagesVisible(nil), 1, 1, 5},
	}
	all = append(all, w.instrumentAlarms(c)...)
	for _, f := range topology.Functions() {
		name, made := title(f.Name), w.Functions[f.Name]
		all = append(all,
			alarm{name + "Errors", "at least 1 % of the invocations of " + f.Name + " fail", failedPercent(made), 1, 3, 5},
			alarm{name + "Throttles", "Lambda throttles " + f.Name + ": the account has reached its limit of concurrent executions", functionMetric(made, "Throttles", sum, f.Name), 1, 1, 5},
			alarm{name + "Duration", "the p99 of the duration of " + f.Name + " is at least half of its timeout", functionMetric(made, "Duration", p99, f.Name),
				0.5 * float64(f.Timeout.Milliseconds()), 3, 5})
	}
	for i, nodes := range cache.shards(c.Cache) {
		shard := ""
		if c.Cache.Kind == config.Cluster {
			shard = fmt.Sprint(i + 1)
		}
		all = append(all, alarm{"CacheEvictions" + shard, "the cache is full and evicts entries, so the invariants Exclusive and Nearest is nearest can be violated", highest(nodes, "Evictions", sum), 1, 1, 5})
		switch c.Cache.Kind {
		case config.Public, config.Serverless:
			all = append(all,
				alarm{"CacheMemory", "the cache has reached 75 % of its maximum, at which it evicts entries: raise cacheMaxGB",
					highest(nodes, "BytesUsedForCache", maximum), 0.75e9 * float64(c.Cache.MaxGB), 3, 5},
				alarm{"CacheThrottled", "the cache refuses commands: the load grows faster than the cache, or has reached cacheMaxECPU",
					highest(nodes, "ThrottledCmds", sum), 1, 3, 5},
				alarm{"CacheSignIns", "the cache puts off sign-ins: too many environments of functions start at once", highest(nodes, "IamAuthenticationThrottling", sum), 1, 3, 5},
				alarm{"CacheStrangers", "somebody tries to sign in to the cache and fails", highest(nodes, "AuthenticationFailures", sum), 1, 3, 5},
				alarm{"CacheCommands", "the cache refuses functions a command: its user lacks a permission", highest(nodes, "CommandAuthorizationFailures", sum), 1, 1, 5})
		case config.Cluster:
			all = append(all,
				alarm{"CacheMemory" + shard, "a shard uses 75 % of its memory, and refuses writes when it is full: use more shards or larger nodes",
					highest(nodes, "DatabaseMemoryUsagePercentage", maximum), 75, 3, 5},
				alarm{"CacheCPU" + shard, "a shard uses 75 % of its processor: use more shards", highest(nodes, "EngineCPUUtilization", "Average"), 75, 3, 5})
		}
	}
	return all
}

// nearQuota is four fifths of what a quota a second allows in a minute.
func nearQuota(second float64) float64 { return 0.8 * 60 * second }

// failedPercent is the share of invocations that fail.
func failedPercent(f awslambda.Function) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("100 * errors / MAX([invocations, 1])"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"errors": functionMetric(f, "Errors", sum, "errors"), "invocations": functionMetric(f, "Invocations", sum, "invocations"),
		},
		Label:  jsii.String("% failed"),
		Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

// addAlarm creates an alarm, which notifies the topic unless topic is "".
func (w *Waggle) addAlarm(a alarm, topic string) {
	made := awscloudwatch.NewAlarm(w.Construct, jsii.String(a.id+"Alarm"), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String("Waggle: " + a.description),
		Metric:             a.metric,
		Threshold:          &a.threshold,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		DatapointsToAlarm:  jsii.Number(a.minutes),
		EvaluationPeriods:  jsii.Number(a.within),
		// Without traffic there is no data.
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	if topic != "" {
		made.AddAlarmAction(awscloudwatchactions.NewSnsAction(awssns.Topic_FromTopicArn(w.Construct, jsii.String(a.id+"Topic"), &topic)))
	}
	w.Alarms = append(w.Alarms, made)
}
