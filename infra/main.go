// Command infra is the CDK app of Waggle, which make synth, diff, deploy and destroy
// run. docs/configuration.md lists its settings.
package main

import (
	"encoding/json"
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
	// Settings are checked first, since the CDK takes seconds to start.
	context, err := settings(os.Getenv("CDK_CONTEXT_JSON"))
	if err != nil {
		return err
	}
	c, err := config.Parse(context, os.ReadFile)
	if err != nil {
		return err
	}
	defer jsii.Close()
	app := awscdk.NewApp(nil)
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

// settings reads the -c flags as the CDK's command line passes them on.
func settings(text string) (context map[string]any, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &context); err != nil {
		return nil, fmt.Errorf("the context in CDK_CONTEXT_JSON: %w", err)
	}
	return context, nil
}
