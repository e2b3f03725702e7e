package chart

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of text, in points.
const (
	heads  = 13 // the picture's title
	titles = 11
	labels = 10
	ticks  = 9
)

// letters returns the style of text of a size, aligned to its point.
func letters(size float64, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: color.Black, Font: font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, vg.Length(size)),
		XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler,
	}
}

// gray is the colour of axes.
func gray() color.Color { return color.Gray{0x60} }

// faint is the colour of the grid.
func faint() color.Color { return color.Gray{0xe2} }

// lineOf returns the style of the i-th shape of a panel: a colour of Okabe and Ito, and
// dashes for readers who do not see the colour.
func lineOf(i int) draw.LineStyle {
	colors := []color.RGBA{
		{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xe6, 0x9f, 0x00, 0xff},
		{0xcc, 0x79, 0xa7, 0xff}, {0x56, 0xb4, 0xe9, 0xff}, {0x00, 0x00, 0x00, 0xff},
	}
	dashes := [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 3, 2, 3}}
	return draw.LineStyle{Color: colors[i%len(colors)], Dashes: dashes[i%len(dashes)], Width: 1.8}
}

// heat returns the i-th of n colours, from pale yellow over green to dark blue. Each is
// darker than the one before.
func heat(i, n int) color.Color {
	stops := []color.RGBA{
		{0xff, 0xf7, 0xbc, 0xff}, {0xa1, 0xda, 0xb4, 0xff}, {0x41, 0xb6, 0xc4, 0xff}, {0x22, 0x5e, 0xa8, 0xff}, {0x08, 0x1d, 0x58, 0xff},
	}
	at := float64(i) / float64(max(n-1, 1)) * float64(len(stops)-1)
	k := min(int(at), len(stops)-2)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (at-float64(k))*(float64(b)-float64(a)) + 0.5) }
	a, b := stops[k], stops[k+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}
}
