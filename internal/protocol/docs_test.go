package protocol_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document is the page that a client's author reads.
const document = "../../docs/protocol.md"

// TestDocumentShowsTheGoldenFiles holds that every JSON example of the document
// is a golden file, and every golden file an example.
func TestDocumentShowsTheGoldenFiles(t *testing.T) {
	page := readDocument(t)
	example := regexp.MustCompile("(?s)(?:<!-- (testdata/[^ ]+) -->\n)?```json\n(.*?)```\n")
	shown := make(map[string]bool)
	for _, found := range example.FindAllStringSubmatch(page, -1) {
		path, text := found[1], found[2]
		if path == "" {
			t.Errorf("an example without the name of its file, <!-- testdata/NAME.json -->, on the line above:\n%s", text)
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-file +document):\n%s", path, diff)
		}
		shown[path] = true
	}
	for name := range golden(t) {
		if !shown["testdata/"+name+".json"] {
			t.Errorf("testdata/%s.json is not shown", name)
		}
	}
}

func TestDocumentListsTheCodes(t *testing.T) {
	page := readDocument(t)
	for code, retryable := range retryable() {
		word := "no"
		if retryable {
			word = "yes"
		}
		if row := fmt.Sprintf("\n| `%s` | %s |", code, word); !strings.Contains(page, row) {
			t.Errorf("no row %q in its table of errors", row)
		}
	}
}

func readDocument(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
