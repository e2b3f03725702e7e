// Package stats defines the numbers of a replay. The replay counts them while it plays,
// and the judge counts them from the record. Both share only the definitions.
package stats

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A Result is the result of a replay. Its JSON names are stable. A percentile of nothing
// is null.
type Result struct {
	From        int64   `json:"from"` // Unix seconds of the trace
	To          int64   `json:"to"`
	Speed       float64 `json:"speed"`
	WallSeconds float64 `json:"wallSeconds"` // how long the window took
	Interrupted bool    `json:"interrupted"` // before the end of the window

	Members      int `json:"members"`      // cabs
	Reports      int `json:"reports"`      // rows handed to the socket
	Acknowledged int `json:"acknowledged"` // of the reports
	Skipped      int `json:"skipped"`      // rows without a possible place

	// AheadSeconds is how long before its pickup a passenger asks, by the trace.
	AheadSeconds int64 `json:"aheadSeconds"`
	// AskedBefore are the pickups of the window that were asked for before it, or before
	// the trace has a row of their cab. They are not played.
	AskedBefore  int     `json:"askedBefore"`
	Requests     int     `json:"requests"` // that were played
	Matched      int     `json:"matched"`
	NoMatch      int     `json:"noMatch"`
	Cancelled    int     `json:"cancelled"` // by the interrupt
	Unanswered   int     `json:"unanswered"`
	MatchedShare float64 `json:"matchedShare"`
	// Offers are the offers that a cab or a passenger was notified of. The rest of them
	// failed, or were withdrawn. OffersPerMatch is null without offers or matches.
	Offers         int      `json:"offers"`
	Accepted       int      `json:"accepted"`
	Declined       int      `json:"declined"`
	Expired        int      `json:"expired"`
	OffersPerMatch *float64 `json:"offersPerMatch"`
	// Waited are the requests that were matched after a wait for a cab, or for its answer.
	// The times are in seconds of the trace.
	Waited           int      `json:"waited"`
	WaitedSecondsP50 *float64 `json:"waitedSecondsP50"`
	WaitedSecondsP95 *float64 `json:"waitedSecondsP95"`

	DistanceMetersP50 *float64 `json:"distanceMetersP50"` // as the match said
	DistanceMetersP95 *float64 `json:"distanceMetersP95"`
	DistanceMetersP99 *float64 `json:"distanceMetersP99"`
	// MatchMillis are from the request to its match, of those that did not wait.
	MatchMillisP50 *float64 `json:"matchMillisP50"`
	MatchMillisP95 *float64 `json:"matchMillisP95"`
	MatchMillisP99 *float64 `json:"matchMillisP99"`

	LocationsSeen   int            `json:"locationsSeen"` // location frames that passengers received
	ConnectionsLost int            `json:"connectionsLost"`
	Errors          int            `json:"errors"`
	ErrorsByCode    map[string]int `json:"errorsByCode"`
	// Probed are the cabs that were probed at the end. Stuck are those that no probe was
	// matched with.
	Probed int `json:"probed"`
	Stuck  int `json:"stuck"`
	// BehindMillisMax is the longest delay of a row or a passenger. It is large on a machine
	// that is too slow for the speed.
	BehindMillisMax float64 `json:"behindMillisMax"`
}

// Shares sets the shares and percentiles. Distances are in metres, latencies in
// milliseconds, waits in seconds of the trace.
func (r *Result) Shares(distances, latencies, waits []float64) {
	if r.Requests > 0 {
		r.MatchedShare = float64(r.Matched) / float64(r.Requests)
	}
	if r.Offers > 0 && r.Matched > 0 {
		each := float64(r.Offers) / float64(r.Matched)
		r.OffersPerMatch = &each
	}
	r.DistanceMetersP50, r.DistanceMetersP95, r.DistanceMetersP99 = percentiles(distances)
	r.MatchMillisP50, r.MatchMillisP95, r.MatchMillisP99 = percentiles(latencies)
	r.WaitedSecondsP50, r.WaitedSecondsP95, _ = percentiles(waits)
}

// Wrong lists what is wrong.
func (r Result) Wrong() []string {
	var wrong []string
	if r.Errors > 0 {
		wrong = append(wrong, fmt.Sprintf("%d errors (%s)", r.Errors, r.byCode()))
	}
	if r.Stuck > 0 {
		wrong = append(wrong, fmt.Sprintf("%d cabs stuck in a match", r.Stuck))
	}
	if r.Unanswered > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests without an outcome", r.Unanswered))
	}
	return wrong
}

func (r Result) byCode() string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(r.ErrorsByCode)) {
		parts = append(parts, fmt.Sprintf("%s %d", code, r.ErrorsByCode[code]))
	}
	return strings.Join(parts, ", ")
}

func (r Result) requests() string {
	if r.AheadSeconds == 0 {
		return strconv.Itoa(r.Requests)
	}
	return fmt.Sprintf("%d, each %v before its pickup; %d pickups were asked for too early",
		r.Requests, time.Duration(r.AheadSeconds)*time.Second, r.AskedBefore)
}

func (r Result) each() string {
	if r.OffersPerMatch == nil {
		return ""
	}
	return fmt.Sprintf("; %.2f a match", *r.OffersPerMatch)
}

// A Row is a row of a table.
type Row struct{ Name, Text string }

// Rows returns the result as a table, with times in the trace's zone.
func (r Result) Rows(zone *time.Location) []Row {
	var rows []Row
	row := func(name, format string, args ...any) {
		rows = append(rows, Row{name, fmt.Sprintf(format, args...)})
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
	row("requests", "%s", r.requests())
	row("  matched", "%d (%.1f %%)", r.Matched, 100*r.MatchedShare)
	if r.Waited > 0 {
		row("    after a wait", "%d, p50 %.0f s, p95 %.0f s of the trace", r.Waited, *r.WaitedSecondsP50, *r.WaitedSecondsP95)
	}
	if r.Offers > 0 {
		row("  offers", "%d: %d accepted, %d declined, %d expired%s", r.Offers, r.Accepted, r.Declined, r.Expired, r.each())
	}
	row("  no match", "%d", r.NoMatch)
	if r.Cancelled > 0 {
		row("  cancelled", "%d", r.Cancelled)
	}
	row("  unanswered", "%d", r.Unanswered)
	row("distance", "%s", spread("m", r.DistanceMetersP50, r.DistanceMetersP95, r.DistanceMetersP99))
	row("match latency", "%s", spread("ms", r.MatchMillisP50, r.MatchMillisP95, r.MatchMillisP99))
	row("locations seen", "%d, by passengers of their cab", r.LocationsSeen)
	row("connections lost", "%d", r.ConnectionsLost)
	row("latest", "%.0f ms behind the clock", r.BehindMillisMax)
	if r.Errors > 0 {
		row("errors", "%d: %s", r.Errors, r.byCode())
	} else {
		row("errors", "0")
	}
	row("stuck in a match", "%d of %d cabs probed", r.Stuck, r.Probed)
	return rows
}

// Table formats rows in two columns.
func Table(rows []Row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%s\n", row.Name, row.Text)
	}
	_ = w.Flush() // a strings.Builder never fails
	return b.String()
}

func spread(unit string, p50, p95, p99 *float64) string {
	if p50 == nil {
		return "none"
	}
	return fmt.Sprintf("p50 %.0f %s, p95 %.0f %s, p99 %.0f %s", *p50, unit, *p95, unit, *p99, unit)
}

func percentiles(values []float64) (p50, p95, p99 *float64) {
	if len(values) == 0 {
		return nil, nil, nil
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(percent float64) *float64 {
		v := Percentile(sorted, percent)
		return &v
	}
	return at(50), at(95), at(99)
}

// Percentile returns the percentile by nearest rank. There must be at least one value.
func Percentile(sorted []float64, percent float64) float64 {
	return sorted[max(int(math.Ceil(percent/100*float64(len(sorted))))-1, 0)]
}
