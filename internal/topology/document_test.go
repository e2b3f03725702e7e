package topology_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"waggle/internal/topology"
)

// TestDocumentListsTheVariables holds docs/configuration.md to the list.
func TestDocumentListsTheVariables(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range topology.Variables() {
		otherwise := "–"
		if v.Required {
			otherwise = "required"
		} else if v.Default != "" {
			otherwise = "`" + v.Default + "`"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s |", v.Name, v.Meaning, otherwise); !strings.Contains(string(text), "\n"+row+"\n") {
			t.Errorf("docs/configuration.md lacks the row\n%s", row)
		}
	}
}
