// Command day plays a trace against the local stack on a real cluster of three
// primaries with a replica each, has the record judged and drawn, and says what
// memory that took. make day runs it.
//
// It uses the programs as anybody would, waggle and localstack, which must lie
// beside it. A first signal ends the replay or the judge in order, a second one at
// once; everything that was started is stopped in any case.
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

const usage = `usage: day [-cache URL] [-out DIR] [-zone ZONE] TRACE [flags of waggle replay]
`

// A day is one to play.
type day struct {
	signals             <-chan os.Signal
	programs            string // the directory of waggle and localstack
	cache, out, zone    string
	trace               string
	replay              []string // its further flags
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
	f.StringVar(&d.cache, "cache", "", "`URL` of a cache that is there already, or embedded (default: a cluster is started)")
	f.StringVar(&d.out, "out", "day", "`directory` for what comes of it")
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
	return onStand(func(s *stand) error { return d.play(s) })
}

func (d day) file(name string) string { return filepath.Join(d.out, name) }

// play sets all up, plays, judges, and says what came of it.
func (d day) play(s *stand) error {
	cache := d.cache
	if cache == "" {
		cache = s.cluster(d.stdout)
	}
	pools, err := os.Create(d.file("pools.json"))
	if err != nil {
		return err
	}
	defer pools.Close()
	print := d.program("waggle", append([]string{"replay", "-print-pools"}, d.replay...)...)
	print.Stdout = pools
	if err := d.do(print); err != nil {
		return err
	}
	stack, url, err := d.stack(cache, pools.Name())
	if err != nil {
		return err
	}
	s.Cleanup(func() { d.stop(stack) })

	record, printed, verdict := d.file("record.jsonl.gz"), d.file("replay.json"), d.file("verdict.json")
	replay := d.program("waggle", append(append([]string{"replay"}, d.replay...), "-url", url, "-json", "-record", record, d.trace)...)
	playing := d.doTo(printed, replay)
	if played, err := os.ReadFile(printed); err != nil || len(played) == 0 {
		return fmt.Errorf("the replay: %w", playing) // nothing was played
	}
	d.stop(stack)
	judge := d.program("waggle", "judge", "-json", "-against", printed, "-plot", d.file("day.svg"), "-zone", d.zone, d.trace, record)
	judging := d.doTo(verdict, judge)
	if err := d.show(verdict); err != nil {
		return errors.Join(playing, judging, err)
	}
	for _, c := range []*exec.Cmd{replay, judge, stack} {
		fmt.Fprintf(d.stdout, "%s took %s at most\n", c.Args[0], peak(c))
	}
	s.memory(d.stdout)
	fmt.Fprintf(d.stdout, "all of it is in %s\n", d.out)
	return errors.Join(playing, judging)
}

// show prints the verdict without its findings.
func (d day) show(verdict string) error {
	text, err := os.ReadFile(verdict)
	if err != nil {
		return err
	}
	var figures map[string]any
	if err := json.Unmarshal(text, &figures); err != nil {
		return err
	}
	delete(figures, "findings")
	e := json.NewEncoder(d.stdout)
	e.SetIndent("", "  ")
	return e.Encode(figures)
}
