package waggle_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/infra/config"
	"waggle/test/kit"
)

// TestAnotherModuleCanUseTheConstruct builds the app in testdata/app as a module
// outside this tree, and looks at the template that the app writes.
func TestAnotherModuleCanUseTheConstruct(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	dir := t.TempDir()
	if err := build(dir, config.ARM64); err != nil {
		t.Fatal(err)
	}
	run := func(name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	for from, to := range map[string]string{"testdata/app/main.go": "main.go", "../go.mod": "go.mod", "../go.sum": "go.sum"} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The app needs what infra needs, infra itself, and infra's replacements.
	run("go", append([]string{"mod", "edit", "-module=example.com/rides"}, replacements(t)...)...)
	run("go", "build", "-o", "app", ".")
	run("./app", dir)
	text, err := os.ReadFile(filepath.Join(dir, "cdk.out", "Own.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := read(text, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, id := range []string{"Rides", "Couriers"} {
		connect := s.properties(t, "AWS::Lambda::Function", id+"Connect")
		want := map[string]any{"SecurityGroupIds": []any{"${" + id + "FunctionSecurityGroup.GroupId}"},
			"SubnetIds": []any{"${NetPrivateSubnet1Subnet}", "${NetPrivateSubnet2Subnet}"}}
		if diff := cmp.Diff(want, connect["VpcConfig"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
		for _, cache := range s.names("AWS::ElastiCache::ServerlessCache") {
			names[s.resources[cache].Properties["ServerlessCacheName"].(string)] = true
		}
		if got := s.Outputs[id+"Url"].Value; got != strings.ReplaceAll("wss://"+address+"/prod", "Waggle", id) {
			t.Errorf("%s: got URL %v", id, got)
		}
	}
	if vpcs := s.names("AWS::EC2::VPC"); len(names) != 2 || len(vpcs) != 1 {
		t.Errorf("got caches %v in %v, want two in one", names, vpcs)
	}
}

// replacements are the flags of go mod edit with which a module anywhere finds
// infra and the modules that infra replaces.
func replacements(t *testing.T) (flags []string) {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", "../go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var infra struct {
		Module  struct{ Path string }
		Replace []struct{ Old, New struct{ Path string } }
	}
	if err := json.Unmarshal(text, &infra); err != nil {
		t.Fatal(err)
	}
	replace := func(module, folder string) {
		absolute, err := filepath.Abs(filepath.Join("..", folder))
		if err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "-replace="+module+"="+absolute)
	}
	flags = []string{"-require=" + infra.Module.Path + "@v0.0.0"}
	replace(infra.Module.Path, ".")
	for _, r := range infra.Replace {
		replace(r.Old.Path, r.New.Path)
	}
	return flags
}
