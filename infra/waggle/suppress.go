package waggle

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// A suppression is a rule of cdk-nag that a resource breaks on purpose, and why.
type suppression struct{ rule, reason string }

// suppress writes suppressions into the resource's metadata. cdk-nag finds them there
// in every app that uses the construct.
func suppress(resource constructs.IConstruct, suppressions ...suppression) {
	var rules []map[string]string
	for _, s := range suppressions {
		rules = append(rules, map[string]string{"id": s.rule, "reason": s.reason})
	}
	resource.(awscdk.CfnResource).AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": rules})
}
