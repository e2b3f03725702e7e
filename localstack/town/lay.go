package town

import (
	"math"
	"slices"
)

// lay makes the corners of a grid and the streets between them, and joins them to
// the grids that are there.
func (t *Town) lay(g grid) {
	before := len(t.corners)
	parks := parks()
	reach := int(20_000 / min(g.blocks.x, g.blocks.y))
	corners := map[[2]int]int{}
	for i := -reach; i <= reach; i++ {
		for j := -reach; j <= reach; j++ {
			p := point{float64(i) * g.blocks.x, float64(j) * g.blocks.y}.turned(g.bearing)
			green := slices.ContainsFunc(parks, func(a area) bool { return a.has(p) })
			if !g.in(p) || green && i%(2*everyAvenue) != 0 {
				continue
			}
			c := t.add(p)
			corners[[2]int{i, j}] = c
			// Those that this one is reached from have been laid before.
			if south, ok := corners[[2]int{i, j - 1}]; ok {
				t.join(south, c, line(i))
			}
			if west, ok := corners[[2]int{i - 1, j}]; ok && !green {
				t.join(west, c, line(j))
			}
		}
	}
	for c := before; c < len(t.corners); c++ {
		if near, meters := t.nearest(t.corners[:before], t.corners[c].at); meters < seam {
			t.join(near, c, Street)
		}
	}
}

// line is the kind of a grid's street, by its number.
func line(i int) Kind {
	if i%everyAvenue == 0 {
		return Avenue
	}
	return Street
}

// build makes a road, and ways between it and the grids.
func (t *Town) build(r road) {
	grids := t.corners
	last := -1
	for _, p := range r.bends {
		c := t.corner(p)
		if last >= 0 {
			t.join(last, c, r.kind)
		}
		if near, meters := t.nearest(grids, p); meters < ramp && r.kind == Highway {
			t.join(near, c, Street)
		}
		last = c
	}
}

// corner is the one at a point, a new one unless there is one.
func (t *Town) corner(p point) int {
	if near, meters := t.nearest(t.corners, p); meters < 1 {
		return near
	}
	return t.add(p)
}

func (t *Town) add(p point) int {
	t.corners = append(t.corners, corner{at: p})
	return len(t.corners) - 1
}

// nearest is the corner nearest to a point, of some.
func (t *Town) nearest(of []corner, p point) (nearest int, meters float64) {
	meters = math.Inf(1)
	for i, c := range of {
		if m := c.at.to(p); m < meters {
			nearest, meters = i, m
		}
	}
	return nearest, meters
}

// join makes a street both ways.
func (t *Town) join(a, b int, kind Kind) {
	if a == b || slices.ContainsFunc(t.corners[a].leave, func(s int) bool { return t.streets[s].to == b }) {
		return
	}
	for _, ends := range [][2]int{{a, b}, {b, a}} {
		from, to := t.corners[ends[0]].at, t.corners[ends[1]].at
		length := from.to(to)
		t.corners[ends[0]].leave = append(t.corners[ends[0]].leave, len(t.streets))
		t.streets = append(t.streets, street{ends[0], ends[1], length, (to.x - from.x) / length, (to.y - from.y) / length, kind})
	}
}

// regulate leaves out what cannot be reached, and says how each corner is crossed.
func (t *Town) regulate() {
	whole := Town{}
	number := map[int]int{} // of a corner here in the whole town
	middle, _ := t.nearest(t.corners, point{})
	number[middle] = whole.add(t.corners[middle].at)
	for queue := []int{middle}; len(queue) > 0; queue = queue[1:] {
		for _, s := range t.corners[queue[0]].leave {
			s := t.streets[s]
			if _, known := number[s.to]; !known {
				number[s.to] = whole.add(t.corners[s.to].at)
				queue = append(queue, s.to)
			}
			whole.join(number[s.from], number[s.to], s.kind)
		}
	}
	*t = whole
	for i := range t.corners {
		of := map[Kind]int{}
		for _, s := range t.corners[i].leave {
			of[t.streets[s].kind]++
		}
		switch {
		case of[Highway] > 0:
			t.corners[i].rule = open
		case of[Avenue] > 0:
			t.corners[i].rule = lights
		}
	}
}
