// Package broken lets `make guards` run the tests of this module with a broken
// script. Otherwise nothing is. Only tests use it.
package broken

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// Variable names a file with edits, in JSON.
const Variable = "WAGGLE_GUARD_SCRIPTS"

// An Edit replaces the whole text of a file of internal/store/scripts, wherever it
// is run.
type Edit struct{ Old, New string }

// Script returns the text to run in place of that one, which may be several files in
// a row: it is a store.Options.Rewrite.
func Script(_, text string) string {
	for _, e := range edits() {
		text = strings.Replace(text, e.Old, e.New, 1)
	}
	return text
}

// Any tells whether a script is broken, or watched: what is a matter of the tests alone need
// not be looked at then.
func Any() bool { return len(edits()) > 0 }

// edits are the same for as long as the process runs.
var edits = sync.OnceValue(func() []Edit {
	all, err := read(os.Getenv(Variable))
	if err != nil {
		panic(fmt.Sprintf("%s: %v", Variable, err))
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

// Write writes such a file.
func Write(file string, edits []Edit) error {
	data, err := json.Marshal(edits)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
