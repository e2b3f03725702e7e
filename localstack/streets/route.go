package streets

// next returns the street to take at a corner, on the fastest route to another one.
func (m *Map) next(from, to int) int {
	r := &m.routes[to]
	r.once.Do(func() { r.next = m.find(to) })
	return m.corners[from].leave[r.next[from]]
}

// find is Dijkstra's algorithm. It starts at the end of the routes.
func (m *Map) find(to int) []uint8 {
	next := make([]uint8, len(m.corners))
	best := make([]float64, len(m.corners)) // seconds to the end; 0: not known yet
	var open queue
	open.push(waypoint{corner: to})
	for len(open) > 0 {
		w := open.pop()
		if w.seconds > best[w.corner] {
			continue // a faster route was found before
		}
		for _, out := range m.corners[w.corner].leave {
			back := out ^ 1 // the same street towards w
			s := m.streets[back]
			seconds := w.seconds + s.length/s.kind.limit() + m.delay(back)
			if s.from == to || best[s.from] != 0 && best[s.from] <= seconds {
				continue
			}
			best[s.from] = seconds
			for i, leave := range m.corners[s.from].leave {
				if leave == back {
					next[s.from] = uint8(i)
				}
			}
			open.push(waypoint{s.from, seconds})
		}
	}
	return next
}

// delay estimates how many seconds the corner at the end of a street costs.
func (m *Map) delay(street int) float64 {
	s := m.streets[street]
	switch m.corners[s.to].rule {
	case lights:
		return 9
	case yield:
		if s.kind == side {
			return 4
		}
	}
	return 0
}

type waypoint struct {
	corner  int
	seconds float64
}

// A queue is a heap with the fewest seconds first. It does without the interface of
// container/heap, which is too slow here.
type queue []waypoint

func (q *queue) push(w waypoint) {
	h := append(*q, w)
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if h[up].seconds <= h[i].seconds {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
	*q = h
}

func (q *queue) pop() waypoint {
	h := *q
	first, last := h[0], len(h)-1
	h[0], h = h[last], h[:last]
	for i := 0; ; {
		down := 2*i + 1
		if down >= last {
			break
		}
		if down+1 < last && h[down+1].seconds < h[down].seconds {
			down++
		}
		if h[i].seconds <= h[down].seconds {
			break
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
	*q = h
	return first
}
