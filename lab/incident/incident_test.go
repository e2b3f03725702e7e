package incident

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/telemetry"
)

// plan has stages of a minute each, after ten seconds.
func plan() Plan {
	return Plan{Lead: 10 * time.Second, Before: time.Minute, Pause: time.Minute, Between: time.Minute, Pushes: 3 * time.Minute, After: time.Minute, Share: 0.5}
}

// made returns a record with a sample each second, in which each counter has counted so many a second
// in each stage.
func made(t *testing.T, rates map[string][]float64) Record {
	t.Helper()
	r := Record{Plan: plan()}
	stages := r.Plan.Stages()
	sums := make(map[string]float64)
	for second := 0.0; second <= stages[after].To; second++ {
		s := Sample{At: second, Values: make(map[string]float64)}
		for k := range rates {
			s.Values[k] = sums[k]
			for i, stage := range stages {
				if second >= stage.From && second < stage.To {
					sums[k] += rates[k][i]
				}
			}
		}
		r.Samples = append(r.Samples, s)
	}
	return r
}

func TestFaultsBeginAndEndWithTheirStage(t *testing.T) {
	if got := plan().Faults(); got != "limit=0.5@190s-370s" {
		t.Errorf("got %s", got)
	}
}

func TestAnAlarmNeedsItsMinutes(t *testing.T) {
	unavailable, throttled := key(telemetry.Refusals.Instrument(), "unavailable"), key(telemetry.Pushes.Instrument(), "throttled")
	r := made(t, map[string][]float64{unavailable: {0, 5, 0, 0, 0}, throttled: {0, 0, 0, 2, 0}})
	readings := make(map[string]Reading)
	for _, a := range r.Alarms() {
		readings[a.ID] = a
	}
	if a := readings["AnswersUnavailable"]; a.Most != 300 || a.Reached != 1 || a.OffAt != 0 {
		t.Errorf("one minute of unavailable: got %+v", a)
	}
	if a := readings["PushesThrottled"]; a.Most != 120 || a.Reached != 3 || a.OffAt != 370 {
		t.Errorf("three minutes of throttled pushes: got %+v", a)
	}
	if a := readings["AnswersInternal"]; a.Most != 0 || a.OffAt != 0 {
		t.Errorf("nothing internal: got %+v", a)
	}
}

func TestWhatMovedIsInTheTable(t *testing.T) {
	ok, throttled := key(telemetry.Pushes.Instrument(), "ok"), key(telemetry.Pushes.Instrument(), "throttled")
	reports := key(telemetry.Messages.Instrument(), "location")
	r := made(t, map[string][]float64{ok: {100, 100, 100, 50, 100}, throttled: {0, 0, 0, 50, 0}, reports: {60, 10, 60, 58, 60}})
	unavailable := key(telemetry.Refusals.Instrument(), "unavailable")
	for i := range r.Samples {
		r.Samples[i].Values[unavailable] = min(r.Samples[i].At, 150) // the next stage begins at 130
	}
	text := r.Markdown([]Line{{Text: "level=ERROR msg=failed", Times: 3, First: 71, Last: 79}})
	for _, want := range []string{
		"| `waggle.pushes` `throttled` | 0 | 0 | 0 | 50 | 0 |",
		"| `waggle.messages` `location` | 60 | 10 | 60 | 58 | 60 |",
		"| `PushesThrottled` | 10 in 3 of 5 minutes | 3000 | 3 | 370 s after the stack's start |",
		"| level=ERROR msg=failed |  | 3 | 71 to 79 |",
		"*The cache stands still* was felt for another 20 s: then",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "`waggle.claims.refused`") {
		t.Errorf("a counter that never moved is in\n%s", text)
	}
}

func TestAHistogramHasQuantiles(t *testing.T) {
	i := telemetry.CacheTripDuration.Instrument()
	b := func(le string) string { return i.PrometheusName() + `_bucket{le="` + le + `"}` }
	r := made(t, map[string][]float64{b("0.001"): {9, 0, 0, 0, 0}, b("0.01"): {10, 9, 0, 0, 0}, b("+Inf"): {10, 10, 0, 0, 0}})
	stages := r.Plan.Stages()
	for stage, want := range []string{"1", "above 10 000", "–"} {
		if got := millis(r.quantile(i, .9, stages[stage])); stage != 1 && got != want {
			t.Errorf("stage %d: got %s, want %s", stage, got, want)
		}
	}
	if got := millis(r.quantile(i, .95, stages[pause])); got != "above 10 000" {
		t.Errorf("got %s", got)
	}
}

func TestTheLogIsReadByKind(t *testing.T) {
	started := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	log := `built
time=2026-11-29T12:00:10.500Z level=ERROR msg=failed action=match outcome=unavailable request=r1 ms=12 err="begin: \"late\""
time=2026-11-29T12:00:12.500Z level=ERROR msg=failed action=match outcome=unavailable request=r2 ms=11 err="begin: \"late\""
time=2026-11-29T12:00:11.000Z level=WARN msg="push failed" connection=c1
`
	got, err := ReadLog(strings.NewReader(log), started)
	if err != nil {
		t.Fatal(err)
	}
	want := []Line{
		{Text: "level=ERROR msg=failed action=match outcome=unavailable", Err: `begin: "late"`, Times: 2, First: 10.5, Last: 12.5},
		{Text: "level=WARN msg=push failed", Times: 1, First: 11, Last: 11},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
