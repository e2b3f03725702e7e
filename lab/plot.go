package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"waggle/lab/chart"
	"waggle/lab/judge"
	"waggle/lab/stats"
)

// A plot collects what to draw of a replay, by stretches of the trace. A request belongs
// to the stretch in which it asks.
type plot struct {
	from      int64 // Unix seconds
	width     time.Duration
	stretches []stretch
	// Of all stretches: how far the cab was, for matches at once and after a wait, and how
	// long requests waited for a cab, and in vain.
	atOnce, after, served, inVain []float64
}

type stretch struct {
	asked, matched, noMatch, waited, without float64
	distances, latencies                     []float64
}

// newPlot divides the window into some two dozen stretches of a round duration.
func newPlot(from, to int64) *plot {
	length := time.Duration(to-from) * time.Second
	p := &plot{from: from, width: time.Hour}
	for _, width := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute} {
		if length <= 25*width {
			p.width = width
			break
		}
	}
	p.from -= from % int64(p.width/time.Second) // right for zones of whole and half hours
	p.stretches = make([]stretch, (to-p.from-1)/int64(p.width/time.Second)+1)
	return p
}

// add adds a request.
func (p *plot) add(r judge.Row) {
	s := &p.stretches[(r.Asks-p.from)/int64(p.width/time.Second)]
	s.asked++
	waited := r.WaitedSeconds > 0
	switch {
	case r.Outcome == "noMatch":
		s.noMatch++
		if waited {
			p.inVain = append(p.inVain, r.WaitedSeconds)
		}
		return
	case r.Outcome != "matched":
		s.without++
		return
	case waited:
		s.waited++
		p.after, p.served = append(p.after, r.DistanceMeters), append(p.served, r.WaitedSeconds)
	default:
		p.atOnce = append(p.atOnce, r.DistanceMeters)
		s.latencies = append(s.latencies, r.LatencyMillis)
	}
	s.matched++
	s.distances = append(s.distances, r.DistanceMeters)
}

// picture draws the plot, with times in the trace's zone.
func (p *plot) picture(v judge.Verdict, zone *time.Location) chart.Picture {
	clock := chart.Axis{Label: "time of day, " + zone.String(), Zone: zone, Min: float64(v.From), Max: float64(v.To)}
	each := "requests in " + brief(p.width)
	meters := func(s stretch) []float64 { return s.distances }
	millis := func(s stretch) []float64 { return s.latencies }
	share := chart.Axis{Label: "share of them, %"}
	otherwise := []chart.Shape{
		p.steps("no match", func(s stretch) float64 { return s.noMatch }),
		p.steps("matched after a wait", func(s stretch) float64 { return s.waited }),
	}
	if v.Requests > v.Matched+v.NoMatch {
		otherwise = append(otherwise, p.steps("without an outcome", func(s stretch) float64 { return s.without }))
	}
	waiting := "How long requests waited, in time of the trace"
	if len(p.served)+len(p.inVain) == 0 {
		waiting = "No request waited"
	}
	return chart.Picture{
		Title: fmt.Sprintf("%s to %s, at speed %g: %d requests, %d matched, %d after a wait, %d found nobody",
			time.Unix(v.From, 0).In(zone).Format("2006-01-02 15:04"), time.Unix(v.To, 0).In(zone).Format("15:04"), v.Speed,
			v.Requests, v.Matched, v.Waited, v.NoMatch),
		Panels: []chart.Panel{
			{Title: "Requests", X: clock, Y: chart.Axis{Label: each}, Shapes: []chart.Shape{
				p.steps("asked", func(s stretch) float64 { return s.asked }),
				p.steps("matched", func(s stretch) float64 { return s.matched }),
			}},
			{Title: "Not matched at once", X: clock, Y: chart.Axis{Label: each}, Shapes: otherwise},
			{Title: "How far away the cab was", X: chart.Axis{Label: "metres, as the crow flies", Log: true}, Y: share, Shapes: []chart.Shape{
				chart.CDF{Name: "at once", Unit: "m", Values: p.atOnce}, chart.CDF{Name: "after a wait", Unit: "m", Values: p.after},
			}},
			{Title: "How far away, over the day", X: clock, Y: chart.Axis{Label: "metres", Min: 10, Log: true}, Shapes: p.percentiles(meters)},
			{Title: waiting, X: chart.Axis{Label: "seconds"}, Y: share, Shapes: []chart.Shape{
				chart.CDF{Name: "for a cab", Unit: "s", Values: p.served}, chart.CDF{Name: "in vain", Unit: "s", Values: p.inVain},
			}},
			{Title: "From request to match, over the day, without a wait", X: clock, Y: chart.Axis{Label: "milliseconds", Log: true}, Shapes: p.percentiles(millis)},
		},
	}
}

func (p *plot) steps(name string, of func(stretch) float64) chart.Steps {
	s := chart.Steps{Name: name, From: float64(p.from), Width: p.width.Seconds()}
	for _, part := range p.stretches {
		s.Heights = append(s.Heights, of(part))
	}
	return s
}

// percentiles returns lines through the middle of each stretch.
func (p *plot) percentiles(of func(stretch) []float64) []chart.Shape {
	var all []chart.Shape
	for _, percent := range []float64{50, 95, 99} {
		line := chart.Line{Name: fmt.Sprintf("p%g", percent)}
		for i, s := range p.stretches {
			at := chart.Point{X: float64(p.from) + (float64(i)+0.5)*p.width.Seconds(), Y: math.NaN()}
			if values := slices.Sorted(slices.Values(of(s))); len(values) > 0 {
				at.Y = stats.Percentile(values, percent)
			}
			line.Points = append(line.Points, at)
		}
		all = append(all, line)
	}
	return all
}

// brief formats the duration of a stretch.
func brief(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "1 hour"
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
