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

// An alarm goes off when its metric was at the threshold for as many minutes of the
// last ones.
type alarm struct {
	id, says        string
	of              awscloudwatch.IMetric
	threshold       float64
	minutes, within int
}

// alarms lists all of them.
func (w *Waggle) alarms(c config.Config, api *api, cache *cache) []alarm {
	all := []alarm{
		{"ExecutionErrors", "API Gateway cannot invoke the functions", api.metric("ExecutionError", sum, "errors"), 1, 3, 5},
		// Connections that a function refuses count too.
		{"IntegrationErrors", "the functions fail, or refuse connections", api.metric("IntegrationError", sum, "errors"), 10, 3, 5},
	}
	for _, f := range topology.Functions() {
		name, made := title(f.Name), w.Functions[f.Name]
		all = append(all,
			alarm{name + "Errors", "the function " + f.Name + " fails more than one time in a hundred", share(made), 1, 3, 5},
			alarm{name + "Throttles", "Lambda does not run " + f.Name + " as often as it is asked: the account's concurrency is used up", functionMetric(made, "Throttles", sum, f.Name), 1, 1, 5},
			alarm{name + "Duration", "the slowest of " + f.Name + " take half of its timeout", functionMetric(made, "Duration", p99, f.Name),
				0.5 * float64(f.Timeout.Milliseconds()), 3, 5})
	}
	for i, nodes := range cache.shards(c.Cache) {
		shard := ""
		if c.Cache.Kind == config.Cluster {
			shard = fmt.Sprint(i + 1)
		}
		all = append(all, alarm{"CacheEvictions" + shard, "the cache is full and throws away what rules 1 and 2 stand on", highest(nodes, "Evictions", sum), 1, 1, 5})
		switch c.Cache.Kind {
		case config.Serverless:
			all = append(all,
				alarm{"CacheMemory", "the cache is at 75 % of its maximum, and will evict there: raise cacheMaxGB",
					highest(nodes, "BytesUsedForCache", maximum), 0.75e9 * float64(c.Cache.MaxGB), 3, 5},
				alarm{"CacheThrottled", "the cache refuses commands: the load grows faster than it does, or is at cacheMaxECPU",
					highest(nodes, "ThrottledCmds", sum), 1, 3, 5})
		case config.Cluster:
			all = append(all,
				alarm{"CacheMemory" + shard, "a shard has 75 % of its memory in use, and refuses writes when it is full: more shards, or larger nodes",
					highest(nodes, "DatabaseMemoryUsagePercentage", maximum), 75, 3, 5},
				alarm{"CacheCPU" + shard, "a shard's processor is busy: more shards", highest(nodes, "EngineCPUUtilization", "Average"), 75, 3, 5})
		}
	}
	return all
}

// share is how many of a hundred invocations fail.
func share(f awslambda.Function) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("100 * errors / MAX([invocations, 1])"),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"errors": functionMetric(f, "Errors", sum, "errors"), "invocations": functionMetric(f, "Invocations", sum, "invocations"),
		},
		Label:  jsii.String("% failed"),
		Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

// alarm makes one, and has it told to the deployer's topic.
func (w *Waggle) alarm(a alarm, topic string) {
	made := awscloudwatch.NewAlarm(w.Construct, jsii.String(a.id+"Alarm"), &awscloudwatch.AlarmProps{
		AlarmDescription:   jsii.String("Waggle: " + a.says),
		Metric:             a.of,
		Threshold:          &a.threshold,
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		DatapointsToAlarm:  jsii.Number(a.minutes),
		EvaluationPeriods:  jsii.Number(a.within),
		// No traffic is no trouble.
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	})
	if topic != "" {
		made.AddAlarmAction(awscloudwatchactions.NewSnsAction(awssns.Topic_FromTopicArn(w.Construct, jsii.String(a.id+"Topic"), &topic)))
	}
	w.Alarms = append(w.Alarms, made)
}
