package chart_test

import (
	"encoding/xml"
	"errors"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waggle/lab/chart"
)

// day has a panel of each shape, in the time zone of Los Angeles, with a gap of an hour.
func day(t *testing.T) chart.Picture {
	t.Helper()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	from := float64(time.Date(2008, 5, 30, 0, 0, 0, 0, zone).Unix())
	var hours []chart.Point
	asked := make([]float64, 24)
	for h := range 24 {
		asked[h] = 900 - 600*math.Cos(float64(h)/24*2*math.Pi)
		hours = append(hours, chart.Point{X: from + 3600*float64(h), Y: 5 + float64(h%7)})
	}
	hours[4].Y = math.NaN()
	var distances []float64
	for i := range 10_000 {
		distances = append(distances, math.Exp(float64(i)/1250))
	}
	cells := make([][]float64, 20)
	for r := range cells {
		for c := range 30 {
			cells[r] = append(cells[r], float64(r*c))
		}
	}
	clock := chart.Axis{Label: "time of day", Zone: zone}
	return chart.Picture{Title: "A day", Panels: []chart.Panel{
		{Title: "Requests", X: clock, Y: chart.Axis{Label: "requests an hour"}, Shapes: []chart.Shape{
			chart.Steps{Name: "asked", From: from, Width: 3600, Heights: asked},
			chart.Steps{Name: "no match", From: from, Width: 3600, Heights: make([]float64, 24)},
		}},
		{Title: "Latency", X: clock, Y: chart.Axis{Label: "ms", Log: true}, Shapes: []chart.Shape{chart.Line{Name: "p50", Points: hours}}},
		{Title: "Distance", X: chart.Axis{Label: "metres", Log: true}, Y: chart.Axis{Label: "share, %"}, Shapes: []chart.Shape{
			chart.CDF{Name: "matched", Unit: "m", Values: distances},
		}},
		{Title: "Density", X: chart.Axis{Label: "km east"}, Y: chart.Axis{Label: "km north"}, Shapes: []chart.Shape{
			chart.Heat{Unit: "reports", Width: 0.5, Height: 0.5, Cells: cells},
		}},
		{Title: "Nothing"}, {Title: "Nobody", Y: chart.Axis{Label: "share of nobody"}, Shapes: []chart.Shape{chart.CDF{}}},
	}}
}

// An svg is the content of a file: its texts, and how many points its paths have.
type svg struct {
	texts  []string
	points int
}

func drawn(t *testing.T, p chart.Picture) svg {
	t.Helper()
	name := filepath.Join(t.TempDir(), "day.svg")
	if err := p.Save(name); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var s svg
	inText := false
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatalf("it is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
			for _, a := range token.Attr {
				if token.Name.Local == "path" && a.Name.Local == "d" {
					s.points += strings.Count(a.Value, "L")
				}
			}
		case xml.CharData:
			if inText {
				s.texts = append(s.texts, strings.TrimSpace(string(token)))
			}
		case xml.EndElement:
			inText = false
		}
	}
}

func TestAnSVGHasItsTextsAndLines(t *testing.T) {
	got := drawn(t, day(t))
	for _, want := range []string{
		"A day", "Requests", "requests an hour", "time of day", "asked", "no match", "00:00", "21:00", "1500",
		"Latency", "p50", "Distance", "matched: p50 54.6 m, p95 1997 m, p99 2750 m", "share, %", "1000", "Density", "100 reports", "Nothing",
	} {
		if !slices.Contains(got.texts, want) {
			t.Errorf("no text %q in %q", want, got.texts)
		}
	}
	if share := slices.Index(got.texts, "share of nobody"); share < 0 || !slices.Contains(got.texts[share:], "100") {
		t.Errorf("a share of nothing does not go to 100 %%: %q", got.texts)
	}
	without := day(t)
	without.Panels[1].Shapes = nil
	if less := drawn(t, without).points; got.points < less+21 {
		t.Errorf("got %d points, and %d without a line of 23", got.points, less)
	}
}

func TestManyValuesAreDrawnWithFewPoints(t *testing.T) {
	values := make([]float64, 100_000)
	for i := range values {
		values[i] = float64(i)
	}
	if got := drawn(t, chart.Picture{Panels: []chart.Panel{{Shapes: []chart.Shape{chart.CDF{Values: values}}}}}).points; got < 400 || got > 2000 {
		t.Errorf("got %d points, want 400 to 2000", got)
	}
}

func TestAPNGIsSharpAndHasItsColours(t *testing.T) {
	name := filepath.Join(t.TempDir(), "day.PNG")
	if err := day(t).Save(name); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	image, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := image.Bounds().Dx(); got != 1400 {
		t.Errorf("it is %d pixels wide, want 1400", got)
	}
	found := map[color.Color]int{}
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			found[color.RGBAModel.Convert(image.At(x, y))]++
		}
	}
	for what, c := range map[string]color.RGBA{
		"the first line": {0x00, 0x72, 0xb2, 0xff}, "the second": {0xd5, 0x5e, 0x00, 0xff}, "the most of the map": {0x08, 0x1d, 0x58, 0xff}, "white": {0xff, 0xff, 0xff, 0xff},
	} {
		if found[c] < 100 {
			t.Errorf("%s has %d pixels, want 100 or more", what, found[c])
		}
	}
}

func TestFilesAreSVGOrPNG(t *testing.T) {
	for _, name := range []string{"day", "day.jpg", "svg", "day.svg.gz", ""} {
		if err := chart.Check(name); err == nil || !strings.Contains(err.Error(), "must end in .svg or .png") {
			t.Errorf("%q: got %v, want what it must end in", name, err)
		}
		if err := day(t).Save(filepath.Join(t.TempDir(), name)); err == nil {
			t.Errorf("%q is saved", name)
		}
	}
	if err := chart.Check("a.b/day.Svg"); err != nil {
		t.Error(err)
	}
}
