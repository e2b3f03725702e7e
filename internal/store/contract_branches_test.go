package store_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/match"
	"waggle/test/mutation/active"
)

// branches are the places where scripts return, and the statuses that they promise.
type branches struct {
	sources map[string]string // by file, below the folder scripts
	// sites are the places, as file:line: every return of a script, and those of the
	// cells' prelude that reply for a script, or for a search.
	sites []string
	// statuses are what the headers promise, as "file says status".
	statuses []string
}

func readBranches(t *testing.T) *branches {
	t.Helper()
	b := &branches{sources: make(map[string]string)}
	for _, pattern := range []string{"scripts/*.lua", "scripts/*/*.lua"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal("no scripts: ", err)
		}
		for _, path := range files {
			b.add(t, strings.TrimPrefix(filepath.ToSlash(path), "scripts/"))
		}
	}
	return b
}

func (b *branches) add(t *testing.T, file string) {
	text, err := os.ReadFile(filepath.Join("scripts", file))
	if err != nil {
		t.Fatal(err)
	}
	b.sources[file] = active.Script(file, string(text))
	for n, line := range strings.Split(string(text), "\n") {
		if replies(file).MatchString(line) {
			b.sites = append(b.sites, fmt.Sprintf("%s:%d", file, n+1))
		}
	}
	if !isPrelude(file) {
		b.statuses = append(b.statuses, promised(t, file, string(text))...)
	}
}

func isPrelude(file string) bool { return !strings.Contains(file, "/") }

// scripts are the files that are no preludes.
func (b *branches) scripts() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(b.sources)), isPrelude)
}

// replies finds the lines of a file that reply.
func replies(file string) *regexp.Regexp {
	if isPrelude(file) {
		return regexp.MustCompile(`^\s*return (f\.)?reply\b`)
	}
	return regexp.MustCompile(`^\s*return\b`)
}

// promised reads the statuses in the header of a script.
func promised(t *testing.T, file, text string) []string {
	t.Helper()
	header, _, _ := strings.Cut(text, "\nlocal ")
	header = strings.ReplaceAll(strings.ReplaceAll(header, "\n--", ""), "  ", " ")
	header = regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(header, "")
	_, list, _ := strings.Cut(header, " Status: ")
	list, _, _ = strings.Cut(list, ".")
	words := regexp.MustCompile(`[a-z_]+`).FindAllString(list, -1)
	if len(words) == 0 {
		t.Fatalf("%s: the header does not say with which status it replies", file)
	}
	for i, word := range words {
		words[i] = file + " says " + word
	}
	return words
}

// rewrite makes the scripts count, in a key of the same slot, where they return and with
// what status. Their clock shows the offset alone.
func (b *branches) rewrite(file, text string) string {
	if file == "common" {
		return offsetOnly(file, active.Script(file, text)) + `
local function reached(what)
  redis.call('HINCRBY', 'hits:' .. string.match(keys[1], '{.*}'), what, 1)
end`
	}
	file += ".lua"
	if b.sources[file] != active.Script(file, text) {
		panic("not the text that this test has read: " + file)
	}
	if isPrelude(file) {
		return b.marked(file)
	}
	return fmt.Sprintf(`local answer = (function() %s
end)()
reached('%s says ' .. cjson.decode(answer).status)
return answer`, b.marked(file), file)
}

// marked is a file whose replies are counted.
func (b *branches) marked(file string) string {
	site := replies(file)
	lines := strings.Split(b.sources[file], "\n")
	for n, line := range lines {
		if site.MatchString(line) {
			lines[n] = fmt.Sprintf("reached('%s:%d') %s", file, n+1, line)
		}
	}
	return strings.Join(lines, "\n")
}

// check fails the test for each place that was not reached on a cache, for each status
// that was promised and not returned, and for each that was returned and not promised.
func (b *branches) check(t *testing.T, direct valkey.Client) {
	t.Helper()
	reached := make(map[string]bool)
	for _, key := range keys(t, direct, "hits:*") {
		fields, err := direct.Do(t.Context(), direct.B().Hkeys().Key(key).Build()).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		for _, field := range fields {
			reached[field] = true
		}
	}
	for _, want := range slices.Concat(b.sites, b.statuses) {
		if !reached[want] {
			t.Errorf("no case reaches scripts/%s", want)
		}
		delete(reached, want)
	}
	for other := range reached {
		t.Errorf("scripts/%s, which its header does not promise", other)
	}
}

// keys lists the keys of all nodes that match.
func keys(t *testing.T, direct valkey.Client, pattern string) []string {
	t.Helper()
	all := make(map[string]bool) // a replica has those of its primary
	for _, node := range direct.Nodes() {
		for cursor := uint64(0); ; {
			page, err := node.Do(t.Context(), node.B().Scan().Cursor(cursor).Match(pattern).Count(1000).Build()).AsScanEntry()
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range page.Elements {
				all[key] = true
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// everythingExpires fails the test for each key that never expires.
func everythingExpires(t *testing.T, direct valkey.Client) {
	t.Helper()
	all := keys(t, direct, "w3:*")
	for _, key := range all {
		left, err := direct.Do(t.Context(), direct.B().Pttl().Key(key).Build()).AsInt64()
		const never = -1 // 0 is now, and -2 gone meanwhile
		most := kept
		if strings.HasPrefix(key, "w3:chosen:") {
			most = match.ChoiceKept
		}
		if err != nil || left == never || left > most.Milliseconds() {
			t.Errorf("%s expires in %d ms, %v: want at most %v", key, left, err, most)
		}
	}
}
