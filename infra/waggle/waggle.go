// Package waggle is Waggle on AWS as a CDK construct. New adds it to a stack of any
// app; NewStack creates a stack of its own, with outputs. internal/topology says which
// function serves which route and which variables it reads. Package config has the
// settings. testdata/app is an app in another module.
package waggle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

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
	// VPC is a VPC of the app, instead of Config.Network.VPC, for a cache in a VPC. Subnets
	// selects its subnets. Nil: the private ones that have a way out.
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
	// must let it in. Nil without a VPC.
	SecurityGroup awsec2.ISecurityGroup
	// DomainTarget is the name to which the DNS record of Config.API.Domain must point, and
	// DomainZone the id of the hosted zone of that name, which an alias record of Route 53
	// takes. Nil without a domain.
	DomainTarget, DomainZone *string
	// Version is what the functions were built from, "" if they do not say.
	Version string
	// Fixed has the settings that cannot change once the stack exists: the cache of another
	// kind or in another network would be another cache. It is "" until the CDK has looked up
	// the VPC.
	Fixed string
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
	built, err := readFunctions(props.Dist, c.Arch)
	if err != nil {
		return nil, err
	}
	w := &Waggle{Construct: scope, Functions: map[string]awslambda.Function{}, Version: built.version, Fixed: "cache=" + string(c.Cache.Kind)}

	var n *network
	if c.InVPC() {
		n = newNetwork(scope, c.Network, props)
		w.SecurityGroup = n.functions
		if n.where != "" && c.Cache.Kind != config.Existing {
			w.Fixed += " in " + n.where
		}
		if n.pending {
			w.Fixed = ""
		}
	}
	cache := newCache(scope, c, n)
	api, timers := newAPI(scope, c), newTimers(scope)
	w.URL, w.ManagementEndpoint, w.DomainTarget, w.DomainZone = api.url, api.management, api.domainTarget, api.domainZone
	for _, f := range topology.Functions() {
		made := newFunction(scope, f, function{config: c, code: built.code[f.Name], version: built.version, network: n, cache: cache, api: api, timers: timers})
		w.Functions[f.Name] = made
		api.serve(f, made)
		if f.Timers {
			timers.invoke(scope, made)
		}
	}
	// Emulators have none of the metrics of alarms.
	if c.Target != config.Local {
		for _, a := range w.alarms(c, api, cache, timers) {
			w.addAlarm(a, c.AlarmTopic)
		}
	}
	newDashboard(w, c, api, cache)
	newInstrumentDashboards(w)
	return w, nil
}

// StackProps are the settings of a stack.
type StackProps struct {
	Props
	// Account and Region are needed only to look up a VPC.
	Account, Region string
	// Deployed is the output Fixed of the stack of this name that exists, or "".
	Deployed string
}

// NewStack creates a stack with one Waggle and its outputs.
func NewStack(scope constructs.Construct, props StackProps) (awscdk.Stack, error) {
	c := props.Config
	p := &awscdk.StackProps{Description: jsii.String("Waggle: realtime matching by place over WebSocket")}
	if c.InVPC() && c.Network.VPC != "" && len(c.Network.Subnets) == 0 {
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
	if props.Deployed != "" && w.Fixed != "" && props.Deployed != w.Fixed {
		return nil, fmt.Errorf("the stack %s has %s, and these settings mean %s. That cannot change: the members, requests and matches in its cache would be lost. "+
			"Deploy a stack of another name beside it with -c stack=NAME, see docs/deploy.md#change-it", c.Stack, props.Deployed, w.Fixed)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		awscdk.Tags_Of(stack).Add(&name, jsii.String(c.Tags[name]), nil)
	}
	output := func(name, meaning string, value *string) {
		awscdk.NewCfnOutput(stack, &name, &awscdk.CfnOutputProps{Value: value, Description: &meaning})
	}
	output("Url", "the address for clients", w.URL)
	output("ManagementEndpoint", "the address at which functions post to connections", w.ManagementEndpoint)
	output("Version", "what the functions were built from", jsii.String(cmp.Or(w.Version, "unknown")))
	output("Fixed", "the settings that cannot change any more", &w.Fixed)
	output("DashboardUrl", "the dashboard", dashboardURL(stack, w.Dashboard))
	if w.DomainTarget != nil {
		output("DomainTarget", "the name to which the domain's DNS record must point", w.DomainTarget)
		output("DomainHostedZone", "the hosted zone of that name, for an alias record of Route 53", w.DomainZone)
	}
	if w.SecurityGroup != nil {
		output("SecurityGroup", "the functions' security group, which an existing cache must let in", w.SecurityGroup.SecurityGroupId())
	}
	return stack, nil
}
