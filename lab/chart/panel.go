package chart

import (
	"math"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// A Panel is one plot.
type Panel struct {
	Title  string
	X, Y   Axis
	Shapes []Shape
}

// An Axis has a label, with the unit, and its ends. A Max of 0 is the end of the data. A
// Min of 0 is 0 for Y, and the beginning of the data for X.
type Axis struct {
	Label    string
	Min, Max float64
	// Log makes the scale logarithmic, from Min or 1 on. Smaller values are drawn there.
	Log bool
	// Zone makes it an axis of times. The values are Unix seconds.
	Zone *time.Location
	// last is the last value with a mark; 0: the end.
	last float64
}

// A Shape is something that a panel shows.
type Shape interface {
	// draw adds the shape to a plot, as the i-th of a panel.
	draw(out *plot.Plot, p Panel, i int) error
	// each yields its points.
	each(yield func(x, y float64))
}

func (p Panel) plot() (*plot.Plot, error) {
	out := plot.New()
	out.BackgroundColor = nil
	out.Title.Text, out.Title.TextStyle, out.Title.Padding = p.Title, letters(titles, draw.XCenter, draw.YTop), 6
	p.span()
	p.X.set(&out.X)
	p.Y.set(&out.Y)
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, faint()
	out.Add(grid)
	out.Legend.TextStyle = letters(labels, draw.XLeft, draw.YBottom)
	out.Legend.Top, out.Legend.ThumbnailWidth, out.Legend.Padding = true, 26, 2
	out.Legend.XOffs, out.Legend.YOffs = -4, -2
	for i, s := range p.Shapes {
		if err := s.draw(out, p, i); err != nil {
			return nil, err
		}
	}
	out.X.Min, out.X.Max, out.Y.Min, out.Y.Max = p.X.Min, p.X.Max, p.Y.Min, p.Y.Max // drawing has widened them
	return out, nil
}

// span sets the ends of the axes. It leaves room above lines for their names, and beside
// a map for its scale.
func (p *Panel) span() {
	minX, maxX, maxY := math.Inf(1), math.Inf(-1), math.Inf(-1)
	room, beside := 1.08, 0.0
	for _, s := range p.Shapes {
		switch s.(type) {
		case Heat:
			beside = 0.34
		case CDF:
			p.Y.last, maxY = 100, max(maxY, 100)
		}
		s.each(func(x, y float64) {
			if finite(x) && finite(y) {
				minX, maxX, maxY = min(minX, x), max(maxX, x), max(maxY, y)
			}
		})
		room += 0.09
	}
	if minX > maxX { // there are no points
		minX, maxX, maxY = 0, 1, max(maxY, 1)
	}
	if p.X.Min == 0 {
		p.X.Min = minX
	}
	p.X.begin()
	p.Y.begin()
	if p.Y.Log {
		maxY *= math.Pow(max(maxY/p.Y.Min, 10), room-1)
	} else {
		maxY *= room
	}
	p.X.end(maxX + beside*(maxX-minX))
	p.Y.end(maxY)
}

// begin gives a logarithmic axis a beginning.
func (a *Axis) begin() {
	if a.Log && a.Min <= 0 {
		a.Min = 1
	}
}

// end sets the upper end, above the lower one.
func (a *Axis) end(high float64) {
	if a.Max == 0 {
		a.Max = high
	}
	if a.Max <= a.Min {
		a.Max = a.Min + 1
	}
}

// at returns where a value is drawn.
func (a Axis) at(v float64) float64 {
	if a.Log {
		return max(v, a.Min)
	}
	return v
}

func (a Axis) set(out *plot.Axis) {
	out.Min, out.Max = a.Min, a.Max
	out.Label.Text, out.Label.TextStyle, out.Label.Padding = a.Label, letters(labels, draw.XCenter, draw.YBottom), 4
	out.Tick.Label.Font = letters(ticks, 0, 0).Font
	out.Tick.Length = 4
	out.LineStyle.Color, out.Tick.LineStyle.Color = gray(), gray()
	switch {
	case a.Zone != nil:
		out.Tick.Marker = clock{a.Zone}
	case a.Log:
		out.Scale, out.Tick.Marker = plot.LogScale{}, decades{}
	default:
		out.Tick.Marker = rounds{a.last}
	}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
