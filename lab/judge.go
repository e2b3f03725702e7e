package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"waggle/cmd/waggle/cli"
	"waggle/lab/chart"
	"waggle/lab/judge"
	"waggle/lab/record"
	"waggle/lab/trace"
)

const judgeText = `
lab judge TRACE RECORD decides whether the promises were kept in a replay, from the
trace that it played and the record that it wrote. It counts every number of the
replay once more, and checks whether each request got the nearest cab.

  lab replay -record day.jsonl.gz -json cabs.csv.gz > day.json
  lab judge -against day.json cabs.csv.gz day.jsonl.gz

-plot draws the numbers over the day: requests, matches, requests that found nobody
or waited, how far away the cab was, how long it took.

  lab judge -plot day.svg cabs.csv.gz day.jsonl.gz

It shares no code with the server. A record that is cut off is judged up to there.
The exit code is 1 if anything is wrong: a request that was not matched to the
nearest cab, more than 5 % ambiguous, anything missed, double, leaked, stuck,
unanswered or not played, any error; or a number that differs from -against. If
pushes failed, the record says less. Then allow for more with -ambiguous.

Its words:

` + judge.Terms

// judgeFlags are the flags of the command.
type judgeFlags struct {
	zone, against, plot string
	findings            int
	ambiguous           float64
	json                bool
}

func judgeRecord(ctx context.Context, c cli.Console, args []string) error {
	var o judgeFlags
	f := cli.Flags(c, "judge", judgeText)
	f.StringVar(&o.zone, "zone", "America/Los_Angeles", "time `zone` of the trace")
	f.StringVar(&o.against, "against", "", "`file` with the output of replay -json: each number in it must be the same")
	f.StringVar(&o.plot, "plot", "", "draw the numbers over the day to this `file`, .svg or .png")
	f.Float64Var(&o.ambiguous, "ambiguous", judge.MaxAmbiguousShare, "largest `share` of the matches that may be ambiguous")
	f.IntVar(&o.findings, "findings", 5, "how many findings of each kind to print; -json has the first hundred")
	f.BoolVar(&o.json, "json", false, "print the verdict as JSON")
	operands, err := cli.Parse(c, f, args, "TRACE", "RECORD")
	if err != nil {
		return err
	}
	zone, err := loadZone(o.zone)
	if err != nil {
		return err
	}
	if o.findings < 0 {
		return cli.Misuse("-findings must be a number from 0, not %d", o.findings)
	}
	if !(o.ambiguous > 0 && o.ambiguous <= 1) {
		return cli.Misuse("-ambiguous must be a share above 0, up to 1, not %g", o.ambiguous)
	}
	if sameFile(operands[0], operands[1]) {
		return cli.Misuse("TRACE and RECORD are the same file, %s", operands[0])
	}
	if o.plot != "" {
		if err := chart.Check(o.plot); err != nil {
			return cli.Misuse("-plot: %w", err)
		}
		if slices.ContainsFunc(append(operands, o.against), func(file string) bool { return sameFile(o.plot, file) }) {
			return cli.Misuse("-plot %s would overwrite what the judge reads", o.plot)
		}
		if _, err := os.Stat(filepath.Dir(o.plot)); err != nil {
			return fmt.Errorf("-plot: %w", err)
		}
	}
	var printed []byte
	if o.against != "" {
		if printed, err = os.ReadFile(o.against); err != nil {
			return fmt.Errorf("-against: %w", err)
		}
	}
	v, err := o.run(ctx, c, operands[0], operands[1], zone)
	if err != nil {
		return err
	}
	if err := o.print(c, v, zone); err != nil {
		return err
	}
	wrong := v.Wrong()
	if printed != nil {
		differ, err := v.Against(printed)
		if err != nil {
			return fmt.Errorf("-against %s: %w", o.against, err)
		}
		for _, d := range differ {
			wrong = append(wrong, "it differs from "+o.against+" in "+d)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("wrong: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// run reads the trace, and judges and draws the record. A bar shows the progress.
func (o judgeFlags) run(ctx context.Context, c cli.Console, traceFile, recordFile string, zone *time.Location) (judge.Verdict, error) {
	var none judge.Verdict
	rows, err := readTrace(traceFile)
	if err != nil {
		return none, err
	}
	file, err := os.Open(recordFile)
	if err != nil {
		return none, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return none, err
	}
	bar := newBar(c.Err)
	defer bar.done()
	read := int64(0)
	r, err := record.NewReader(readerFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		n, err := file.Read(b)
		read += int64(n)
		bar.bytes(read, info.Size())
		return n, err
	}))
	if err == nil {
		var v judge.Verdict
		options := judge.Options{MaxAmbiguousShare: o.ambiguous}
		var drawn *plot
		if o.plot != "" {
			// The window may be longer than the trace.
			from := r.Header.From
			drawn = newPlot(from, max(min(r.Header.To, rows[len(rows)-1].Unix+1), from+1))
			options.Rows = drawn.add
		}
		switch v, err = judge.Run(rows, r, options); {
		case err == nil && drawn != nil:
			if err := drawn.picture(v, zone).Save(o.plot); err != nil {
				return none, fmt.Errorf("-plot: %w", err)
			}
			return v, nil
		case err == nil:
			return v, nil
		}
	}
	if ctx.Err() != nil {
		return none, cli.ErrInterrupted
	}
	return none, fmt.Errorf("%s: %w", recordFile, err)
}

func (o judgeFlags) print(c cli.Console, v judge.Verdict, zone *time.Location) error {
	if !o.json {
		_, err := io.WriteString(c.Out, v.Table(zone, o.findings))
		return err
	}
	e := json.NewEncoder(c.Out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// sameFile reports whether two names lead to one file that exists.
func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// readTrace reads a whole trace.
func readTrace(file string) ([]trace.Row, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rows, err := trace.Read(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return rows, nil
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, cli.Misuse("-zone %q: give one such as America/Los_Angeles or UTC", name)
	}
	return zone, nil
}
