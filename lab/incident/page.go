package incident

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"waggle/internal/telemetry"
	"waggle/lab/chart"
)

// Picture draws how the metrics moved.
func (r Record) Picture() chart.Picture {
	stages := r.Plan.Stages()
	x := chart.Axis{Label: "seconds after the stack's start", Min: stages[before].From, Max: stages[after].To}
	panel := func(title, label string, shapes ...chart.Shape) chart.Panel {
		return chart.Panel{Title: title, X: x, Y: chart.Axis{Label: label}, Shapes: shapes}
	}
	counted := func(title string, id telemetry.ID, values ...string) chart.Panel {
		var shapes []chart.Shape
		for _, v := range values {
			shapes = append(shapes, r.line(v, key(id.Instrument(), v)))
		}
		return panel(title, "a second", shapes...)
	}
	slow := func(title string, id telemetry.ID) chart.Panel {
		var shapes []chart.Shape
		for _, q := range []float64{.5, .95} {
			l := chart.Line{Name: fmt.Sprintf("p%g", 100*q)}
			for t := stages[before].From; t < stages[after].To; t += width {
				l.Points = append(l.Points, chart.Point{X: t + width/2, Y: 1000 * finite(r.quantile(id.Instrument(), q, Stage{From: t, To: t + width}))})
			}
			shapes = append(shapes, l)
		}
		p := panel(title, "ms", shapes...)
		p.Y.Log = true
		return p
	}
	return chart.Picture{
		Title: "The cache stands still, then pushes fail",
		Panels: []chart.Panel{
			counted("Messages served", telemetry.Messages, "location", "match", "end", "hello"),
			counted("Answers that are errors", telemetry.Refusals, "unavailable", "internal", "rate_limited"),
			counted("Trips to the cache", telemetry.CacheTrips, "ok", "no_reply", "unreachable"),
			slow("A trip to the cache takes", telemetry.CacheTripDuration),
			counted("Pushes", telemetry.Pushes, "ok", "throttled", "failed"),
			slow("From a report to the end of its push takes", telemetry.ReportPushDuration),
		},
	}
}

// width is how many seconds a point of a plot stands for.
const width = 2.0

// finite makes infinity NaN, which is not drawn.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}

// line is how much a counter counts a second.
func (r Record) line(name, key string) chart.Line {
	stages := r.Plan.Stages()
	l := chart.Line{Name: name}
	for t := stages[before].From; t < stages[after].To; t += width {
		l.Points = append(l.Points, chart.Point{X: t + width/2, Y: r.rate(key, Stage{From: t, To: t + width})})
	}
	return l
}

// Markdown writes the tables: which metrics moved, which alarms would have gone off, what the log
// says, and how it healed.
func (r Record) Markdown(log []Line) string {
	var b strings.Builder
	stages := r.Plan.Stages()
	b.WriteString("## Which metrics moved\n\nHow much each counted a second. Those that hardly moved are left out.\n\n| metric |")
	for _, s := range stages {
		fmt.Fprintf(&b, " %s, %g s |", s.Name, s.To-s.From)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(stages)) + "\n")
	for _, i := range telemetry.Instruments() {
		if i.Kind != telemetry.Counter {
			continue
		}
		values := i.Values
		if len(values) == 0 {
			values = []string{""}
		}
		for _, v := range values {
			var rates []float64
			for _, s := range stages {
				rates = append(rates, r.rate(key(i, v), s))
			}
			if !moved(rates) {
				continue
			}
			fmt.Fprintf(&b, "| `%s`%s |", i.Name, attribute(v))
			for _, rate := range rates {
				fmt.Fprintf(&b, " %s |", brief(rate))
			}
			b.WriteString("\n")
		}
	}
	for _, i := range telemetry.Instruments() {
		if i.Kind != telemetry.Histogram || i.Unit != "s" {
			continue
		}
		var cells []string
		var worst []float64
		for _, s := range stages {
			q := r.quantile(i, .95, s)
			worst = append(worst, q)
			cells = append(cells, millis(q))
		}
		if moved(worst) {
			fmt.Fprintf(&b, "| p95 of `%s`, ms | %s |\n", i.Name, strings.Join(cells, " | "))
		}
	}

	b.WriteString("\nA p95 is the upper bound of its bucket.\n\n## Which alarms would go off\n\n")
	b.WriteString("| alarm | goes off at | most in a minute | minutes that reached it | goes off |\n|---|---|---|---|---|\n")
	for _, a := range r.Alarms() {
		if a.Most == 0 {
			continue
		}
		off := "no"
		if a.OffAt > 0 {
			off = fmt.Sprintf("%.0f s after the stack's start", a.OffAt)
		}
		fmt.Fprintf(&b, "| `%s` | %g in %d of %d minutes | %.0f | %d | %s |\n", a.ID, a.Threshold, a.Minutes, a.Within, a.Most, a.Reached, off)
	}

	b.WriteString("\n## What the log says\n\n| line | its first error | times | when, seconds after the stack's start |\n|---|---|---|---|\n")
	for _, l := range log {
		fmt.Fprintf(&b, "| %s | %s | %d | %.0f to %.0f |\n", cell(l.Text), cell(l.Err), l.Times, l.First, l.Last)
	}

	b.WriteString("\n## How it healed\n\n")
	for _, i := range []int{between, after} {
		text := "was felt to the end of the next stage"
		if seconds, ok := r.healed(stages[i]); ok {
			text = fmt.Sprintf("was felt for another %.0f s: then no message was answered with `unavailable`, and no push refused", seconds)
		}
		fmt.Fprintf(&b, "- *%s* %s.\n", strings.ToUpper(stages[i-1].Name[:1])+stages[i-1].Name[1:], text)
	}
	p := r.Load.Phases
	if len(p) > 0 {
		fmt.Fprintf(&b, "- Of %d reports, %d were acknowledged. The others were refused, or had no answer.\n", p[0].Sent, p[0].Acknowledged)
	}
	fmt.Fprintf(&b, "- Members lost, of %d: %d. Members who were told that their match or request was over: %d.\n", r.Load.Config.Connections, len(r.Load.Lost), r.Load.Told)
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func attribute(value string) string {
	if value == "" {
		return ""
	}
	return " `" + value + "`"
}

// moved tells whether a figure was half as large again as before in some stage, or fell to less than
// two thirds.
func moved(figures []float64) bool {
	return slices.ContainsFunc(figures[1:], func(f float64) bool {
		return !(f <= 1.5*figures[0]+0.05) && !math.IsNaN(f) || f < figures[0]/1.5-0.05
	})
}

func brief(rate float64) string {
	switch {
	case rate == 0:
		return "0"
	case rate < 10:
		return fmt.Sprintf("%.2f", rate)
	}
	return fmt.Sprintf("%.0f", rate)
}

func millis(seconds float64) string {
	switch {
	case math.IsNaN(seconds):
		return "–"
	case math.IsInf(seconds, 1):
		return "above 10 000"
	}
	return fmt.Sprintf("%g", 1000*seconds)
}
