package chart

import (
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"waggle/lab/stats"
)

// A Point is a point of a line.
type Point struct{ X, Y float64 }

// A Line goes from point to point. It has a gap where a Y is NaN.
type Line struct {
	Name   string // "": it is not in the legend
	Points []Point
}

func (l Line) each(yield func(x, y float64)) {
	for _, p := range l.Points {
		yield(p.X, p.Y)
	}
}

func (l Line) draw(out *plot.Plot, p Panel, i int) error {
	var pieces []plotter.XYs
	var piece plotter.XYs
	for _, at := range l.Points {
		if !finite(at.X) || !finite(at.Y) {
			pieces, piece = append(pieces, piece), nil
			continue
		}
		piece = append(piece, plotter.XY{X: p.X.at(at.X), Y: p.Y.at(at.Y)})
	}
	pieces = append(pieces, piece)
	named := false
	for _, piece := range pieces {
		if len(piece) == 0 {
			continue
		}
		drawn, err := plotter.NewLine(piece)
		if err != nil {
			return fmt.Errorf("line %q: %w", l.Name, err)
		}
		drawn.LineStyle = lineOf(i)
		out.Add(drawn)
		if len(piece) == 1 { // a line without length would be invisible
			dot, err := plotter.NewScatter(piece)
			if err != nil {
				return fmt.Errorf("line %q: %w", l.Name, err)
			}
			dot.GlyphStyle = draw.GlyphStyle{Color: lineOf(i).Color, Radius: 2, Shape: draw.CircleGlyph{}}
			out.Add(dot)
		}
		if l.Name != "" && !named {
			out.Legend.Add(l.Name, drawn)
			named = true
		}
	}
	return nil
}

// Steps are heights side by side, from From on: a histogram, or counts by the hour. It
// has a gap where a height is NaN.
type Steps struct {
	Name        string
	From, Width float64
	Heights     []float64
}

func (s Steps) line() Line {
	l := Line{Name: s.Name}
	for i, h := range s.Heights {
		from := s.From + float64(i)*s.Width
		l.Points = append(l.Points, Point{from, h}, Point{from + s.Width, h})
	}
	return l
}

func (s Steps) each(yield func(x, y float64)) { s.line().each(yield) }

func (s Steps) draw(out *plot.Plot, p Panel, i int) error { return s.line().draw(out, p, i) }

// A CDF is a cumulative distribution: for each X, the percentage of the values up to X. The
// percentiles 50, 95 and 99 are marked, and named with their unit.
type CDF struct {
	Name, Unit string
	Values     []float64 // in any order
}

// corners is the largest number of points of a CDF. More would not be visible.
const corners = 400

func (c CDF) each(yield func(x, y float64)) {
	if len(c.Values) > 0 {
		yield(slices.Min(c.Values), 0)
		yield(slices.Max(c.Values), 100)
	}
}

func (c CDF) draw(out *plot.Plot, p Panel, i int) error {
	if len(c.Values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(c.Values))
	rank := func(percent float64) float64 { return stats.Percentile(sorted, percent) }
	l := Line{Points: []Point{{sorted[0], 0}}}
	few := min(len(sorted), corners)
	for k := range few {
		percent := 100 * float64(k+1) / float64(few)
		x := rank(percent)
		l.Points = append(l.Points, Point{x, l.Points[len(l.Points)-1].Y}, Point{x, percent})
	}
	l.Name = c.Name
	if l.Name != "" {
		l.Name += ": "
	}
	var marks plotter.XYs
	for k, percent := range []float64{50, 95, 99} {
		if k > 0 {
			l.Name += ", "
		}
		l.Name += fmt.Sprintf("p%g %s %s", percent, precise(rank(percent)), c.Unit)
		marks = append(marks, plotter.XY{X: p.X.at(rank(percent)), Y: percent})
	}
	if err := l.draw(out, p, i); err != nil {
		return err
	}
	dots, err := plotter.NewScatter(marks)
	if err != nil {
		return fmt.Errorf("percentiles of %q: %w", c.Name, err)
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: lineOf(i).Color, Radius: 3, Shape: draw.CircleGlyph{}}
	out.Add(dots)
	return nil
}
