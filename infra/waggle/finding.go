package waggle

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// A finding is one that cdk-nag makes, with the reason why it stands.
type finding struct{ rule, reason string }

// excuse writes findings on a resource where cdk-nag looks for them, whoever's
// application it checks.
func excuse(resource constructs.IConstruct, findings ...finding) {
	var rules []map[string]string
	for _, f := range findings {
		rules = append(rules, map[string]string{"id": f.rule, "reason": f.reason})
	}
	resource.(awscdk.CfnResource).AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": rules})
}
