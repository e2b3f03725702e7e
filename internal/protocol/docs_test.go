package protocol_test

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
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
		if diff := gocmp.Diff(string(want), text); diff != "" {
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

// TestDocumentDescribesEachFieldOfAMessage holds that the table of a message has
// a row for each field of its struct, and no row more. The row says whether the
// field is required. What the field may hold is in the row too, or in the row of
// another message's field of that name.
func TestDocumentDescribesEachFieldOfAMessage(t *testing.T) {
	page := readDocument(t)
	sent := section(t, page, "What a client sends")
	done := make(map[string]bool)
	for name, m := range messages() {
		title := object(t, golden(t)[name])["action"].(string)
		if done[title] {
			continue
		}
		done[title] = true
		rows := fieldRows(section(t, page, title))
		for _, f := range wireFields(reflect.TypeOf(m), false) {
			if f.name == "id" { // a rule for all messages
				continue
			}
			row, use := rows[f.name], "required"
			if f.optional {
				use = "optional"
			}
			if delete(rows, f.name); !strings.Contains(row, "| "+use+" |") {
				t.Errorf("%s, section %q, has no row for the field `%s` that says %s: %s", document, title, f.name, use, row)
			}
			for _, words := range f.allowed() {
				if !strings.Contains(row+fieldRows(sent)[f.name], words) {
					t.Errorf("%s, section %q, does not say %q of the field `%s`: %s", document, title, words, f.name, row)
				}
			}
		}
		for field := range rows {
			t.Errorf("%s, section %q, describes the field `%s`, which %T does not have", document, title, field, m)
		}
	}
}

// TestDocumentNamesEachFieldOfAFrame holds that the section of a frame names
// each field of its struct, in a sentence or in an example, and that its table
// has no other fields.
func TestDocumentNamesEachFieldOfAFrame(t *testing.T) {
	page := readDocument(t)
	titles := map[string]string{"location": "location of the peer", "nearby": "counts of members", "error": "Errors"}
	done := make(map[string]bool)
	for name, frame := range frames() {
		kind, ours := object(t, golden(t)[name])["type"].(string)
		if !ours || done[kind] {
			continue
		}
		done[kind] = true
		title := cmp.Or(titles[kind], kind)
		text := section(t, page, title)
		fields := make(map[string]bool)
		for _, f := range wireFields(reflect.TypeOf(frame), false) {
			fields[f.name] = true
			if f.name == "id" { // a rule for all frames
				continue
			}
			if !strings.Contains(text, "`"+f.name+"`") && !strings.Contains(text, `"`+f.name+`":`) {
				t.Errorf("%s, section %q, does not name the field `%s`", document, title, f.name)
			}
		}
		for field := range fieldRows(text) {
			if !fields[field] {
				t.Errorf("%s, section %q, describes the field `%s`, which %T does not have", document, title, field, frame)
			}
		}
	}
}

// A wireField is a field of a message or a frame, or of a struct in it.
type wireField struct {
	name     string
	tag      reflect.StructTag
	optional bool
}

// wireFields are the fields of a struct, those of structs in it included. All
// are optional where the struct is.
func wireFields(of reflect.Type, optional bool) (fields []wireField) {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil
	}
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" {
			fields = append(fields, wireField{name, f.Tag, optional || f.Tag.Get("required") == ""})
		}
		fields = append(fields, wireFields(f.Type, f.Type.Kind() == reflect.Pointer)...)
	}
	return fields
}

// allowed is what the page must say of the values of a message's field: each
// number of its range, and each string that it may be.
func (f wireField) allowed() (words []string) {
	for _, number := range regexp.MustCompile(`-?\d+`).FindAllString(f.tag.Get("range"), -1) {
		switch digits := len(strings.TrimPrefix(number, "-")); {
		case number == "9007199254740991":
			number = "2⁵³−1"
		case digits > 3:
			number = number[:len(number)-3] + " " + number[len(number)-3:]
		}
		words = append(words, strings.Replace(number, "-", "−", 1))
	}
	for _, word := range strings.FieldsFunc(f.tag.Get("oneof"), func(r rune) bool { return r == ',' }) {
		words = append(words, "`"+word+"`")
	}
	return words
}

// section is the text below a heading, up to the next of its level.
func section(t *testing.T, page, title string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^(##+) ` + title + `\n`).FindStringSubmatchIndex(page)
	if found == nil {
		t.Fatalf("%s has no section %q", document, title)
	}
	text := page[found[1]:]
	level := strconv.Itoa(found[3] - found[2])
	if end := regexp.MustCompile(`(?m)^#{2,` + level + `} `).FindStringIndex(text); end != nil {
		text = text[:end[0]]
	}
	return text
}

// fieldRows are the rows of a section's tables of fields, by each field that
// their first cell names.
func fieldRows(section string) map[string]string {
	rows := make(map[string]string)
	for _, table := range regexp.MustCompile(`(?m)^\| field \|.*\n\|.*\n((?:\|.*\n)*)`).FindAllStringSubmatch(section, -1) {
		for row := range strings.Lines(table[1]) {
			for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(strings.Split(row, "|")[1], -1) {
				rows[name[1]] += row
			}
		}
	}
	return rows
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
