package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"waggle/lab/replay"
)

// A bar shows progress on a terminal, and nothing elsewhere.
type bar struct {
	w    io.Writer // nil: not a terminal
	bar  *progressbar.ProgressBar
	mu   sync.Mutex // guards what, and bar for phase
	what string     // the phase
}

func newBar(w io.Writer) *bar {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &bar{w: w}
	}
	return &bar{}
}

// show draws the connections made so far, and then the seconds of the trace played so far.
func (b *bar) show(p replay.Progress) {
	switch {
	case b.w == nil:
		return
	case p.Total == 0:
		fmt.Fprintf(b.w, "\rconnecting %d of %d cabs", p.Connected, p.Cabs)
		return
	case b.bar == nil:
		fmt.Fprintln(b.w)
		b.begin(int64(p.Total / time.Second))
	}
	state := fmt.Sprintf("%d matched, %d no match, %d errors", p.Matched, p.NoMatch, p.Errors)
	if p.Probing {
		state += fmt.Sprintf(", %d of %d cabs probed", p.Probed, p.Cabs)
	}
	b.bar.Describe(state)
	_ = b.bar.Set64(int64(p.Elapsed / time.Second)) // a replay goes on without its bar
}

// bytes draws how much of a file is read.
func (b *bar) bytes(read, size int64) {
	if b.w == nil {
		return
	}
	if b.bar == nil {
		b.begin(size, progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = b.bar.Set64(read) // as above
}

// part draws how much of the work is done.
func (b *bar) part(done float64) {
	if b.w == nil {
		return
	}
	const whole = 1000
	if b.bar == nil {
		b.begin(whole, progressbar.OptionThrottle(100*time.Millisecond))
	}
	_ = b.bar.Set64(int64(whole * done)) // as above
}

// phase draws what is being done, and how much of it.
func (b *bar) phase(what string, done float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.w != nil && what != b.what {
		if b.bar != nil {
			fmt.Fprintln(b.w)
		}
		b.what, b.bar = what, nil
	}
	b.part(done)
	if b.bar != nil {
		b.bar.Describe(what)
	}
}

func (b *bar) begin(total int64, more ...progressbar.Option) {
	b.bar = progressbar.NewOptions64(total, append(more, progressbar.OptionSetWriter(b.w), progressbar.OptionSetWidth(30),
		progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(true))...)
}

// done ends the line of the bar.
func (b *bar) done() {
	if b.w == nil {
		return
	}
	fmt.Fprintln(b.w)
}
