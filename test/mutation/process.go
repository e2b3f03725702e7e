package mutation

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"waggle/test/mutation/active"
)

// An outcome is how a run of a test ended.
type outcome struct {
	status string
	where  string // the innermost part of the test that failed
	took   time.Duration
	worked time.Duration // processor time
	output string        // the end of it
	parts  []string      // the innermost subtests, if the run was observed
}

// The statuses.
const (
	passed   = ""
	failed   = "failed"
	timedOut = "timed out"
)

// memory limits a test, in KB: some mutants allocate without end.
const memory = "4194304"

// run runs the test in a process of its own, with settings such as "VARIABLE=value", and
// kills it after the limit. It calls affected, if set, for each mutant that the test
// reports.
func (t *test) run(ctx context.Context, limit time.Duration, settings []string, affected func(string)) (outcome, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(bounded, "/bin/sh", "-c", "ulimit -v "+memory+`; exec "$@"`, "sh",
		t.binary, "-test.run", t.pattern(), "-test.failfast", "-test.timeout", "0")
	if affected != nil {
		c.Args = append(c.Args, "-test.v") // it prints the names of the subtests
	}
	c.Dir, c.Env = t.dir, environment(settings)
	c.WaitDelay = time.Second
	out := &output{affected: affected}
	c.Stdout, c.Stderr = out, out
	start := time.Now()
	err := c.Run()
	o := outcome{where: t.name, took: time.Since(start), output: string(out.tail), parts: innermost(out.started)}
	if c.ProcessState != nil {
		o.worked = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case bounded.Err() != nil:
		o.status = timedOut
	case errors.As(err, &exit):
		o.status = failed
		if inner := deepest(o.output); inner != "" {
			o.where = inner
		}
	case err != nil:
		return o, err
	}
	return o, nil
}

// pattern is what -test.run wants. A test on the embedded cache also runs on the real servers
// that it finds.
func (t *test) pattern() string {
	names := strings.Split(t.name, "/")
	for i, name := range names {
		if names[i] = "^" + regexp.QuoteMeta(name) + "$"; name == "embedded" {
			names[i] = ""
		}
	}
	return strings.Join(names, "/")
}

// innermost returns the names that are no part of the next one.
func innermost(names []string) []string {
	var found []string
	for i, name := range names {
		if i+1 == len(names) || !strings.HasPrefix(names[i+1], name+"/") {
			found = append(found, name)
		}
	}
	return found
}

// environment returns this process's environment without what would change the tests: no
// settings of Waggle but the given ones, and no programs, so that the embedded cache is
// the only one.
func environment(settings []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "WAGGLE_") })
	return append(append(env, "PATH="), settings...) // the last one counts
}

// withPrograms is the setting by which a test finds the installed servers.
func withPrograms() string { return "PATH=" + os.Getenv("PATH") }

// withScripts is the setting that activates the edits of a file, and withMutant the one
// that activates a mutant of a source.
func withScripts(file string) string  { return active.ScriptVariable + "=" + file }
func withMutant(number string) string { return active.Variable + "=" + number }

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// deepest returns the innermost part of the test that failed first.
func deepest(output string) string {
	found := ""
	for _, match := range failure.FindAllStringSubmatch(output, -1) {
		if found == "" || strings.HasPrefix(match[1], found+"/") {
			found = match[1]
		}
	}
	return found
}

// output keeps the end of what a test prints, and takes out the mutants that it reports.
type output struct {
	affected func(string) // nil: none are reported
	started  []string     // the test and its subtests, one after the other
	rest     []byte       // of a line that has not ended
	tail     []byte
}

var (
	reported = regexp.MustCompile(`mutant:(\w+);\n?`)
	started  = regexp.MustCompile(`(?m)^=== RUN +(\S+)$`)
)

func (o *output) Write(p []byte) (int, error) {
	o.rest = append(o.rest, p...)
	end := 1 + bytes.LastIndexByte(o.rest, '\n')
	text := o.rest[:end]
	if o.affected != nil {
		for _, found := range reported.FindAllSubmatch(text, -1) {
			o.affected(string(found[1]))
		}
		for _, found := range started.FindAllSubmatch(text, -1) {
			o.started = append(o.started, string(found[1]))
		}
		text = reported.ReplaceAll(text, nil)
	}
	const most = 1 << 16
	o.tail = append(o.tail, text...)
	o.tail = o.tail[max(0, len(o.tail)-most):]
	o.rest = append([]byte{}, o.rest[end:]...)
	return len(p), nil
}
