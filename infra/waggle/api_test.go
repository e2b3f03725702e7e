package waggle_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

const (
	region  = "${AWS::Region}:${AWS::AccountId}"
	theAPI  = "arn:${AWS::Partition}:execute-api:" + region + ":${WaggleApi}"
	address = "${WaggleApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
)

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// invocation returns the URI with which API Gateway invokes a function.
func invocation(name string) string {
	return "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Waggle" + title(name) + ".Arn}/invocations"
}

// $connect alone has an authorizer, which requires the token in no place. With twoWay=true the routes
// of messages have a response.
func TestTheRoutesAreThoseOfTheTopology(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		want, integrations, permissions, responses := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
		for _, f := range topology.Functions() {
			if f.Authorizer {
				permissions[theAPI+"/authorizers/${WaggleTokenAuthorizer}"] = "${WaggleAuthorizer.Arn}"
				continue
			}
			integrations["Waggle"+title(f.Name)+"Integration"] = map[string]any{
				"ApiId": "${WaggleApi}", "IntegrationType": "AWS_PROXY", "IntegrationUri": invocation(f.Name)}
			for _, route := range f.Routes {
				properties := map[string]any{"ApiId": "${WaggleApi}", "RouteKey": route, "AuthorizationType": "NONE",
					"Target": "integrations/${Waggle" + title(f.Name) + "Integration}"}
				if route == topology.RouteConnect {
					properties["AuthorizationType"], properties["AuthorizerId"] = "CUSTOM", "${WaggleTokenAuthorizer}"
				}
				if s == stack(t, everything) && route != topology.RouteConnect && route != topology.RouteDisconnect {
					properties["RouteResponseSelectionExpression"] = "$default"
					responses["${Waggle"+title(strings.TrimPrefix(route, "$"))+"Route}"] = "$default"
				}
				want[route] = properties
				permissions[theAPI+"/prod/"+route] = "${Waggle" + title(f.Name) + ".Arn}"
			}
		}
		got := map[string]any{}
		for _, name := range s.names("AWS::ApiGatewayV2::Route") {
			got[s.resources[name].Properties["RouteKey"].(string)] = s.resources[name].Properties
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) < 10 {
			t.Errorf("routes (-want +got):\n%s", diff)
		}
		got = map[string]any{}
		for _, name := range s.names("AWS::ApiGatewayV2::RouteResponse") {
			p := s.resources[name].Properties
			got[p["RouteId"].(string)] = p["RouteResponseKey"]
			if p["ApiId"] != "${WaggleApi}" {
				t.Errorf("%s: got %v", name, p)
			}
		}
		if diff := cmp.Diff(responses, got); diff != "" {
			t.Errorf("responses, with twoWay=true (-want +got):\n%s", diff)
		}
		got = map[string]any{}
		for _, name := range s.names("AWS::ApiGatewayV2::Integration") {
			got[name] = s.resources[name].Properties
		}
		if diff := cmp.Diff(integrations, got); diff != "" {
			t.Errorf("integrations (-want +got):\n%s", diff)
		}
		got = map[string]any{}
		for _, name := range s.names("AWS::Lambda::Permission") {
			p := s.resources[name].Properties
			got[p["SourceArn"].(string)] = p["FunctionName"]
			if p["Action"] != "lambda:InvokeFunction" || p["Principal"] != "apigateway.amazonaws.com" {
				t.Errorf("%s: got %v", name, p)
			}
		}
		if diff := cmp.Diff(permissions, got); diff != "" {
			t.Errorf("who may invoke (-want +got):\n%s", diff)
		}
		wantAuthorizer := map[string]any{"ApiId": "${WaggleApi}", "Name": "token", "AuthorizerType": "REQUEST", "AuthorizerUri": invocation("authorizer"),
			"IdentitySource": []any{}}
		if diff := cmp.Diff(wantAuthorizer, s.properties(t, "AWS::ApiGatewayV2::Authorizer", "WaggleTokenAuthorizer")); diff != "" {
			t.Errorf("authorizer (-want +got):\n%s", diff)
		}
	})
}

func TestTheAPIRoutesByAction(t *testing.T) {
	for name, addressType := range map[string]any{serverless: nil, ipv6: "dualstack", local: nil} {
		api := stack(t, name).properties(t, "AWS::ApiGatewayV2::Api", "WaggleApi")
		if api["ProtocolType"] != "WEBSOCKET" || api["RouteSelectionExpression"] != "$request.body.action" || api["IpAddressType"] != addressType {
			t.Errorf("%s: got API %v", name, api)
		}
	}
}

// The access log says why a connection was refused. It has nothing of the query and the
// headers, where the token is.
func TestTheStageThrottlesAndLogsNoToken(t *testing.T) {
	for name, want := range map[string]struct {
		rate, burst any
		connects    any
		logs, role  bool
	}{
		public:     {inSmall(1000, 4000), inSmall(500, 2000), inSmall(200, 400), true, true},
		serverless: {inSmall(1000, 4000), inSmall(500, 2000), inSmall(200, 400), true, true},
		zones:      {inSmall(1000, 4000), inSmall(500, 2000), 450.0, true, true},
		local:      {inSmall(1000, 4000), inSmall(500, 2000), inSmall(200, 400), true, true},
		everything: {10.0, 20.0, inSmall(200, 400), false, false},
	} {
		s := stack(t, name)
		stage := s.properties(t, "AWS::ApiGatewayV2::Stage", "WaggleStage")
		settings := map[string]any{"ThrottlingRateLimit": want.rate, "ThrottlingBurstLimit": want.burst, "DataTraceEnabled": false, "LoggingLevel": "OFF"}
		if diff := cmp.Diff(settings, stage["DefaultRouteSettings"]); diff != "" || stage["StageName"] != "prod" || stage["AutoDeploy"] != true {
			t.Errorf("%s: got stage %v, settings (-want +got):\n%s", name, stage, diff)
		}
		connects := map[string]any{topology.RouteConnect: map[string]any{"ThrottlingRateLimit": want.connects, "ThrottlingBurstLimit": want.connects,
			"DataTraceEnabled": false, "LoggingLevel": "OFF"}}
		if diff := cmp.Diff(connects, stage["RouteSettings"]); diff != "" {
			t.Errorf("%s: settings of routes (-want +got):\n%s", name, diff)
		}
		if role := len(s.names("AWS::ApiGateway::Account")) == 1; role != want.role {
			t.Errorf("%s: got a role for the account's logs %v", name, role)
		}
		logs, ok := stage["AccessLogSettings"].(map[string]any)
		if ok != want.logs {
			t.Errorf("%s: got access logs %v", name, logs)
		}
		if !ok {
			continue
		}
		if logs["DestinationArn"] != "${WaggleAccessLogs.Arn}" {
			t.Errorf("%s: got %v", name, logs)
		}
		format := logs["Format"].(string)
		for _, found := range strings.Split(format, "$context.")[1:] {
			variable, _, _ := strings.Cut(found, `"`)
			switch variable {
			case "requestTime", "requestId", "connectionId", "eventType", "routeKey", "status", "error.message",
				"authorizer.status", "integration.status", "integrationLatency":
			default:
				t.Errorf("%s: the access log has $context.%s: if it holds no token and no member, add it here", name, variable)
			}
		}
		if !strings.Contains(format, "$context.requestId") { // API Gateway requires it
			t.Errorf("%s: got format %s", name, format)
		}
		for _, kept := range []string{"WaggleApiGatewayAccount", "WaggleApiGatewayLogsRole"} {
			if got := s.resources[kept].DeletionPolicy; got != "Retain" {
				t.Errorf("%s: %s is deleted with the stack, and other APIs may log with it: got %q", name, kept, got)
			}
		}
		var first []string
		for _, id := range s.resources["WaggleStage"].DependsOn.([]any) {
			first = append(first, short(id.(string)))
		}
		if diff := cmp.Diff([]string{"WaggleApiGatewayAccount", "WaggleConnectRoute"}, first); diff != "" {
			t.Errorf("%s: the stage is created before API Gateway may log, or before the route that it has settings for: %s", name, diff)
		}
	}
}

// inSmall is a number that depends on the region.
func inSmall(there, elsewhere float64) any {
	return map[string]any{"Fn::If": []any{"WaggleSmallRegion0DF96886", there, elsewhere}}
}

// An account has 10 000 requests a second, but 2 500 in the regions that the condition names.
// Each message may lead to two and a half: itself, its reply and, for every other one, what
// the peer is told.
func TestTheUsualThrottleFitsTheQuotaOfTheRegion(t *testing.T) {
	var raw struct {
		Conditions map[string]any
	}
	if err := json.Unmarshal(stack(t, public).text, &raw); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(raw.Conditions["WaggleSmallRegion0DF96886"])
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`[a-z]{2}-[a-z]+-[0-9]`).FindAllString(string(text), -1)
	want := []string{"af-south-1", "ap-southeast-3", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1", "eu-central-2",
		"eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1"}
	if diff := cmp.Diff(want, got); diff != "" || strings.Count(string(text), "Fn::Equals") != len(want) {
		t.Errorf("small regions (-want +got):\n%s", diff)
	}
	stage := stack(t, public).properties(t, "AWS::ApiGatewayV2::Stage", "WaggleStage")["DefaultRouteSettings"].(map[string]any)
	rates := stage["ThrottlingRateLimit"].(map[string]any)["Fn::If"].([]any)
	for i, quota := range map[int]float64{1: 2500, 2: 10000} {
		if rate := rates[i].(float64); rate*2.5 > quota {
			t.Errorf("%v messages a second are %v requests, and the quota is %v", rate, rate*2.5, quota)
		}
	}
}

func TestACustomDomainLeadsToTheStage(t *testing.T) {
	s := stack(t, everything)
	domain := s.properties(t, "AWS::ApiGatewayV2::DomainName", "WaggleDomain")
	want := map[string]any{"DomainName": "ws.example.org", "DomainNameConfigurations": []any{map[string]any{
		"CertificateArn": "arn:aws:acm:eu-west-3:210987654321:certificate/x", "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}}}
	if diff := cmp.Diff(want, domain); diff != "" {
		t.Errorf("domain (-want +got):\n%s", diff)
	}
	mapping := s.properties(t, "AWS::ApiGatewayV2::ApiMapping", "WaggleDomainMapping")
	if diff := cmp.Diff(map[string]any{"ApiId": "${WaggleApi}", "DomainName": "${WaggleDomain}", "Stage": "${WaggleStage}"}, mapping); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func TestTheOutputsAreTheAddressesOfTheStack(t *testing.T) {
	dashboard := "https://${AWS::Region}.console.aws.amazon.com/cloudwatch/home?region=${AWS::Region}#dashboards/dashboard/${WaggleDashboard}"
	in := func(fixed string, more ...string) map[string]string {
		all := map[string]string{"Url": "wss://" + address + "/prod", "ManagementEndpoint": "https://" + address + "/prod", "DashboardUrl": dashboard,
			"Version": "unknown", "Fixed": fixed}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	const group, inGroup = "SecurityGroup", "${WaggleFunctionSecurityGroup.GroupId}"
	for name, want := range map[string]map[string]string{
		public:     in("cache=public"),
		outside:    in("cache=existing"),
		serverless: in("cache=serverless", group, inGroup),
		ipv6:       in("cache=serverless", group, inGroup),
		cluster:    in("cache=cluster", group, inGroup),
		zones:      in("cache=serverless in eu-west-1a,eu-west-1c", group, inGroup),
		subnets:    in("cache=serverless in vpc-01234567 subnet-01234567,subnet-89abcdef", group, inGroup),
		existing:   in("cache=existing", group, inGroup),
		local: in("cache=existing", "Url", "ws://127.0.0.1:4566/_aws/execute-api/${WaggleApi}/prod",
			"ManagementEndpoint", "http://127.0.0.1:4566/_aws/execute-api/${WaggleApi}/prod"),
		everything: in("cache=existing", "Url", "wss://ws.example.org", group, inGroup, "DomainTarget", "${WaggleDomain.RegionalDomainName}",
			"DomainHostedZone", "${WaggleDomain.RegionalHostedZoneId}"),
	} {
		got := map[string]string{}
		for name, output := range stack(t, name).Outputs {
			got[name] = output.Value.(string)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
