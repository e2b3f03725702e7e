// Command app is a CDK app outside Waggle: two Waggles in one stack and in one
// VPC of its own. Its argument is the folder that make build fills.
package main

import (
	"log"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/infra/waggle"
)

func main() {
	defer jsii.Close()
	pools, err := config.ParsePools([]byte(`{"pools":{"default":{"consent":"implied"}}}`))
	if err != nil {
		log.Fatal(err)
	}
	c := config.Default()
	c.Cache.Kind = config.Serverless
	c.Pools, c.Identity = pools, config.Identity{Issuer: "https://issuer.example", Audience: "waggle"}

	app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String("cdk.out"), AnalyticsReporting: jsii.Bool(false)})
	stack := awscdk.NewStack(app, jsii.String("Own"), nil)
	vpc := awsec2.NewVpc(stack, jsii.String("Net"), &awsec2.VpcProps{NatGateways: jsii.Number(1)})
	for _, id := range []string{"Rides", "Couriers"} {
		w, err := waggle.New(stack, id, waggle.Props{Config: c, Dist: os.Args[1], VPC: vpc})
		if err != nil {
			log.Fatal(err)
		}
		awscdk.NewCfnOutput(stack, jsii.String(id+"Url"), &awscdk.CfnOutputProps{Value: w.URL})
	}
	app.Synth(nil)
}
