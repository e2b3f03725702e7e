package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheStatusLineShowsTheMetrics(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	last := snapshot{at: start, reports: 100}
	now := snapshot{at: start.Add(2 * time.Second), members: 52, reports: 200, matches: 7, median: 3456 * time.Microsecond, samples: 9, errors: 1}
	if got, want := now.statusLine(last), "members 52 · reports/s 50 · matches 7 · match p50 3.5 ms · errors 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := last.statusLine(last); !strings.Contains(got, "reports/s 0 ") || !strings.Contains(got, "p50 – ") {
		t.Errorf("without samples: got %q", got)
	}
}

func TestTheStatusStaysOnTheLastLine(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out, width: func() int { return 8 }}
	fmt.Fprintln(s, "before")
	s.show("one")
	fmt.Fprintln(s, "a log line")
	s.show("twotwotwo")
	s.show("")
	want := "before\n" + clearLine + "one" + clearLine + "a log line\none" + clearLine + "twotwot" + "\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

func TestOnlyATerminalGetsAStatusLine(t *testing.T) {
	if newScreen(&bytes.Buffer{}) != nil {
		t.Error("a buffer is taken for a terminal")
	}
}
