package judge

import (
	"fmt"
	"strings"
	"time"

	"waggle/lab/stats"
)

// A Verdict is what the record shows: the figures of the replay, counted again,
// and what it could not know of itself. Its JSON names are stable.
type Verdict struct {
	stats.Result
	NotPlayed int `json:"notPlayed"`
	Open      int `json:"open"`

	// The shares are null where they are of nothing.
	NearestShare   *float64 `json:"nearestShare"`
	AmbiguousShare *float64 `json:"ambiguousShare"`
	NotNearest     int      `json:"notNearest"`
	Ambiguous      int      `json:"ambiguous"`
	Missed         int      `json:"missed"`
	DoubleMatches  int      `json:"doubleMatches"`
	Leaks          int      `json:"leaks"`

	// Whole is whether the record has its own last line; Cut says where it stops
	// in the middle of something.
	Whole bool   `json:"whole"`
	Cut   string `json:"cut"`
	Lines int    `json:"lines"` // without the header
	// Findings are the first hundred of each kind.
	Findings []Finding `json:"findings"`
}

// A Finding is one thing that was not as it must be, or not to be judged.
type Finding struct {
	Kind string  `json:"kind"` // notNearest, ambiguous, missed, double, leak, stuck, error
	At   float64 `json:"at"`   // Unix seconds of the trace
	Text string  `json:"text"`
}

// A Row is one request as it was judged.
type Row struct {
	Passenger string `json:"passenger"`
	Asks      int64  `json:"asks"`    // when it is to ask, Unix seconds of the trace
	Pickup    int64  `json:"pickup"`  // likewise
	Asked     int64  `json:"asked"`   // in the record, microseconds; 0: it did not get so far
	Outcome   string `json:"outcome"` // matched, noMatch, unanswered, cancelled or open
	Verdict   string `json:"verdict"` // of matched: nearest, notNearest, ambiguous; of noMatch: missed or ""
	Cab       string `json:"cab"`
	// DistanceMeters is to the cab. LatencyMillis is until the outcome, or, of one
	// that was told to wait, 0, and WaitedSeconds is it by the trace.
	DistanceMeters float64 `json:"distanceMeters"`
	LatencyMillis  float64 `json:"latencyMillis"`
	WaitedSeconds  float64 `json:"waitedSeconds"`
}

// MaxAmbiguousShare is the largest share of requests that may be ambiguous before
// the others say too little.
const MaxAmbiguousShare = 0.05

func (v *Verdict) shares() {
	if v.Matched > 0 {
		share := float64(v.Ambiguous) / float64(v.Matched)
		v.AmbiguousShare = &share
	}
	if sure := v.Matched - v.Ambiguous; sure > 0 {
		share := float64(sure-v.NotNearest) / float64(sure)
		v.NearestShare = &share
	}
}

// Wrong says what was not as it must be.
func (v Verdict) Wrong() []string {
	wrong := v.Result.Wrong()
	add := func(n int, what string) {
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(v.NotNearest, "not matched to the nearest")
	if v.AmbiguousShare != nil && *v.AmbiguousShare > MaxAmbiguousShare {
		wrong = append(wrong, fmt.Sprintf("%.1f %% ambiguous, more than %g %%", 100**v.AmbiguousShare, 100*MaxAmbiguousShare))
	}
	add(v.Missed, "missed")
	add(v.DoubleMatches, "double matches")
	add(v.Leaks, "leaks")
	add(v.NotPlayed, "rows and requests not played")
	return wrong
}

// Table is the verdict for people, with times in the trace's zone, and the first
// so many findings of each kind.
func (v Verdict) Table(zone *time.Location, findings int) string {
	rows := v.Rows(zone)
	row := func(name, format string, args ...any) {
		rows = append(rows, stats.Row{Name: name, Text: fmt.Sprintf(format, args...)})
	}
	share := func(s *float64) string {
		if s == nil {
			return "none"
		}
		return fmt.Sprintf("%.2f %%", 100**s)
	}
	row("nearest", "%s of those that can be judged, %d not", share(v.NearestShare), v.NotNearest)
	row("ambiguous", "%s, %d", share(v.AmbiguousShare), v.Ambiguous)
	row("missed", "%d", v.Missed)
	row("double matches", "%d", v.DoubleMatches)
	row("leaks", "%d", v.Leaks)
	if v.NotPlayed > 0 {
		row("not played", "%d", v.NotPlayed)
	}
	switch {
	case v.Cut != "":
		row("record", "%d lines, cut off %s; %d requests were open", v.Lines+1, v.Cut, v.Open)
	case !v.Whole:
		row("record", "%d lines, without its end; %d requests were open", v.Lines+1, v.Open)
	default:
		row("record", "%d lines, whole", v.Lines+1)
	}
	var b strings.Builder
	b.WriteString(stats.Table(rows))
	seen := map[string]int{}
	for _, f := range v.Findings {
		if seen[f.Kind]++; seen[f.Kind] <= findings {
			at := time.UnixMilli(int64(f.At * 1e3)).In(zone).Format("15:04:05")
			fmt.Fprintf(&b, "%s %s: %s\n", at, f.Kind, f.Text)
		}
	}
	return b.String()
}
