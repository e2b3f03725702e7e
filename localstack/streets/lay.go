package streets

import (
	"slices"
)

// lay adds a grid, and joins it to the grids that are already there.
func (m *Map) lay(g grid) {
	before := len(m.corners)
	parks := parks()
	reach := int(20_000 / min(g.blocks.X, g.blocks.Y))
	corners := map[[2]int]int{}
	for i := -reach; i <= reach; i++ {
		for j := -reach; j <= reach; j++ {
			p := Point{float64(i) * g.blocks.X, float64(j) * g.blocks.Y}.turned(g.bearing)
			green := slices.ContainsFunc(parks, func(a area) bool { return a.contains(p) })
			if !g.in(p) || green && i%(2*everyAvenue) != 0 {
				continue
			}
			c := m.add(p)
			corners[[2]int{i, j}] = c
			// The corners south and west of this one are already there.
			if south, ok := corners[[2]int{i, j - 1}]; ok {
				m.join(south, c, line(i))
			}
			if west, ok := corners[[2]int{i - 1, j}]; ok && !green {
				m.join(west, c, line(j))
			}
		}
	}
	for c := before; c < len(m.corners); c++ {
		if near, meters := nearest(m.corners[:before], m.corners[c].at); meters < seam {
			m.join(near, c, side)
		}
	}
}

// line returns the kind of a street of a grid, by its number.
func line(i int) kind {
	if i%everyAvenue == 0 {
		return avenue
	}
	return side
}

// build adds a road. A highway also gets ramps to the grids.
func (m *Map) build(r road) {
	grids := m.corners
	last := -1
	for _, p := range r.bends {
		c := m.cornerAt(p)
		if last >= 0 {
			m.join(last, c, r.kind)
		}
		if near, meters := nearest(grids, p); meters < ramp && r.kind == motorway {
			m.join(near, c, side)
		}
		last = c
	}
}

// cornerAt returns the corner at a point, and adds one if there is none.
func (m *Map) cornerAt(p Point) int {
	if near, meters := nearest(m.corners, p); meters < 1 {
		return near
	}
	return m.add(p)
}

func (m *Map) add(p Point) int {
	m.corners = append(m.corners, corner{at: p})
	return len(m.corners) - 1
}

// join adds a street in both directions, unless there is one.
func (m *Map) join(a, b int, k kind) {
	if a == b || slices.ContainsFunc(m.corners[a].leave, func(s int) bool { return m.streets[s].to == b }) {
		return
	}
	for _, ends := range [][2]int{{a, b}, {b, a}} {
		from, to := m.corners[ends[0]].at, m.corners[ends[1]].at
		length := from.To(to)
		m.corners[ends[0]].leave = append(m.corners[ends[0]].leave, len(m.streets))
		m.streets = append(m.streets, street{ends[0], ends[1], length, (to.X - from.X) / length, (to.Y - from.Y) / length, k})
	}
}
