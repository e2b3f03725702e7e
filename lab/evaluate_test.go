package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waggle/cmd/waggle/cli"
)

func TestEvaluatePrintsATableAndDrawsTheFrontier(t *testing.T) {
	plot := filepath.Join(t.TempDir(), "frontier.svg")
	out, errs, err := typed(t.Context(), "evaluate", "-members", "5", "-for", "10m", "-searches", "20", "-plot", plot)
	if err != nil || errs != "" {
		t.Fatalf("got %q, %v", errs, err)
	}
	for _, want := range []string{"fixed-1s", "distance-50m", "today", "deviate-15m", "hindsight-15m", "at the same p95 error", "20 searches"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if data, err := os.ReadFile(plot); err != nil || !bytes.Contains(data, []byte("hindsight")) {
		t.Errorf("the plot: got %d bytes, %v", len(data), err)
	}
}

// Scripts read these names.
func TestEvaluateNamesItsNumbersInJSON(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "a.csv")
	if _, _, err := typed(t.Context(), "city", "-from", "20:00", "-for", "5m", "-members", "5", "-o", trace); err != nil {
		t.Fatal(err)
	}
	out, _, err := typed(t.Context(), "evaluate", "-json", "-searches", "20", "-noise", "0", trace)
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Policies []map[string]any }
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fixed-4s", "distance-50m", "today", "deviate-50m"} {
		i := slices.IndexFunc(r.Policies, func(row map[string]any) bool { return row["name"] == name })
		if i < 0 {
			t.Errorf("no policy %s", name)
			continue
		}
		for _, field := range []string{"messagesPerMemberHour", "errorP50Meters", "errorP95Meters", "errorMaxMeters",
			"dollarsPer1000WatchedHours", "idleMessagesPerMemberHour", "dollarsPer1000IdleHours", "nearestShare", "nearestByPredictionShare"} {
			if _, ok := r.Policies[i][field].(float64); !ok {
				t.Errorf("%s: %s is %v, want a number", name, field, r.Policies[i][field])
			}
		}
	}
	if _, _, err := typed(t.Context(), "evaluate", "-from", "1970-01-01T00:00:00Z", trace); !errors.Is(err, cli.ErrUsage) {
		t.Errorf("before the trace: got %v, want what is wrong", err)
	}
}
