package evaluate

import "math"

// A piece is a straight line at a steady speed, for the seconds of a track from one on. It
// is on a plane that touches the Earth at the piece's first second.
type piece struct {
	from        int
	x, y        float64 // metres to the east and to the north of the first second's truth
	east, north float64 // metres a second
}

// off returns how far a place on the plane is from the piece, so many seconds after its start.
func (p piece) off(at place) float64 {
	return math.Hypot(p.x+p.east*at.t-at.x, p.y+p.north*at.t-at.y)
}

// A place is where the member is in a second of a piece.
type place struct{ t, x, y float64 }

// place returns where the member is in a second, for a piece that begins in another.
func (t *track) place(from, i int) place {
	a, b := t.seconds[from], t.seconds[i]
	return place{float64(i - from), math.Remainder(b.lng-a.lng, 360) * metersPerDegree * math.Cos(a.lat*math.Pi/180), (b.lat - a.lat) * metersPerDegree}
}

// pieces covers a track with the fewest pieces that are never further from the truth than
// the bound: what the best of all senders would need that knows the future, and whose
// reports may have any place, speed and heading. A piece that covers some seconds covers
// any part of them, so each may be as long as it can be.
func (t *track) pieces(bound float64) []piece {
	var all []piece
	f := fit{bound: bound}
	for i := range t.seconds {
		if i > 0 && f.extend(t.place(f.piece.from, i)) {
			all[len(all)-1] = f.piece
			continue
		}
		f.begin(i)
		all = append(all, f.piece)
	}
	return all
}

// A fit is the piece under way, with the places that it must be close to.
type fit struct {
	bound   float64
	piece   piece
	places  []place
	weights []float64 // sum up to 1
	offs    []float64 // scratch
}

func (f *fit) begin(i int) {
	f.piece, f.places, f.weights = piece{from: i}, append(f.places[:0], place{}), append(f.weights[:0], 1)
}

// rounds bounds the search for one piece. In tests all but a few are decided far earlier.
const rounds = 2000

// extend tells whether some piece is close to one more place too, and makes it the piece.
//
// It finds the piece whose largest distance is least by Lawson's algorithm: a weighted
// least-squares fit, whose weights are multiplied by the distances again and again. The
// weighted mean square of the distances is never more than the square of that least largest
// distance, since a weighted mean is never more than the largest. So above the bound it
// proves that there is no piece. One that neither fits nor is disproved in time counts as
// one that fits: the pieces are never more than the fewest.
func (f *fit) extend(at place) bool {
	f.places = append(f.places, at)
	n := float64(len(f.places))
	const part = 0.1 // of the weight is spread evenly, since no multiple of zero grows
	for i := range f.weights {
		f.weights[i] = (1-2*part)*f.weights[i] + part/n
	}
	f.weights = append(f.weights, part+part/n)
	if f.piece.off(at) <= f.bound {
		return true
	}
	best, least := f.piece, math.Inf(1)
	for range rounds {
		p := f.regress()
		largest, square, sum := 0.0, 0.0, 0.0
		f.offs = f.offs[:0]
		for i, at := range f.places {
			off := p.off(at)
			f.offs = append(f.offs, off)
			largest = max(largest, off)
			square += f.weights[i] * off * off
			sum += f.weights[i] * off
		}
		if largest < least {
			best, least = p, largest
		}
		if largest <= f.bound {
			break
		}
		if square > f.bound*f.bound {
			return false
		}
		for i := range f.weights {
			f.weights[i] *= f.offs[i] / sum
		}
	}
	f.piece = best
	return true
}

// regress returns the piece with the least weighted sum of squares.
func (f *fit) regress() piece {
	var t, x, y float64
	for i, at := range f.places {
		w := f.weights[i]
		t, x, y = t+w*at.t, x+w*at.x, y+w*at.y
	}
	var tt, tx, ty float64
	for i, at := range f.places {
		w := f.weights[i] * (at.t - t)
		tt, tx, ty = tt+w*(at.t-t), tx+w*(at.x-x), ty+w*(at.y-y)
	}
	p := piece{from: f.piece.from}
	if tt > 0 {
		p.east, p.north = tx/tt, ty/tt
	}
	p.x, p.y = x-p.east*t, y-p.north*t
	return p
}
