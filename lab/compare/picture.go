package compare

import (
	"math"

	"waggle/lab/chart"
	"waggle/localstack/streets"
)

// Picture shows both days: maps of where members are, and curves of how long rides are,
// how long they take, when they begin, and how many members are online.
func (l Comparison) Picture() chart.Picture {
	most := max(hottest(l.Real), hottest(l.Made)) / 3600
	density := func(title string, d Day) chart.Panel {
		return chart.Panel{Title: title, X: chart.Axis{Label: "km east"}, Y: chart.Axis{Label: "km north", Min: -18.5, Max: 5}, Shapes: []chart.Shape{heat(d, most)}}
	}
	kilometres := func(of []float64) (km []float64) {
		for _, m := range of {
			km = append(km, m/1000)
		}
		return km
	}
	minutes := func(of []float64) (min []float64) {
		for _, s := range of {
			min = append(min, s/60)
		}
		return min
	}
	real, made := Parts(l.Real.Pickups), Parts(l.Made.Pickups)
	return chart.Picture{
		Title: "A real day and a made-up one", Columns: 2, Height: 300,
		Panels: []chart.Panel{
			density("real: hours of members, by cells of 500 m", l.Real),
			density("made-up", l.Made),
			{Title: "rides by their length, as the crow flies", X: chart.Axis{Label: "km", Max: 20}, Y: chart.Axis{Label: "% of rides up to that"}, Shapes: []chart.Shape{
				chart.CDF{Name: "real", Unit: "km", Values: kilometres(l.Real.Meters)}, chart.CDF{Name: "made-up", Unit: "km", Values: kilometres(l.Made.Meters)},
			}},
			{Title: "rides by their time", X: chart.Axis{Label: "minutes", Max: 40}, Y: chart.Axis{Label: "% of rides up to that"}, Shapes: []chart.Shape{
				chart.CDF{Name: "real", Unit: "min", Values: minutes(l.Real.Took)}, chart.CDF{Name: "made-up", Unit: "min", Values: minutes(l.Made.Took)},
			}},
			{Title: "fares that begin, by the hour", X: chart.Axis{Label: "hour of the day"}, Y: chart.Axis{Label: "% of the day's"}, Shapes: []chart.Shape{
				chart.Steps{Name: "real", Width: 1, Heights: real[:]}, chart.Steps{Name: "made-up", Width: 1, Heights: made[:]},
			}},
			{Title: "members online, by the hour", X: chart.Axis{Label: "hour of the day"}, Y: chart.Axis{Label: "members"}, Shapes: []chart.Shape{
				chart.Steps{Name: "real", Width: 1, Heights: l.Real.Online[:]}, chart.Steps{Name: "made-up", Width: 1, Heights: l.Made.Online[:]},
			}},
		},
	}
}

func hottest(d Day) (most float64) {
	for _, seconds := range d.Seconds {
		most = max(most, seconds)
	}
	return most
}

// heat returns the map of a day, as far as the streets go.
func heat(d Day, most float64) chart.Heat {
	low, high := Cell{math.MaxInt, math.MaxInt}, Cell{math.MinInt, math.MinInt}
	for _, l := range streets.New().Lines() {
		c := cellOf(l.FromLat, l.FromLng)
		low = Cell{min(low.East, c.East), min(low.North, c.North)}
		high = Cell{max(high.East, c.East), max(high.North, c.North)}
	}
	const km = side / 1000
	h := chart.Heat{Unit: "h", X: float64(low.East) * km, Y: float64(low.North) * km, Width: km, Height: km, Max: most}
	for north := low.North; north <= high.North; north++ {
		var row []float64
		for east := low.East; east <= high.East; east++ {
			row = append(row, d.Seconds[Cell{east, north}]/3600)
		}
		h.Cells = append(h.Cells, row)
	}
	return h
}
