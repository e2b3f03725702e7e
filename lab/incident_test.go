package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waggle/test/kit"
	"waggle/test/kit/caches"
)

// An incident of a few seconds moves the metrics that the alarms read, and nobody is lost in it.
func TestAnIncidentIsPlayed(t *testing.T) {
	kit.Command(t, "go", "Go, with its command on the path")
	caches.Server(t) // or else this is skipped
	t.Chdir("..")
	out := t.TempDir()
	text, errs, err := typed(t.Context(), "incident", "-out", out, "-lead", "15s", "-before", "5s", "-pause", "12s", "-between", "10s", "-pushes", "10s", "-after", "10s",
		"-connections", "60", "-follows", "10", "-waiting", "5", "-askers", "10", "-reports", "20", "-requests", "0.5")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	for _, want := range []string{"| `waggle.messages.refused` `unavailable` | 0 |", "| `waggle.pushes` `throttled` | 0 |", "| `PushesThrottled` |",
		"Members lost, of 60: 0.", "outcome=unavailable"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	for _, name := range []string{"incident.md", "incident.png", "stack.log"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnIncidentNeedsItsStages(t *testing.T) {
	for want, args := range map[string][]string{"at least 1s, not 0s": {"-pause", "0s"}, "at most 1, not 0": {"-share", "0"}, "at most 1, not 2": {"-share", "2"},
		"-connections 10 is too few": {"-connections", "10"}} {
		_, errs, err := typed(t.Context(), append([]string{"incident", "-out", t.TempDir()}, args...)...)
		if err == nil || !strings.Contains(errs, want) {
			t.Errorf("%s: got %v, %q, want %q", want, err, errs, want)
		}
	}
}
