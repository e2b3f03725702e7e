package pool

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestTheDocumentListsTheSettings(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Pools\n")
	section, _, _ = strings.Cut(section, "\n## ")
	table := "| setting | meaning | it must be | default |\n|---|---|---|---|\n"
	for _, s := range schema() {
		value, err := json.Marshal(s.write(Default()))
		if err != nil {
			t.Fatal(err)
		}
		table += fmt.Sprintf("| `%s` | %s | %s | `%s` |\n", s.key, s.meaning, s.allowed, value)
	}
	if !strings.Contains(section+"\n", "\n"+table+"\n") {
		t.Errorf("the section Pools of docs/configuration.md lacks the table\n%s", table)
	}
	examples := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(section, -1)
	for _, example := range examples {
		if _, err := Parse([]byte(example[1])); err != nil {
			t.Errorf("an example of the section Pools is refused: %v\n%s", err, example[1])
		}
	}
	if len(examples) == 0 {
		t.Error("the section Pools has no example")
	}
}

// Each setting has a field of its own, each field is a setting, and each default is allowed.
func TestTheSchemaHasEveryField(t *testing.T) {
	set := map[string]string{}
	for _, s := range schema() {
		var zero, one Settings
		s.reset(&one)
		var changed []string
		for i := range reflect.TypeFor[Settings]().NumField() {
			if !reflect.ValueOf(zero).Field(i).Equal(reflect.ValueOf(one).Field(i)) {
				changed = append(changed, reflect.TypeFor[Settings]().Field(i).Name)
			}
		}
		if len(changed) != 1 || set[changed[0]] != "" {
			t.Errorf("%s sets %v, want one field that no other sets", s.key, changed)
			continue
		}
		set[changed[0]] = s.key
		value, err := json.Marshal(s.write(one))
		if err != nil || !s.read(&zero, value) || zero != one {
			t.Errorf("%s: its default %s is not allowed, or is read as %+v: %v", s.key, value, zero, err)
		}
	}
	if got, want := len(set), reflect.TypeFor[Settings]().NumField(); got != want {
		t.Errorf("got %d fields that a setting sets, want %d: %v", got, want, set)
	}
}
