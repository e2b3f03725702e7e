// Command module renames Waggle's Go modules: the root's to NAME, and those below
// it to NAME/infra and so on, with every import. Run it in the root of the checkout:
//
//	go run ./build/module NAME
//
// What the modules are called now stands in go.mod. A second run changes nothing.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	name := strings.Join(os.Args[1:], " ")
	old, changed, err := rename(".", name)
	if err != nil {
		fmt.Fprintf(os.Stderr, "module: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("module: %s is %s now: %d files changed\n", old, name, changed)
}

// rename gives the modules in a folder, and in those below it, their new names. It
// returns the root's old name and how many files it changed.
func rename(root, name string) (old string, changed int, err error) {
	if err := check(name); err != nil {
		return "", 0, err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", 0, err
	}
	found := regexp.MustCompile(`(?m)^module\s+(\S+)`).FindSubmatch(mod)
	if found == nil {
		return "", 0, errors.New("go.mod names no module")
	}
	old = string(found[1])
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if slices.Contains([]string{".git", "node_modules", "bin", "dist", "log"}, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		replace := replacer(root, file, old, name)
		if replace == nil || !entry.Type().IsRegular() {
			return nil
		}
		before, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		after := replace(before)
		if bytes.Equal(before, after) {
			return nil
		}
		changed++
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(file, after, info.Mode())
	})
	return old, changed, err
}

// check refuses names that Go would refuse, or could not tell from its own packages.
func check(name string) error {
	const element = `[A-Za-z0-9_~-]+(\.[A-Za-z0-9_~-]+)*`
	path := regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(/` + element + `)*$`)
	version := regexp.MustCompile(`/v[0-9]+$`)
	if name != "waggle" && (!path.MatchString(name) || version.MatchString(name)) {
		return fmt.Errorf("NAME=%s is not allowed: give a host with a dot, in lower case, then folders of letters, digits, -, _, ~ and dots, "+
			"such as NAME=example.com/org/waggle. It must not end in a version such as /v2. Plain waggle is allowed too", name)
	}
	return nil
}

// replacer returns how a file changes, or nil if it never does.
func replacer(root, file, old, name string) func([]byte) []byte {
	quoted := regexp.QuoteMeta(old)
	switch ending := filepath.Ext(file); {
	case filepath.Base(file) == "go.mod":
		word := regexp.MustCompile(`(?m)(^|\s)` + quoted + `(/\S*)?(\s|$)`)
		return func(text []byte) []byte { return word.ReplaceAll(text, []byte("${1}"+name+"${2}${3}")) }
	case ending == ".go":
		// A line of its own is an import, also in source that stands in a test's text.
		imported := regexp.MustCompile(`(?m)^(\s*(?:import\s+)?(?:[\w.]+\s+)?")` + quoted + `(/[^"]*"\s*(?://.*)?)$`)
		return func(text []byte) []byte {
			after := imported.ReplaceAll(text, []byte("${1}"+name+"${2}"))
			if sorted, err := format.Source(after); err == nil && !bytes.Equal(text, after) {
				return sorted
			}
			return after
		}
	case slices.Contains([]string{".md", ".sh", ".lua", ".yml", ".js", ".conf", ".toml"}, ending) || filepath.Base(file) == "Makefile":
		// A path is a package's if the folder is there.
		path := regexp.MustCompile(`(^|[^\w./-])` + quoted + `((?:/[\w.-]*\w)+)`)
		return func(text []byte) []byte {
			return path.ReplaceAllFunc(text, func(found []byte) []byte {
				parts := path.FindSubmatch(found)
				if info, err := os.Stat(filepath.Join(root, string(parts[2]))); err != nil || !info.IsDir() {
					return found
				}
				return slices.Concat(parts[1], []byte(name), parts[2])
			})
		}
	}
	return nil
}
