package boundedlog

import (
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
		for range n {
			log.Warn(message, "connection", "c=")
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
	now = now.Add(time.Second)
	if got := lines(2, log, "push failed"); got != 2 || strings.Count(text.String(), "leftOut=96") != 1 {
		t.Errorf("a second later: got %q, want 2 lines, the first with what was left out", text.String())
	}
}
