package waggle_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"waggle/infra/waggle"
	"waggle/internal/topology"
	"waggle/test/kit"
)

// The authorizer, which does not use the cache, is outside.
func TestFunctionsThatUseTheCacheAreInPrivateSubnets(t *testing.T) {
	private := []any{"${WaggleVpcPrivateSubnet1Subnet}", "${WaggleVpcPrivateSubnet2Subnet}"}
	theirs := []any{"subnet-01234567", "subnet-89abcdef"}
	for name, subnets := range map[string][]any{serverless: private, cluster: private, ipv6: private, subnets: theirs, lookup: theirs, existing: theirs, public: nil, outside: nil, local: nil} {
		s := stack(t, name)
		for _, f := range topology.Functions() {
			var want any
			if f.VPC && subnets != nil {
				in := map[string]any{"SecurityGroupIds": []any{"${WaggleFunctionSecurityGroup.GroupId}"}, "SubnetIds": subnets}
				if name == ipv6 {
					in["Ipv6AllowedForDualStack"] = true
				}
				want = in
			}
			if diff := cmp.Diff(want, s.function(t, f.Name)["VpcConfig"]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, f.Name, diff)
			}
		}
	}
}

// rule returns a rule of a security group.
func rule(who, whom string, port float64, why string) map[string]any {
	return map[string]any{who: whom, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "Description": why}
}

// The functions can connect to HTTPS and to the cache, and nothing can connect to them.
// The functions alone can connect to the cache.
func TestSecurityGroupsLetNothingElseThrough(t *testing.T) {
	https := rule("CidrIp", "0.0.0.0/0", 443, "connection management")
	functions, cache := "${WaggleFunctionSecurityGroup.GroupId}", "${WaggleCacheSecurityGroup.GroupId}"
	type rules struct{ Functions, Egress, Ingress []any }
	between := func(cache string, port float64) rules {
		egress, ingress := rule("DestinationSecurityGroupId", cache, port, "the cache"), rule("SourceSecurityGroupId", functions, port, "the functions")
		egress["GroupId"], ingress["GroupId"] = functions, cache
		return rules{[]any{https}, []any{egress}, []any{ingress}}
	}
	serverlessRules := between(cache, 6379) // reading has another port
	for _, rule := range []any{serverlessRules.Egress[0], serverlessRules.Ingress[0]} {
		rule.(map[string]any)["ToPort"] = 6380.0
	}
	overIPv6 := serverlessRules
	overIPv6.Functions = []any{rule("CidrIpv6", "::/0", 443, "connection management")}
	for name, want := range map[string]rules{
		serverless: serverlessRules,
		cluster:    between(cache, 6379),
		ipv6:       overIPv6,
		subnets:    serverlessRules,
		lookup:     serverlessRules,
		existing:   between("sg-01234567", 6380),
		everything: {Functions: []any{https, rule("CidrIp", "0.0.0.0/0", 6379, "the cache")}},
		public:     {},
		outside:    {},
		local:      {},
	} {
		var got rules
		s := stack(t, name)
		for id, r := range s.resources {
			switch r.Type {
			case "AWS::EC2::SecurityGroup":
				if r.Properties["SecurityGroupIngress"] != nil {
					t.Errorf("%s: %s lets in %v", name, id, r.Properties["SecurityGroupIngress"])
				}
				egress := r.Properties["SecurityGroupEgress"].([]any)
				if id == "WaggleFunctionSecurityGroup" {
					got.Functions = egress
				} else if to := egress[0].(map[string]any)["CidrIp"]; len(egress) != 1 || to != "255.255.255.255/32" { // the CDK's address for nowhere
					t.Errorf("%s: %s lets out %v", name, id, egress)
				}
			case "AWS::EC2::SecurityGroupEgress":
				got.Egress = append(got.Egress, r.Properties)
			case "AWS::EC2::SecurityGroupIngress":
				got.Ingress = append(got.Ingress, r.Properties)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestANewVPCHasOneWayOut(t *testing.T) {
	for name, want := range map[string]map[string]int{
		serverless: {"AWS::EC2::VPC": 1, "AWS::EC2::Subnet": 4, "AWS::EC2::NatGateway": 2, "AWS::EC2::InternetGateway": 1},
		cluster:    {"AWS::EC2::VPC": 1, "AWS::EC2::Subnet": 4, "AWS::EC2::NatGateway": 2, "AWS::EC2::InternetGateway": 1},
		ipv6:       {"AWS::EC2::VPC": 1, "AWS::EC2::Subnet": 2, "AWS::EC2::EgressOnlyInternetGateway": 1, "AWS::EC2::VPCCidrBlock": 1},
		zones:      {"AWS::EC2::VPC": 1, "AWS::EC2::Subnet": 4, "AWS::EC2::NatGateway": 1, "AWS::EC2::InternetGateway": 1},
		subnets:    {}, lookup: {}, existing: {}, everything: {}, public: {}, outside: {}, local: {},
	} {
		s := stack(t, name)
		for _, kind := range []string{"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EgressOnlyInternetGateway",
			"AWS::EC2::VPCCidrBlock", "Custom::VpcRestrictDefaultSG"} {
			if got := len(s.names(kind)); got != want[kind] {
				t.Errorf("%s: got %d %s, want %d", name, got, kind, want[kind])
			}
		}
		for id, r := range s.resources {
			if r.Type != "AWS::EC2::Route" || !strings.Contains(id, "Private") {
				continue
			}
			nat, v6 := r.Properties["DestinationCidrBlock"] == "0.0.0.0/0" && r.Properties["NatGatewayId"] != nil,
				r.Properties["DestinationIpv6CidrBlock"] == "::/0" && r.Properties["EgressOnlyInternetGatewayId"] == "${WaggleVpcEIGW6}"
			if nat == v6 || v6 != (name == ipv6) {
				t.Errorf("%s: %s leads out by %v", name, id, r.Properties)
			}
		}
	}
}

func TestAPublicCacheNeedsNothingOfEC2(t *testing.T) {
	for _, name := range []string{public, outside, local} {
		for id, r := range stack(t, name).resources {
			if strings.HasPrefix(r.Type, "AWS::EC2::") {
				t.Errorf("%s: got %s %s", name, r.Type, id)
			}
		}
		if text := string(stack(t, name).text); strings.Contains(text, "ec2:") {
			t.Errorf("%s: a permission is about EC2", name)
		}
	}
}

// Both ways out have the same private subnets, so that a stack can change from one to the
// other.
func TestBothWaysOutHaveTheSamePrivateRanges(t *testing.T) {
	ranges := func(name string) map[string]any {
		all := map[string]any{}
		s := stack(t, name)
		for _, id := range s.names("AWS::EC2::Subnet") {
			if strings.Contains(id, "Private") {
				all[id] = s.resources[id].Properties["CidrBlock"]
			}
		}
		return all
	}
	want := map[string]any{"WaggleVpcPrivateSubnet1Subnet": "10.0.0.0/20", "WaggleVpcPrivateSubnet2Subnet": "10.0.16.0/20"}
	for _, name := range []string{serverless, ipv6, cluster} {
		if diff := cmp.Diff(want, ranges(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	s := stack(t, zones)
	for _, id := range s.names("AWS::EC2::Subnet") {
		want := map[bool]string{true: "eu-west-1a", false: "eu-west-1c"}[strings.HasSuffix(id, "1Subnet")]
		if got := s.resources[id].Properties["AvailabilityZone"]; got != want {
			t.Errorf("%s is in %v, want %s", id, got, want)
		}
	}
}

func TestALookupNeedsAnAccount(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	c, err := choose("cache=serverless", "vpcId=vpc-01234567")
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
	_, err = waggle.NewStack(app, waggle.StackProps{Props: waggle.Props{Config: c}})
	if err == nil || !strings.Contains(err.Error(), "-c subnetIds=") {
		t.Errorf("got %v, want an error that names the other way", err)
	}
}
