package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/test/kit"
)

func TestMalformedNamesAreRefused(t *testing.T) {
	for _, name := range []string{
		"", "fmt", "org/waggle", "/example.com/waggle", "example.com/", "example.com//waggle", "example.com/org waggle", "Example.com/waggle",
		"example.com/org/waggle/v2", "example.com/../waggle", "example.com/.waggle", "https://example.com/waggle", "example.com/w\nggle", "-mod=mod",
	} {
		if _, _, err := rename(t.TempDir(), name); err == nil || !strings.Contains(err.Error(), "give a host with a dot") {
			t.Errorf("%q: got %v, want a sentence that says what is allowed", name, err)
		}
	}
	for _, name := range []string{"waggle", "example.com", "example.com/org/waggle", "git.example.co.uk/~org/way-gle_2.go"} {
		if err := check(name); err != nil {
			t.Error(err)
		}
	}
}

// A copy of the tree is renamed, built and renamed back.
func TestARenamedTreeBuildsAndCanBeRenamedBack(t *testing.T) {
	root := t.TempDir()
	copyTree(t, root)
	before := read(t, root)
	old := renameTo(t, root, "example.com/org/waggle", true)
	for module := range before {
		if filepath.Base(module) != "go.mod" {
			continue
		}
		dir := filepath.Join(root, filepath.Dir(module))
		// Nothing of the old name is left that Go would look for.
		if list := run(t, dir, "go", "list", "-deps", "-test", "./..."); strings.Contains("\n"+list, "\n"+old+"/") {
			t.Errorf("%s still imports packages of %s", module, old)
		}
		if text := string(read(t, root)[module]); !strings.HasPrefix(text, "module example.com/org/waggle") {
			t.Errorf("%s is not renamed:\n%.100s", module, text)
		}
	}
	run(t, root, "go", "build", "./...")
	run(t, root, "go", "test", "./internal/topology", "./test/layout", "-run", "TestThe|TestLeaves|TestDependencies")
	run(t, filepath.Join(root, "clients", "go"), "go", "build", "./...")

	renamed := read(t, root)
	renameTo(t, root, "example.com/org/waggle", false)
	if diff := cmp.Diff(renamed, read(t, root)); diff != "" {
		t.Errorf("a second run changes (-first +second):\n%s", diff)
	}
	renameTo(t, root, old, true)
	if diff := cmp.Diff(before, read(t, root)); diff != "" {
		t.Errorf("renamed back, the tree differs (-before +after):\n%s", diff)
	}
}

func renameTo(t *testing.T, root, name string, changes bool) (old string) {
	t.Helper()
	old, changed, err := rename(root, name)
	if err != nil || changed > 0 != changes {
		t.Fatalf("%s: got %d files changed, %v", name, changed, err)
	}
	return old
}

// copyTree copies the files that are in the repository, or would be if committed.
func copyTree(t *testing.T, to string) {
	t.Helper()
	kit.Command(t, "git", "Git")
	from := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(from, ".git")); err != nil {
		kit.Missing(t, "Git and run the test in a clone: the files to copy are those of the repository")
	}
	for _, name := range strings.Split(strings.TrimSuffix(run(t, from, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(from, name))
		if os.IsNotExist(err) {
			continue // deleted, and not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		place := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the files below a folder by their names.
func read(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, file)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	var log strings.Builder
	c.Stderr = &log
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s in %s: %v\n%s%s", name, strings.Join(args, " "), dir, err, out, log.String())
	}
	return string(out)
}
