package active

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEditsAreReadAsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "edits.json")
	want := []Edit{{"if a < b then", "if true then"}, {"x\n", ""}}
	if err := WriteEdits(file, want); err != nil {
		t.Fatal(err)
	}
	got, err := read(file)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if _, err := read(file + "x"); err == nil {
		t.Error("a missing file was read")
	}
}

func TestNoScriptIsMutatedByDefault(t *testing.T) {
	if got := Script("claim", "if a then"); got != "if a then" || AnyScript() {
		t.Errorf("got %s", got)
	}
}
