package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A runner runs a command and returns its standard output; log gets its standard error.
type runner func(ctx context.Context, log io.Writer, name string, args ...string) ([]byte, error)

// execute runs a command in a process group of its own. An interrupt from the terminal
// ends ctx, but must not end a deletion that is under way.
func execute(ctx context.Context, log io.Writer, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), "SETTINGS=none") // those of the deployer's own stack
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = time.Minute // for children that still hold its output
	c.Stderr = log
	out, err := c.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w", name, strings.Join(args[:min(len(args), 2)], " "), err)
	}
	return out, nil
}

// An account records what was made in the AWS account, so that it can be destroyed.
type account struct {
	command    runner
	log        io.Writer
	id, region string
	pool       string // the user pool's id, once it exists
	client     string
	tokens     []string
	stacks     [][]string // the CDK's flags of each stack whose deployment began
}

// aws runs AWS's command line and decodes its JSON.
func (a *account) aws(ctx context.Context, into any, args ...string) error {
	args = append(args, "--output", "json")
	if a.region != "" {
		args = append(args, "--region", a.region)
	}
	out, err := a.command(ctx, a.log, "aws", args...)
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(out, into)
}

// find reads the account's id and region.
func (a *account) find(ctx context.Context) error {
	if a.region = os.Getenv("AWS_REGION"); a.region == "" {
		out, err := a.command(ctx, a.log, "aws", "configure", "get", "region")
		if a.region = strings.TrimSpace(string(out)); err != nil || a.region == "" {
			return errors.Join(errors.New("no region: export AWS_REGION=…, or aws configure"), err)
		}
	}
	var who struct{ Account string }
	if err := a.aws(ctx, &who, "sts", "get-caller-identity"); err != nil {
		return fmt.Errorf("no valid credentials, or the AWS command line is missing: %w", err)
	}
	a.id = who.Account
	return nil
}

// members makes a user pool with two members, and signs them in.
func (a *account) members(ctx context.Context) error {
	var pool struct{ UserPool struct{ Id string } }
	if err := a.aws(ctx, &pool, "cognito-idp", "create-user-pool", "--pool-name", "waggle-verify"); err != nil {
		return err
	}
	a.pool = pool.UserPool.Id
	var client struct{ UserPoolClient struct{ ClientId string } }
	if err := a.aws(ctx, &client, "cognito-idp", "create-user-pool-client", "--user-pool-id", a.pool, "--client-name", "verify",
		"--explicit-auth-flows", "ALLOW_USER_PASSWORD_AUTH"); err != nil {
		return err
	}
	a.client = client.UserPoolClient.ClientId
	password := "Aa1-" + rand.Text()
	for _, name := range []string{"ana", "ben"} {
		if err := a.aws(ctx, nil, "cognito-idp", "admin-create-user", "--user-pool-id", a.pool, "--username", name, "--message-action", "SUPPRESS"); err != nil {
			return err
		}
		if err := a.aws(ctx, nil, "cognito-idp", "admin-set-user-password", "--user-pool-id", a.pool, "--username", name, "--permanent", "--password", password); err != nil {
			return err
		}
		var in struct{ AuthenticationResult struct{ IdToken string } }
		if err := a.aws(ctx, &in, "cognito-idp", "initiate-auth", "--client-id", a.client, "--auth-flow", "USER_PASSWORD_AUTH",
			"--auth-parameters", "USERNAME="+name+",PASSWORD="+password); err != nil {
			return err
		}
		a.tokens = append(a.tokens, in.AuthenticationResult.IdToken)
	}
	return nil
}

// cdk runs the CDK's command line as make deploy does.
func (a *account) cdk(ctx context.Context, args ...string) error {
	out, err := a.command(ctx, a.log, "build/cdk.sh", args...)
	fmt.Fprintf(a.log, "%s", out)
	return err
}

// deploy deploys a stack with one kind of network.
func (a *account) deploy(ctx context.Context, network string) (*target, error) {
	name := "WaggleVerify-" + network
	flags := []string{"-c", "stack=" + name, "-c", "consent=implied", "-c", "remoteRequests=true",
		// Access logs would leave a role behind.
		"-c", "accessLogs=off", "-c", "logDays=1", "-c", "lambdaLogs=info", "-c", "cacheMaxGB=1",
		"-c", "issuer=https://cognito-idp." + a.region + ".amazonaws.com/" + a.pool, "-c", "audience=" + a.client}
	switch network {
	case "ipv6":
		flags = append(flags, "-c", "cache=serverless", "-c", "egress=ipv6")
	case "nat":
		flags = append(flags, "-c", "cache=serverless", "-c", "natGateways=1")
	}
	if err := a.cdk(ctx, append([]string{"bootstrap", "aws://" + a.id + "/" + a.region}, flags...)...); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "waggle-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	outputs := filepath.Join(dir, "outputs.json")
	a.stacks = append(a.stacks, flags)
	if err := a.cdk(ctx, append([]string{"deploy", "--require-approval", "never", "--outputs-file", outputs}, flags...)...); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(outputs)
	if err != nil {
		return nil, err
	}
	var stacks map[string]struct{ Url, ManagementEndpoint string }
	if err := json.Unmarshal(text, &stacks); err != nil {
		return nil, fmt.Errorf("the outputs of the stack: %w", err)
	}
	made, ok := stacks[name]
	if !ok || made.Url == "" {
		return nil, fmt.Errorf("the stack %s has no output Url: %s", name, text)
	}
	return &target{account: a, stack: name, network: network, url: made.Url, management: made.ManagementEndpoint, tokens: a.tokens}, nil
}

// update deploys a stack once more, with more settings.
func (a *account) update(ctx context.Context, stack string, settings ...string) error {
	for _, flags := range a.stacks {
		if flags[1] != "stack="+stack {
			continue
		}
		args := append([]string{"deploy", "--require-approval", "never"}, flags...)
		for _, setting := range settings {
			args = append(args, "-c", setting)
		}
		return a.cdk(ctx, args...)
	}
	return fmt.Errorf("there is no stack %s", stack)
}

// destroy deletes everything whose creation began, and checks that it is gone.
func (a *account) destroy(ctx context.Context) error {
	var errs []error
	for _, flags := range a.stacks {
		name := strings.TrimPrefix(flags[1], "stack=")
		var err error
		for range 3 { // a deletion may fail while Lambda still holds the network interfaces
			fmt.Fprintf(a.log, "destroying %s\n", name)
			if err = a.cdk(ctx, append([]string{"destroy", "--force"}, flags...)...); err == nil {
				break
			}
		}
		if err == nil && a.aws(ctx, nil, "cloudformation", "describe-stacks", "--stack-name", name) == nil {
			err = errors.New("it still exists")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("the stack %s could not be destroyed and still costs money: aws cloudformation delete-stack --region %s --stack-name %s (%w)",
				name, a.region, name, err))
		}
	}
	if a.pool != "" {
		if err := a.aws(ctx, nil, "cognito-idp", "delete-user-pool", "--user-pool-id", a.pool); err != nil {
			errs = append(errs, fmt.Errorf("the user pool could not be deleted: aws cognito-idp delete-user-pool --region %s --user-pool-id %s (%w)", a.region, a.pool, err))
		}
	}
	return errors.Join(errs...)
}
