package stats_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/lab/stats"
)

func TestAResultIsATableAndJSON(t *testing.T) {
	r := stats.Result{
		From: 1212195600, To: 1212199200, Speed: 30, WallSeconds: 120.04, Members: 489, Reports: 10, Acknowledged: 9, AheadSeconds: 180, AskedBefore: 2,
		Requests: 5, Matched: 3, NoMatch: 1, Unanswered: 1, Waited: 1, Errors: 2, ErrorsByCode: map[string]int{"stale": 1, "conflict": 1}, Probed: 480, Stuck: 2,
	}
	r.Shares(nil, []float64{31, 12}, []float64{290.4})
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	want := `played             2008-05-30 18:00:00 to 19:00:00 at speed 30, in 120.0 s
cabs               489
reports            10 sent, 9 acknowledged, 0 rows left out for a bad fix
requests           5, each 3m0s before its pickup; 2 pickups were asked for too early
  matched          3 (60.0 %)
    after a wait   1, p50 290 s, p95 290 s of the trace
  no match         1
  unanswered       1
distance           none
match latency      p50 12 ms, p95 31 ms, p99 31 ms
locations seen     0, by passengers of their cab
connections lost   0
latest             0 ms behind the clock
errors             2: conflict 1, stale 1
stuck in a match   2 of 480 cabs probed
`
	if diff := cmp.Diff(want, stats.Table(r.Rows(zone))); diff != "" {
		t.Errorf("table: got +, want -\n%s", diff)
	}
	wrong := []string{"2 errors (conflict 1, stale 1)", "2 cabs stuck in a match", "1 requests without an outcome"}
	if diff := cmp.Diff(wrong, r.Wrong()); diff != "" {
		t.Errorf("wrong: got +, want -\n%s", diff)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"reports": 10.0, "requests": 5.0, "matched": 3.0, "noMatch": 1.0, "errors": 2.0, "stuck": 2.0, "waited": 1.0, "waitedSecondsP50": 290.4,
		"matchMillisP50": 12.0, "distanceMetersP50": nil,
	} {
		if got, ok := fields[name]; !ok || got != want {
			t.Errorf("%s: got %v (there: %t), want %v", name, got, ok, want)
		}
	}
}
