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

// text returns a page without its blocks of code, which have no links.
func text(t *testing.T, page string) string {
	t.Helper()
	return regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(string(read(t, page)), "")
}

func pages(t *testing.T) []string {
	t.Helper()
	all := files(t, ".md")
	if len(all) < 10 || !slices.Contains(all, "README.md") {
		t.Fatalf("got %v: the test looks in the wrong folder", all)
	}
	return all
}

// deadLinks returns the links of a page to files and headings that do not exist. Links to
// other sites are not followed.
func deadLinks(t *testing.T, page, text string) []string {
	t.Helper()
	var all []string
	for _, found := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
			continue
		}
		to, anchor, _ := strings.Cut(found[1], "#")
		target := page
		if to != "" {
			target = path.Join(path.Dir(page), to)
		}
		if _, err := os.Stat(absolute(target)); err != nil {
			all = append(all, found[1])
		} else if anchor != "" && !slices.Contains(anchors(t, target), anchor) {
			all = append(all, found[1])
		}
	}
	return all
}

// anchors returns the headings of a page, in the form that GitHub gives them in links.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, found := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text(t, page), -1) {
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

func TestLinksLeadToWhatExists(t *testing.T) {
	for _, page := range pages(t) {
		for _, link := range deadLinks(t, page, text(t, page)) {
			t.Errorf("%s: the link %s leads nowhere: correct it, or write the missing page or heading", page, link)
		}
	}
	// The test itself must find dead links.
	const links = "[a](docs/protocol.md#connecting) [b](docs/nothing.md) [c](docs/protocol.md#nothing) ![d](x.png) [e](#see-it) [f](https://example.org/x)"
	if got, want := strings.Join(deadLinks(t, "README.md", links), " "), "docs/nothing.md docs/protocol.md#nothing x.png"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Pages tell the reader to type commands, and refer to tests.
func TestPagesNameTargetsAndTestsThatExist(t *testing.T) {
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
	for _, page := range pages(t) {
		all := string(read(t, page))
		for _, found := range regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+(?: [a-z-]+)*)").FindAllStringSubmatch(all, -1) {
			for target := range strings.FieldsSeq(found[1]) {
				if !slices.Contains(targets, target) {
					t.Errorf("%s names `make %s`, which the Makefile does not have: correct the name", page, target)
				}
			}
		}
		for _, found := range regexp.MustCompile(`\bTest[A-Z0-9]\w*`).FindAllString(all, -1) {
			if !slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, found) }) {
				t.Errorf("%s names %s, but no test's name begins so: correct the name", page, found)
			}
		}
	}
}

func TestPagesThatAreNotThereYetDoNotExist(t *testing.T) {
	for _, page := range pages(t) {
		for _, found := range regexp.MustCompile("`([\\w/]+\\.md)`[^.`]* not there yet").FindAllStringSubmatch(text(t, page), -1) {
			if _, err := os.Stat(absolute(found[1])); err == nil {
				t.Errorf("%s says that %s is not there yet, but it is: link it", page, found[1])
			}
		}
	}
}
