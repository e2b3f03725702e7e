package waggle_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"waggle/test/kit"
)

// cdk-nag has the rules for AWS solutions.
func TestCDKNagFindsNothingThatIsNotExplained(t *testing.T) {
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
		// These rules apply to the stack, so cdk-nag must have checked them.
		want := []string{"APIG1", "APIG4", "IAM4", "IAM5"}
		if s == stack(t, cluster) {
			want = append(want, "AEC1", "AEC3", "AEC4", "AEC5", "AEC6", "EC23", "VPC7")
		}
		for _, rule := range want {
			if !looked[rule] {
				t.Errorf("cdk-nag did not check %s, but %v", rule, looked)
			}
		}
	})
}

// oldest is the first cfn-lint that knows all properties of the templates.
const oldest = "1.58.0"

func TestCFNLintFindsNothing(t *testing.T) {
	const install = "cfn-lint " + oldest + " or later (pip install cfn-lint)"
	program := kit.Command(t, "cfn-lint", install)
	said, err := exec.CommandContext(t.Context(), program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Compare(numbers(string(said)), numbers(oldest)) < 0 {
		kit.Missing(t, install)
	}
	dir := t.TempDir()
	args := []string{
		// The CDK writes dependencies that a reference implies already. Zones are there where
		// the deployer has chosen them.
		"--ignore-checks", "W3005", "W3010",
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
		t.Errorf("%v:\n%s", err, out)
	}
}

// numbers returns the numbers in a version.
func numbers(version string) (all []int) {
	for _, part := range regexp.MustCompile(`[0-9]+`).FindAllString(version, 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}
