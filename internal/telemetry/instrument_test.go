package telemetry

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of instruments in docs/operations.md")

func TestNamesAndUnitsFollowTheConventions(t *testing.T) {
	names := make(map[string]bool)
	for _, i := range Instruments() {
		if !regexp.MustCompile(`^waggle(\.[a-z]+)+$`).MatchString(i.Name) || names[i.Name] {
			t.Errorf("%s: not a name of its own in small letters and points", i.Name)
		}
		names[i.Name] = true
		if i.Description == "" || !regexp.MustCompile(`^(s|\{[a-z]+\})$`).MatchString(i.Unit) {
			t.Errorf("%s: got unit %q and description %q", i.Name, i.Unit, i.Description)
		}
		if (i.Kind == Histogram) != (len(i.Buckets) > 0) || !slices.IsSorted(i.Buckets) {
			t.Errorf("%s is a %s with the buckets %v", i.Name, i.Kind, i.Buckets)
		}
		if duration := regexp.MustCompile(`\.duration$`).MatchString(i.Name); duration != (i.Unit == "s") {
			t.Errorf("%s has the unit %s", i.Name, i.Unit)
		}
		if i.Attribute != "" && (i.Values[len(i.Values)-1] != Other || len(i.Values) > 20) || i.Attribute == "" && len(i.Values) > 0 {
			t.Errorf("%s: %q has the values %v, which must be few, and end with %q", i.Name, i.Attribute, i.Values, Other)
		}
	}
}

func TestAnAlarmReadsAValueThatItsInstrumentCounts(t *testing.T) {
	for _, a := range Alarms() {
		i := a.Instrument.Instrument()
		if i.Kind != Counter || (i.Attribute == "") != (a.Value == "") || a.Value != "" && !slices.Contains(i.Values, a.Value) {
			t.Errorf("%s reads %q of %s", a.ID, a.Value, i.Name)
		}
		if a.Threshold < 1 || a.Minutes < 1 || a.Within < a.Minutes {
			t.Errorf("%s: %+v", a.ID, a)
		}
	}
}

// TestTheDocumentListsTheInstruments; -update writes the table.
func TestTheDocumentListsTheInstruments(t *testing.T) {
	const place, head = "../../docs/operations.md", "| instrument | kind, unit | what | attribute |\n|---|---|---|---|\n"
	table := head
	for _, i := range Instruments() {
		attribute := "–"
		if i.Attribute != "" {
			attribute = fmt.Sprintf("`%s`: %s", i.Attribute, strings.Join(i.Values, ", "))
		}
		table += fmt.Sprintf("| `%s` | %s, %s | %s | %s |\n", i.Name, i.Kind, i.Unit, i.Description, attribute)
	}
	text, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(regexp.QuoteMeta(head) + `(\|.*\n)*`)
	if *update {
		text = found.ReplaceAllLiteral(text, []byte(table))
		if err := os.WriteFile(place, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(table, string(found.Find(text))); diff != "" {
		t.Errorf("docs/operations.md differs from the list: run this test with -update (-want +got):\n%s", diff)
	}
}

// Each instrument is recorded by some code that is no test, so none is dead.
func TestEachInstrumentIsRecorded(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "instrument.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(node ast.Node) bool {
		if group, ok := node.(*ast.GenDecl); ok && group.Tok == token.CONST && len(group.Specs) > int(instruments) {
			for _, spec := range group.Specs[:instruments] {
				names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
			}
		}
		return true
	})
	if len(names) != int(instruments) {
		t.Fatalf("got the names %v", names)
	}
	recorded := ""
	for _, name := range []string{"../app/measure.go", "../handler/served.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		recorded += string(text)
	}
	for _, name := range names {
		if !regexp.MustCompile(`(Record\(|count\(m, )telemetry\.` + name + `,`).MatchString(recorded) {
			t.Errorf("no code records %s", name)
		}
	}
}
