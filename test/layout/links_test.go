package layout

import (
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// text is a document without its blocks of code, where nothing is a link.
func text(t *testing.T, document string) string {
	t.Helper()
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(string(read(t, document)), "")
}

func documents(t *testing.T) []string {
	t.Helper()
	all := files(t, ".md")
	if len(all) < 10 || !slices.Contains(all, "README.md") {
		t.Fatalf("got %v: looked in the wrong place", all)
	}
	return all
}

// broken lists the links in a document that lead nowhere. Those to elsewhere are
// not followed.
func broken(t *testing.T, document, text string) []string {
	t.Helper()
	var all []string
	for _, found := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
			continue
		}
		to, anchor, _ := strings.Cut(found[1], "#")
		target := document
		if to != "" {
			target = path.Join(path.Dir(document), to)
		}
		if _, err := os.Stat(absolute(target)); err != nil {
			all = append(all, found[1])
		} else if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
			all = append(all, found[1])
		}
	}
	return all
}

// anchors are the headings of a document, written as a forge writes them.
func anchors(t *testing.T, document string) []string {
	t.Helper()
	var all []string
	for _, found := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text(t, document), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, found[1]))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, document := range documents(t) {
		for _, link := range broken(t, document, text(t, document)) {
			t.Errorf("%s: %s leads nowhere", document, link)
		}
	}
	// What would pass anything is no test.
	const links = "[a](docs/protocol.md#connecting) [b](docs/nothing.md) [c](docs/protocol.md#nothing) ![d](x.png) [e](#see-it) [f](https://example.org/x)"
	if got, want := strings.Join(broken(t, "README.md", links), " "), "docs/nothing.md docs/protocol.md#nothing x.png"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A command that a document tells to type, or a test that it leans on, is there.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	var names []string
	for _, file := range goFiles(t) {
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+|Fuzz\w+)\(`).FindAllStringSubmatch(string(read(t, file)), -1) {
			names = append(names, found[1])
		}
	}
	var targets []string
	for _, found := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(read(t, "Makefile")), -1) {
		targets = append(targets, found[1])
	}
	for _, document := range documents(t) {
		all := string(read(t, document))
		for _, found := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+(?: [a-z-]+)*)").FindAllStringSubmatch(all, -1) {
			for target := range strings.FieldsSeq(found[1]) {
				if !slices.Contains(targets, target) {
					t.Errorf("%s: there is no target %s to make", document, target)
				}
			}
		}
		for _, found := range regexp.MustCompile(`\bTest[A-Z0-9]\w*`).FindAllString(all, -1) {
			if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, found) }) {
				t.Errorf("%s: no test's name begins with %s", document, found)
			}
		}
	}
}

// A page that is said not to be there yet must not be.
func TestWhatIsNotThereYetIsNot(t *testing.T) {
	for _, document := range documents(t) {
		for _, found := range regexp.MustCompile("`([\\w/]+\\.md)`[^.`]* not there yet").FindAllStringSubmatch(text(t, document), -1) {
			if _, err := os.Stat(absolute(found[1])); err == nil {
				t.Errorf("%s says that %s is not there yet: link it", document, found[1])
			}
		}
	}
}
