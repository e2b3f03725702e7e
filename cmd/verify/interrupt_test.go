package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The test interrupts twice, as Ctrl-C does: once during the deployment, once during the
// deletion. Each signal reaches every process of the terminal. The deployment must end, and
// the deletion must begin and finish.
func TestAnInterruptStillDestroys(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "verify")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	done := filepath.Join(dir, "done")
	for name, text := range map[string]string{
		"aws": `case "$1 $2" in
"sts get-caller-identity") echo '{"Account":"123456789012"}' ;;
"cognito-idp create-user-pool") echo '{"UserPool":{"Id":"pool"}}' ;;
"cognito-idp create-user-pool-client") echo '{"UserPoolClient":{"ClientId":"client"}}' ;;
"cognito-idp initiate-auth") echo '{"AuthenticationResult":{"IdToken":"token"}}' ;;
"cognito-idp delete-user-pool") echo "pool deleted" >>` + done + ` ;;
"cloudformation describe-stacks") exit 254 ;;
esac`,
		"build/cdk.sh": `case $1 in
deploy) echo deploying >&2; exec sleep 600 ;;
destroy) echo destroying >&2; read -r _ <` + filepath.Join(dir, "go") + `; echo "stack destroyed" >>` + done + ` ;;
esac`,
	} {
		place := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	gate := filepath.Join(dir, "go") // the deletion waits for it
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.WithoutCancel(t.Context()), binary, "-yes", "-networks", "nat", "-out", filepath.Join(dir, "verified.md"))
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "AWS_REGION=eu-west-1")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as in a terminal
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var failed bytes.Buffer
	c.Stderr = &failed
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	interrupt := func() {
		if err := syscall.Kill(-c.Process.Pid, syscall.SIGINT); err != nil {
			t.Error(err)
		}
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		switch lines.Text() {
		case "deploying":
			interrupt()
		case "destroying":
			interrupt()
			if err := os.WriteFile(gate, []byte("\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
	}
	if err := c.Wait(); err == nil {
		t.Error("got success, want an error")
	}
	text, err := os.ReadFile(done)
	if got, want := strings.TrimSpace(string(text)), "stack destroyed\npool deleted"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q; the log is %s", got, err, want, &failed)
	}
	if report, err := os.ReadFile(filepath.Join(dir, "verified.md")); err != nil || !strings.Contains(string(report), "was incomplete") {
		t.Errorf("got the report %s, %v", report, err)
	}
}
