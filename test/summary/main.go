// Command testsummary reads what `go test -json` prints and shows it the way
// `go test` does, with the whole output of each test that failed. The last line
// counts the tests and says what to install for those that were skipped:
//
//	212 passed, 3 skipped: install node, redis-server
//
// Before it stands, once, each line that a test logged as t.Log("note: …") and that
// did not fail: what was tested, in numbers that a reader should see.
//
// A test with subtests is not counted beside them. It exits with 1 where
// something failed, where there was nothing to read, and with WAGGLE_NO_SKIP=1,
// as in CI, where a test was skipped for whatever reason.
package main

import (
	"fmt"
	"os"
)

func main() {
	ok, err := summarize(os.Stdin, os.Stdout, os.Getenv("WAGGLE_NO_SKIP") != "1")
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}
