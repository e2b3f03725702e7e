package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"waggle/infra/config"
)

// An account is what exists already where the stack will be deployed, as the AWS command
// line sees it. Without credentials nobody knows, and its fields are empty.
type account struct {
	// fixed is the output Fixed of the stack of that name.
	fixed string
	// logsRole is whether API Gateway has a role to log with that is not the stack's.
	logsRole bool
}

// look looks into an account, whose id the CDK has found out.
func look(ctx context.Context, id, stack, region string) (account, error) {
	var a account
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var who struct{ Account string }
	if err := ask(ctx, region, &who, "sts", "get-caller-identity"); err != nil {
		return a, err
	}
	if who.Account != id { // the CDK was given another profile
		return a, fmt.Errorf("the AWS command line has credentials of the account %s, and the CDK of %s: export AWS_PROFILE=… for both", who.Account, id)
	}
	var described struct {
		Stacks []struct {
			StackStatus string
			Outputs     []struct{ OutputKey, OutputValue string }
		}
	}
	err := ask(ctx, region, &described, "cloudformation", "describe-stacks", "--stack-name", stack)
	if err != nil && !strings.Contains(err.Error(), "does not exist") {
		return a, err
	}
	for _, s := range described.Stacks {
		if s.StackStatus == "REVIEW_IN_PROGRESS" || s.StackStatus == "ROLLBACK_COMPLETE" || s.StackStatus == "CREATE_FAILED" {
			continue // it has never worked, and the CDK begins anew
		}
		a.fixed = "an older version's resources"
		for _, o := range s.Outputs {
			if o.OutputKey == "Fixed" {
				a.fixed = o.OutputValue
			}
		}
	}
	var gateway struct{ CloudwatchRoleArn string }
	if err := ask(ctx, region, &gateway, "apigateway", "get-account"); err != nil {
		return a, err
	}
	// CloudFormation names a role after the stack; of a long name it takes the beginning.
	own := ":role/" + stack + "-"
	if len(stack) > 20 {
		own = ":role/" + stack[:20]
	}
	a.logsRole = gateway.CloudwatchRoleArn != "" && !strings.Contains(gateway.CloudwatchRoleArn, own)
	return a, nil
}

// ask runs the AWS command line and decodes its JSON.
func ask(ctx context.Context, region string, into any, args ...string) error {
	c := exec.CommandContext(ctx, "aws", append(args, "--region", region, "--output", "json")...)
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("aws %s %s: %w: %s", args[0], args[1], err, bytes.TrimSpace(said.Bytes()))
	}
	return json.Unmarshal(out, into)
}

// errNotLooked wraps why the account was not looked into.
var errNotLooked = errors.New("what exists in the account was not looked at, so a change that cannot work is not refused before it begins")

// fit adapts the settings to the account: API Gateway's role to log is shared by everything
// in the account and region, so one that exists is not replaced.
func (a account) fit(c *config.Config) {
	if a.logsRole && c.API.AccessLogs == config.LogsOn {
		c.API.AccessLogs = config.LogsAccount
	}
}
