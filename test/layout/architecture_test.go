package layout

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheStateDiagramsAreThoseOfTheScripts: each arrow of docs/architecture.md is a script,
// and leads to a state that this script writes; and no script writes another.
func TestTheStateDiagramsAreThoseOfTheScripts(t *testing.T) {
	const none = "[*]"
	written := make(map[string]map[string]bool) // by script: the states that it writes
	write := func(script, state string) {
		if written[script] == nil {
			written[script] = make(map[string]bool)
		}
		written[script][state] = true
	}
	for name, source := range scripts(t, "member") {
		for _, set := range regexp.MustCompile(`'state', '(\w+)'`).FindAllStringSubmatch(source, -1) {
			write(name, set[1])
		}
		if strings.Contains(source, "take_back(") {
			write(name, "waiting")
		}
		if strings.Contains(source, "close_request(") {
			write(name, none)
		}
		for text, state := range map[string]string{"m.claimMatch, m.claimAt = matcher": "claimed", "m.claimConfirmed = '1'\n": "confirmed", "m.claimAt = nil": none} {
			if strings.Contains(source, text) {
				write(name, state)
			}
		}
	}
	prelude := string(read(t, "internal/store/scripts/member.lua"))
	for _, name := range []string{"current_route", "finish"} { // what several scripts do
		_, function, _ := strings.Cut(prelude, "local function "+name+"(")
		function, _, _ = strings.Cut(function, "\nend\n")
		for _, set := range regexp.MustCompile(`'state', '(\w+)'`).FindAllStringSubmatch(function, -1) {
			write(name, set[1])
		}
		if strings.Contains(function, "'DEL', route") {
			write(name, none)
		}
	}

	drawn := make(map[string]map[string]bool)
	for _, arrow := range regexp.MustCompile(`(?m)^    \S+ --> (\S+): (\w+)$`).FindAllStringSubmatch(string(read(t, "docs/architecture.md")), -1) {
		if drawn[arrow[2]] == nil {
			drawn[arrow[2]] = make(map[string]bool)
		}
		drawn[arrow[2]][arrow[1]] = true
	}
	for _, script := range slices.Sorted(maps.Keys(written)) {
		if !maps.Equal(written[script], drawn[script]) {
			t.Errorf("%s leads to %v, but docs/architecture.md draws %v: correct the state diagram", script,
				slices.Sorted(maps.Keys(written[script])), slices.Sorted(maps.Keys(drawn[script])))
		}
		delete(drawn, script)
	}
	for script := range drawn {
		t.Errorf("docs/architecture.md draws arrows of %s, which writes no state: remove them", script)
	}
}

// TestTheSequenceDiagramsNameEveryScript, and nothing else as a trip to the cache.
func TestTheSequenceDiagramsNameEveryScript(t *testing.T) {
	all := scripts(t, "member")
	maps.Copy(all, scripts(t, "cell"))
	maps.Copy(all, scripts(t, "area"))
	page := string(read(t, "docs/architecture.md"))
	named := make(map[string]bool)
	for _, trip := range regexp.MustCompile(`(?m)^\s+F->>[VMIE]: ([^(…\n]+)`).FindAllStringSubmatch(page, -1) {
		for name := range strings.SplitSeq(trip[1], ",") {
			name = strings.TrimSpace(name)
			if all[name] == "" {
				t.Errorf("docs/architecture.md sends %q to the cache, which is no script: correct the sequence diagram", name)
			}
			named[name] = true
		}
	}
	for name := range all {
		if !named[name] {
			t.Errorf("no sequence diagram of docs/architecture.md has the script %s: add it to one", name)
		}
	}
}

// TestTheFilesToReadFirstExist, five of them.
func TestTheFilesToReadFirstExist(t *testing.T) {
	_, list, _ := strings.Cut(string(read(t, "docs/architecture.md")), "## Read these five files first")
	list, _, _ = strings.Cut(list, "\n## ")
	if got := strings.Count(list, "](../"); got != 5 { // that they exist is TestLinksLeadToWhatExists
		t.Errorf("got %d files, want 5", got)
	}
}

// scripts returns the scripts of a folder by name.
func scripts(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, file := range files(t, ".lua") {
		if path.Dir(file) == "internal/store/scripts/"+folder {
			all[strings.TrimSuffix(path.Base(file), ".lua")] = string(read(t, file))
		}
	}
	if len(all) == 0 {
		t.Fatalf("got %d scripts in %s", len(all), folder)
	}
	return all
}
