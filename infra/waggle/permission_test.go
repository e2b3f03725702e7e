package waggle_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

var update = flag.Bool("update", false, "write docs/iam.md and the table of alarms in docs/operations.md")

// A permission allows or denies one action on one resource.
type permission struct{ Effect, Action, Resource, Condition string }

// permissions returns a function's permissions, read from the template.
func (s *template) permissions(t *testing.T, function string) (all []permission) {
	t.Helper()
	role := s.properties(t, "AWS::IAM::Role", "Waggle"+title(function)+"Role")
	if role["ManagedPolicyArns"] != nil {
		t.Errorf("%s has managed policies too: %v", function, role["ManagedPolicyArns"])
	}
	trust := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"}}}}
	if diff := cmp.Diff(trust, role["AssumeRolePolicyDocument"]); diff != "" {
		t.Errorf("who may assume the role of %s (-want +got):\n%s", function, diff)
	}
	for _, policy := range role["Policies"].([]any) {
		for _, one := range policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
			statement := one.(map[string]any)
			for _, action := range list(statement["Action"]) {
				for _, resource := range list(statement["Resource"]) {
					p := permission{statement["Effect"].(string), action, resource, ""}
					if statement["Condition"] != nil {
						p.Condition = fmt.Sprint(statement["Condition"])
					}
					all = append(all, p)
				}
			}
		}
	}
	return all
}

// list returns the texts of a value that is one text or several.
func list(value any) (all []string) {
	if one, ok := value.(string); ok {
		return []string{one}
	}
	for _, one := range value.([]any) {
		all = append(all, one.(string))
	}
	return all
}

func TestAFunctionHasThesePermissionsAndNoOthers(t *testing.T) {
	elastiCache := "arn:${AWS::Partition}:elasticache:" + region + ":"
	for name, connect := range map[string][]string{
		public:     {elastiCache + "serverlesscache:waggled5bb1d40-public", elastiCache + "user:${WaggleCacheUser}"},
		serverless: {elastiCache + "serverlesscache:waggled5bb1d40-serverless", elastiCache + "user:${WaggleCacheUser}"},
		ipv6:       {elastiCache + "serverlesscache:waggled5bb1d40-serverless", elastiCache + "user:${WaggleCacheUser}"},
		cluster:    {elastiCache + "replicationgroup:waggled5bb1d40-cluster", elastiCache + "user:${WaggleCacheUser}"},
		outside:    {elastiCache + "serverlesscache:theirs", elastiCache + "user:ours"},
		existing:   {elastiCache + "replicationgroup:theirs", elastiCache + "user:ours"},
		everything: nil, // a password
		local:      nil,
	} {
		s := stack(t, name)
		for _, f := range topology.Functions() {
			logs := "${Waggle" + title(f.Name) + "Logs.Arn}"
			want := []permission{{"Allow", "logs:CreateLogStream", logs, ""}, {"Allow", "logs:PutLogEvents", logs, ""}}
			if !f.Authorizer {
				want = append(want,
					permission{"Allow", "execute-api:ManageConnections", theAPI + "/prod/POST/@connections/*", ""},
					permission{"Allow", "execute-api:ManageConnections", theAPI + "/prod/DELETE/@connections/*", ""})
				for _, action := range map[bool][]string{
					false: {"SendMessage"}, true: {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"},
				}[f.Name == topology.Match] {
					want = append(want, permission{"Allow", "sqs:" + action, "${WaggleTimers.Arn}", ""})
				}
				bus := map[string]string{everything: "arn:aws:events:eu-west-3:210987654321:event-bus/theirs",
					local: "arn:${AWS::Partition}:events:" + region + ":event-bus/default", ipv6: "arn:${AWS::Partition}:events:" + region + ":event-bus/matches"}[name]
				if bus != "" && f.Name != topology.Disconnect {
					want = append(want, permission{"Allow", "events:PutEvents", bus, ""})
				}
				for _, resource := range connect {
					want = append(want, permission{"Allow", "elasticache:Connect", resource, ""})
				}
			}
			if !f.Authorizer && name != local && name != public && name != outside {
				for _, action := range []string{"AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface", "UnassignPrivateIpAddresses"} {
					want = append(want, permission{"Allow", "ec2:" + action, "arn:${AWS::Partition}:ec2:" + region + ":*/*", ""})
				}
				want = append(want, permission{"Allow", "ec2:DescribeNetworkInterfaces", "*", ""}, permission{"Allow", "ec2:DescribeSubnets", "*", ""},
					permission{"Deny", "ec2:*", "*", "map[Null:map[lambda:SourceFunctionArn:false]]"})
			}
			if diff := cmp.Diff(want, s.permissions(t, f.Name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, f.Name, diff)
			}
		}
	}
}

// API Gateway has a role too, to log.
func TestOnlyFunctionsHaveRoles(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		var want []string
		for _, f := range topology.Functions() {
			want = append(want, "Waggle"+title(f.Name)+"Role")
		}
		if s != stack(t, everything) {
			want = append(want, "WaggleApiGatewayLogsRole")
			role := s.properties(t, "AWS::IAM::Role", "WaggleApiGatewayLogsRole")
			policies := []any{"arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}
			if diff := cmp.Diff(policies, role["ManagedPolicyArns"]); diff != "" || role["Policies"] != nil {
				t.Errorf("API Gateway's role: %v (-want +got):\n%s", role, diff)
			}
		}
		if got := s.names("AWS::IAM::Role"); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("got roles %v, want %v", got, want)
		}
		for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"} {
			if got := s.names(kind); len(got) > 0 {
				t.Errorf("got %s %v", kind, got)
			}
		}
	})
}

// TestDocumentOfPermissions fails if docs/iam.md differs from the templates; -update
// writes it.
func TestDocumentOfPermissions(t *testing.T) {
	const place = "../../docs/iam.md"
	var b bytes.Buffer
	b.WriteString(`# What each function may do

To write this page from the templates of the stack on AWS, run ` + "`go test ./waggle -run TestDocumentOfPermissions -update`" + `
in ` + "`infra`. Names in `${…}`" + ` are resources of the stack. Where there is a VPC, Lambda itself needs the permissions on ` + "`ec2`" + `, to
put a function into it. The last row of a function denies them to its own code.
`)
	for _, name := range []string{public, serverless, cluster} {
		fmt.Fprintf(&b, "\n## %s\n\n| function | may | on |\n|---|---|---|\n", name)
		for _, f := range topology.Functions() {
			for _, p := range stack(t, name).permissions(t, f.Name) {
				action := "`" + p.Action + "`"
				if p.Effect == "Deny" {
					action = "**not** " + action + " for its own code"
				}
				resource := strings.NewReplacer("arn:${AWS::Partition}:", "", region, "…").Replace(p.Resource)
				fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", f.Name, action, resource)
			}
		}
	}
	if *update {
		if err := os.WriteFile(place, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("docs/iam.md differs from the templates: run this test with -update (-want +got):\n%s", diff)
	}
}
