package waggle

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// An api is the WebSocket API and its one stage. It consists of plain CloudFormation
// resources, so that this file shows exactly what is deployed.
type api struct {
	scope                         constructs.Construct
	twoWay                        bool // routes have responses
	made                          awsapigatewayv2.CfnApi
	url, management, domainTarget *string
	domainZone                    *string
	stage                         awsapigatewayv2.CfnStage
	authorizer                    awsapigatewayv2.CfnAuthorizer
	connect                       awsapigatewayv2.CfnRoute
	small                         awscdk.CfnCondition // nil until it is needed
}

func newAPI(scope constructs.Construct, c config.Config) *api {
	props := &awsapigatewayv2.CfnApiProps{
		Name:                     awscdk.Stack_Of(scope).StackName(),
		Description:              jsii.String("Waggle: realtime matching by place"),
		ProtocolType:             jsii.String("WEBSOCKET"),
		RouteSelectionExpression: jsii.String(topology.RouteSelection),
	}
	if c.InVPC() && c.Network.Egress == config.IPv6 {
		props.IpAddressType = jsii.String("dualstack")
	}
	a := &api{scope: scope, twoWay: c.API.TwoWay, made: awsapigatewayv2.NewCfnApi(scope, jsii.String("Api"), props)}
	at := a.join(jsii.String("s://"), a.made.Ref(), jsii.String(".execute-api."), awscdk.Aws_REGION(), jsii.String("."), awscdk.Aws_URL_SUFFIX(), jsii.String("/"+topology.Stage))
	if c.Target == config.Local {
		// An emulator serves its APIs under a path and not under a host name.
		at = a.join(jsii.String(strings.TrimPrefix(c.Emulator, "http")+"/_aws/execute-api/"), a.made.Ref(), jsii.String("/"+topology.Stage))
	}
	a.url = a.join(jsii.String("ws"), at)
	// This address needs no mapping, so functions use it with a custom domain too.
	a.management = a.join(jsii.String("http"), at)

	var small awscdk.CfnCondition
	if c.API.Rate == 0 || c.API.Burst == 0 || c.API.ConnectRate == 0 {
		small = a.smallRegion()
	}
	connects := bound(small, c.API.ConnectRate, 200, 400)
	stage := &awsapigatewayv2.CfnStageProps{
		ApiId:      a.made.Ref(),
		StageName:  jsii.String(topology.Stage),
		AutoDeploy: true,
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit:  bound(small, c.API.Rate, 1000, 4000),
			ThrottlingBurstLimit: bound(small, c.API.Burst, 500, 2000),
			// Messages hold positions, which no log may have.
			DataTraceEnabled: false,
			LoggingLevel:     jsii.String("OFF"),
		},
		// A connection costs its function more than a message does.
		RouteSettings: map[string]any{topology.RouteConnect: map[string]any{
			"ThrottlingRateLimit": connects, "ThrottlingBurstLimit": connects,
			"DataTraceEnabled": false, "LoggingLevel": "OFF"}},
	}
	logs := c.API.AccessLogs != config.LogsOff
	if logs {
		stage.AccessLogSettings = &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: logsARN(scope, c.LogDays),
			Format:         jsii.String(accessLog()),
		}
	}
	made := awsapigatewayv2.NewCfnStage(scope, jsii.String("Stage"), stage)
	a.stage = made
	if c.API.AccessLogs == config.LogsOn {
		made.AddResourceDependency(accountRole(scope), nil)
	}
	if !logs {
		suppress(made, suppression{"AwsSolutions-APIG1", "the deployer has switched access logs off"})
	}
	if c.API.Domain != "" {
		a.customDomain(c.API, made)
	}
	return a
}

// serve leads a function's routes to it, or makes it the authorizer.
func (a *api) serve(f topology.Function, made awslambda.Function) {
	uri := a.join(jsii.String("arn:"), awscdk.Aws_PARTITION(), jsii.String(":apigateway:"), awscdk.Aws_REGION(),
		jsii.String(":lambda:path/2015-03-31/functions/"), made.FunctionArn(), jsii.String("/invocations"))
	if f.Authorizer {
		a.authorizer = awsapigatewayv2.NewCfnAuthorizer(a.scope, jsii.String("TokenAuthorizer"), &awsapigatewayv2.CfnAuthorizerProps{
			ApiId:          a.made.Ref(),
			Name:           jsii.String("token"),
			AuthorizerType: jsii.String("REQUEST"),
			AuthorizerUri:  uri,
			// The token is in one of two places. API Gateway would require all places that
			// are named here, and refuse the connection without invoking the function.
			IdentitySource: &[]*string{},
		})
		a.permit(f.Name, "Authorizer", made, a.arn("authorizers", *a.authorizer.Ref()))
		a.authorize()
		return
	}
	integration := awsapigatewayv2.NewCfnIntegration(a.scope, jsii.String(title(f.Name)+"Integration"), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:           a.made.Ref(),
		IntegrationType: jsii.String("AWS_PROXY"),
		IntegrationUri:  uri,
	})
	for _, key := range f.Routes {
		id := title(strings.TrimPrefix(key, "$"))
		route := awsapigatewayv2.NewCfnRoute(a.scope, jsii.String(id+"Route"), &awsapigatewayv2.CfnRouteProps{
			ApiId:             a.made.Ref(),
			RouteKey:          &key,
			AuthorizationType: jsii.String("NONE"),
			Target:            a.join(jsii.String("integrations/"), integration.Ref()),
		})
		if key == topology.RouteConnect {
			a.connect = route
			a.authorize()
			a.stage.AddResourceDependency(route, nil) // it has settings for this route, which must exist then
		} else {
			suppress(route, suppression{"AwsSolutions-APIG4", "API Gateway authorizes $connect only. It attaches the result to every later event, where the function checks it"})
		}
		if a.twoWay && key != topology.RouteConnect && key != topology.RouteDisconnect {
			a.respond(id, route)
		}
		a.permit(f.Name, id, made, a.arn(topology.Stage, key))
	}
}

// respond gives a route a response: the body that the function returns. An integration of the type
// AWS_PROXY needs no response of its own for that.
func (a *api) respond(id string, route awsapigatewayv2.CfnRoute) {
	const all = "$default" // the only key that there is
	route.SetRouteResponseSelectionExpression(jsii.String(all))
	awsapigatewayv2.NewCfnRouteResponse(a.scope, jsii.String(id+"Response"), &awsapigatewayv2.CfnRouteResponseProps{
		ApiId: a.made.Ref(), RouteId: route.Ref(), RouteResponseKey: jsii.String(all)})
}

// authorize attaches the authorizer to $connect when both exist.
func (a *api) authorize() {
	if a.authorizer != nil && a.connect != nil {
		a.connect.SetAuthorizationType(jsii.String("CUSTOM"))
		a.connect.SetAuthorizerId(a.authorizer.Ref())
	}
}

// permit lets API Gateway invoke a function for one route, or as the authorizer.
func (a *api) permit(name, place string, made awslambda.Function, source *string) {
	awslambda.NewCfnPermission(a.scope, jsii.String(title(name)+"From"+place), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: made.FunctionArn(),
		Principal:    jsii.String("apigateway.amazonaws.com"),
		SourceArn:    source,
	})
}

// connections returns the ARN of all connections of the stage, for one HTTP method.
func (a *api) connections(method string) *string {
	return a.arn(topology.Stage, method, "@connections", "*")
}

// arn returns the ARN of a part of the API.
func (a *api) arn(parts ...string) *string {
	name := strings.Join(parts, "/")
	return awscdk.Stack_Of(a.scope).FormatArn(&awscdk.ArnComponents{Service: jsii.String("execute-api"), Resource: a.made.Ref(), ResourceName: &name})
}

// customDomain maps a domain of the deployer's to the stage.
func (a *api) customDomain(c config.API, stage awsapigatewayv2.CfnStage) {
	domain := awsapigatewayv2.NewCfnDomainName(a.scope, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: &c.Domain,
		DomainNameConfigurations: []any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: &c.Certificate,
			EndpointType:   jsii.String("REGIONAL"),
			SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	awsapigatewayv2.NewCfnApiMapping(a.scope, jsii.String("DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: a.made.Ref(), DomainName: domain.Ref(), Stage: stage.Ref(),
	})
	a.url = jsii.String("wss://" + c.Domain)
	a.domainTarget, a.domainZone = domain.AttrRegionalDomainName(), domain.AttrRegionalHostedZoneId()
}

// smallRegion is whether an account in the stack's region has a quarter of the usual quota of
// requests to API Gateway: 2 500 a second and not 10 000. All WebSocket APIs share it with what
// functions post to connections.
func smallRegion(scope constructs.Construct) awscdk.CfnCondition {
	var either []awscdk.ICfnConditionExpression
	for some := range slices.Chunk(smallRegions(), 10) { // a condition has ten parts at most
		var is []awscdk.ICfnConditionExpression
		for _, region := range some {
			is = append(is, awscdk.Fn_ConditionEquals(awscdk.Aws_REGION(), region))
		}
		either = append(either, awscdk.Fn_ConditionOr(is...))
	}
	return awscdk.NewCfnCondition(scope, jsii.String("SmallRegion"), &awscdk.CfnConditionProps{Expression: awscdk.Fn_ConditionOr(either...)})
}

func smallRegions() []string {
	return []string{"af-south-1", "ap-southeast-3", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "ca-west-1", "eu-central-2",
		"eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "mx-central-1"}
}

// smallRegion is the condition that the region's quotas are small.
func (a *api) smallRegion() awscdk.CfnCondition {
	if a.small == nil {
		a.small = smallRegion(a.scope)
	}
	return a.small
}

// bound returns a chosen number, or for 0 that of the region. A message leads to two and a
// half requests at most on average: itself, its reply, and for every other one what its peer
// is told. A new connection leads to five, and to no more than half of them all.
func bound(small awscdk.CfnCondition, chosen int, inSmall, usual float64) *float64 {
	if chosen > 0 {
		return jsii.Number(chosen)
	}
	return awscdk.Token_AsNumber(awscdk.Fn_ConditionIf(small.LogicalId(), inSmall, usual))
}

func (a *api) join(parts ...*string) *string { return awscdk.Fn_Join(jsii.String(""), &parts) }

func logsARN(scope constructs.Construct, days int) *string {
	return newLogs(scope, "AccessLogs", days).LogGroupArn()
}

// accessLog returns the format of a line of the access log, which is JSON. The token is
// in the query of $connect or in a header, so the format has neither, and no member.
func accessLog() string {
	line, err := json.Marshal(map[string]string{
		"time":         "$context.requestTime",
		"request":      "$context.requestId",
		"connection":   "$context.connectionId",
		"event":        "$context.eventType",
		"route":        "$context.routeKey",
		"status":       "$context.status",
		"error":        "$context.error.message",
		"authorizer":   "$context.authorizer.status",
		"function":     "$context.integration.status",
		"milliseconds": "$context.integrationLatency",
	})
	if err != nil {
		panic(err) // strings
	}
	return string(line)
}

// accountRole lets API Gateway write logs in this account and region. It remains when
// the stack is destroyed, since from now on other APIs log with it too.
func accountRole(scope constructs.Construct) awsapigateway.CfnAccount {
	role := awsiam.NewRole(scope, jsii.String("ApiGatewayLogsRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		ManagedPolicies: &[]awsiam.IManagedPolicy{awsiam.ManagedPolicy_FromAwsManagedPolicyName(
			jsii.String("service-role/AmazonAPIGatewayPushToCloudWatchLogs"))},
	})
	role.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN)
	suppress(role.Node().DefaultChild(), suppression{"AwsSolutions-IAM4", "the account has one role for all logs of API Gateway, which requires AWS's own policy in it"})
	account := awsapigateway.NewCfnAccount(scope, jsii.String("ApiGatewayAccount"), &awsapigateway.CfnAccountProps{CloudWatchRoleArn: role.RoleArn()})
	account.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return account
}
