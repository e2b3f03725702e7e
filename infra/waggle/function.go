package waggle

import (
	"cmp"
	"debug/buildinfo"
	"debug/elf"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
	"waggle/internal/version"
)

// function is what a function needs besides its entry in the topology.
type function struct {
	config  config.Config
	code    awslambda.Code
	version string
	network *network
	cache   *cache
	api     *api
	timers  *timers
}

func newFunction(scope constructs.Construct, f topology.Function, with function) awslambda.Function {
	id := func(suffix string) *string { return jsii.String(title(f.Name) + suffix) }
	logs := newLogs(scope, title(f.Name)+"Logs", with.config.LogDays)
	role := awsiam.NewRole(scope, id("Role"), &awsiam.RoleProps{
		AssumedBy:      awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Waggle": with.permissions(scope, f, logs)},
	})
	props := &awslambda.FunctionProps{
		Description:  jsii.String("Waggle: " + f.Name + ", " + cmp.Or(with.version, "of an unknown version")),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: architecture(with.config.Arch),
		Handler:      jsii.String("bootstrap"),
		Code:         with.code,
		MemorySize:   jsii.Number(f.MemoryMB),
		Timeout:      awscdk.Duration_Seconds(jsii.Number(f.Timeout.Seconds())),
		Environment:  with.environment(scope, f),
		// Lambda's own lines; the functions write JSON anyway.
		LoggingFormat:    awslambda.LoggingFormat_JSON,
		SystemLogLevelV2: systemLogs(with.config.LambdaLogs),
		LogGroup:         logs,
		Role:             role,
	}
	if with.config.ConnectConcurrency > 0 && (f.Authorizer || slices.Contains(f.Routes, topology.RouteConnect)) {
		props.ReservedConcurrentExecutions = jsii.Number(with.config.ConnectConcurrency)
	}
	if f.VPC && with.network != nil {
		props.Vpc, props.VpcSubnets = with.network.vpc, with.network.subnets
		props.SecurityGroups = &[]awsec2.ISecurityGroup{with.network.functions}
		if with.network.ipv6 {
			props.Ipv6AllowedForDualStack = jsii.Bool(true)
		}
		suppress(role.Node().DefaultChild(),
			suppression{"AwsSolutions-IAM5", "Lambda needs these permissions to put a function into a VPC, as its documentation says, and the function's own code is denied them; " +
				"streams of a log group and connections of an API have no names before they exist"})
	} else {
		suppress(role.Node().DefaultChild(), suppression{"AwsSolutions-IAM5", "streams of a log group have no names before they exist"})
	}
	return awslambda.NewFunction(scope, id(""), props)
}

// environment returns the variables that the function reads.
func (with function) environment(scope constructs.Construct, f topology.Function) *map[string]*string {
	values := map[string]*string{}
	for name, value := range with.cache.env {
		values[name] = value
	}
	values[topology.PoolFile] = jsii.String(with.config.PoolFile())
	values[topology.ManagementEndpoint] = with.api.management
	values[topology.TimerQueue] = with.timers.url(with)
	values[topology.EventBus] = with.busURL()
	if with.config.API.TwoWay {
		values[topology.TwoWay] = jsii.String("true")
	}
	values[topology.MetricsNamespace] = jsii.String(metricsNamespace(scope))
	identity := with.config.Identity
	for name, value := range map[string]string{
		topology.Issuer:        identity.Issuer,
		topology.Audience:      identity.Audience,
		topology.AudienceClaim: identity.AudienceClaim,
		topology.PoolClaim:     identity.PoolClaim,
		topology.RolesClaim:    identity.RolesClaim,
		topology.TagsClaim:     identity.TagsClaim,
		topology.CardClaim:     identity.CardClaim,
	} {
		if value != "" {
			values[name] = &value
		}
	}
	read := map[string]*string{}
	for _, name := range f.Env {
		if values[name] != nil {
			read[name] = values[name]
		}
	}
	return &read
}

// permissions returns the policy of the function's role.
func (with function) permissions(scope constructs.Construct, f topology.Function, logs awslogs.LogGroup) awsiam.PolicyDocument {
	policy := awsiam.NewPolicyDocument(nil)
	allow := func(actions []string, resources ...*string) {
		policy.AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: &resources}))
	}
	allow([]string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.LogGroupArn())
	if f.Pushes {
		allow([]string{"execute-api:ManageConnections"}, with.api.connections("POST"), with.api.connections("DELETE"))
	}
	if slices.Contains(f.Env, topology.TimerQueue) {
		allow([]string{"sqs:SendMessage"}, with.timers.queue.QueueArn())
	}
	if f.Timers {
		allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, with.timers.queue.QueueArn())
	}
	if publishes(f) && with.config.EventBus != "" {
		allow([]string{"events:PutEvents"}, busARN(scope, with.config.EventBus))
	}
	if f.VPC && len(with.cache.connect) > 0 {
		allow([]string{"elasticache:Connect"}, with.cache.connect...)
	}
	if f.VPC && with.network != nil {
		changes := []string{"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses"}
		looks := []string{"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
		allow(changes, awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{Service: jsii.String("ec2"), Resource: jsii.String("*"), ResourceName: jsii.String("*")}))
		allow(looks, jsii.String("*"))
		// Lambda itself uses these permissions to put the function into the VPC. Calls
		// of the function's own code carry its ARN, and are denied.
		policy.AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Effect:     awsiam.Effect_DENY,
			Actions:    jsii.Strings("ec2:*"),
			Resources:  jsii.Strings("*"),
			Conditions: &map[string]any{"Null": map[string]string{"lambda:SourceFunctionArn": "false"}},
		}))
	}
	return policy
}

// newLogs creates a log group, which is deleted with the stack.
func newLogs(scope constructs.Construct, id string, days int) awslogs.LogGroup {
	logs := awslogs.NewLogGroup(scope, &id, &awslogs.LogGroupProps{RemovalPolicy: awscdk.RemovalPolicy_DESTROY})
	logs.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(jsii.Number(days))
	return logs
}

// title returns a function's name with a capital, to begin an identifier.
func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// functions are those that make build has built.
type functions struct {
	code map[string]awslambda.Code
	// version is what they were built from, "" if they do not say.
	version string
}

// readFunctions finds the built functions. It checks the machine, since Lambda would only
// say that a function does not start, and that all were built together.
func readFunctions(dist string, arch config.Arch) (functions, error) {
	all := functions{code: map[string]awslambda.Code{}}
	for i, f := range topology.Functions() {
		place := filepath.Join(dist, f.Name, "bootstrap")
		file, err := elf.Open(place)
		if err != nil {
			return all, fmt.Errorf("the function %s is not built: make build ARCH=%s (%w)", f.Name, arch, err)
		}
		file.Close()
		if want := machines()[arch]; file.Machine != want {
			return all, fmt.Errorf("%s is for another machine, %v and not %v: make build ARCH=%s", place, file.Machine, want, arch)
		}
		built := ""
		if info, err := buildinfo.ReadFile(place); err == nil {
			built = version.Of(info)
		}
		if i > 0 && built != all.version {
			return all, fmt.Errorf("the function %s was built from %q, and the others from %q: make build ARCH=%s", f.Name, built, all.version, arch)
		}
		all.version = built
		all.code[f.Name] = awslambda.Code_FromAsset(jsii.String(filepath.Dir(place)), nil)
	}
	return all, nil
}

func systemLogs(level config.Level) awslambda.SystemLogLevel {
	if level == config.LevelInfo {
		return awslambda.SystemLogLevel_INFO
	}
	return awslambda.SystemLogLevel_WARN
}

func machines() map[config.Arch]elf.Machine {
	return map[config.Arch]elf.Machine{config.ARM64: elf.EM_AARCH64, config.AMD64: elf.EM_X86_64}
}

func architecture(arch config.Arch) awslambda.Architecture {
	if arch == config.AMD64 {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}
