package bench

import (
	"fmt"
	"math"
	"slices"

	"waggle/lab/chart"
)

// Picture draws costs and memory over the number of members.
func (r Result) Picture() chart.Picture {
	p := chart.Picture{Title: fmt.Sprintf("What messages cost: %s, %s", r.Server, r.Date)}
	var systems, servers []string
	for _, row := range r.Rows {
		if row.Name == pingRow || row.System == ours {
			systems = with(systems, row.System)
		}
	}
	for _, m := range r.Memory {
		servers = with(servers, m.Server)
	}
	micros := func(name string) func(string, int) (float64, bool) {
		return func(system string, members int) (float64, bool) {
			row, ok := r.row(system, name, members)
			return row.Micros, ok
		}
	}
	for _, name := range []string{steady, denseRow, rareRow, nobodyRow} {
		title := name
		if name == rareRow {
			title = denseRow + " " + name
		}
		p.Panels = append(p.Panels, r.panel(title, "µs of the server's time", systems, micros(name)))
	}
	p.Panels = append(p.Panels,
		r.panel("Memory", "bytes a member", servers, func(server string, members int) (float64, bool) {
			i := slices.IndexFunc(r.Memory, func(m Memory) bool { return m.Server == server && m.Members == members })
			if i < 0 {
				return 0, false
			}
			return r.Memory[i].Bytes, true
		}),
		r.panel("Messages of Waggle", "PINGs", []string{steady, denseRow, matchRow, endRow}, func(name string, members int) (float64, bool) {
			row, ok := r.row(ours, name, members)
			return row.Pings, ok
		}))
	return p
}

// panel draws a line for each name. A name without values keeps its colour.
func (r Result) panel(title, unit string, names []string, value func(name string, members int) (float64, bool)) chart.Panel {
	p := chart.Panel{Title: title, X: chart.Axis{Label: "members", Log: true}, Y: chart.Axis{Label: unit, Log: true}}
	for _, name := range names {
		l := chart.Line{Name: name}
		for _, size := range r.sizes() {
			at := chart.Point{X: float64(size), Y: math.NaN()}
			if v, ok := value(name, size); ok {
				at.Y = v
			}
			l.Points = append(l.Points, at)
		}
		p.Shapes = append(p.Shapes, l)
	}
	return p
}

// with adds a name unless it is there.
func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
