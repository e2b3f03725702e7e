package evaluate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"waggle/lab/chart"
)

// dollarsPerMessage is what API Gateway takes for a message of a WebSocket in us-east-1, in
// or out, as docs/deploy.md has it. Nothing else is counted.
const dollarsPerMessage = 1e-6

// A Result is what the policies have come to. Its JSON names are stable.
type Result struct {
	Seeds            []uint64 `json:"seeds"`
	MemberHours      float64  `json:"memberHours"` // that members were online
	NoiseMeters      float64  `json:"noiseMeters"`
	KeepAliveSeconds float64  `json:"keepAliveSeconds"`
	LatencySeconds   float64  `json:"latencySeconds"`
	Searches         int      `json:"searches"`
	Policies         []Row    `json:"policies"`
	// AtEqualError compares the families at the same error of the watcher.
	AtEqualError []Equal `json:"atEqualError"`
}

// A Row is what one policy has come to. What does not apply to it is null.
type Row struct {
	Name     string  `json:"name"`
	Messages float64 `json:"messagesPerMemberHour"` // reports of a watched member
	ErrorP50 float64 `json:"errorP50Meters"`        // of the watcher, by second
	ErrorP95 float64 `json:"errorP95Meters"`
	ErrorMax float64 `json:"errorMaxMeters"`
	// Dollars are for each report and its push to the watcher.
	Dollars      float64  `json:"dollarsPer1000WatchedHours"`
	IdleMessages *float64 `json:"idleMessagesPerMemberHour"` // reports of an available member
	IdleDollars  *float64 `json:"dollarsPer1000IdleHours"`
	// Nearest is the share of searches by last report that find the truly nearest member,
	// and NearestPredicted of those by prediction.
	Nearest          *float64 `json:"nearestShare"`
	NearestPredicted *float64 `json:"nearestByPredictionShare"`
	family           string
}

// An Equal has the messages per member-hour that each family needs for the same 95th
// percentile of the watcher's error: between two of its policies, along a straight line of
// the logarithms. Null: no two of them have it between them.
type Equal struct {
	ErrorP95  float64  `json:"errorP95Meters"`
	Fixed     *float64 `json:"fixed"`
	Distance  *float64 `json:"distance"`
	Deviate   *float64 `json:"deviate"`
	Hindsight *float64 `json:"hindsight"`
}

func (r Result) atEqualError() []Equal {
	var all []Equal
	for _, meters := range []float64{15, 30, 50} {
		all = append(all, Equal{meters, r.at(fixed, meters), r.at(distance, meters), r.at(deviate, meters), r.at(hindsight, meters)})
	}
	return all
}

// at returns the fewest messages with which a family has an error.
func (r Result) at(family string, meters float64) *float64 {
	line := r.line(family).Points
	var fewest *float64
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		if a.X > b.X {
			a, b = b, a
		}
		if !(0 < a.X && a.X <= meters && meters <= b.X && a.X < b.X) {
			continue
		}
		part := math.Log(meters/a.X) / math.Log(b.X/a.X)
		messages := a.Y * math.Pow(b.Y/a.Y, part)
		if fewest == nil || messages < *fewest {
			fewest = &messages
		}
	}
	return fewest
}

// line returns the policies of a family, with error and messages.
func (r Result) line(family string) chart.Line {
	l := chart.Line{Name: family}
	for _, row := range r.Policies {
		if row.family == family {
			l.Points = append(l.Points, chart.Point{X: row.ErrorP95, Y: row.Messages})
		}
	}
	return l
}

// Table returns the result as text.
func (r Result) Table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%.1f member-hours, noise %g m, keep-alive %g s, latency %g s, %d searches\n\n", r.MemberHours, r.NoiseMeters,
		r.KeepAliveSeconds, r.LatencySeconds, r.Searches)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\twatched:\terror,\terror,\terror,\t$ per\tidle:\t$ per\tnearest by\tnearest by\t")
	fmt.Fprintln(w, "policy\tmessages/h\tp50 m\tp95 m\tmax m\t1 000 h\tmessages/h\t1 000 h\tlast report\tprediction\t")
	for _, row := range r.Policies {
		fmt.Fprintf(w, "%s\t%.0f\t%.1f\t%.1f\t%.0f\t%.2f\t%s\t%s\t%s\t%s\t\n", row.Name, row.Messages, row.ErrorP50, row.ErrorP95, row.ErrorMax,
			row.Dollars, number("%.0f", row.IdleMessages), number("%.2f", row.IdleDollars), number("%.3f", row.Nearest), number("%.3f", row.NearestPredicted))
	}
	_ = w.Flush() // a strings.Builder never fails
	b.WriteString("\nMessages an hour of a watched member at the same p95 error:\n\n")
	fmt.Fprintln(w, "p95 m\tfixed\tdistance\tdeviate\thindsight\tfixed/deviate\tdistance/deviate\tdeviate/hindsight\t")
	for _, e := range r.AtEqualError {
		fmt.Fprintf(w, "%g\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", e.ErrorP95, number("%.0f", e.Fixed), number("%.0f", e.Distance), number("%.0f", e.Deviate),
			number("%.0f", e.Hindsight), number("%.1f", ratio(e.Fixed, e.Deviate)), number("%.1f", ratio(e.Distance, e.Deviate)),
			number("%.2f", ratio(e.Deviate, e.Hindsight)))
	}
	_ = w.Flush()
	return b.String()
}

func number(format string, v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf(format, *v)
}

func ratio(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	v := *a / *b
	return &v
}

// Picture draws messages against the watcher's error, and the share of searches that find
// the nearest against messages.
func (r Result) Picture() chart.Picture {
	watched := chart.Panel{Title: "A watched member", X: chart.Axis{Label: "p95 error of the watcher, m", Log: true, Min: 5, Max: 700},
		Y: chart.Axis{Label: "messages an hour", Log: true, Min: 10, Max: 20_000}}
	for _, family := range []string{fixed, distance, today, deviate, hindsight} {
		watched.Shapes = append(watched.Shapes, r.line(family))
	}
	idle := chart.Panel{Title: "An available member", X: chart.Axis{Label: "messages an hour", Log: true, Min: 40, Max: 5000},
		Y: chart.Axis{Label: "searches that find the truly nearest, %", Min: 50, Max: 120}}
	for _, family := range []string{fixed, distance, today, deviate} {
		predicted := family == deviate
		l := chart.Line{Name: family}
		if predicted {
			l.Name += ", by prediction"
		}
		for _, row := range r.Policies {
			share := row.Nearest
			if predicted {
				share = row.NearestPredicted
			}
			if row.family == family && share != nil {
				l.Points = append(l.Points, chart.Point{X: *row.IdleMessages, Y: 100 * *share})
			}
		}
		slices.SortFunc(l.Points, func(a, b chart.Point) int { return int(math.Copysign(1, a.X-b.X)) })
		idle.Shapes = append(idle.Shapes, l)
	}
	return chart.Picture{Title: "Messages and errors by policy", Height: 300, Panels: []chart.Panel{watched, idle}}
}
