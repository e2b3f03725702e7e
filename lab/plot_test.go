package main

import (
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waggle/lab/judge"
	"waggle/lab/stats"
)

func TestAPlotHasEachRequestInItsStretch(t *testing.T) {
	const from = 1212195600 // 18:00 in Los Angeles
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	p := newPlot(from, from+7200)
	if len(p.stretches) != 24 || p.width != 5*time.Minute {
		t.Fatalf("got %d stretches of %v, want 24 of 5 minutes", len(p.stretches), p.width)
	}
	for i := range int64(100) {
		p.add(judge.Row{Asks: from + 10, Outcome: "matched", DistanceMeters: float64(i + 1), LatencyMillis: 7})
	}
	p.add(judge.Row{Asks: from + 7199, Outcome: "matched", DistanceMeters: 2500, WaitedSeconds: 42})
	p.add(judge.Row{Asks: from + 7199, Outcome: "noMatch", WaitedSeconds: 300})
	p.add(judge.Row{Asks: from + 600, Outcome: "noMatch", LatencyMillis: 3})
	p.add(judge.Row{Asks: from + 600, Outcome: "open"})
	for i, want := range map[int]stretch{
		0: {asked: 100, matched: 100}, 1: {}, 2: {asked: 2, noMatch: 1, without: 1}, 23: {asked: 2, matched: 1, noMatch: 1, waited: 1},
	} {
		got := p.stretches[i]
		got.distances, got.latencies = nil, nil
		if got.asked != want.asked || got.matched != want.matched || got.noMatch != want.noMatch || got.waited != want.waited || got.without != want.without {
			t.Errorf("stretch %d: got %+v, want %+v", i, got, want)
		}
	}
	name := filepath.Join(t.TempDir(), "day.svg")
	v := judge.Verdict{Result: stats.Result{From: from, To: from + 7200, Speed: 60, Requests: 104, Matched: 101, Waited: 1, NoMatch: 2}}
	if err := p.picture(v, zone).Save(name); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2008-05-30 18:00 to 20:00, at speed 60: 104 requests, 101 matched, 1 after a wait, 2 found nobody", "requests in 5 min", "18:15",
		"at once: p50 50 m, p95 95 m, p99 99 m", "after a wait: p50 2500 m", "for a cab: p50 42 s", "in vain: p50 300 s", "without an outcome",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the picture has no %q", want)
		}
	}
}

func TestPlotDividesAnyWindow(t *testing.T) {
	for length, want := range map[int64]int{1: 1, 60: 6, 600: 10, 3600: 12, 86400: 24, 86401: 25, 7 * 86400: 168} {
		if got := len(newPlot(1212192000, 1212192000+length).stretches); got != want {
			t.Errorf("%d s: got %d stretches, want %d", length, got, want)
		}
	}
	if p := newPlot(1212130790, 1212130790+86400); p.from != 1212127200 || len(p.stretches) != 25 {
		t.Errorf("from ten seconds before midnight: got %d stretches from %d, want 25 of whole hours", len(p.stretches), p.from)
	}
}

func TestJudgeDraws(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, dir, "cabs.csv", evening)
	recordEvening(t, file("day.jsonl"), "internal")
	// A record with errors is drawn too.
	for _, name := range []string{"day.svg", "day.png"} {
		if _, _, err := typed(t.Context(), "judge", "-plot", file(name), file("cabs.csv"), file("day.jsonl")); err == nil || !strings.Contains(err.Error(), "1 errors (internal 1)") {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := os.Open(file("day.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if image, err := png.Decode(f); err != nil || image.Bounds().Dx() != 1400 {
		t.Errorf("the PNG: %v", err)
	}
	if text, err := os.ReadFile(file("day.svg")); err != nil || !strings.Contains(string(text), "0 requests, 0 matched") {
		t.Errorf("the SVG: %v", err)
	}
	// A bad file name is an error before anything is read.
	for name, want := range map[string]string{"day.gif": "must end in .svg or .png", filepath.Join("none", "day.svg"): "none"} {
		if _, errs, err := typed(t.Context(), "judge", "-plot", file(name), "no trace", "no record"); err == nil || !strings.Contains(err.Error()+errs, "-plot: ") || !strings.Contains(err.Error()+errs, want) {
			t.Errorf("%s: got %v, %s, want what is wrong with -plot", name, err, errs)
		}
	}
}
