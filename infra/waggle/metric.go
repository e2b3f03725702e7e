package waggle

import (
	"fmt"
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"maps"
	"slices"
	"strings"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// The statistics of metrics. All metrics are those that AWS publishes, but those of instrument.go.
const (
	sum     = "Sum"
	maximum = "Maximum"
	p50     = "p50"
	p99     = "p99"
)

func metric(namespace, name, statistic, label string, dimensions map[string]*string) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: &namespace, MetricName: &name, Statistic: &statistic, Label: &label, DimensionsMap: &dimensions,
		Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}

// metric returns a metric of the stage.
func (a *api) metric(name, statistic, label string) awscloudwatch.Metric {
	return metric("AWS/ApiGateway", name, statistic, label, map[string]*string{"ApiId": a.made.Ref(), "Stage": jsii.String(topology.Stage)})
}

func functionMetric(f awslambda.Function, name, statistic, label string) awscloudwatch.Metric {
	return metric("AWS/Lambda", name, statistic, label, map[string]*string{"FunctionName": f.FunctionName()})
}

// A node is what ElastiCache publishes metrics of: one node of a cluster, or a whole
// serverless cache, whose dimension is called clusterId.
type node struct {
	name      string
	dimension string
}

// shards returns the nodes of each shard, or nil for an existing cache.
func (c *cache) shards(chosen config.Cache) (all [][]node) {
	switch chosen.Kind {
	case config.Public, config.Serverless:
		return [][]node{{{c.name, "clusterId"}}}
	case config.Cluster:
		for shard := range chosen.Shards {
			var nodes []node
			for n := range 1 + chosen.Replicas {
				nodes = append(nodes, node{fmt.Sprintf("%s-%04d-%03d", c.name, shard+1, n+1), "CacheClusterId"})
			}
			all = append(all, nodes)
		}
	}
	return all
}

func (n node) metric(name, statistic string) awscloudwatch.Metric {
	return metric("AWS/ElastiCache", name, statistic, n.name, map[string]*string{n.dimension: &n.name})
}

// highest returns the highest value of some nodes, since any of them can become the
// primary.
func highest(nodes []node, name, statistic string) awscloudwatch.IMetric {
	if len(nodes) == 1 {
		return nodes[0].metric(name, statistic)
	}
	using := map[string]awscloudwatch.IMetric{}
	for i, n := range nodes {
		using[fmt.Sprint("m", i)] = n.metric(name, statistic)
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String("MAX([" + strings.Join(slices.Sorted(maps.Keys(using)), ",") + "])"), UsingMetrics: &using, Label: &name,
		Period: awscdk.Duration_Minutes(jsii.Number(1)),
	})
}
