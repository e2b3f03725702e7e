package match

import (
	"cmp"
	"slices"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// mostSkipped is how many positions one push has beside the newest. The script skip has the same limit.
const mostSkipped = 99

// unknownAccuracy is how many metres a position may be out whose report does not say it.
const unknownAccuracy = 500

// take makes the report one of several points. Those that are less accurate than that, unless it
// is 0, do not count. If none counts, the report keeps its position, which the store does not take.
func (r *Report) take(points []protocol.Fix, accuracy float64) {
	if points == nil {
		return
	}
	r.Points = slices.DeleteFunc(slices.Clone(points), func(p protocol.Fix) bool {
		return p.Accuracy != nil && accuracy > 0 && *p.Accuracy > accuracy
	})
	if n := len(r.Points); n > 0 {
		p := r.Points[n-1]
		r.Position = Position{Point: geo.Point{Lat: p.Lat, Lng: p.Lng}, At: max(1, p.At), Seq: p.Seq, Motion: p.Motion}
	}
}

// taken returns how many points count, or nil if the report was of one position.
func (r *Report) taken(reported Reported) *int {
	switch {
	case r.Points == nil:
		return nil
	case reported.Status != StatusOK || reported.NotTaken != "":
		return new(0)
	}
	return new(len(r.Points))
}

// path returns the points between the last position and this one: none from before the match, which
// began then, and none from where nobody comes so fast.
func (r *Report) path(reported Reported, began int64, speed float64) (path []protocol.Fix) {
	next := protocol.Fix{Lat: r.Lat, Lng: r.Lng, At: reported.At, Motion: r.Motion}
	for i := len(r.Points) - 2; i >= 0; i-- {
		p := r.Points[i]
		if p.At > max(reported.Since, began) && p.At <= next.At && reaches(p, next, speed) {
			path, next = append(path, p), p
		}
	}
	slices.Reverse(path)
	return path
}

// trail joins the positions that were skipped and those of a path to here: each once, in their
// order, and the newest if they are too many.
func trail(skipped, path []protocol.Fix, here protocol.Fix) []protocol.Fix {
	order := func(a, b protocol.Fix) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Seq, b.Seq)) }
	all := slices.DeleteFunc(slices.Concat(skipped, path), func(p protocol.Fix) bool { return order(p, here) >= 0 })
	slices.SortStableFunc(all, order)
	all = slices.CompactFunc(all, func(a, b protocol.Fix) bool { return order(a, b) == 0 })
	return all[max(0, len(all)-mostSkipped):]
}

// reaches is what internal/store/scripts/member/report.lua asks of two positions.
func reaches(from, to protocol.Fix, speed float64) bool {
	out := float64(to.At-from.At+1000) / 1000 * speed
	for _, accuracy := range []*float64{from.Accuracy, to.Accuracy} {
		if accuracy != nil && *accuracy > 0 {
			out += *accuracy
		} else {
			out += unknownAccuracy
		}
	}
	return speed == 0 || geo.Distance(geo.Point{Lat: from.Lat, Lng: from.Lng}, geo.Point{Lat: to.Lat, Lng: to.Lng}) <= out
}
