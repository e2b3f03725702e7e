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

	"waggle/test/mutation/broken"
	"waggle/test/mutation/switches"
)

// A verdict is how a test ended.
type verdict struct {
	how    string
	where  string // the test or the part of it that failed
	took   time.Duration
	worked time.Duration // of that, on a processor
	output string        // the end of it
}

// How a test ends.
const (
	passes = ""
	fails  = "fails"
	hangs  = "hangs"
)

// memory is what a test may have, in KB: some that are broken take all there is.
const memory = "4194304"

// run runs the test in a process of its own, with settings such as "VARIABLE=value", and
// ends it after the limit. What marks it prints is told.
func (t *test) run(ctx context.Context, limit time.Duration, settings []string, mark func(string)) (verdict, error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(bounded, "/bin/sh", "-c", "ulimit -v "+memory+`; exec "$@"`, "sh",
		t.binary, "-test.run", "^"+t.name+"$", "-test.failfast", "-test.timeout", "0")
	c.Dir, c.Env = t.dir, environment(settings)
	c.WaitDelay = time.Second
	out := &output{mark: mark}
	c.Stdout, c.Stderr = out, out
	start := time.Now()
	err := c.Run()
	v := verdict{where: t.name, took: time.Since(start), output: string(out.tail)}
	if c.ProcessState != nil {
		v.worked = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return v, ctx.Err()
	case bounded.Err() != nil:
		v.how = hangs
	case errors.As(err, &exit):
		v.how = fails
		if inner := deepest(v.output); inner != "" {
			v.where = inner
		}
	case err != nil:
		return v, err
	}
	return v, nil
}

// environment is ours but for what would make the tests others: no settings but these, and
// no programs, so that of the caches only the embedded one is there.
func environment(settings []string) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "WAGGLE_") })
	return append(append(env, "PATH="), settings...) // the last one counts
}

// withPrograms is the setting that finds the real servers, where there are any.
func withPrograms() string { return "PATH=" + os.Getenv("PATH") }

// scriptsIn is the setting that runs with the edits of a file, mutant with a mutant.
func scriptsIn(file string) string  { return broken.Variable + "=" + file }
func mutantOn(mutant string) string { return switches.Variable + "=" + mutant }

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// deepest is the innermost part of the test that failed first.
func deepest(output string) string {
	found := ""
	for _, match := range failure.FindAllStringSubmatch(output, -1) {
		if found == "" || strings.HasPrefix(match[1], found+"/") {
			found = match[1]
		}
	}
	return found
}

// output keeps the end of what a test prints, and takes the marks out.
type output struct {
	mark func(string) // nil: there are none
	rest []byte       // of a line that has not ended
	tail []byte
}

var mark = regexp.MustCompile(`guard:(\w+);\n?`)

func (o *output) Write(p []byte) (int, error) {
	o.rest = append(o.rest, p...)
	end := 1 + bytes.LastIndexByte(o.rest, '\n')
	text := o.rest[:end]
	if o.mark != nil {
		for _, found := range mark.FindAllSubmatch(text, -1) {
			o.mark(string(found[1]))
		}
		text = mark.ReplaceAll(text, nil)
	}
	const most = 1 << 16
	o.tail = append(o.tail, text...)
	o.tail = o.tail[max(0, len(o.tail)-most):]
	o.rest = append([]byte{}, o.rest[end:]...)
	return len(p), nil
}
