package waggle

import (
	"encoding/json"
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

// An api is the WebSocket API and its one stage. It is written out resource by
// resource, so that what is deployed is what stands here.
type api struct {
	scope                         constructs.Construct
	made                          awsapigatewayv2.CfnApi
	url, management, domainTarget *string
	authorizer                    awsapigatewayv2.CfnAuthorizer
	connect                       awsapigatewayv2.CfnRoute
}

func newAPI(scope constructs.Construct, c config.Config) *api {
	props := &awsapigatewayv2.CfnApiProps{
		Name:                     awscdk.Stack_Of(scope).StackName(),
		Description:              jsii.String("Waggle: realtime matching by place"),
		ProtocolType:             jsii.String("WEBSOCKET"),
		RouteSelectionExpression: jsii.String(topology.RouteSelection),
	}
	if c.Network.Egress == config.IPv6 {
		props.IpAddressType = jsii.String("dualstack")
	}
	a := &api{scope: scope, made: awsapigatewayv2.NewCfnApi(scope, jsii.String("Api"), props)}
	at := a.join(jsii.String("s://"), a.made.Ref(), jsii.String(".execute-api."), awscdk.Aws_REGION(), jsii.String("."), awscdk.Aws_URL_SUFFIX(), jsii.String("/"+topology.Stage))
	if c.Target == config.Local {
		// No name leads to an emulator's APIs: they have a path.
		at = a.join(jsii.String(strings.TrimPrefix(c.Emulator, "http")+"/_aws/execute-api/"), a.made.Ref(), jsii.String("/"+topology.Stage))
	}
	a.url = a.join(jsii.String("ws"), at)
	// Also where clients come by another name: this one needs no mapping.
	a.management = a.join(jsii.String("http"), at)

	stage := &awsapigatewayv2.CfnStageProps{
		ApiId:      a.made.Ref(),
		StageName:  jsii.String(topology.Stage),
		AutoDeploy: true,
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit:  jsii.Number(c.API.Rate),
			ThrottlingBurstLimit: jsii.Number(c.API.Burst),
			// What clients send and are sent is not for logs.
			DataTraceEnabled: false,
			LoggingLevel:     jsii.String("OFF"),
		},
	}
	logs := c.API.AccessLogs != config.LogsOff
	if logs {
		stage.AccessLogSettings = &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{
			DestinationArn: logsARN(scope, c.LogDays),
			Format:         jsii.String(accessLog()),
		}
	}
	made := awsapigatewayv2.NewCfnStage(scope, jsii.String("Stage"), stage)
	if c.API.AccessLogs == config.LogsOn {
		made.AddResourceDependency(accountRole(scope), nil)
	}
	if !logs {
		excuse(made, finding{"AwsSolutions-APIG1", "the deployer has switched access logs off"})
	}
	if c.API.Domain != "" {
		a.own(c.API, made)
	}
	return a
}

// serve has a function serve its routes, or say who may connect.
func (a *api) serve(f topology.Function, made awslambda.Function) {
	uri := a.join(jsii.String("arn:"), awscdk.Aws_PARTITION(), jsii.String(":apigateway:"), awscdk.Aws_REGION(),
		jsii.String(":lambda:path/2015-03-31/functions/"), made.FunctionArn(), jsii.String("/invocations"))
	if f.Authorizer {
		a.authorizer = awsapigatewayv2.NewCfnAuthorizer(a.scope, jsii.String("TokenAuthorizer"), &awsapigatewayv2.CfnAuthorizerProps{
			ApiId:          a.made.Ref(),
			Name:           jsii.String("token"),
			AuthorizerType: jsii.String("REQUEST"),
			AuthorizerUri:  uri,
			// The token comes in one of two places. API Gateway would want all that are
			// named, and refuse before the function is asked.
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
		} else {
			excuse(route, finding{"AwsSolutions-APIG4", "API Gateway asks an authorizer for $connect only, and attaches what it said to every later event, where the function checks it"})
		}
		a.permit(f.Name, id, made, a.arn(topology.Stage, key))
	}
}

// authorize ties the authorizer to $connect, once both are there.
func (a *api) authorize() {
	if a.authorizer != nil && a.connect != nil {
		a.connect.SetAuthorizationType(jsii.String("CUSTOM"))
		a.connect.SetAuthorizerId(a.authorizer.Ref())
	}
}

// permit lets API Gateway invoke a function from one place.
func (a *api) permit(name, place string, made awslambda.Function, source *string) {
	awslambda.NewCfnPermission(a.scope, jsii.String(title(name)+"From"+place), &awslambda.CfnPermissionProps{
		Action:       jsii.String("lambda:InvokeFunction"),
		FunctionName: made.FunctionArn(),
		Principal:    jsii.String("apigateway.amazonaws.com"),
		SourceArn:    source,
	})
}

// connections are those of this stage, for one method.
func (a *api) connections(method string) *string {
	return a.arn(topology.Stage, method, "@connections", "*")
}

// arn names a part of the API.
func (a *api) arn(parts ...string) *string {
	name := strings.Join(parts, "/")
	return awscdk.Stack_Of(a.scope).FormatArn(&awscdk.ArnComponents{Service: jsii.String("execute-api"), Resource: a.made.Ref(), ResourceName: &name})
}

// own gives the stage a name of the deployer's own.
func (a *api) own(c config.API, stage awsapigatewayv2.CfnStage) {
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
	a.domainTarget = domain.AttrRegionalDomainName()
}

func (a *api) join(parts ...*string) *string { return awscdk.Fn_Join(jsii.String(""), &parts) }

func logsARN(scope constructs.Construct, days int) *string {
	return newLogs(scope, "AccessLogs", days).LogGroupArn()
}

// accessLog is one line of JSON. A token is in the query of $connect or in a header,
// and neither is here; nor is who it was.
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

// accountRole lets API Gateway write logs in this account and region. It stays when
// the stack goes: other APIs log by it too, from now on.
func accountRole(scope constructs.Construct) awsapigateway.CfnAccount {
	role := awsiam.NewRole(scope, jsii.String("ApiGatewayLogsRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("apigateway.amazonaws.com"), nil),
		ManagedPolicies: &[]awsiam.IManagedPolicy{awsiam.ManagedPolicy_FromAwsManagedPolicyName(
			jsii.String("service-role/AmazonAPIGatewayPushToCloudWatchLogs"))},
	})
	role.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN)
	excuse(role.Node().DefaultChild(), finding{"AwsSolutions-IAM4", "the account's one role for all of API Gateway's logs: AWS's own policy for it is what API Gateway checks for"})
	account := awsapigateway.NewCfnAccount(scope, jsii.String("ApiGatewayAccount"), &awsapigateway.CfnAccountProps{CloudWatchRoleArn: role.RoleArn()})
	account.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return account
}
