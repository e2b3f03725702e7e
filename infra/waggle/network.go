package waggle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

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
	// where names the VPC and its subnets, or the zones of the stack's own VPC. It is "" if
	// the stack has its own VPC in the region's first zones.
	where string
	// pending is whether the CDK has yet to look up the VPC. It runs the app with made-up ids
	// first, and then again.
	pending bool
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
		n.where = strings.Join(c.Zones, ",")
		n.vpc = newVPC(scope, c, key(n.where))
	}
	if props.VPC != nil || c.VPC != "" {
		n.where = n.names()
	}
	n.pending = props.VPC == nil && c.VPC != "" && *n.vpc.VpcId() != c.VPC

	n.functions = awsec2.NewSecurityGroup(scope, jsii.String("FunctionSecurityGroup"), &awsec2.SecurityGroupProps{
		Vpc:              n.vpc,
		Description:      jsii.String("Waggle functions"),
		AllowAllOutbound: jsii.Bool(false),
	})
	everywhere := awsec2.Peer_AnyIpv4()
	if n.ipv6 {
		everywhere = awsec2.Peer_AnyIpv6()
		awscdk.Annotations_Of(scope).AddWarningV2(jsii.String("waggle:ipv6"),
			jsii.String("egress=ipv6 has not been verified on AWS yet: if pushes never reach clients, deploy again with egress=nat, which keeps the cache"), nil)
	}
	n.functions.AddEgressRule(everywhere, awsec2.Port_Tcp(jsii.Number(443)), jsii.String("connection management"), nil)
	return n
}

// names returns the ids of the VPC and its subnets. What the app itself creates has a path
// instead of an id.
func (n *network) names() string {
	name := func(id *string, of constructs.IConstruct) string {
		if *awscdk.Token_IsUnresolved(id) {
			return *of.Node().Path()
		}
		return *id
	}
	var subnets []string
	for _, subnet := range *n.vpc.SelectSubnets(n.subnets).Subnets {
		subnets = append(subnets, name(subnet.SubnetId(), subnet))
	}
	slices.Sort(subnets)
	return name(n.vpc.VpcId(), n.vpc) + " " + strings.Join(subnets, ",")
}

// key returns eight digits that tell a text from others, or "" for "".
func key(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:4])
}

// newVPC creates a VPC in two zones, whose private subnets lead out through NAT
// gateways or over IPv6. The private ones come first, so that they have the same ranges
// either way: from one way out to the other, the subnets and the cache in them stay.
func newVPC(scope constructs.Construct, c config.Network, key string) awsec2.Vpc {
	private := &awsec2.SubnetConfiguration{Name: jsii.String("Private"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS, CidrMask: jsii.Number(20)}
	props := &awsec2.VpcProps{
		// Nothing uses the VPC's default security group. To restrict it would take another
		// function with permissions.
		RestrictDefaultSecurityGroup: jsii.Bool(false),
	}
	if len(c.Zones) > 0 {
		props.AvailabilityZones = jsii.Strings(c.Zones...)
	} else {
		props.MaxAzs = jsii.Number(2)
	}
	if c.Egress == config.IPv6 {
		props.IpProtocol = awsec2.IpProtocol_DUAL_STACK
		props.NatGateways = jsii.Number(0)
		props.CreateInternetGateway = jsii.Bool(false)
		props.SubnetConfiguration = &[]*awsec2.SubnetConfiguration{private}
	} else {
		props.NatGateways = jsii.Number(c.NATGateways)
		props.SubnetConfiguration = &[]*awsec2.SubnetConfiguration{
			private, {Name: jsii.String("Public"), SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: jsii.Number(24), MapPublicIpOnLaunch: jsii.Bool(false)}}
	}
	vpc := awsec2.NewVpc(scope, jsii.String("Vpc"+key), props)
	suppress(vpc.Node().DefaultChild(), suppression{"AwsSolutions-VPC7", "flow logs would cost more than the traffic; this VPC has only the functions and the cache, and security groups let nothing else in"})
	return vpc
}
