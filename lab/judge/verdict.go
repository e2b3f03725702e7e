package judge

import (
	"fmt"
	"strings"
	"time"

	"waggle/lab/stats"
)

// A Verdict is what the record shows: the numbers of the replay, counted from the record,
// and what the replay cannot know. Its JSON names are stable.
type Verdict struct {
	stats.Result
	NotPlayed int `json:"notPlayed"`
	Open      int `json:"open"`

	// A share of nothing is null.
	NearestShare      *float64 `json:"nearestShare"`
	AmbiguousShare    *float64 `json:"ambiguousShare"`
	MaxAmbiguousShare float64  `json:"maxAmbiguousShare"`
	NotNearest        int      `json:"notNearest"`
	Ambiguous         int      `json:"ambiguous"`
	Missed            int      `json:"missed"`
	DoubleMatches     int      `json:"doubleMatches"`
	Leaks             int      `json:"leaks"`
	// Choices are the cabs chosen for a match, or for an offer, that are judged.
	Choices int `json:"choices"`
	// OffersOpen are the offers of which a side was not told the end, AskedAgain those to a
	// cab that the request had asked before, and Unconfirmed the matches of a request with
	// confirm whose cab had not accepted.
	OffersOpen  int `json:"offersOpen"`
	AskedAgain  int `json:"askedAgain"`
	Unconfirmed int `json:"unconfirmed"`

	// Whole tells whether the record has its last line. Cut says where it stops in the
	// middle of a line or of its gzip data.
	Whole bool   `json:"whole"`
	Cut   string `json:"cut"`
	Lines int    `json:"lines"` // without the header
	// Findings are the first hundred of each kind.
	Findings []Finding `json:"findings"`
}

// A Finding is one thing that is wrong, or that cannot be judged.
type Finding struct {
	Kind string  `json:"kind"` // notNearest, ambiguous, missed, double, leak, offer, unconfirmed, stuck, error
	At   float64 `json:"at"`   // Unix seconds of the trace
	Text string  `json:"text"`
}

// A Row is one judged request.
type Row struct {
	Passenger string `json:"passenger"`
	Asks      int64  `json:"asks"`    // when it was to ask, in Unix seconds of the trace
	Pickup    int64  `json:"pickup"`  // likewise
	Asked     int64  `json:"asked"`   // when it asked, in microseconds of the record; 0: it did not
	Outcome   string `json:"outcome"` // matched, noMatch, unanswered, cancelled or open
	Verdict   string `json:"verdict"` // of matched: nearest, notNearest, ambiguous; of noMatch: missed or ""
	Cab       string `json:"cab"`
	// DistanceMeters is the distance to the cab. LatencyMillis is the time until the
	// outcome, or 0 for a request that waited. WaitedSeconds is how long that waited, in
	// seconds of the trace.
	DistanceMeters float64 `json:"distanceMeters"`
	LatencyMillis  float64 `json:"latencyMillis"`
	WaitedSeconds  float64 `json:"waitedSeconds"`
}

// MaxAmbiguousShare is the largest share of matches that may be ambiguous, if nobody says
// otherwise. With more of them the verdict says too little.
const MaxAmbiguousShare = 0.05

func (v *Verdict) shares() {
	if v.Choices > 0 {
		share := float64(v.Ambiguous) / float64(v.Choices)
		v.AmbiguousShare = &share
	}
	if sure := v.Choices - v.Ambiguous; sure > 0 {
		share := float64(sure-v.NotNearest) / float64(sure)
		v.NearestShare = &share
	}
}

// Wrong lists what is wrong.
func (v Verdict) Wrong() []string {
	wrong := v.Result.Wrong()
	add := func(n int, what string) {
		if n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(v.NotNearest, "not matched to the nearest")
	if v.AmbiguousShare != nil && *v.AmbiguousShare > v.MaxAmbiguousShare {
		wrong = append(wrong, fmt.Sprintf("%.1f %% ambiguous, more than %g %%", 100**v.AmbiguousShare, 100*v.MaxAmbiguousShare))
	}
	add(v.Missed, "missed")
	add(v.DoubleMatches, "double matches")
	add(v.Leaks, "leaks")
	add(v.OffersOpen, "offers without an end")
	add(v.AskedAgain, "cabs asked again")
	add(v.Unconfirmed, "matches that no cab had accepted")
	add(v.NotPlayed, "rows and requests not played")
	return wrong
}

// Table is the verdict as a table, with times in the trace's zone, and with the first
// findings of each kind.
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
	if v.Offers > 0 {
		row("offers", "%d without an end, %d cabs asked again, %d matches that no cab had accepted", v.OffersOpen, v.AskedAgain, v.Unconfirmed)
	}
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
