package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"waggle/cmd/waggle/stack"
	"waggle/lab/judge"
	"waggle/lab/trace/tracetest"
	"waggle/test/kit"
)

// An edit plants a fault in a file of internal/match.
type edit struct {
	file string
	// The old text occurs so many times, and each is replaced.
	old, new string
	times    int
}

// A replay against the real stack is judged right, and the judge counts what the replay
// printed. With a planted fault the judge finds the fault. All stacks run at the same
// time, since each replay mostly waits for repairs.
func TestJudgesRealStacks(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	right := func(v judge.Verdict) bool {
		return v.NotNearest == 0 && v.Missed == 0 && v.DoubleMatches == 0 && v.Leaks == 0 && v.Stuck == 0 &&
			v.OffersOpen == 0 && v.AskedAgain == 0 && v.Unconfirmed == 0
	}
	offers := []string{"-wait", "300", "-confirm", "60", "-decline", "0.3", "-silent", "0.4", "-seed", "2"}
	cases := []struct {
		name, faults string
		play         []string // flags of the replay
		edits        []edit
		found        func(judge.Verdict) bool
	}{
		{name: "as it is", found: right},
		{name: "as it is, with failed pushes", faults: "limit=0.2,seed=5", found: func(v judge.Verdict) bool {
			return right(v) && v.Errors == 0 && v.Unanswered == 0
		}},
		{name: "takes the second nearest", edits: []edit{{
			"search.go", "c := s.queue[0]\n\t\t\ts.queue = s.queue[1:]",
			"second := min(1, len(s.queue)-1)\n\t\t\tc := s.queue[second]\n\t\t\ts.queue = slices.Delete(s.queue, second, second+1)", 1,
		}}, found: func(v judge.Verdict) bool { return v.NotNearest > 0 }},
		{name: "forgets to release", edits: []edit{{
			"end.go", "w.Store.Release(ctx, matcher, id, matchee, reason, ", "Released{}, error(nil); _ = (", 2,
		}}, found: func(v judge.Verdict) bool { return v.Stuck > 0 }},
		{name: "pushes after the end", edits: []edit{{
			"end.go", "\tw.concurrently(ctx, jobs...)\n", `	if caller.ID != "" {
		go func() {
			lasting := context.WithoutCancel(ctx)
			_ = Sleep(lasting, 12*pushPause) // 3 s
			if now, err := w.Store.Read(lasting, matchee, nil, false); err == nil && now.Position != nil {
				w.Notify(lasting, caller, w.caller.Connection, &protocol.LocationFrame{Match: id, Lat: now.Position.Lat, Lng: now.Position.Lng})
			}
		}()
	}
	w.concurrently(ctx, jobs...)
`, 1,
		}}, found: func(v judge.Verdict) bool { return v.Leaks > 0 }},
		{name: "with offers", play: offers, found: func(v judge.Verdict) bool { return right(v) && v.Declined > 0 && v.Expired > 0 }},
		{name: "asks again who has declined", play: offers, edits: []edit{{"attempt.go", "\t\ts.exclude(m)\n", "\t\t_ = m\n", 1}},
			found: func(v judge.Verdict) bool { return v.AskedAgain > 0 }},
		{name: "matches who has not accepted", play: offers, edits: []edit{
			{"report.go", ", watched.Status == StatusOffered && !c.Accepted:\n\t\t\treturn",
				":\n\t\t\treturn\n\t\tcase watched.Status == StatusOffered && !c.Accepted:\n\t\t\t_, _ = w.complete(ctx, c.Matcher, c.Match, m)\n\t\t\treturn", 1},
		}, found: func(v judge.Verdict) bool { return v.Unconfirmed > 0 }},
	}
	binaries := make([]string, len(cases))
	for i, tt := range cases {
		binaries[i] = buildStack(t, tt.edits)
	}
	var playing sync.WaitGroup
	for i, tt := range cases {
		binary, dir := binaries[i], t.TempDir()
		write(t, dir, "cabs.csv", tracetest.CSV(tracetest.Walk(rand.New(rand.NewPCG(1, 1)), 15, 8)))
		playing.Go(func() {
			v, err := judgeRun(t.Context(), binary, tt.faults, tt.play, dir)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			} else if !tt.found(v) {
				t.Errorf("%s: got\n%s", tt.name, v.Table(time.UTC, 5))
			}
		})
	}
	playing.Wait()
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// judgeRun plays dir's cabs.csv, with flags, against a stack with faults, and judges the record. It returns an error
// if the replay and the judge count differently. Other faults are in the verdict.
func judgeRun(ctx context.Context, binary, faults string, play []string, dir string) (v judge.Verdict, err error) {
	const speed = "30"
	file := func(name string) string { return filepath.Join(dir, name) }
	pools, _, err := typed(ctx, append([]string{"replay", "-print-pools", "-speed", speed}, play...)...)
	if err == nil {
		err = os.WriteFile(file("pools.json"), []byte(pools), 0o600)
	}
	if err != nil {
		return v, err
	}
	var log bytes.Buffer
	process := exec.Command(binary, "-addr", "127.0.0.1:0", "-pools", file("pools.json"), "-faults", cmp.Or(faults, "limit=0"))
	process.Stderr = &log
	s, err := stack.Start(ctx, process)
	if err != nil {
		return v, fmt.Errorf("%w\n%s", err, &log)
	}
	replay := append([]string{"replay", "-url", s.URL, "-speed", speed, "-json", "-record", file("day.jsonl.gz")}, play...)
	printed, errs, _ := typed(ctx, append(replay, file("cabs.csv"))...)
	s.Stop()
	if err := os.WriteFile(file("day.json"), []byte(printed), 0o600); err != nil {
		return v, err
	}
	out, _, err := typed(ctx, "judge", "-json", "-against", file("day.json"), file("cabs.csv"), file("day.jsonl.gz"))
	if err != nil && !strings.Contains(err.Error(), "wrong: ") || err != nil && strings.Contains(err.Error(), "it differs") {
		return v, fmt.Errorf("%w\nreplay: %s\nstack: %s", err, errs, &log)
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return v, err
	}
	if v.Matched == 0 {
		return v, fmt.Errorf("no request was matched\nreplay: %s\nstack: %s", errs, &log)
	}
	return v, nil
}

// buildStack builds the local stack, with edits.
func buildStack(t *testing.T, edits []edit) string {
	t.Helper()
	dir := t.TempDir()
	binary, overlay := filepath.Join(dir, "localstack"), map[string]string{}
	for _, e := range edits {
		source, err := filepath.Abs(filepath.Join("..", "internal", "match", e.file))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(string(text), e.old); got != e.times {
			t.Fatalf("%s has %d times %q, want %d: plant the fault in what is there now", e.file, got, e.old, e.times)
		}
		overlay[source] = filepath.Join(dir, e.file)
		if err := os.WriteFile(overlay[source], []byte(strings.ReplaceAll(string(text), e.old, e.new)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./localstack")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func TestReplayRefusesAPoolForAnotherSpeed(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	binary := buildStack(t, nil)
	dir := t.TempDir()
	write(t, dir, "cabs.csv", evening)
	file := filepath.Join(dir, "cabs.csv")
	s, err := stack.Start(t.Context(), exec.Command(binary, "-addr", "127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	_, _, err = typed(t.Context(), "replay", "-url", s.URL, "-speed", "60", file)
	for _, want := range []string{
		"the pool sf is not set for this speed: it wants a report every 30s, and with a TTL of 3m0s at speed 60 that would be every 1.5s",
		"replay -print-pools -pool sf -speed 60 -ttl 3m0s -grace 10m0s", "-any-pool",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, _, err := typed(t.Context(), "replay", "-url", s.URL, "-speed", "60", "-any-pool", file); err != nil {
		t.Errorf("-any-pool: %v", err)
	}
}
