package topology_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"waggle/internal/topology"
)

func TestTheDocumentListsTheVariables(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| variable | meaning | default |\n|---|---|---|\n"
	for _, v := range topology.Variables() {
		byDefault := "–"
		if v.Required {
			byDefault = "required"
		} else if v.Default != "" {
			byDefault = "`" + v.Default + "`"
		}
		table += fmt.Sprintf("| `%s` | %s | %s |\n", v.Name, v.Meaning, byDefault)
	}
	if !strings.Contains(string(text), "\n"+table+"\n") {
		t.Errorf("docs/configuration.md lacks the table\n%s", table)
	}
}
