package waggle_test

import (
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/infra/waggle"
	"waggle/test/kit"
)

// More stacks, which those of synth_test.go can change to.
const (
	larger = "a larger cluster"
	limits = "public with other limits"
	moved  = "another vpcId"
)

var changed = map[string]func() (*template, error){
	larger: once("cache=cluster", "cacheShards=3", "cacheReplicas=2", "cacheNodeType=cache.r7g.xlarge", "cacheDurability=async", "natGateways=1"),
	limits: once("cacheMaxGB=20", "cacheMinGB=1", "cacheMinECPU=1000", "throttleRate=100", "connectRate=10", "accessLogs=account", "arch=amd64", "logDays=7",
		"domain=ws.example.org", "certificate=arn:aws:acm:eu-west-3:210987654321:certificate/x", "tags=a=b"),
	moved: once("cache=serverless", "vpcId=vpc-89abcdef", "subnetIds=subnet-00000001,subnet-00000002"),
}

// createOnly has the properties whose change replaces a resource, after CloudFormation's
// schemas as cfn-lint 1.58.0 has them. Other types of the templates have no name, address or
// data that anybody would miss.
var createOnly = map[string][]string{
	"AWS::ElastiCache::ServerlessCache": {"ServerlessCacheName", "KmsKeyId", "SnapshotArnsToRestore", "SubnetIds", "NetworkType", "ConnectionType"},
	"AWS::ElastiCache::ReplicationGroup": {"AtRestEncryptionEnabled", "CacheSubnetGroupName", "DataTieringEnabled", "GlobalReplicationGroupId", "KmsKeyId",
		"NetworkType", "Port", "PreferredCacheClusterAZs", "ReplicationGroupId", "SnapshotArns", "SnapshotName", "AuthToken", "NodeGroupConfiguration"},
	"AWS::ElastiCache::User":           {"UserId", "UserName"},
	"AWS::ElastiCache::UserGroup":      {"UserGroupId"},
	"AWS::ElastiCache::SubnetGroup":    {"CacheSubnetGroupName"},
	"AWS::ElastiCache::ParameterGroup": {"CacheParameterGroupFamily"},
	"AWS::ApiGatewayV2::Api":           {"ProtocolType"},
	"AWS::ApiGatewayV2::Stage":         {"StageName", "ApiId"},
	"AWS::ApiGatewayV2::Route":         {"ApiId"},
	"AWS::ApiGatewayV2::RouteResponse": {"ApiId", "RouteId"},
	"AWS::ApiGatewayV2::Authorizer":    {"ApiId"},
	"AWS::ApiGatewayV2::Integration":   {"ApiId"},
	"AWS::ApiGatewayV2::DomainName":    {"DomainName"},
	"AWS::Lambda::Function":            {"FunctionName", "PackageType", "TenancyConfig"},
	"AWS::SQS::Queue":                  {"FifoQueue", "QueueName"},
	"AWS::EC2::VPC":                    {"CidrBlock"},
	"AWS::EC2::Subnet":                 {"VpcId", "AvailabilityZone", "CidrBlock", "Ipv6Native"},
	"AWS::EC2::SecurityGroup":          {"GroupDescription", "GroupName", "VpcId"},
	"AWS::EC2::Route":                  {"RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock"},
}

// named are the properties with names that no two resources of a type may have at once.
var named = map[string]string{"AWS::ElastiCache::ServerlessCache": "ServerlessCacheName", "AWS::ElastiCache::ReplicationGroup": "ReplicationGroupId",
	"AWS::ElastiCache::User": "UserId", "AWS::ElastiCache::UserGroup": "UserGroupId", "AWS::Lambda::Function": "FunctionName", "AWS::SQS::Queue": "QueueName",
	"AWS::ApiGatewayV2::DomainName": "DomainName", "AWS::EC2::SecurityGroup": "GroupName", "AWS::IAM::Role": "RoleName", "AWS::Logs::LogGroup": "LogGroupName",
	"AWS::CloudWatch::Alarm": "AlarmName", "AWS::CloudWatch::Dashboard": "DashboardName"}

// lasting are the types that hold what must not be lost: data, or the clients' address.
var lasting = []string{"AWS::ElastiCache::ServerlessCache", "AWS::ElastiCache::ReplicationGroup", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage",
	"AWS::Lambda::Function", "AWS::SQS::Queue"}

// A change is what CloudFormation would do to make one template another.
type change struct {
	// lost are the lasting resources that would be replaced or removed.
	lost []string
	// stuck says why CloudFormation could not do it.
	stuck []string
}

func compare(before, after *template) (u change) {
	replaced := map[string]bool{}
	touches := func(value any) bool {
		text := fmt.Sprint(value)
		for id := range replaced {
			if strings.Contains(text, "${"+id+"}") || strings.Contains(text, "${"+id+".") {
				return true
			}
		}
		return false
	}
	for more := true; more; { // whoever refers to a replaced resource changes too
		more = false
		for id, was := range before.resources {
			is, stays := after.resources[id]
			if !stays || is.Type != was.Type || replaced[id] {
				continue
			}
			fixed := createOnly[is.Type]
			if is.Type == "AWS::ElastiCache::ReplicationGroup" && is.UpdatePolicy["UseOnlineResharding"] != true {
				fixed = append(slices.Clone(fixed), "NumNodeGroups")
			}
			for _, property := range fixed {
				if !reflect.DeepEqual(was.Properties[property], is.Properties[property]) || touches(is.Properties[property]) {
					replaced[id], more = true, true
				}
			}
		}
	}
	for id, was := range before.resources {
		is, stays := after.resources[id]
		if slices.Contains(lasting, was.Type) && (!stays || replaced[id]) {
			u.lost = append(u.lost, id)
		}
		if stays && is.Type != was.Type {
			u.stuck = append(u.stuck, fmt.Sprintf("%s changes from %s to %s", id, was.Type, is.Type))
		}
	}
	for id, is := range after.resources { // each that is made while those of before are there
		if _, was := before.resources[id]; was && !replaced[id] {
			continue
		}
		for other, was := range before.resources {
			if was.Type != is.Type {
				continue
			}
			if name := is.Properties[named[is.Type]]; name != nil && name == was.Properties[named[is.Type]] {
				u.stuck = append(u.stuck, fmt.Sprintf("%s has the name of %s: %v", id, other, name))
			}
			if is.Type == "AWS::EC2::Subnet" && is.Properties["VpcId"] == was.Properties["VpcId"] && !touches(is.Properties["VpcId"]) && overlap(is, was) {
				u.stuck = append(u.stuck, fmt.Sprintf("%s has a range of %s: %v", id, other, was.Properties["CidrBlock"]))
			}
		}
	}
	slices.Sort(u.lost)
	return u
}

func overlap(a, b resource) bool {
	one, other := netip.MustParsePrefix(a.Properties["CidrBlock"].(string)), netip.MustParsePrefix(b.Properties["CidrBlock"].(string))
	return one.Overlaps(other)
}

// Whatever a stack changes to, CloudFormation can do it, and nothing is lost unless the
// output Fixed differs: then NewStack refuses the change.
func TestAChangeIsPossibleAndLosesNothingUnlessItIsRefused(t *testing.T) {
	all := map[string]*template{}
	for name := range stacks {
		if name != local && name != lookup { // lookup has the same resources as subnets
			all[name] = stack(t, name)
		}
	}
	for name, synthesized := range changed {
		s, err := synthesized()
		if err != nil {
			t.Fatal(err)
		}
		all[name] = s
	}
	refused := func(from, to string) bool { return all[from].Outputs["Fixed"].Value != all[to].Outputs["Fixed"].Value }
	kept := 0
	for from, before := range all {
		for to, after := range all {
			u := compare(before, after)
			if len(u.stuck) > 0 {
				t.Errorf("from %s to %s CloudFormation gets stuck: %s", from, to, strings.Join(u.stuck, "; "))
			}
			if refused(from, to) {
				continue
			}
			kept++
			if len(u.lost) > 0 {
				t.Errorf("from %s to %s is allowed and loses %v", from, to, u.lost)
			}
		}
	}
	for _, pair := range [][2]string{{serverless, ipv6}, {ipv6, serverless}, {cluster, larger}, {larger, cluster}, {public, limits}, {limits, public}, {existing, outside}, {outside, everything}} {
		if refused(pair[0], pair[1]) {
			t.Errorf("from %s to %s is refused", pair[0], pair[1])
		}
	}
	if kept == len(all)*len(all) {
		t.Error("nothing is refused")
	}
	// What would be lost if a refused change were made.
	for pair, want := range map[[2]string]string{
		{public, serverless}: "[WagglePublicCache]", {serverless, public}: "[WaggleServerlessCache]", {serverless, cluster}: "[WaggleServerlessCache]",
		{cluster, subnets}: "[WaggleClusterCache]", {subnets, moved}: "[WaggleServerlessCacheb3901150]", {public, outside}: "[WagglePublicCache]",
		{serverless, zones}: "[WaggleServerlessCache]", {outside, public}: "[]",
	} {
		if got := compare(all[pair[0]], all[pair[1]]).lost; fmt.Sprint(got) != want || !refused(pair[0], pair[1]) {
			t.Errorf("from %s to %s: lost %v, refused %v, want %s and refused", pair[0], pair[1], got, refused(pair[0], pair[1]), want)
		}
	}
	documentChanges(t, refused)
}

// documentChanges holds the table of docs/deploy.md.
func documentChanges(t *testing.T, refused func(from, to string) bool) {
	columns := []string{public, serverless, ipv6, cluster, outside}
	titles := map[string]string{public: "`cache=public`", serverless: "`cache=serverless`", ipv6: "`cache=serverless`, `egress=ipv6`", cluster: "`cache=cluster`",
		outside: "`cacheEndpoint`"}
	var b strings.Builder
	b.WriteString("| from ↓ to → |")
	for _, to := range columns {
		b.WriteString(" " + titles[to] + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(columns)+1) + "\n")
	for _, from := range columns {
		b.WriteString("| " + titles[from] + " |")
		for _, to := range columns {
			switch {
			case from == to:
				b.WriteString(" – |")
			case refused(from, to):
				b.WriteString(" refused |")
			default:
				b.WriteString(" kept |")
			}
		}
		b.WriteString("\n")
	}
	text, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n"+b.String()+"\n") {
		t.Errorf("docs/deploy.md lacks the table\n%s", &b)
	}
}

// The comparison sees what it is for.
func TestTheComparisonSeesWhatGetsStuck(t *testing.T) {
	cache := func(id, kind, name string) *template {
		return &template{resources: map[string]resource{id: {Type: "AWS::ElastiCache::" + kind, Properties: map[string]any{"ServerlessCacheName": name, "ConnectionType": name}}}}
	}
	subnet := func(id, cidr string) *template {
		return &template{resources: map[string]resource{id: {Type: "AWS::EC2::Subnet", Properties: map[string]any{"VpcId": "${Vpc}", "CidrBlock": cidr}}}}
	}
	same := cache("Cache", "ServerlessCache", "name")
	same.resources["Cache"].Properties["ConnectionType"] = "public"
	for name, test := range map[string]struct {
		before, after *template
		stuck         string
	}{
		"another type":          {cache("Cache", "ServerlessCache", "name"), cache("Cache", "ReplicationGroup", "name"), "Cache changes from"},
		"the same name":         {cache("Cache", "ServerlessCache", "name"), cache("Other", "ServerlessCache", "name"), "Other has the name of Cache"},
		"replaced by its name":  {cache("Cache", "ServerlessCache", "name"), same, "Cache has the name of Cache"},
		"another name":          {cache("Cache", "ServerlessCache", "name"), cache("Other", "ServerlessCache", "other"), ""},
		"ranges that overlap":   {subnet("Public", "10.0.0.0/24"), subnet("Private", "10.0.0.0/20"), "Private has a range of Public"},
		"ranges beside another": {subnet("Public", "10.0.32.0/24"), subnet("Private", "10.0.0.0/20"), ""},
	} {
		got := strings.Join(compare(test.before, test.after).stuck, "; ")
		if !strings.HasPrefix(got, test.stuck) || test.stuck == "" && got != "" {
			t.Errorf("%s: got %q, want %q", name, got, test.stuck)
		}
	}
}

// Two stacks of one account and region have no name in common that is unique there. They
// share API Gateway's role alone, which the second does not create: see look in package main.
func TestTwoStacksFitIntoOneAccount(t *testing.T) {
	for _, kind := range []string{"public", "cluster"} {
		first, err := synthesize("cache=" + kind)
		if err != nil {
			t.Fatal(err)
		}
		second, err := synthesize("cache="+kind, "stack=Places-2", "accessLogs=account")
		if err != nil {
			t.Fatal(err)
		}
		names := 0
		for id, a := range first.resources {
			name := a.Properties[named[a.Type]]
			if name == nil {
				continue
			}
			names++
			for other, b := range second.resources {
				if b.Type == a.Type && b.Properties[named[b.Type]] == name {
					t.Errorf("%s of the first and %s of the second stack are both called %v", id, other, name)
				}
			}
		}
		if names < 3 {
			t.Errorf("only %d names were compared", names)
		}
		if got := second.names("AWS::ApiGateway::Account"); len(got) > 0 {
			t.Errorf("the second stack has %v", got)
		}
	}
}

func TestAChangeOfWhatIsFixedIsRefused(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	dir := t.TempDir()
	if err := build(dir, config.ARM64); err != nil {
		t.Fatal(err)
	}
	lookup := []string{"cache=serverless", "vpcId=vpc-01234567"}
	for _, test := range []struct {
		deployed string
		settings []string
		lookedUp *map[string]any
		want     string
	}{
		{"", nil, nil, ""},
		{"cache=public", nil, nil, ""},
		{"cache=serverless", nil, nil, "the stack Waggle has cache=serverless, and these settings mean cache=public"},
		{"an older version's resources", nil, nil, "Deploy a stack of another name beside it with -c stack=NAME"},
		{"cache=serverless in vpc-01234567 subnet-01234567,subnet-89abcdef", lookup, lookedUp(), ""},
		{"cache=serverless in vpc-01234567 subnet-00000001,subnet-00000002", lookup, lookedUp(), "these settings mean cache=serverless in vpc-01234567 subnet-01234567,"},
		// The CDK has yet to look up the VPC.
		{"cache=serverless in vpc-01234567 subnet-01234567,subnet-89abcdef", lookup, nil, ""},
	} {
		c, err := choose(test.settings...)
		if err != nil {
			t.Fatal(err)
		}
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), Context: test.lookedUp})
		_, err = waggle.NewStack(app, waggle.StackProps{Props: waggle.Props{Config: c, Dist: dir}, Account: "123456789012", Region: "eu-west-1", Deployed: test.deployed})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v over %q: got %v, want %q", test.settings, test.deployed, err, test.want)
		}
	}
}
