// Package town is a made-up city: streets, lights, hot spots and hours, and the
// members that drive there, second by second. It is shaped like San Francisco, water
// on three sides, and its figures are those of a working day of taxis there.
//
// Start with New and Town.Member. The same seed, number and start give the same
// member on every run, whatever other members there are.
package town

import (
	"math/rand/v2"
	"sync"
)

// A Town is the streets and what draws people to them. It never changes: any
// number of members may use it at the same time.
type Town struct {
	corners []corner
	streets []street // there and back: i and i^1 are one street
	spots   []spot
	routes  []route // by the corner they lead to
}

// A corner is where streets meet.
type corner struct {
	at    point
	leave []int // streets that begin here
	rule  rule
}

// A rule says how a corner is crossed.
type rule uint8

const (
	yield  rule = iota // slowly, but on an avenue
	lights             // when they are green
	open               // as on a highway
)

// A street leads from a corner to the next one, in a straight line.
type street struct {
	from, to int
	length   float64 // metres
	east     float64 // of a metre along it, and north
	north    float64
	kind     Kind
}

// Kind is the kind of a street.
type Kind uint8

// The kinds of streets.
const (
	Street Kind = iota
	Avenue
	Highway
)

// Limit is how fast one may drive, in metres a second.
func (k Kind) Limit() float64 {
	return [...]float64{Street: 11, Avenue: 13.5, Highway: 29}[k] // 25, 30 and 65 mph
}

// A Line is a street as it lies on the map.
type Line struct {
	FromLat, FromLng, ToLat, ToLng float64
	Kind                           Kind
}

// New lays out the town.
func New() *Town {
	t := &Town{}
	for _, g := range grids() {
		t.lay(g)
	}
	for _, r := range roads() {
		t.build(r)
	}
	t.regulate()
	t.routes = make([]route, len(t.corners))
	t.gather()
	return t
}

// Lines returns all streets, each once.
func (t *Town) Lines() []Line {
	var lines []Line
	for i := 0; i < len(t.streets); i += 2 {
		s := t.streets[i]
		a, b := t.corners[s.from].at, t.corners[s.to].at
		l := Line{Kind: s.kind}
		l.FromLat, l.FromLng = a.degrees()
		l.ToLat, l.ToLng = b.degrees()
		lines = append(lines, l)
	}
	return lines
}

// A route knows the way to one corner from every other. It is found when it is
// first wanted.
type route struct {
	once sync.Once
	next []uint8 // by corner: which of its streets to take
}

// random is a member's own randomness, and one of several: for how it lives, and
// for each day's shifts.
func random(seed uint64, number int, purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(number)<<32|purpose))
}
