package replay

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A Result is what came of a replay. Its JSON names are stable; a percentile
// of nothing is null.
type Result struct {
	From        int64   `json:"from"` // Unix seconds of the trace
	To          int64   `json:"to"`
	Speed       float64 `json:"speed"`
	WallSeconds float64 `json:"wallSeconds"` // that the window took
	Interrupted bool    `json:"interrupted"`

	Members      int `json:"members"` // cabs
	Reports      int `json:"reports"`
	Acknowledged int `json:"acknowledged"`
	Skipped      int `json:"skipped"` // rows whose fix is no place

	Requests     int     `json:"requests"`
	Matched      int     `json:"matched"`
	NoMatch      int     `json:"noMatch"`
	Cancelled    int     `json:"cancelled"` // by the interrupt
	Unanswered   int     `json:"unanswered"`
	MatchedShare float64 `json:"matchedShare"`

	DistanceMetersP50 *float64 `json:"distanceMetersP50"`
	DistanceMetersP95 *float64 `json:"distanceMetersP95"`
	DistanceMetersP99 *float64 `json:"distanceMetersP99"`
	MatchMillisP50    *float64 `json:"matchMillisP50"` // from asking to knowing
	MatchMillisP95    *float64 `json:"matchMillisP95"`
	MatchMillisP99    *float64 `json:"matchMillisP99"`

	LocationsSeen   int            `json:"locationsSeen"` // of matched cabs, by their passengers
	ConnectionsLost int            `json:"connectionsLost"`
	Errors          int            `json:"errors"`
	ErrorsByCode    map[string]int `json:"errorsByCode"`
	Stuck           int            `json:"stuck"` // cabs left in a match
	// BehindMillisMax is how late, at worst, a row was played: a machine too
	// slow for the speed shows here.
	BehindMillisMax float64 `json:"behindMillisMax"`
}

// Err tells what was not as it must be, or nil.
func (r Result) Err() error {
	var wrong []string
	if r.Errors > 0 {
		wrong = append(wrong, fmt.Sprintf("%d errors (%s)", r.Errors, r.byCode()))
	}
	if r.Stuck > 0 {
		wrong = append(wrong, fmt.Sprintf("%d cabs left in a match", r.Stuck))
	}
	if without := r.Requests - r.Matched - r.NoMatch - r.Cancelled; without > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests without an outcome", without))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("not as it must be: %s", strings.Join(wrong, ", "))
}

func (r Result) byCode() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(r.ErrorsByCode)) {
		parts = append(parts, fmt.Sprintf("%s %d", code, r.ErrorsByCode[code]))
	}
	return strings.Join(parts, ", ")
}

// Table is the result for people, with times in the trace's zone.
func (r Result) Table(zone *time.Location) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	clock := func(unix int64) string { return time.Unix(unix, 0).In(zone).Format("15:04:05") }
	day := time.Unix(r.From, 0).In(zone).Format(time.DateOnly)
	state := ""
	if r.Interrupted {
		state = ", interrupted"
	}
	row("played", "%s %s to %s at speed %g, in %.1f s%s", day, clock(r.From), clock(r.To), r.Speed, r.WallSeconds, state)
	row("cabs", "%d", r.Members)
	row("reports", "%d sent, %d acknowledged, %d rows left out for a bad fix", r.Reports, r.Acknowledged, r.Skipped)
	row("requests", "%d", r.Requests)
	row("  matched", "%d (%.1f %%)", r.Matched, 100*r.MatchedShare)
	row("  no match", "%d", r.NoMatch)
	if r.Cancelled > 0 {
		row("  cancelled", "%d", r.Cancelled)
	}
	row("  unanswered", "%d", r.Unanswered)
	row("distance", "%s", spread("m", r.DistanceMetersP50, r.DistanceMetersP95, r.DistanceMetersP99))
	row("match latency", "%s", spread("ms", r.MatchMillisP50, r.MatchMillisP95, r.MatchMillisP99))
	row("locations seen", "%d, by passengers of their cab", r.LocationsSeen)
	row("connections lost", "%d", r.ConnectionsLost)
	row("latest row", "%.0f ms behind the clock", r.BehindMillisMax)
	if r.Errors > 0 {
		row("errors", "%d: %s", r.Errors, r.byCode())
	} else {
		row("errors", "0")
	}
	row("left in a match", "%d", r.Stuck)
	_ = w.Flush() // a strings.Builder takes all
	return b.String()
}

func spread(unit string, p50, p95, p99 *float64) string {
	if p50 == nil {
		return "none"
	}
	return fmt.Sprintf("p50 %.0f %s, p95 %.0f %s, p99 %.0f %s", *p50, unit, *p95, unit, *p99, unit)
}

// percentiles are by nearest rank: each is one of the values.
func percentiles(values []float64) (p50, p95, p99 *float64) {
	if len(values) == 0 {
		return nil, nil, nil
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(percent float64) *float64 {
		return &sorted[max(int(math.Ceil(percent/100*float64(len(sorted))))-1, 0)]
	}
	return at(50), at(95), at(99)
}
