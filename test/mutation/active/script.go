package active

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// ScriptVariable is the environment variable that names a file of edits, in JSON.
const ScriptVariable = "WAGGLE_MUTANT_SCRIPTS"

// An Edit replaces the whole text of one file of internal/store/scripts.
type Edit struct{ Old, New string }

// Script returns a script with the active edits. The text may be several files, one
// after the other. It is meant for store.Options.Rewrite.
func Script(_, text string) string {
	for _, e := range edits() {
		text = strings.Replace(text, e.Old, e.New, 1)
	}
	return text
}

// AnyScript reports whether a script is mutated or observed in this process. Checks of
// the tests themselves have no meaning then.
func AnyScript() bool { return len(edits()) > 0 }

// edits are the same for as long as the process runs.
var edits = sync.OnceValue(func() []Edit {
	all, err := read(os.Getenv(ScriptVariable))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", ScriptVariable, err))
	}
	return all
})

func read(file string) ([]Edit, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []Edit
	return all, json.Unmarshal(data, &all)
}

// WriteEdits writes a file for ScriptVariable.
func WriteEdits(file string, edits []Edit) error {
	data, err := json.Marshal(edits)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
