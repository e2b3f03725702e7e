// Command infra is the CDK app of Waggle: make synth, diff, deploy and destroy run
// it. What may be chosen is in docs/configuration.md.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/infra/waggle"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "waggle: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	context, ok := app.Node().GetAllContext(nil).(map[string]any)
	if !ok {
		return errors.New("the CDK gives no context")
	}
	c, err := config.Parse(context, os.ReadFile)
	if err != nil {
		return err
	}
	if _, err := waggle.NewStack(app, waggle.StackProps{
		Props:   waggle.Props{Config: c, Dist: "dist"},
		Account: os.Getenv("CDK_DEFAULT_ACCOUNT"),
		Region:  os.Getenv("CDK_DEFAULT_REGION"),
	}); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}
