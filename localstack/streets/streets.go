// Package streets is the street map of a made-up city shaped like San Francisco, with
// water on three sides, and the cars that drive there second by second.
//
// Start with New, which lays out the map, and Map.Park, which puts a car on it.
// Handler serves the streets to a page that draws them.
package streets

import (
	"math"
	"slices"
	"sync"
)

// A Map is corners and the streets between them. It never changes, so any number of
// cars may use it at the same time.
type Map struct {
	corners []corner
	streets []street // both directions: i and i^1 are the same street
	routes  []route  // by the corner they lead to
}

// A corner is where streets meet.
type corner struct {
	at    Point
	leave []int // the streets that begin here
	rule  rule
}

// A rule says how a corner is crossed.
type rule uint8

const (
	yield   rule = iota // slowly, except on an avenue
	lights              // at a green light
	highway             // at full speed
)

// A street leads from a corner to the next one, in a straight line.
type street struct {
	from, to    int
	length      float64 // metres
	east, north float64 // metres east and north for each metre along the street
	kind        kind
}

// kind is the kind of a street.
type kind uint8

const (
	side kind = iota
	avenue
	motorway
)

// limit is the speed limit, in metres a second.
func (k kind) limit() float64 {
	return [...]float64{side: 11, avenue: 13.5, motorway: 29}[k] // 25, 30 and 65 mph
}

// A Line is a street as it lies on the map, in degrees.
type Line struct {
	FromLat, FromLng, ToLat, ToLng float64
}

// New lays out the map. It is the same every time.
func New() *Map {
	m := &Map{}
	for _, g := range grids() {
		m.lay(g)
	}
	for _, r := range roads() {
		m.build(r)
	}
	m = m.connected()
	m.regulate()
	m.routes = make([]route, len(m.corners))
	return m
}

// Lines returns all streets, each once.
func (m *Map) Lines() []Line {
	var lines []Line
	for i := 0; i < len(m.streets); i += 2 {
		var l Line
		l.FromLat, l.FromLng = m.corners[m.streets[i].from].at.Degrees()
		l.ToLat, l.ToLng = m.corners[m.streets[i].to].at.Degrees()
		lines = append(lines, l)
	}
	return lines
}

// Corners returns how many corners there are. They are numbered from 0.
func (m *Map) Corners() int { return len(m.corners) }

// Corner returns where a corner is.
func (m *Map) Corner(i int) Point { return m.corners[i].at }

// OnHighway tells whether a corner is on a highway, where no car may stop.
func (m *Map) OnHighway(i int) bool { return m.corners[i].rule == highway }

// Nearest returns the corner nearest to a point.
func (m *Map) Nearest(p Point) int {
	nearest, _ := nearest(m.corners, p)
	return nearest
}

// nearest returns which of some corners is nearest to a point, and how far away it is.
func nearest(corners []corner, p Point) (nearest int, meters float64) {
	meters = math.Inf(1)
	for i, c := range corners {
		if d := c.at.To(p); d < meters {
			nearest, meters = i, d
		}
	}
	return nearest, meters
}

// connected returns the part of the map that can be reached from its middle.
func (m *Map) connected() *Map {
	part := &Map{}
	number := map[int]int{} // by a corner of m: the same corner of part
	middle := m.Nearest(Point{})
	number[middle] = part.add(m.corners[middle].at)
	for queue := []int{middle}; len(queue) > 0; queue = queue[1:] {
		for _, s := range m.corners[queue[0]].leave {
			s := m.streets[s]
			if _, known := number[s.to]; !known {
				number[s.to] = part.add(m.corners[s.to].at)
				queue = append(queue, s.to)
			}
			part.join(number[s.from], number[s.to], s.kind)
		}
	}
	return part
}

// regulate decides how each corner is crossed.
func (m *Map) regulate() {
	for i, c := range m.corners {
		has := func(k kind) bool {
			return slices.ContainsFunc(c.leave, func(s int) bool { return m.streets[s].kind == k })
		}
		switch {
		case has(motorway):
			m.corners[i].rule = highway
		case has(avenue):
			m.corners[i].rule = lights
		}
	}
}

// A route leads to one corner from every other. It is computed when it is first used.
type route struct {
	once sync.Once
	next []uint8 // by corner: which of its streets to take
}
