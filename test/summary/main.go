// Command summary reads the output of `go test -json` and shows it the way `go test`
// does, with the whole output of each test that failed. The last line counts the tests
// and says what to install for those that were skipped:
//
//	212 passed, 3 skipped: install node, redis-server
//
// The lines that passing tests logged as t.Log("note: …") come before it, each once:
// numbers that a reader should see.
//
// A test with subtests is not counted itself. The exit status is 1 if a test failed or if
// there was nothing to read, and with WAGGLE_NO_SKIP=1, as in CI, also if a test was
// skipped.
package main

import (
	"fmt"
	"os"
)

func main() {
	ok, err := summarize(os.Stdin, os.Stdout, os.Getenv("WAGGLE_NO_SKIP") != "1")
	if err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}
