package waggle

import (
	"errors"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
)

var errNoAccount = errors.New("-c vpcId=…: to look up its subnets takes credentials and a region: " +
	"configure both, or name the subnets with -c subnetIds=subnet-…,subnet-…")

// A network holds the functions and the cache.
type network struct {
	vpc     awsec2.IVpc
	subnets *awsec2.SubnetSelection
	// functions is the functions' security group. It lets out HTTPS and connections to
	// the cache, and lets nothing in.
	functions awsec2.SecurityGroup
	ipv6      bool
}

func newNetwork(scope constructs.Construct, c config.Network, props Props) *network {
	n := &network{ipv6: c.Egress == config.IPv6, subnets: &awsec2.SubnetSelection{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}}
	switch {
	case props.VPC != nil:
		n.vpc = props.VPC
		if props.Subnets != nil {
			n.subnets = props.Subnets
		}
	case len(c.Subnets) > 0:
		n.vpc = awsec2.Vpc_FromVpcAttributes(scope, jsii.String("Vpc"), &awsec2.VpcAttributes{
			VpcId:             &c.VPC,
			PrivateSubnetIds:  jsii.Strings(c.Subnets...),
			AvailabilityZones: jsii.Strings(slices.Repeat([]string{"unknown"}, len(c.Subnets))...), // nothing uses the zones
		})
		awscdk.Annotations_Of(scope).AcknowledgeWarning(jsii.String("@aws-cdk/aws-ec2:noSubnetRouteTableId"), jsii.String("nothing uses the route tables"))
	case c.VPC != "":
		n.vpc = awsec2.Vpc_FromLookup(scope, jsii.String("Vpc"), &awsec2.VpcLookupOptions{VpcId: &c.VPC})
	default:
		n.vpc = newVPC(scope, c)
	}

	n.functions = awsec2.NewSecurityGroup(scope, jsii.String("FunctionSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("Waggle functions"),
		AllowAllOutbound: jsii.Bool(false),
	})
	everywhere := awsec2.Peer_AnyIpv4()
	if n.ipv6 {
		everywhere = awsec2.Peer_AnyIpv6()
		awscdk.Annotations_Of(scope).AddWarningV2(jsii.String("waggle:ipv6"),
			jsii.String("egress=ipv6 has not been verified on AWS yet: if pushes never reach clients, use egress=nat"))
	}
	n.functions.AddEgressRule(everywhere, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("connection management"), nil)
	return n
}

// newVPC creates a VPC in two zones, whose private subnets lead out through NAT
// gateways or over IPv6.
func newVPC(scope constructs.Construct, c config.Network) awsec2.Vpc {
	private := &awsec2.SubnetConfiguration{Name: jsii.String("Private"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS, CidrMask: jsii.Number(20)}
	props := &awsec2.VpcProps{
		MaxAzs: jsii.Number(2),
		// Nothing uses the VPC's default security group. To restrict it would take another
		// function with permissions.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	}
	if c.Egress == config.IPv6 {
		props.IpProtocol = awsec2.IpProtocol_DUAL_STACK
		props.NatGateways = jsii.Number(0)
		props.CreateInternetGateway = jsii.Bool(false)
		props.SubnetConfiguration = &[]*awsec2.SubnetConfiguration{private}
	} else {
		props.NatGateways = jsii.Number(c.NATGateways)
		props.SubnetConfiguration = &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("Public"), SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: jsii.Number(24), MapPublicIpOnLaunch: jsii.Bool(false)}, private}
	}
	vpc := awsec2.NewVpc(scope, jsii.String("Vpc"), props)
	suppress(vpc.Node().DefaultChild(), suppression{"AwsSolutions-VPC7", "flow logs would cost more than the traffic; this VPC has only the functions and the cache, and security groups let nothing else in"})
	return vpc
}
