package bench

import (
	"fmt"
	"slices"

	"waggle/lab/chart"
)

// Picture draws costs and memory over the number of members.
func (r Result) Picture() chart.Picture {
	members := chart.Axis{Label: "members", Log: true}
	p := chart.Picture{Title: fmt.Sprintf("What it costs, %s, %s", r.Server, r.Date)}
	for _, name := range []string{steady, denseRow, rareRow, nobodyRow} {
		title := name
		if name == rareRow {
			title = denseRow + " " + name
		}
		panel := chart.Panel{Title: title, X: members, Y: chart.Axis{Label: "µs of the server's time", Log: true}}
		var systems []string
		for _, row := range r.Rows {
			if row.Name == name && !slices.Contains(systems, row.System) {
				systems = append(systems, row.System)
			}
		}
		for _, system := range systems {
			l := chart.Line{Name: system}
			for _, size := range r.sizes() {
				if row, ok := r.row(system, name, size); ok {
					l.Points = append(l.Points, chart.Point{X: float64(size), Y: row.Micros})
				}
			}
			panel.Shapes = append(panel.Shapes, l)
		}
		p.Panels = append(p.Panels, panel)
	}
	memory := chart.Panel{Title: "Memory", X: members, Y: chart.Axis{Label: "bytes a member"}}
	var servers []string
	for _, m := range r.Memory {
		if !slices.Contains(servers, m.Server) {
			servers = append(servers, m.Server)
		}
	}
	for _, server := range servers {
		l := chart.Line{Name: server}
		for _, m := range r.Memory {
			if m.Server == server {
				l.Points = append(l.Points, chart.Point{X: float64(m.Members), Y: m.Bytes})
			}
		}
		memory.Shapes = append(memory.Shapes, l)
	}
	p.Panels = append(p.Panels, memory)
	own := chart.Panel{Title: "Messages of Waggle", X: members, Y: chart.Axis{Label: "PINGs"}}
	for _, name := range []string{steady, denseRow, matchRow, endRow} {
		l := chart.Line{Name: name}
		for _, size := range r.sizes() {
			if row, ok := r.row(ours, name, size); ok {
				l.Points = append(l.Points, chart.Point{X: float64(size), Y: row.Pings})
			}
		}
		own.Shapes = append(own.Shapes, l)
	}
	p.Panels = append(p.Panels, own)
	return p
}
