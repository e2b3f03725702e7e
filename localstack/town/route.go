package town

// way is the street to take from one corner to another, on the fastest route.
func (t *Town) way(from, to int) int {
	r := &t.routes[to]
	r.once.Do(func() { r.next = t.find(to) })
	return t.corners[from].leave[r.next[from]]
}

// find is Dijkstra's algorithm, from where the routes lead to.
func (t *Town) find(to int) []uint8 {
	next := make([]uint8, len(t.corners))
	best := make([]float64, len(t.corners)) // seconds from there; 0 is not known yet
	var open queue
	open.push(waypoint{corner: to})
	for len(open) > 0 {
		w := open.pop()
		if w.seconds > best[w.corner] {
			continue // there was a faster one
		}
		for _, out := range t.corners[w.corner].leave {
			back := out ^ 1 // towards w
			s := t.streets[back]
			seconds := w.seconds + s.length/s.kind.Limit() + t.delay(back)
			if s.from == to || best[s.from] != 0 && best[s.from] <= seconds {
				continue
			}
			best[s.from] = seconds
			for i, leave := range t.corners[s.from].leave {
				if leave == back {
					next[s.from] = uint8(i)
				}
			}
			open.push(waypoint{s.from, seconds})
		}
	}
	return next
}

// delay is about how many seconds the corner at the end of a street takes.
func (t *Town) delay(street int) float64 {
	s := t.streets[street]
	switch t.corners[s.to].rule {
	case lights:
		return 9
	case yield:
		if s.kind == Street {
			return 4
		}
	}
	return 0
}

type waypoint struct {
	corner  int
	seconds float64
}

// A queue gives the soonest first: a heap, without the interface that makes
// container/heap too slow here.
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
