package waggle

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// newDashboard creates the dashboard. The alarms must exist already.
func newDashboard(w *Waggle, c config.Config, api *api, cache *cache) {
	w.Dashboard = awscloudwatch.NewDashboard(w.Construct, jsii.String("Dashboard"), nil)
	row := func(widgets ...awscloudwatch.IWidget) { w.Dashboard.AddWidgets(widgets...) }

	var states []interfacesawscloudwatch.IAlarmRef
	for _, a := range w.Alarms {
		states = append(states, a)
	}
	row(awscloudwatch.NewAlarmStatusWidget(&awscloudwatch.AlarmStatusWidgetProps{
		Title: jsii.String("Alarms"), Alarms: &states, Width: jsii.Number(24), Height: jsii.Number(4),
	}))
	row(
		graph("Connections", api.metric("ConnectCount", sum, "new connections")),
		graph("Messages", api.metric("MessageCount", sum, "messages in both directions")),
		graph("Errors at the API", api.metric("ClientError", sum, "refused"), api.metric("ExecutionError", sum, "could not invoke"), api.metric("IntegrationError", sum, "function failed or refused")),
		graph("Latency, ms", api.metric("IntegrationLatency", p50, "p50"), api.metric("IntegrationLatency", p99, "p99")),
	)
	of := func(name, statistic string) (all []awscloudwatch.IMetric) {
		for _, f := range topology.Functions() {
			all = append(all, functionMetric(w.Functions[f.Name], name, statistic, f.Name))
		}
		return all
	}
	row(
		graph("Functions: errors", of("Errors", sum)...),
		graph("Functions: throttles", of("Throttles", sum)...),
		graph("Functions: p99 of the duration, ms", of("Duration", p99)...),
		graph("Functions: concurrent executions", of("ConcurrentExecutions", maximum)...),
	)
	shards := cache.shards(c.Cache)
	nodes := func(name, statistic string) (all []awscloudwatch.IMetric) {
		for _, shard := range shards {
			for _, n := range shard {
				all = append(all, n.metric(name, statistic))
			}
		}
		return all
	}
	switch c.Cache.Kind {
	case config.Public, config.Serverless:
		row(
			graph("Cache: bytes", nodes("BytesUsedForCache", maximum)...),
			graph("Cache: processing units", nodes("ElastiCacheProcessingUnits", sum)...),
			graph("Cache: throttled commands", nodes("ThrottledCmds", sum)...),
			graph("Cache: evictions", nodes("Evictions", sum)...),
		)
		row(
			graph("Cache: connections", nodes("CurrConnections", maximum)...),
			graph("Cache: new connections", nodes("NewConnections", sum)...),
			graph("Cache: sign-ins put off or refused", append(nodes("IamAuthenticationThrottling", sum), nodes("AuthenticationFailures", sum)...)...),
			graph("Cache: refused commands", nodes("CommandAuthorizationFailures", sum)...),
		)
	case config.Cluster:
		row(
			graph("Cache: memory, %", nodes("DatabaseMemoryUsagePercentage", maximum)...),
			graph("Cache: CPU of the engine, %", nodes("EngineCPUUtilization", "Average")...),
			graph("Cache: replication lag, s", nodes("ReplicationLag", maximum)...),
			graph("Cache: evictions", nodes("Evictions", sum)...),
		)
	}
}

func graph(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
	return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
		Title: &title, Left: &metrics, Width: jsii.Number(6), Height: jsii.Number(6), LiveData: jsii.Bool(true),
		LeftYAxis: &awscloudwatch.YAxisProps{Min: jsii.Number(0), ShowUnits: jsii.Bool(false)},
	})
}

// dashboardURL returns the dashboard's address in the console.
func dashboardURL(scope constructs.Construct, d awscloudwatch.Dashboard) *string {
	parts := []*string{jsii.String("https://"), awscdk.Stack_Of(scope).Region(), jsii.String(".console.aws.amazon.com/cloudwatch/home?region="),
		awscdk.Stack_Of(scope).Region(), jsii.String("#dashboards/dashboard/"), d.DashboardName()}
	return awscdk.Fn_Join(jsii.String(""), &parts)
}
