package waggle

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/topology"
)

// busURL returns the address at which functions reach EventBridge and the bus, or nil if there is
// none. EventBridge takes calls by IPv6 under another name.
func (with function) busURL() *string {
	c := with.config
	if c.EventBus == "" {
		return nil
	}
	join := func(parts ...*string) *string { return awscdk.Fn_Join(jsii.String(""), &parts) }
	name := jsii.String("/" + c.EventBus)
	switch {
	case c.Target == config.Local:
		return jsii.String(c.Emulator + *name)
	case with.network != nil && with.network.ipv6:
		return join(jsii.String("https://events."), awscdk.Aws_REGION(), jsii.String(".api.aws"), name)
	}
	return join(jsii.String("https://events."), awscdk.Aws_REGION(), jsii.String("."), awscdk.Aws_URL_SUFFIX(), name)
}

// busARN returns the ARN of the bus.
func busARN(scope constructs.Construct, bus string) *string {
	if strings.HasPrefix(bus, "arn:") {
		return &bus
	}
	return awscdk.Stack_Of(scope).FormatArn(&awscdk.ArnComponents{Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: &bus})
}

// publishes tells whether a function publishes events: one that serves messages.
func publishes(f topology.Function) bool { return !f.Authorizer && f.Name != topology.Disconnect }
