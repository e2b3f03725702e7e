package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"waggle/cmd/waggle/cli"
	"waggle/lab/bench"
)

const benchText = `
lab bench measures what messages cost the cache, on real servers that it starts itself,
beside other ways to keep the same members. It prints tables, and writes the numbers to
DATE.json and a picture to costs.png in a folder. It takes up to ten minutes and wants
the machine to itself.

The unit is a PING: the server's processor time for a message over that for a PING in the
same run. Tile38 takes part if tile38-server is on the path.

  go -C lab run . bench -print bench/results/DATE.json -pages docs
prints and draws an earlier result, and puts its tables into the pages.`

func measure(ctx context.Context, c cli.Console, args []string) error {
	var sizes, out, print, pages string
	o := bench.Standard()
	f := cli.Flags(c, "bench", benchText)
	f.StringVar(&o.Server, "server", "", "valkey or redis (default: Valkey if it is installed)")
	f.StringVar(&sizes, "members", "10000,100000,1000000", "`numbers` of members, ascending")
	f.IntVar(&o.Repeats, "repeats", o.Repeats, "`number` of blocks of each operation")
	f.DurationVar(&o.Block, "block", o.Block, "`duration` of a block")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "`number` that the town is made from")
	f.StringVar(&out, "out", "bench/results", "`folder` for the result")
	f.StringVar(&print, "print", "", "`file` with a result to print and draw, without measuring")
	f.StringVar(&pages, "pages", "", "`folder` with performance.md and scale.md, whose tables to replace")
	if _, err := cli.Parse(c, f, args); err != nil {
		return err
	}
	show := func(r bench.Result) error {
		fmt.Fprintf(c.Out, "%s\n%s", r.Markdown(), r.Scale())
		if pages == "" {
			return nil
		}
		return r.Rewrite(pages)
	}
	if print != "" {
		r, err := bench.Load(print)
		if err == nil {
			err = r.Save(out)
		}
		if err != nil {
			return err
		}
		return show(r)
	}
	o.Sizes = nil
	for text := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || len(o.Sizes) > 0 && n <= o.Sizes[len(o.Sizes)-1] {
			return cli.Misuse("-members must be ascending numbers, not %q", sizes)
		}
		o.Sizes = append(o.Sizes, n)
	}
	if o.Server != "" && o.Server != "valkey" && o.Server != "redis" {
		return cli.Misuse("-server must be valkey or redis, not %q", o.Server)
	}
	if o.Repeats < 1 || o.Block <= 0 {
		return cli.Misuse("-repeats must be at least 1, and -block a duration above 0, such as 1s")
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	b := newBar(c.Err)
	o.Progress = b.part
	r, err := bench.Run(ctx, o)
	b.done()
	if errors.Is(err, context.Canceled) {
		return cli.ErrInterrupted
	}
	if err != nil {
		return err
	}
	if err := r.Save(out); err != nil {
		return err
	}
	return show(r)
}
