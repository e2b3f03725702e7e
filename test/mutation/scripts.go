package mutation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waggle/test/mutation/active"
	"waggle/test/mutation/lua"
)

const scriptFolder = "internal/store/scripts"

// scriptTests are the packages whose tests run the scripts.
var scriptTests = []string{"internal/store", "test/invariants"}

// A script is one file of the scripts.
type script struct {
	name       string // below the root
	source     string
	conditions []lua.Condition
	first      int // number of the first condition
}

// readScripts reads the scripts and finds their conditions. The preludes, which are those
// outside the folders of the scripts, are files like any other: a mutant of a prelude is in
// every script that starts with it.
func readScripts(root string) ([]script, error) {
	var all []script
	preludes := ""
	for _, folder := range []string{"", "area/", "cell/", "member/"} {
		names, err := filepath.Glob(filepath.Join(root, scriptFolder, folder, "*.lua"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			all = append(all, script{name: scriptFolder + "/" + folder + filepath.Base(name), source: string(text)})
			if folder == "" {
				preludes += string(text) + "\n"
			}
		}
	}
	booleans, err := lua.Booleans(preludes, nil)
	if err != nil {
		return nil, err
	}
	next := 1
	for i := range all {
		all[i].conditions, err = lua.Conditions(all[i].source, booleans)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", all[i].name, err)
		}
		all[i].first = next
		next += len(all[i].conditions)
	}
	return all, nil
}

// scripts returns the mutants of the scripts.
func (r *runner) scripts(ctx context.Context) ([]Mutant, error) {
	all, err := readScripts(r.Root)
	if err != nil {
		return nil, err
	}
	var mutants []Mutant
	var tests suite
	for _, s := range all {
		for i, c := range s.conditions {
			if !strings.Contains(fmt.Sprintf("%s:%d:", s.name, c.Line), r.File) {
				continue
			}
			for n, change := range c.Mutants {
				value := map[bool]string{true: "t", false: "f"}[change.Differs]
				edits := filepath.Join(r.dir, fmt.Sprintf("%d.%d.json", s.first+i, n))
				mutants = append(mutants, Mutant{File: s.name, Line: c.Line, Code: c.Text, Change: change.Change,
					prepare: func(context.Context) (suite, []string, error) {
						err := active.WriteEdits(edits, []active.Edit{{Old: s.source, New: c.Mutate(s.source, change)}})
						return tests.affectedBy(fmt.Sprint(s.first+i, value)), []string{withScripts(edits)}, err
					}})
			}
		}
	}
	if len(mutants) == 0 {
		return nil, nil
	}
	if tests, err = r.compile(ctx, "tests", nil, scriptTests); err != nil {
		return nil, err
	}
	observed := filepath.Join(r.dir, "observed.json")
	if err := active.WriteEdits(observed, observedScripts(all)); err != nil {
		return nil, err
	}
	if tests, err = r.observe(ctx, tests, withScripts(observed)); err != nil {
		return nil, err
	}
	tests, err = r.split(ctx, tests, withScripts(observed))
	for _, t := range tests {
		if len(t.affected) == 0 {
			r.elsewhere = append(r.elsewhere, t)
		}
	}
	return mutants, err
}

// observedScripts returns edits by which every condition prints its value.
func observedScripts(all []script) []active.Edit {
	var edits []active.Edit
	for _, s := range all {
		text := lua.Observed(s.source, s.conditions, s.first)
		if filepath.Base(s.name) == "common.lua" {
			text = lua.Observer + text
		}
		edits = append(edits, active.Edit{Old: s.source, New: text})
	}
	return edits
}
