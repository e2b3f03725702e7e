package waggle_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"waggle/infra/config"
	"waggle/infra/waggle"
	"waggle/internal/pool"
	"waggle/test/kit"
)

// TestInAnAppOfOnesOwn has a Waggle in somebody's stack and in their VPC, beside
// another one.
func TestInAnAppOfOnesOwn(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	pools, err := pool.Parse([]byte(`{"pools":{"default":{"consent":"implied"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	c := config.Default()
	c.Pools, c.Identity = &pools, config.Identity{Issuer: "https://issuer.example", Audience: "waggle"}
	dir := t.TempDir()
	if err := build(dir, c.Arch); err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()), AnalyticsReporting: jsii.Bool(false)})
	own := awscdk.NewStack(app, jsii.String("Own"), nil)
	vpc := awsec2.NewVpc(own, jsii.String("Net"), &awsec2.VpcProps{NatGateways: jsii.Number(1)})
	for _, id := range []string{"Rides", "Couriers"} {
		w, err := waggle.New(own, id, waggle.Props{Config: c, Dist: dir, VPC: vpc})
		if err != nil {
			t.Fatal(err)
		}
		awscdk.NewCfnOutput(own, jsii.String(id+"Url"), &awscdk.CfnOutputProps{Value: w.URL})
	}
	text, err := json.Marshal(app.Synth(nil).GetStackByName(jsii.String("Own")).Template())
	if err != nil {
		t.Fatal(err)
	}
	s, err := read(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, id := range []string{"Rides", "Couriers"} {
		connect := s.properties(t, "AWS::Lambda::Function", id+"Connect")
		want := map[string]any{"SecurityGroupIds": []any{"${" + id + "FunctionSecurityGroup.GroupId}"},
			"SubnetIds": []any{"${NetPrivateSubnet1Subnet}", "${NetPrivateSubnet2Subnet}"}}
		if diff := cmp.Diff(want, connect["VpcConfig"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
		names[s.properties(t, "AWS::ElastiCache::ServerlessCache", id+"Cache")["ServerlessCacheName"].(string)] = true
		if got := s.Outputs[id+"Url"].Value; got != strings.ReplaceAll("wss://"+address+"/prod", "Waggle", id) {
			t.Errorf("%s: got URL %v", id, got)
		}
	}
	if vpcs := s.names("AWS::EC2::VPC"); len(names) != 2 || len(vpcs) != 1 {
		t.Errorf("got caches %v in %v, want two in one", names, vpcs)
	}
}
