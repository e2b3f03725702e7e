package mutation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waggle/test/mutation/broken"
	"waggle/test/mutation/lua"
)

const scriptFolder = "internal/store/scripts"

// scriptTests are the packages whose tests run scripts.
var scriptTests = []string{"internal/store", "test/invariants"}

// A script is one of its files.
type script struct {
	name       string // below the root
	source     string
	conditions []lua.Condition
	first      int // number of the first condition
}

// readScripts reads the scripts and finds their conditions. The preludes are files like
// any other: what is removed there is removed from every script.
func readScripts(root string) ([]script, error) {
	names, err := filepath.Glob(filepath.Join(root, scriptFolder, "*.lua"))
	if err != nil {
		return nil, err
	}
	all := make([]script, len(names))
	preludes := ""
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all[i] = script{name: scriptFolder + "/" + filepath.Base(name), source: string(text)}
		if slices.Contains([]string{"common.lua", "member.lua", "cell.lua"}, filepath.Base(name)) {
			preludes += string(text) + "\n"
		}
	}
	sure, err := lua.Functions(preludes, nil)
	if err != nil {
		return nil, err
	}
	next := 1
	for i := range all {
		all[i].conditions, err = lua.Conditions(all[i].source, sure)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
		all[i].first = next
		next += len(all[i].conditions)
	}
	return all, nil
}

// scripts removes each condition of each script.
func (w *workshop) scripts(ctx context.Context) ([]Break, error) {
	all, err := readScripts(w.Root)
	if err != nil {
		return nil, err
	}
	var breaks []Break
	var tests suite
	for _, s := range all {
		if !strings.Contains(s.name, w.File) {
			continue
		}
		for i, c := range s.conditions {
			for n, r := range c.Removals {
				said := map[bool]string{true: "t", false: "f"}[r.Matters]
				edits := filepath.Join(w.dir, fmt.Sprintf("%d.%d.json", s.first+i, n))
				breaks = append(breaks, Break{File: s.name, Line: c.Line, Code: c.Text, Change: r.Says,
					prepare: func(context.Context) (suite, []string, error) {
						err := broken.Write(edits, []broken.Edit{{Old: s.source, New: c.Without(s.source, r)}})
						return tests.reaching(fmt.Sprint(s.first+i, said)), []string{scriptsIn(edits)}, err
					}})
			}
		}
	}
	if len(breaks) == 0 {
		return nil, nil
	}
	if tests, err = w.compile(ctx, "tests", nil, scriptTests); err != nil {
		return nil, err
	}
	watched := filepath.Join(w.dir, "watched.json")
	if err := broken.Write(watched, watchedScripts(all)); err != nil {
		return nil, err
	}
	tests, err = w.watch(ctx, tests, scriptsIn(watched))
	return breaks, err
}

// watchedScripts has every condition of every script say what it came to.
func watchedScripts(all []script) []broken.Edit {
	var edits []broken.Edit
	for _, s := range all {
		text := lua.Watched(s.source, s.conditions, s.first)
		if filepath.Base(s.name) == "common.lua" {
			text = lua.Watch + text
		}
		edits = append(edits, broken.Edit{Old: s.source, New: text})
	}
	return edits
}
