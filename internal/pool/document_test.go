package pool_test

import (
	"os"
	"strings"
	"testing"
)

// TestDocumentShowsTheDefaults holds docs/configuration.md to the schema.
func TestDocumentShowsTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	defaults := string(parse(t, `{"pools": {"default": {}}}`).JSON())
	if !strings.Contains(string(text), "```json\n"+defaults+"```") {
		t.Errorf("docs/configuration.md does not show the default pool file:\n%s", defaults)
	}
	for line := range strings.Lines(defaults) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), `": `); ok && !strings.HasSuffix(strings.TrimSpace(line), "{") {
			if !strings.Contains(string(text), "`"+strings.Trim(name, `"`)+"`") {
				t.Errorf("docs/configuration.md does not explain %s", name)
			}
		}
	}
}
