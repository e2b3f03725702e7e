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

	"waggle/test/mutation/active"
)

// branches are where the scripts answer, and what they say they answer.
type branches struct {
	sources map[string]string // by file
	// sites are the places, as file:line: every return of a script, and those of the
	// searches and of the waiting requests in the cells' prelude.
	sites []string
	// statuses are what the headers promise, as "file says status".
	statuses []string
}

// prelude is the one that answers itself.
const prelude = "cell.lua"

func readBranches(t *testing.T) *branches {
	t.Helper()
	b := &branches{sources: make(map[string]string)}
	files, err := filepath.Glob(filepath.Join("scripts", "*.lua"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts: ", err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Base(path)
		b.sources[file] = active.Script(file, string(text))
		if file == "common.lua" || file == "member.lua" {
			continue // they answer nothing
		}
		for n, line := range strings.Split(string(text), "\n") {
			if answers(file).MatchString(line) {
				b.sites = append(b.sites, fmt.Sprintf("%s:%d", file, n+1))
			}
		}
		if file != prelude {
			b.statuses = append(b.statuses, promised(t, file, string(text))...)
		}
	}
	return b
}

// scripts are the names of those that are no preludes.
func (b *branches) scripts() []string {
	var all []string
	for file := range b.sources {
		if name := strings.TrimSuffix(file, ".lua"); name != "common" && name != "member" && name != "cell" {
			all = append(all, name)
		}
	}
	return all
}

// answers finds the lines of a file that answer.
func answers(file string) *regexp.Regexp {
	if file == prelude {
		return regexp.MustCompile(`^\s*return found\b`)
	}
	return regexp.MustCompile(`^\s*return\b`)
}

// promised reads the statuses in the header of a script.
func promised(t *testing.T, file, text string) []string {
	t.Helper()
	header, _, _ := strings.Cut(text, "\nlocal ")
	header = strings.ReplaceAll(strings.ReplaceAll(header, "\n--", ""), "  ", " ")
	header = regexp.MustCompile(`\([^)]*\)`).ReplaceAllString(header, "")
	var words []string
	if _, list, ok := strings.Cut(header, " Status: "); ok {
		list, _, _ = strings.Cut(list, ".")
		words = regexp.MustCompile(`[a-z_]+`).FindAllString(list, -1)
	} else if _, list, ok := strings.Cut(header, " Returns "); ok {
		list, _, _ = strings.Cut(list, ".")
		for _, quoted := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(list, -1) {
			words = append(words, quoted[1])
		}
	}
	if len(words) == 0 {
		t.Fatalf("%s: the header does not say with which status it answers", file)
	}
	for i, word := range words {
		words[i] = file + " says " + word
	}
	return words
}

// rewrite makes a script count, in a key of the same slot, where it answers and with
// what status; and its clock the offset alone.
func (b *branches) rewrite(name, text string) string {
	const clock = "redis.call('TIME')"
	text = active.Script(name, text)
	body := b.sources[name+".lua"]
	head, found := strings.CutSuffix(text, body)
	if !found || strings.Count(head, clock) != 1 {
		panic("the script is not put together as it was: " + name)
	}
	head = strings.Replace(head, clock, "{ 0, 0 }", 1)
	head = strings.Replace(head, b.sources[prelude], b.marked(prelude), 1)
	return fmt.Sprintf(`local function reached(what)
  redis.call('HINCRBY', 'hits:' .. string.match(KEYS[1], '{.*}'), what, 1)
end
%s
local answer = (function() %s
end)()
reached('%s.lua says ' .. (type(answer) == 'string' and cjson.decode(answer).status or answer[1]))
return answer`, head, b.marked(name+".lua"), name)
}

// marked is a file whose answers are counted.
func (b *branches) marked(file string) string {
	site := answers(file)
	lines := strings.Split(b.sources[file], "\n")
	for n, line := range lines {
		if site.MatchString(line) {
			lines[n] = fmt.Sprintf("reached('%s:%d') %s", file, n+1, line)
		}
	}
	return strings.Join(lines, "\n")
}

// check fails the test for each place that was not reached on a cache, for each status
// that was promised and not given, and for each that was given and not promised.
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
		t.Errorf("scripts/%s, of which its header knows nothing", other)
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

// everythingExpires fails the test for what is stored for good.
func everythingExpires(t *testing.T, direct valkey.Client) {
	t.Helper()
	all := keys(t, direct, "w1:*")
	for _, key := range all {
		left, err := direct.Do(t.Context(), direct.B().Pttl().Key(key).Build()).AsInt64()
		if err != nil || left <= 0 || left > keep.Milliseconds() {
			t.Errorf("%s expires in %d ms, %v: want more than 0, at most %v", key, left, err, keep)
		}
	}
}
