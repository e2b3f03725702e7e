package waggle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waggle/internal/need"
)

// cdk-nag's rules for AWS solutions find nothing that is not explained.
func TestNag(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		var report struct {
			Lines []struct{ RuleID, ResourceID, Compliance, ExceptionReason, RuleInfo string }
		}
		if err := json.Unmarshal(s.findings, &report); err != nil {
			t.Fatal(err)
		}
		looked := map[string]bool{}
		for _, line := range report.Lines {
			switch looked[strings.TrimPrefix(line.RuleID, "AwsSolutions-")] = true; {
			case line.Compliance == "Suppressed" && len(line.ExceptionReason) > 30:
			case line.Compliance != "Compliant":
				t.Errorf("%s at %s: %s, %q: %s", line.RuleID, line.ResourceID, line.Compliance, line.ExceptionReason, line.RuleInfo)
			}
		}
		// What would find nothing anywhere has not looked.
		want := []string{"APIG1", "APIG4", "IAM4", "IAM5"}
		if s == stack(t, cluster) {
			want = append(want, "AEC1", "AEC3", "AEC4", "AEC5", "AEC6", "EC23", "VPC7")
		}
		for _, rule := range want {
			if !looked[rule] {
				t.Errorf("cdk-nag did not look for %s, but for %v", rule, looked)
			}
		}
	})
}

// cfn-lint finds nothing in any template.
func TestLint(t *testing.T) {
	program := need.Command(t, "cfn-lint", "cfn-lint (pip install cfn-lint)")
	dir := t.TempDir()
	args := []string{
		// The CDK writes a dependency that a reference implies too.
		"--ignore-checks", "W3005",
		"--template",
	}
	for name := range stacks {
		place := filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".json")
		if err := os.WriteFile(place, stack(t, name).text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, place)
	}
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		version, _ := exec.CommandContext(t.Context(), program, "--version").Output()
		t.Errorf("%s says, %v (CI has the version that .ci/run installs):\n%s", bytes.TrimSpace(version), err, out)
	}
}
