package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waggle/lab/record"
)

// evening has one cab and no passenger. Its second row has no possible place.
const evening = "unix_s,cab,lat,lng,occupied\n1212195600,a,37.7,-122.4,0\n1212195660,a,97.7,-122.4,0\n1212195720,a,37.8,-122.4,0\n"

// recordEvening writes the record of playing it, with an error if code is not "".
func recordEvening(t *testing.T, name, code string) {
	t.Helper()
	w, err := record.Create(name, record.Header{From: 1212195600, To: 1212195721, Speed: 60, LocationTTL: 3, Passengers: "passenger-x-", Probes: "probe-x-"})
	if err != nil {
		t.Fatal(err)
	}
	const start = 1_790_000_000_000_000
	w.Note(start-10, record.Connected, "a", "")
	w.Note(start, record.Started, "", "")
	w.Frame(start+1000, record.Sent, "a", []byte(`{"action":"location","id":"report-0","lat":37.7,"lng":-122.4}`))
	w.Frame(start+3000, record.Received, "a", []byte(`{"type":"ack","id":"report-0","report":{"afterSeconds":1.5,"moveMeters":50}}`))
	if code != "" {
		w.Frame(start+4000, record.Received, "a", []byte(`{"type":"error","code":"`+code+`","message":"","retryable":false}`))
	}
	w.Frame(start+2_002_000, record.Sent, "a", []byte(`{"action":"location","id":"report-1","lat":37.8,"lng":-122.4}`))
	w.Frame(start+2_004_000, record.Received, "a", []byte(`{"type":"ack","id":"report-1","report":{"afterSeconds":1.5,"moveMeters":50}}`))
	w.Note(start+2_017_000, record.Played, "", "")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJudgeCountsAndChecksARecord(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, dir, "cabs.csv", evening)
	recordEvening(t, file("good.jsonl.gz"), "")
	recordEvening(t, file("bad.jsonl"), "internal")

	out, errs, err := typed(t.Context(), "judge", "-zone", "UTC", file("cabs.csv"), file("good.jsonl.gz"))
	if err != nil || errs != "" {
		t.Errorf("a good record: %v, %s", err, errs)
	}
	for _, want := range []string{
		"played             2008-05-31 01:00:00 to 01:02:01 at speed 60, in 2.0 s", "2 sent, 2 acknowledged, 1 rows left out for a bad fix",
		"latest             2 ms behind the clock", "nearest            none of those that can be judged, 0 not", "record             9 lines, whole",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	out, _, err = typed(t.Context(), "judge", "-zone", "UTC", file("cabs.csv"), file("bad.jsonl"))
	if err == nil || !strings.Contains(err.Error(), "wrong: 1 errors (internal 1)") || !strings.Contains(out, "01:00:00 error: a: internal") {
		t.Errorf("a record with an error: %v, %s", err, out)
	}

	printed, _, err := typed(t.Context(), "judge", "-json", file("cabs.csv"), file("good.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(printed), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(`from to speed wallSeconds interrupted aheadSeconds askedBefore members reports acknowledged skipped requests matched noMatch cancelled unanswered
		matchedShare waited waitedSecondsP50 waitedSecondsP95 distanceMetersP50 distanceMetersP95 distanceMetersP99 matchMillisP50 matchMillisP95
		matchMillisP99 locationsSeen connectionsLost errors errorsByCode probed stuck behindMillisMax notPlayed open nearestShare ambiguousShare
		notNearest ambiguous missed doubleMatches leaks whole cut lines findings`) {
		if _, ok := fields[name]; !ok {
			t.Errorf("-json has no %s", name)
		}
	}
	write(t, dir, "same.json", printed)
	if _, _, err := typed(t.Context(), "judge", "-against", file("same.json"), file("cabs.csv"), file("good.jsonl.gz")); err != nil {
		t.Errorf("against the same: %v", err)
	}
	write(t, dir, "other.json", `{"reports":3,"matched":0}`)
	_, _, err = typed(t.Context(), "judge", "-against", file("other.json"), file("cabs.csv"), file("good.jsonl.gz"))
	if err == nil || !strings.Contains(err.Error(), "in reports: the replay says 3, the record 2") || strings.Contains(err.Error(), "matched") {
		t.Errorf("against others: got %v, want only reports to differ", err)
	}

	// A record that is cut off is judged up to there, and the table says so.
	whole, err := os.ReadFile(file("good.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{len(whole) - 1, len(whole) - 9} {
		write(t, dir, "cut.jsonl.gz", string(whole[:at]))
		out, _, err = typed(t.Context(), "judge", file("cabs.csv"), file("cut.jsonl.gz"))
		if err != nil && !strings.Contains(err.Error(), "nothing was played yet") || err == nil && !strings.Contains(out, "in the middle of its gzip data") {
			t.Errorf("cut at %d of %d: %v\n%s", at, len(whole), err, out)
		}
	}
}

func TestJudgeNamesTheBadFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	recordEvening(t, file("good.jsonl"), "")
	text, err := os.ReadFile(file("good.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, tt := range map[string]struct{ trace, record, want string }{
		"no trace":      {"", string(text), "cabs.csv: the trace is empty"},
		"a bad row":     {evening + "soon,a,1,2,0\n", string(text), `cabs.csv: line 5: unix_s "soon"`},
		"no record":     {evening, "", "day.jsonl: the record is empty"},
		"swapped":       {evening, evening, "day.jsonl: line 1: this is not the record of a replay"},
		"a bad line":    {evening, strings.Join(slices.Insert(slices.Clone(lines), 3, "what\n"), ""), "day.jsonl: line 4: it is not JSON"},
		"another trace": {strings.ReplaceAll(evening, ",a,", ",b,"), string(text), "day.jsonl: line 4: report-0 is cab a at 37.7, -122.4, and in the trace it is cab b"},
	} {
		for f, text := range map[string]string{"cabs.csv": tt.trace, "day.jsonl": tt.record} {
			write(t, dir, f, text)
		}
		if _, _, err := typed(t.Context(), "judge", file("cabs.csv"), file("day.jsonl")); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
