package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"waggle/infra/config"
)

func TestTheDocumentListsTheSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The stack on AWS\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := 0
	for _, s := range config.Settings() {
		meaning, otherwise := s.Meaning, "–"
		if s.With != "" {
			meaning += " (with " + s.With + ")"
		}
		if s.Default != "" {
			otherwise = "`" + s.Default + "`"
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s |", s.Key, meaning, s.Allowed, otherwise)
		if !strings.Contains(section, "\n"+row+"\n") {
			t.Errorf("docs/configuration.md lacks the row\n%s", row)
		}
		rows++
	}
	if got := strings.Count(section, "\n| `"); got != rows {
		t.Errorf("docs/configuration.md has %d settings, want %d", got, rows)
	}
}

// docs/deploy.md says which settings cannot change once the stack exists.
func TestTheDocumentListsWhatIsFixed(t *testing.T) {
	text, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| setting | because |\n|---|---|\n"
	for _, s := range config.Settings() {
		if s.Fixed != "" {
			table += fmt.Sprintf("| `%s` | %s |\n", s.Key, s.Fixed)
		}
	}
	if !strings.Contains(string(text), "\n"+table+"\n") {
		t.Errorf("docs/deploy.md lacks the table\n%s", table)
	}
}
