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
	statusInterval = time.Second
	rateWindow     = 10 // snapshots that the report rate is averaged over: members who stand still report in bursts
	clearLine      = "\r\x1b[K"
)

// A screen is a terminal whose last line is the status. It writes other output
// above that line.
type screen struct {
	mu     sync.Mutex
	out    io.Writer
	width  func() int
	status string
}

// newScreen returns nil if out is not a terminal: a file or a pipe gets no status
// line.
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

// show replaces the status. With "" it keeps the last status on the screen and goes
// to the next line.
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
	// A line that wraps cannot be replaced.
	if letters := []rune(status); len(letters) >= s.width() {
		status = string(letters[:s.width()-1])
	}
	s.status = status
	fmt.Fprint(s.out, clearLine, status)
}

// follow updates the status until the context ends.
func (s *screen) follow(ctx context.Context, read func() snapshot) {
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	last := []snapshot{read()}
	for {
		select {
		case <-ctx.Done():
			s.show("")
			return
		case <-tick.C:
		}
		now := read()
		s.show(now.statusLine(last[0]))
		last = append(last, now)
		last = last[max(0, len(last)-rateWindow):]
	}
}

// statusLine formats a snapshot. The report rate is the average since an earlier
// snapshot; members are those connected now; the other numbers count from the start.
func (s snapshot) statusLine(earlier snapshot) string {
	rate := 0.0
	if passed := s.at.Sub(earlier.at).Seconds(); passed > 0 {
		rate = float64(s.reports-earlier.reports) / passed
	}
	latency := "–"
	if s.samples > 0 {
		latency = fmt.Sprintf("%.1f ms", float64(s.median.Microseconds())/1000)
	}
	text := fmt.Sprintf("members %d · reports/s %.0f · matches %d · match p50 %s · errors %d", s.members, rate, s.matches, latency, s.errors)
	if s.coldStarts > 0 {
		text += fmt.Sprintf(" · environments %d · cold starts %d", s.environments, s.coldStarts)
	}
	return text
}
