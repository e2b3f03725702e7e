// Command day plays a trace against the local stack on a real cluster of three
// primaries with a replica each, has the record judged and drawn, and prints how much
// memory that took. make day runs it.
//
// It runs the programs lab and localstack, which must be in the same folder. The first
// signal ends the replay or the judge in order, and a second one at once. Every process
// that it started is stopped in any case.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"waggle/lab/scope"
)

func main() {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	self, err := os.Executable()
	if err == nil {
		err = run(signals, filepath.Dir(self), os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "day:", err)
		os.Exit(1)
	}
}

const usage = `usage: day [-cache URL] [-faults LIST] [-out DIR] [-zone ZONE] TRACE [flags of lab replay]
`

// A day is a trace, and how to play it.
type day struct {
	signals             <-chan os.Signal
	programs            string // the folder of lab and localstack
	cache, out, zone    string
	faults              string // of the stack
	trace               string
	replay              []string // more flags of the replay
	stdout, stderr, log io.Writer
}

func run(signals <-chan os.Signal, programs string, args []string, stdout, stderr io.Writer) (err error) {
	d := day{signals: signals, programs: programs, stdout: stdout, stderr: stderr}
	f := flag.NewFlagSet("day", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	f.StringVar(&d.cache, "cache", "", "`URL` of a running cache, or embedded (default: it starts a cluster)")
	f.StringVar(&d.faults, "faults", "", "`list` of faults of the local stack, such as limit=0.2: see localstack -h")
	f.StringVar(&d.out, "out", "day", "`folder` for the record, the verdict, the picture and the logs")
	f.StringVar(&d.zone, "zone", "America/Los_Angeles", "time `zone` of the trace")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return errors.New("which trace? " + strings.TrimSpace(usage))
	}
	d.trace, d.replay = f.Arg(0), append(f.Args()[1:], "-zone", d.zone)
	if _, err := os.Stat(d.trace); err != nil {
		return err
	}
	if err := os.MkdirAll(d.out, 0o755); err != nil {
		return err
	}
	log, err := os.Create(d.file("stack.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	d.log = log
	return scope.In(func(s *scope.Scope) error { return d.play(&place{Scope: s}) })
}

func (d day) file(name string) string { return filepath.Join(d.out, name) }

// play starts the cache and the stack, replays and judges, and prints the verdict.
func (d day) play(s *place) error {
	cache := d.cache
	if cache == "" {
		cache = s.startCluster(d.stdout)
	}
	pools, err := os.Create(d.file("pools.json"))
	if err != nil {
		return err
	}
	defer pools.Close()
	print := d.program("lab", append([]string{"replay", "-print-pools"}, d.replay...)...)
	print.Stdout = pools
	if err := d.do(print); err != nil {
		return err
	}
	local, stackProcess, err := d.startStack(cache, pools.Name())
	if err != nil {
		return err
	}
	s.Cleanup(local.Stop)

	record, printed, verdict := d.file("record.jsonl.gz"), d.file("replay.json"), d.file("verdict.json")
	replay := d.program("lab", append(append([]string{"replay"}, d.replay...), "-url", local.URL, "-json", "-record", record, d.trace)...)
	playing := d.doTo(printed, replay)
	if played, err := os.ReadFile(printed); err != nil || len(played) == 0 {
		return fmt.Errorf("the replay: %w", playing) // there is nothing to judge
	}
	local.Stop()
	judge := d.program("lab", "judge", "-json", "-against", printed, "-plot", d.file("day.svg"), "-zone", d.zone, d.trace, record)
	judging := d.doTo(verdict, judge)
	if err := d.show(verdict); err != nil {
		return errors.Join(playing, judging, err)
	}
	for _, c := range []*exec.Cmd{replay, judge, stackProcess} {
		fmt.Fprintf(d.stdout, "%s took %s at most\n", c.Args[0], peak(c))
	}
	s.printMemory(d.stdout)
	fmt.Fprintf(d.stdout, "all files are in %s\n", d.out)
	return errors.Join(playing, judging)
}

// show prints the verdict without its findings.
func (d day) show(verdict string) error {
	text, err := os.ReadFile(verdict)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	delete(fields, "findings")
	e := json.NewEncoder(d.stdout)
	e.SetIndent("", "  ")
	return e.Encode(fields)
}
