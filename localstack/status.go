package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	statusEvery = time.Second
	rateOver    = 10 // readings: members who stand still report in bursts
	clearLine   = "\r\x1b[K"
)

// A screen is a terminal whose last line is the status. What is written to it
// goes above that line.
type screen struct {
	mu     sync.Mutex
	out    io.Writer
	width  func() int
	status string
}

// newScreen returns nil where out is no terminal: no status line is shown
// there, since nobody would see it but a log.
func newScreen(out io.Writer) *screen {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return &screen{out: out, width: func() int {
		width, _, err := term.GetSize(int(file.Fd()))
		if err != nil || width < 2 {
			return 80
		}
		return width
	}}
}

// Write writes whole lines above the status.
func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		return s.out.Write(text)
	}
	if _, err := fmt.Fprintf(s.out, "%s%s", clearLine, text); err != nil {
		return 0, err
	}
	if !bytes.HasSuffix(text, []byte("\n")) {
		fmt.Fprintln(s.out)
	}
	fmt.Fprint(s.out, s.status)
	return len(text), nil
}

// show puts a status in place of the last one; "" leaves the last one standing
// and goes to the next line.
func (s *screen) show(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status == "" {
		if s.status != "" {
			fmt.Fprintln(s.out)
		}
		s.status = ""
		return
	}
	// A line that wraps could not be replaced.
	if letters := []rune(status); len(letters) >= s.width() {
		status = string(letters[:s.width()-1])
	}
	s.status = status
	fmt.Fprint(s.out, clearLine, status)
}

// follow shows how things stand, until the context ends.
func (s *screen) follow(ctx context.Context, read func() reading) {
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	last := []reading{read()}
	for {
		select {
		case <-ctx.Done():
			s.show("")
			return
		case <-tick.C:
		}
		now := read()
		s.show(now.line(last[0]))
		last = append(last, now)
		last = last[max(0, len(last)-rateOver):]
	}
}

// line tells a reading in words. Reports are counted from an earlier reading on,
// the other figures from the start; members are those connected now.
func (r reading) line(last reading) string {
	rate := 0.0
	if passed := r.at.Sub(last.at).Seconds(); passed > 0 {
		rate = float64(r.reports-last.reports) / passed
	}
	answer := "–"
	if r.answers > 0 {
		answer = fmt.Sprintf("%.1f ms", float64(r.median.Microseconds())/1000)
	}
	text := fmt.Sprintf("members %d · reports/s %.0f · matches %d · match p50 %s · errors %d", r.members, rate, r.matches, answer, r.errors)
	if r.coldStarts > 0 {
		text += fmt.Sprintf(" · environments %d · cold starts %d", r.environments, r.coldStarts)
	}
	return text
}
