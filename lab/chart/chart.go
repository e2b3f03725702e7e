// Package chart draws numbers as SVG or PNG: panels of lines, steps, distributions and
// maps.
//
// A Picture has Panels, and a Panel has Shapes: Line, Steps, CDF or Heat. Check checks a
// file name early, and Save draws. Colour-blind people can tell the colours apart, and
// lines differ in their dashes too.
package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Picture is panels in rows.
type Picture struct {
	Title   string
	Columns int     // panels in a row; 0: two
	Height  float64 // of a row, in points; 0: 210. The picture is 700 points wide
	Panels  []Panel
}

const (
	width    = 700
	heading  = 30
	margin   = 10
	gap      = 20  // between panels
	imageDPI = 144 // twice what a page shows, for sharp text
)

// Check returns an error unless the name ends in .svg or .png.
func Check(file string) error {
	_, err := format(file)
	return err
}

func format(file string) (string, error) {
	switch f := strings.ToLower(filepath.Ext(file)); f {
	case ".svg", ".png":
		return f, nil
	}
	return "", fmt.Errorf("%q must end in .svg or .png", file)
}

// Save draws to a file, as SVG or PNG by its name.
func (p Picture) Save(file string) error {
	f, err := format(file)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := p.write(&b, f); err != nil {
		return fmt.Errorf("draw %s: %w", file, err)
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

func (p Picture) write(w io.Writer, format string) error {
	columns, height := p.Columns, vg.Length(p.Height)
	if columns == 0 {
		columns = 2
	}
	if height == 0 {
		height = 210
	}
	var rows [][]*plot.Plot
	for i, panel := range p.Panels {
		if i%columns == 0 {
			rows = append(rows, make([]*plot.Plot, columns))
		}
		drawn, err := panel.plot()
		if err != nil {
			return fmt.Errorf("panel %q: %w", panel.Title, err)
		}
		rows[i/columns][i%columns] = drawn
	}
	height = height*vg.Length(len(rows)) + heading
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	}
	if format == ".svg" {
		// Embedded, since the letters of another font may be wider and overlap.
		canvas = vgsvg.NewWith(vgsvg.UseWH(width, height), vgsvg.EmbedFonts(true))
	} else {
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(imageDPI))}
	}
	c := draw.New(canvas)
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c.FillText(letters(heads, draw.XCenter, draw.YTop), vg.Point{X: width / 2, Y: height - margin}, p.Title)
	c.Max.Y -= heading
	if len(rows) > 0 {
		tiles := draw.Tiles{Rows: len(rows), Cols: columns, PadLeft: margin, PadRight: margin, PadBottom: margin, PadX: gap, PadY: gap}
		for i, canvases := range plot.Align(rows, tiles, c) {
			for k, at := range canvases {
				if rows[i][k] != nil {
					rows[i][k].Draw(at)
				}
			}
		}
	}
	_, err := canvas.WriteTo(w)
	return err
}
