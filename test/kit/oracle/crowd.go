package oracle

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A Member is a member with its true place.
type Member struct {
	Name string
	Place
	Reported    time.Time
	Unavailable bool // for whatever reason
	Tags        []string
}

// A Query asks for members around a place.
type Query struct {
	Place
	Radius float64 // metres
	Tags   []string
	// Since excludes reports of this moment or earlier.
	Since time.Time
}

// A Hit is a member that fits a query and is near enough.
type Hit struct {
	Name     string
	Distance float64 // metres
}

// A Crowd has all members. The zero value is empty.
type Crowd struct {
	all   []known
	index map[string]int
}

type known struct {
	Member
	at vector
}

// Put adds a member, or replaces the one of that name.
func (c *Crowd) Put(m Member) {
	if c.index == nil {
		c.index = make(map[string]int)
	}
	i, found := c.index[m.Name]
	if !found {
		i = len(c.all)
		c.index[m.Name] = i
		c.all = append(c.all, known{})
	}
	c.all[i] = known{m, m.vector()}
}

// Nearest returns the members within the radius that fit, nearest first.
func (c *Crowd) Nearest(q Query) []Hit {
	var hits []Hit
	at := q.vector()
	for i := range c.all {
		if m := &c.all[i]; m.Fits(q) {
			if d := at.distance(m.at); d <= q.Radius {
				hits = append(hits, Hit{m.Name, d})
			}
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Compare(a.Distance, b.Distance) })
	return hits
}

// Fits reports whether a query wants the member, if it is near enough.
func (m *Member) Fits(q Query) bool {
	if m.Unavailable || !m.Reported.After(q.Since) {
		return false
	}
	for _, tag := range q.Tags {
		if !slices.Contains(m.Tags, tag) {
			return false
		}
	}
	return true
}

// Check returns what is wrong with the result of a search, or nil. The result is the
// members found, nearest first, and whether they are all. Distances may be off by that
// many metres.
func (c *Crowd) Check(q Query, found []string, all bool, off float64) error {
	wide := q
	wide.Radius += off
	want := c.Nearest(wide)
	distances := make(map[string]float64, len(want))
	for _, hit := range want {
		distances[hit.Name] = hit.Distance
	}
	for i, name := range found {
		d, fits := distances[name]
		switch {
		case !fits:
			return fmt.Errorf("number %d is %s, which is %s", i+1, name, c.why(q, name))
		case slices.Contains(found[:i], name):
			return fmt.Errorf("%s comes twice", name)
		case d > want[i].Distance+off || d < want[i].Distance-off:
			return fmt.Errorf("number %d is %s, %.3f m away, but should be %s at %.3f m", i+1, name, d, want[i].Name, want[i].Distance)
		}
	}
	if n := len(found); all && n < len(want) && want[n].Distance < q.Radius-off {
		return fmt.Errorf("%d found: %s is missing, at %.3f m", n, want[n].Name, want[n].Distance)
	}
	return nil
}

// why returns why a member does not fit.
func (c *Crowd) why(q Query, name string) string {
	i, found := c.index[name]
	if !found {
		return "nobody"
	}
	m := &c.all[i]
	return fmt.Sprintf("%.3f m away, unavailable %v, tagged %v, reported %v after the latest that is too old", q.vector().distance(m.at),
		m.Unavailable, m.Tags, m.Reported.Sub(q.Since))
}
