package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"waggle/cmd/waggle/cli"
	"waggle/lab/chart"
	"waggle/lab/compare"
	"waggle/lab/town"
	"waggle/lab/trace"
)

const cityText = `
lab city -o FILE makes up a day of a city, and writes its trace for replay and judge.

Members drive along streets, stop at lights and turn. They look for fares where and
when these are wanted, take them to their destinations, and have breaks and shifts,
every second of a working day. The same seed gives the same day. A member has the
same rows whatever other members there are, and a part of the day has the same rows
in any longer one. FILE is CSV, gzipped if its name ends in .gz, with the header
  ` + trace.Columns + `
A member reports at the rate of -every, and when a fare begins or ends. A day of 500
members with a report each second has some 30 million rows. For a replay this is
enough:
  go -C lab run . city -members 500 -every 60s -o city.csv.gz
lab replay -h says how to play it.

  go -C lab run . city -compare REAL.csv.gz -plot city.png
makes a day with as many members as a recorded day has, on the same date, compares
both, and draws them. How often members report does not matter for that. For
reference, the table has a uniform city too, with equally many members everywhere.`

// cityFlags are the flags of the command.
type cityFlags struct {
	members            int
	seed               uint64
	date, from, zone   string
	length, every      time.Duration
	out, compare, plot string
}

func makeCity(ctx context.Context, c cli.Console, args []string) error {
	var o cityFlags
	f := cli.Flags(c, "city", cityText)
	f.IntVar(&o.members, "members", 50, "`number` of members")
	f.Uint64Var(&o.seed, "seed", 1, "`number` that the day is made from")
	f.StringVar(&o.date, "date", "2026-05-29", "`date` of the day, in -zone")
	f.StringVar(&o.from, "from", "00:00", "`time` of the day to begin at")
	f.DurationVar(&o.length, "for", 24*time.Hour, "`duration` of the trace")
	f.DurationVar(&o.every, "every", time.Second, "`duration` between two reports of a member, in whole seconds")
	f.StringVar(&o.zone, "zone", "America/Los_Angeles", "time `zone` of the day")
	f.StringVar(&o.out, "o", "", "`file` to write the trace to, gzipped if its name ends in .gz; - is standard output")
	f.StringVar(&o.compare, "compare", "", "`file` with a recorded day to compare with")
	f.StringVar(&o.plot, "plot", "", "`file` to draw both days to, ending in .svg or .png; with -compare")
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return cli.Misuse("%w", err)
	}
	zone, err := loadZone(o.zone)
	if err != nil {
		return err
	}
	if o.compare != "" {
		return o.compareWith(ctx, c, zone)
	}
	config, err := o.config(zone)
	if err != nil {
		return cli.Misuse("%w", err)
	}
	rows, err := o.trace(ctx, c, config, func(trace.Row) {})
	if err != nil {
		return err
	}
	if o.out != "-" {
		fmt.Fprintf(c.Err, "lab: city: %s has %d reports\n", o.out, rows)
	}
	return nil
}

func (o cityFlags) check() error {
	switch {
	case o.members < 1 || o.members > 100_000:
		return fmt.Errorf("-members must be 1 to 100000, not %d", o.members)
	case o.length < time.Second:
		return fmt.Errorf("-for must be a duration of at least 1s, not %v", o.length)
	case o.every < time.Second || o.every%time.Second != 0:
		return fmt.Errorf("-every must be whole seconds, such as 1s or 1m, not %v", o.every)
	case o.out == "" && o.compare == "":
		return errors.New("say where to write the trace, with -o city.csv.gz, or what to compare one with, with -compare")
	case o.plot != "" && o.compare == "":
		return errors.New("-plot draws a comparison: say with what, with -compare")
	case sameFile(o.out, o.compare), sameFile(o.plot, o.compare), o.plot != "" && o.plot == o.out:
		return errors.New("-o, -compare and -plot must be different files")
	case o.plot != "":
		return chart.Check(o.plot)
	}
	return nil
}

// config returns the day that the flags describe.
func (o cityFlags) config(zone *time.Location) (town.Config, error) {
	midnight, err := time.ParseInLocation(time.DateOnly, o.date, zone)
	if err != nil {
		return town.Config{}, fmt.Errorf("-date must be a date such as 2026-05-29, not %q", o.date)
	}
	if y := midnight.Year(); midnight.Unix() < 0 || y > 5000 {
		return town.Config{}, fmt.Errorf("-date must be from 1970 to 5000, not %q: no trace has another", o.date)
	}
	from, err := trace.Start(o.from, []trace.Row{{Unix: midnight.Unix()}}, zone)
	if err != nil {
		return town.Config{}, fmt.Errorf("-from: %w", err)
	}
	if from < midnight.Unix() {
		return town.Config{}, fmt.Errorf("-from %s is before %s; see -date and -zone", o.from, midnight.Format(time.RFC3339))
	}
	return town.Config{Seed: o.seed, Members: o.members, Midnight: midnight.Unix(),
		From: from, To: from + int64(o.length/time.Second), Every: int64(o.every / time.Second)}, nil
}

// trace makes the day, calls see with each report, and writes the trace if there is a file.
func (o cityFlags) trace(ctx context.Context, c cli.Console, config town.Config, see func(trace.Row)) (rows int, err error) {
	w := trace.NewWriter(io.Discard)
	switch o.out {
	case "":
	case "-":
		w = trace.NewWriter(c.Out)
	default:
		if w, err = trace.Create(o.out); err != nil {
			return 0, fmt.Errorf("-o: %w", err)
		}
	}
	bar := newBar(c.Err)
	config.Progress = bar.part
	err = town.Trace(ctx, config, func(r trace.Row) error {
		rows++
		see(r)
		return w.Write(r)
	})
	bar.done()
	if ctx.Err() != nil {
		fmt.Fprintf(c.Err, "lab: city: interrupted after %d reports\n", rows)
		return rows, errors.Join(cli.ErrInterrupted, w.Close())
	}
	return rows, errors.Join(err, w.Close())
}

// compareWith makes a day on the date of a recorded one, and compares them.
func (o cityFlags) compareWith(ctx context.Context, c cli.Console, zone *time.Location) error {
	recorded, err := readTrace(o.compare)
	if err != nil {
		return err
	}
	real, made := compare.NewMeasure(zone), compare.NewMeasure(zone)
	for _, r := range recorded {
		real.Add(r)
	}
	first, last := recorded[0].Unix, recorded[len(recorded)-1].Unix
	y, m, d := time.Unix(first, 0).In(zone).Date()
	config := town.Config{Seed: o.seed, Members: real.Day().Members, Midnight: time.Date(y, m, d, 0, 0, 0, 0, zone).Unix(),
		From: first, To: last + 1, Every: 60}
	if _, err := o.trace(ctx, c, config, made.Add); err != nil {
		return err
	}
	l := compare.Days(real.Day(), made.Day())
	if _, err := io.WriteString(c.Out, l.Table()); err != nil || o.plot == "" {
		return err
	}
	return l.Picture().Save(o.plot)
}
