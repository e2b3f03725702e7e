package chart

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Heat is a map of cells: the larger the value, the darker the cell. A cell without a
// value, or with 0, is blank. The scale is logarithmic, from 1 on.
type Heat struct {
	Unit          string // of the cells, in the legend
	X, Y          float64
	Width, Height float64     // of a cell
	Cells         [][]float64 // rows, from Y on upwards; each from X on
	Max           float64     // of the scale; 0: the largest value. Maps to compare need the same
}

func (h Heat) each(yield func(x, y float64)) {
	for r, row := range h.Cells {
		for c := range row {
			yield(h.X+float64(c)*h.Width, h.Y+float64(r)*h.Height)
			yield(h.X+float64(c+1)*h.Width, h.Y+float64(r+1)*h.Height)
		}
	}
}

// tones is the number of colours.
const tones = 64

func (h Heat) draw(out *plot.Plot, p Panel, _ int) error {
	if h.Max == 0 {
		h.Max = 1
		for _, row := range h.Cells {
			for _, v := range row {
				if finite(v) {
					h.Max = max(h.Max, v)
				}
			}
		}
	}
	out.Add(h)
	out.Legend.ThumbnailWidth = 12
	for v := 1.0; v <= h.Max; v *= 10 {
		out.Legend.Add(fmt.Sprintf("%s %s", number(v), h.Unit), swatch{h.color(v)})
	}
	return nil
}

// Plot implements plot.Plotter.
func (h Heat) Plot(c draw.Canvas, out *plot.Plot) {
	const seam = 0.3 // in points: without it there are gaps between the cells
	x, y := out.Transforms(&c)
	for r, row := range h.Cells {
		for k, v := range row {
			if !finite(v) || v <= 0 {
				continue
			}
			left, right := x(h.X+float64(k)*h.Width), x(h.X+float64(k+1)*h.Width)+seam
			low, high := y(h.Y+float64(r)*h.Height), y(h.Y+float64(r+1)*h.Height)+seam
			fill(c, h.color(v), vg.Rectangle{Min: vg.Point{X: left, Y: low}, Max: vg.Point{X: right, Y: high}})
		}
	}
}

func (h Heat) color(v float64) color.Color {
	part := 0.0
	if h.Max > 1 {
		part = min(math.Log(max(v, 1))/math.Log(h.Max), 1)
	}
	return heat(int(part*(tones-1)), tones)
}

// A swatch shows a colour in the legend.
type swatch struct{ color color.Color }

func (s swatch) Thumbnail(c *draw.Canvas) { fill(*c, s.color, c.Rectangle) }

func fill(c draw.Canvas, with color.Color, r vg.Rectangle) {
	c.SetColor(with)
	c.Fill(r.Path())
}
