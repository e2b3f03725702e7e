package waggle_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheProgramOfTheREADMEBuilds follows README.md in a module of its own.
func TestTheProgramOfTheREADMEBuilds(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		found := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
		if found == nil {
			t.Fatalf("README.md has no block of %s", language)
		}
		return string(found[1])
	}
	client, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(block("go")), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := strings.ReplaceAll(block("sh"), "=../waggle/clients/go", "="+client)
	for _, command := range append([]string{"go mod init example.com/app"}, append(strings.Split(strings.TrimSpace(commands), "\n"), "go vet .")...) {
		args := strings.Fields(command)
		c := exec.CommandContext(t.Context(), args[0], args[1:]...)
		c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
	}
}
