package boundedlog

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTheLogHasTheFirstLinesOfEachKindInASecond(t *testing.T) {
	var text strings.Builder
	now := time.Unix(0, 0)
	log := New(slog.New(slog.NewTextHandler(&text, nil)), func() time.Time { return now })
	lines := func(n int, log *slog.Logger, message string) int {
		text.Reset()
		for i := range n {
			log.Warn(message, "connection", i)
		}
		return strings.Count(text.String(), "\n")
	}
	if got := lines(100, log, "push failed"); got != perSecond {
		t.Errorf("got %d lines, want %d", got, perSecond)
	}
	if got := lines(1, log, "answer"); got != 1 {
		t.Errorf("another kind: got %d lines, want 1", got)
	}
	if got := lines(1, log.With("a", 1).WithGroup("g"), "push failed"); got != 0 {
		t.Errorf("with more attributes: got %d lines, want 0", got)
	}
	now = now.Add(pause)
	if got := lines(2, log, "push failed"); got != 2 || strings.Count(text.String(), "leftOut=96") != 1 {
		t.Errorf("a minute later: got %q, want 2 lines, the first with what was left out", text.String())
	}
}

func TestAConnectionCausesOneWarningOfAKindInAMinute(t *testing.T) {
	var text strings.Builder
	now := time.Unix(0, 0)
	log := New(slog.New(slog.NewTextHandler(&text, nil)), func() time.Time { return now })
	for range 600 {
		log.Warn("push failed", "connection", "c", "err", "429")
		now = now.Add(time.Second / 10)
	}
	log.Warn("push failed", "connection", "other")
	log.Warn("answer", "connection", "c")
	log.Warn("push failed")
	log.Warn("push failed")
	log.Warn("push failed", "connection", "c")
	log.Error("push failed", "connection", "c")
	log.Error("push failed", "connection", "c")
	want := []string{"push failed\" connection=c err=429", "push failed\" connection=other leftOut=599", "answer connection=c",
		"push failed\"", "push failed\"", "push failed\" connection=c"}
	if lines := strings.Split(strings.TrimSpace(text.String()), "\n"); len(lines) != len(want)+1 {
		t.Errorf("got %d lines, want %d:\n%s", len(lines), len(want)+1, text.String())
	} else {
		for i, line := range lines[:len(want)] {
			if !strings.Contains(line, want[i]) {
				t.Errorf("line %d: got %s, want %s", i, line, want[i])
			}
		}
	}
}

func TestOnlyTheConnectionsOfAMinuteAreRemembered(t *testing.T) {
	now := time.Unix(0, 0)
	log := New(slog.New(slog.NewTextHandler(io.Discard, nil)), func() time.Time { return now })
	for i := range 1000 {
		log.Warn("push failed", "connection", i)
		now = now.Add(time.Second)
	}
	kept := log.Handler().(bounded).all["push failed"].warned
	if len(kept) > int(pause/time.Second) {
		t.Errorf("%d connections are remembered, want those of a minute", len(kept))
	}
}
