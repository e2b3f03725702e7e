// Package waggle is Waggle on AWS as a CDK construct. New makes it in any stack,
// NewStack a stack of its own with its outputs. Which function serves which route,
// with which environment, is read from internal/topology; what a deployer may choose
// is in infra/config.
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

// Props say what a Waggle is made of.
type Props struct {
	Config config.Config
	// Dist is the folder that make build fills: Dist/<function>/bootstrap.
	Dist string
	// VPC is one of the application's own, instead of Config.Network.VPC; Subnets
	// are which of its subnets, by default the private ones with a way out.
	VPC     awsec2.IVpc
	Subnets *awsec2.SubnetSelection
}

// Waggle is the API with its functions and its cache.
type Waggle struct {
	// Construct holds all of it.
	Construct constructs.Construct
	// URL is where clients connect, wss://….
	URL *string
	// ManagementEndpoint is where functions post to connections, https://….
	ManagementEndpoint *string
	// Functions by their names in internal/topology.
	Functions map[string]awslambda.Function
	Dashboard awscloudwatch.Dashboard
	Alarms    []awscloudwatch.Alarm
	// SecurityGroup is that of the functions in the VPC, for an existing cache to
	// admit; nil on an emulator.
	SecurityGroup awsec2.ISecurityGroup
	// DomainTarget is what the record of an own domain has to point to; nil without.
	DomainTarget *string
}

// New makes a Waggle in a scope. The error says which choice is wrong, or which
// function is not built.
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

	// What emulators cannot do is left out by this and nowhere else: a VPC, its ways out
	// and security groups; alarms, for the metrics are not there. So they have no cache
	// of ElastiCache's either, see Check.
	emulated := c.Target == config.Local
	var n *network
	if !emulated {
		n = newNetwork(scope, c.Network, props)
		w.SecurityGroup = n.functions
	}
	cache := newCache(scope, c, n)
	api := newAPI(scope, c)
	w.URL, w.ManagementEndpoint, w.DomainTarget = api.url, api.management, api.domainTarget
	for _, f := range topology.Functions() {
		code, err := code(props.Dist, f.Name, c.Arch)
		if err != nil {
			return nil, err
		}
		made := newFunction(scope, f, function{config: c, code: code, network: n, cache: cache, api: api})
		w.Functions[f.Name] = made
		api.serve(f, made)
	}
	if !emulated {
		for _, a := range w.alarms(c, api, cache) {
			w.alarm(a, c.AlarmTopic)
		}
	}
	watch(w, c, api, cache)
	return w, nil
}

// StackProps say what a stack is made of.
type StackProps struct {
	Props
	// Account and Region are only needed to look up a VPC.
	Account, Region string
}

// NewStack makes a stack of one Waggle, with outputs.
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
	output("Url", "where clients connect", w.URL)
	output("ManagementEndpoint", "where functions post to connections", w.ManagementEndpoint)
	output("DashboardUrl", "the dashboard", dashboardURL(stack, w.Dashboard))
	if w.DomainTarget != nil {
		output("DomainTarget", "what the domain's record has to point to", w.DomainTarget)
	}
	if w.SecurityGroup != nil {
		output("SecurityGroup", "that of the functions, for an existing cache to admit", w.SecurityGroup.SecurityGroupId())
	}
	return stack, nil
}
