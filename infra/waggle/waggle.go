// Package waggle is Waggle on AWS as a CDK construct. New adds it to a stack of any
// app; NewStack creates a stack of its own, with outputs. internal/topology says which
// function serves which route and which variables it reads. Package config has the
// settings. testdata/app is an app in another module.
package waggle

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// Props are the settings of a Waggle.
type Props struct {
	Config config.Config
	// Dist is the folder with the built functions, Dist/<function>/bootstrap, as make
	// build makes it. A relative path starts at the working directory.
	Dist string
	// VPC is a VPC of the app, instead of Config.Network.VPC. Subnets selects its
	// subnets. Nil: the private ones that have a way out.
	VPC     awsec2.IVpc
	Subnets *awsec2.SubnetSelection
}

// Waggle is the API with its functions and its cache.
type Waggle struct {
	// Construct contains all resources.
	Construct constructs.Construct
	// URL is the address for clients, wss://….
	URL *string
	// ManagementEndpoint is the address at which functions post to connections, https://….
	ManagementEndpoint *string
	// Functions has the functions by name: authorizer, connect, disconnect, location, match.
	Functions map[string]awslambda.Function
	Dashboard awscloudwatch.Dashboard
	Alarms    []awscloudwatch.Alarm
	// SecurityGroup is the security group of the functions in the VPC. An existing cache
	// must let it in. Nil on an emulator.
	SecurityGroup awsec2.ISecurityGroup
	// DomainTarget is the name to which the DNS record of Config.API.Domain must point.
	// Nil without a domain.
	DomainTarget *string
}

// New adds a Waggle to a scope. The error names the setting that is wrong, or the
// function that is not built.
func New(scope constructs.Construct, id string, props Props) (*Waggle, error) {
	c := props.Config
	if props.VPC != nil {
		c.Network.VPC = *props.VPC.VpcId()
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	scope = constructs.NewConstruct(scope, &id)
	w := &Waggle{Construct: scope, Functions: map[string]awslambda.Function{}}

	// Emulators have no VPC, no security groups and none of the metrics of alarms. This
	// is the only place that leaves them out. Check allows an existing cache only.
	emulated := c.Target == config.Local
	var n *network
	if !emulated {
		n = newNetwork(scope, c.Network, props)
		w.SecurityGroup = n.functions
	}
	cache := newCache(scope, c, n)
	api, timers := newAPI(scope, c), newTimers(scope)
	w.URL, w.ManagementEndpoint, w.DomainTarget = api.url, api.management, api.domainTarget
	for _, f := range topology.Functions() {
		code, err := code(props.Dist, f.Name, c.Arch)
		if err != nil {
			return nil, err
		}
		made := newFunction(scope, f, function{config: c, code: code, network: n, cache: cache, api: api, timers: timers})
		w.Functions[f.Name] = made
		api.serve(f, made)
		if f.Timers {
			timers.invoke(scope, made)
		}
	}
	if !emulated {
		for _, a := range w.alarms(c, api, cache, timers) {
			w.addAlarm(a, c.AlarmTopic)
		}
	}
	newDashboard(w, c, api, cache)
	return w, nil
}

// StackProps are the settings of a stack.
type StackProps struct {
	Props
	// Account and Region are needed only to look up a VPC.
	Account, Region string
}

// NewStack creates a stack with one Waggle and its outputs.
func NewStack(scope constructs.Construct, props StackProps) (awscdk.Stack, error) {
	c := props.Config
	p := &awscdk.StackProps{Description: jsii.String("Waggle: realtime matching by place over WebSocket")}
	if c.Target == config.AWS && c.Network.VPC != "" && len(c.Network.Subnets) == 0 {
		if props.Account == "" || props.Region == "" {
			return nil, errNoAccount
		}
		p.Env = &awscdk.Environment{Account: &props.Account, Region: &props.Region}
	}
	stack := awscdk.NewStack(scope, &c.Stack, p)
	w, err := New(stack, "Waggle", props.Props)
	if err != nil {
		return nil, err
	}
	output := func(name, meaning string, value *string) {
		awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: value, Description: &meaning})
	}
	output("Url", "the address for clients", w.URL)
	output("ManagementEndpoint", "the address at which functions post to connections", w.ManagementEndpoint)
	output("DashboardUrl", "the dashboard", dashboardURL(stack, w.Dashboard))
	if w.DomainTarget != nil {
		output("DomainTarget", "the name to which the domain's DNS record must point", w.DomainTarget)
	}
	if w.SecurityGroup != nil {
		output("SecurityGroup", "the functions' security group, which an existing cache must let in", w.SecurityGroup.SecurityGroupId())
	}
	return stack, nil
}
