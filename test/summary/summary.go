package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An event is one line of `go test -json`: see `go doc test2json`. Output of the compiler
// has an ImportPath instead of a Package.
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
}

// A test is a test of a package. The one with the name "" is the package itself.
type test struct {
	output  []string
	outcome string // "pass", "fail", "skip", or "" while it runs
}

type summary struct {
	out                     io.Writer
	packages                map[string]map[string]*test
	build                   map[string][]string // the compiler's output
	passed, failed, skipped int
	install                 map[string]bool
	notes                   []string
}

// summarize copies events to out in go test's own form. ok is true if no test failed and,
// unless tests may be skipped, none was skipped.
func summarize(in io.Reader, out io.Writer, maySkip bool) (ok bool, err error) {
	s := summary{out: out, packages: map[string]map[string]*test{}, build: map[string][]string{}, install: map[string]bool{}}
	var seen bool
	lines := bufio.NewReader(in)
	for err == nil {
		var line string
		line, err = lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
			seen = true
			s.event(e)
		} else if line != "" {
			fmt.Fprint(out, line)
		}
	}
	if !errors.Is(err, io.EOF) {
		return false, err
	}
	if !seen {
		return false, errors.New("no test events to read: pass it the output of go test -json")
	}
	for _, name := range slices.Sorted(maps.Keys(s.packages)) { // those still running when the input ended
		s.packages[name][""].outcome = "fail"
		s.finish(name)
	}
	for _, note := range s.notes {
		fmt.Fprintln(out, note)
	}
	fmt.Fprintln(out, s.line())
	return s.failed == 0 && (maySkip || s.skipped == 0), nil
}

func (s *summary) event(e event) {
	if e.Action == "build-output" {
		s.build[e.ImportPath] = append(s.build[e.ImportPath], e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	tests := s.packages[e.Package]
	if tests == nil {
		tests = map[string]*test{"": {}}
		s.packages[e.Package] = tests
	}
	if tests[e.Test] == nil {
		tests[e.Test] = &test{}
	}
	switch e.Action {
	case "output":
		if strings.HasPrefix(e.Output, "=== ") { // "=== RUN" and the like
			return
		}
		tests[e.Test].output = append(tests[e.Test].output, e.Output)
	case "pass", "fail", "skip":
		tests[e.Test].outcome = e.Action
		if e.Test == "" {
			for _, line := range s.build[e.FailedBuild] {
				fmt.Fprint(s.out, line)
			}
			s.finish(e.Package)
		}
	}
}

// finish counts and prints the tests of a package.
func (s *summary) finish(name string) {
	tests := s.packages[name]
	delete(s.packages, name)
	whole := tests[""]
	delete(tests, "")

	failedBefore := s.failed
	for _, test := range slices.Sorted(maps.Keys(tests)) {
		s.count(test, tests)
	}
	if whole.outcome == "fail" {
		if s.failed == failedBefore { // it did not build, or failed outside a test
			s.failed++
		}
		fmt.Fprint(s.out, strings.Join(whole.output, ""))
		return
	}
	for _, line := range whole.output {
		if strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") {
			fmt.Fprint(s.out, line)
		}
	}
}

// count adds one test. A test with subtests counts only if it fails by itself.
func (s *summary) count(name string, tests map[string]*test) {
	var parent, failedBelow bool
	for other, sub := range tests {
		if strings.HasPrefix(other, name+"/") {
			parent = true
			failedBelow = failedBelow || sub.failed()
		}
	}
	this := tests[name]
	if !this.failed() {
		s.note(this.output)
	}
	switch {
	case this.failed():
		fmt.Fprint(s.out, strings.Join(this.output, ""))
		if !failedBelow {
			s.failed++
		}
	case parent:
	case this.outcome == "skip":
		s.skipped++
		s.reason(name, this.output)
	default:
		s.passed++
	}
}

// failed reports whether the test failed, or was still running when the input ended.
func (t *test) failed() bool { return t.outcome == "fail" || t.outcome == "" }

// note keeps the lines that a test logged as t.Log("note: …").
func (s *summary) note(output []string) {
	for _, line := range output {
		place, text, found := strings.Cut(strings.TrimSpace(line), ": note: ")
		note := "note: " + text
		if found && strings.Contains(place, ".go:") && !slices.Contains(s.notes, note) {
			s.notes = append(s.notes, note)
		}
	}
}

// reason keeps what a skipped test says to install. A test that names nothing to install
// is printed.
func (s *summary) reason(name string, output []string) {
	text := strings.Join(output, "")
	if _, what, ok := strings.Cut(text, "install "); ok {
		what, _, _ = strings.Cut(what, "\n")
		s.install[strings.TrimSpace(what)] = true
		return
	}
	fmt.Fprintf(s.out, "skipped %s, with nothing to install:\n%s", name, text)
}

func (s *summary) line() string {
	line := fmt.Sprintf("%d passed", s.passed)
	if s.failed > 0 {
		line += fmt.Sprintf(", %d failed", s.failed)
	}
	line += fmt.Sprintf(", %d skipped", s.skipped)
	if len(s.install) > 0 {
		line += ": install " + strings.Join(slices.Sorted(maps.Keys(s.install)), ", ")
	}
	return line
}
