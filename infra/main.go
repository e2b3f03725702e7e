// Command infra is the CDK app of Waggle, which make synth, diff, deploy and destroy
// run. docs/configuration.md lists its settings.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	given, err := settings(os.Getenv("SETTINGS"), os.Getenv("CDK_CONTEXT_JSON"))
	if err != nil {
		return err
	}
	if os.Getenv("WAGGLE_VERB") == "destroy" {
		return nameOnly(given)
	}
	// make builds for ARCH.
	if _, said := given["arch"]; !said && os.Getenv("ARCH") != "" {
		given["arch"] = os.Getenv("ARCH")
	}
	c, err := config.Parse(given, os.ReadFile)
	if err != nil {
		return err
	}
	props := waggle.StackProps{Account: os.Getenv("CDK_DEFAULT_ACCOUNT"), Region: os.Getenv("CDK_DEFAULT_REGION")}
	if c.Target == config.AWS && props.Account != "" {
		found, err := look(context.Background(), props.Account, c.Stack, props.Region)
		if err != nil {
			fmt.Fprintf(os.Stderr, "waggle: %v\n", errors.Join(errNotLooked, err))
		}
		found.fit(&c)
		props.Deployed = found.fixed
	}
	props.Props = waggle.Props{Config: c, Dist: cmp.Or(os.Getenv("DIST"), "dist")}
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	if _, err := waggle.NewStack(app, props); err != nil {
		return err
	}
	app.Synth(nil)
	return nil
}

// nameOnly makes a stack of the right name with nothing in it, which is all that it takes to
// destroy the one that is deployed: no built functions, and no other settings.
func nameOnly(given map[string]any) error {
	name, err := config.StackName(given)
	if err != nil {
		return err
	}
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	awscdk.NewStack(app, &name, nil)
	app.Synth(nil)
	return nil
}

// usual is the file of settings that is read if it exists. SETTINGS names another one, or
// none.
const usual = "infra/settings.json"

// settings reads the settings of the file, and over them the -c flags as the CDK's command
// line passes them on.
func settings(file, flags string) (map[string]any, error) {
	all := map[string]any{}
	if file != "none" {
		text, err := os.ReadFile(cmp.Or(file, usual))
		switch {
		case err == nil:
			if err := json.Unmarshal(text, &all); err != nil {
				return nil, fmt.Errorf("%s must be a JSON object such as {\"consent\": \"required\"}: %w", cmp.Or(file, usual), err)
			}
		case file != "" || !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("SETTINGS: %w", err)
		}
	}
	if flags != "" {
		if err := json.Unmarshal([]byte(flags), &all); err != nil {
			return nil, fmt.Errorf("the context in CDK_CONTEXT_JSON: %w", err)
		}
	}
	return all, nil
}
