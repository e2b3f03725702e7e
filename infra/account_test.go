package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waggle/infra/config"
)

// commandLine puts a stand-in for the AWS command line in front of all commands. It answers
// describe-stacks and get-account with these texts; an answer that is no JSON is an error.
func commandLine(t *testing.T, stacks, gateway string) {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case "$1 $2" in
"cloudformation describe-stacks") said='%s' ;;
"apigateway get-account") said='%s' ;;
"sts get-caller-identity") said='{"Account":"123456789012"}' ;;
*) said="unexpected: $*" ;;
esac
case $said in "{"*) echo "$said" ;; *) echo "$said" >&2; exit 254 ;; esac
case "$*" in *"--region eu-west-1"*) ;; *) exit 1 ;; esac
`, stacks, gateway)
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestTheAccountSaysWhatExists(t *testing.T) {
	const (
		none    = "An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id Waggle does not exist"
		noRole  = "{}"
		theirs  = `{"cloudwatchRoleArn":"arn:aws:iam::123456789012:role/logs"}`
		ours    = `{"cloudwatchRoleArn":"arn:aws:iam::123456789012:role/Waggle-WaggleApiGatewayLogsRole1A2B-X"}`
		another = `{"cloudwatchRoleArn":"arn:aws:iam::123456789012:role/Waggle2-WaggleApiGatewayLogsRole1A2B-X"}`
	)
	stack := func(status, outputs string) string {
		return fmt.Sprintf(`{"Stacks":[{"StackStatus":"%s","Outputs":[%s]}]}`, status, outputs)
	}
	fixed := `{"OutputKey":"Url","OutputValue":"wss://x"},{"OutputKey":"Fixed","OutputValue":"cache=public"}`
	for name, test := range map[string]struct {
		stacks, gateway string
		want            account
		err             string
	}{
		"nothing":                       {none, noRole, account{}, ""},
		"a stack":                       {stack("UPDATE_COMPLETE", fixed), ours, account{fixed: "cache=public"}, ""},
		"a stack of an older version":   {stack("CREATE_COMPLETE", ""), ours, account{fixed: "an older version's resources"}, ""},
		"a stack that never worked":     {stack("ROLLBACK_COMPLETE", ""), noRole, account{}, ""},
		"a stack that is being planned": {stack("REVIEW_IN_PROGRESS", ""), noRole, account{}, ""},
		"a role of somebody else's":     {none, theirs, account{logsRole: true}, ""},
		"a role of another stack":       {none, another, account{logsRole: true}, ""},
		"no permission":                 {"AccessDenied", noRole, account{}, "AccessDenied"},
		"no permission for the role":    {none, "AccessDenied", account{}, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			commandLine(t, test.stacks, test.gateway)
			got, err := look(t.Context(), "123456789012", "Waggle", "eu-west-1")
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %+v, %v, want %+v, %q", got, err, test.want, test.err)
			}
		})
	}
}

func TestAnotherAccountIsNotLookedInto(t *testing.T) {
	commandLine(t, "{}", "{}")
	if got, err := look(t.Context(), "210987654321", "Waggle", "eu-west-1"); err == nil || !strings.Contains(err.Error(), "AWS_PROFILE") || got != (account{}) {
		t.Errorf("got %+v, %v, want an error", got, err)
	}
}

// The account has one role for all logs of API Gateway: one that exists is not replaced.
func TestARoleThatExistsIsUsed(t *testing.T) {
	for _, test := range []struct {
		exists       bool
		chosen, want config.AccessLogs
	}{
		{false, config.LogsOn, config.LogsOn},
		{true, config.LogsOn, config.LogsAccount},
		{true, config.LogsOff, config.LogsOff},
	} {
		c := config.Default()
		c.API.AccessLogs = test.chosen
		account{logsRole: test.exists}.fit(&c)
		if c.API.AccessLogs != test.want {
			t.Errorf("%+v: got %s", test, c.API.AccessLogs)
		}
	}
}

func TestSettingsComeFromTheFileAndTheFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "my settings.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"consent": "required", "cacheMaxGB": 20, "tags": "team=a b", "audience": "file"}`)
	got, err := settings(file, `{"audience": "flag"}`)
	if err != nil || fmt.Sprint(got) != "map[audience:flag cacheMaxGB:20 consent:required tags:team=a b]" {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := settings("none", ""); err != nil || len(got) != 0 {
		t.Errorf("without a file: got %v, %v", got, err)
	}
	if got, err := settings("", `{"consent": "implied"}`); err != nil || fmt.Sprint(got) != "map[consent:implied]" {
		t.Errorf("without the usual file: got %v, %v", got, err)
	}
	for text, want := range map[string]string{"[]": "must be a JSON object", `{"a":`: "must be a JSON object"} {
		write(text)
		if _, err := settings(file, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := settings(file+".none", ""); err == nil || !strings.Contains(err.Error(), "SETTINGS: open ") {
		t.Errorf("a file that is not there: got %v", err)
	}
}
