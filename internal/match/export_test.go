package match

import (
	"context"

	"waggle/internal/geo"
)

// Walk searches as an assignment attempt does whose claims are all refused. It returns up to
// most candidates, nearest first, and whether there are no others. record tells what a
// claim would meet: the candidate's last report, and whether it fits. One who has reported since
// the search saw it goes back among the others, or is passed over.
func Walk(ctx context.Context, index Index, q Query, most int, record func(Member) (Position, bool)) (found []Candidate, all bool, err error) {
	f := newSearch(index, q)
	for len(found) < most {
		c, ok, err := f.nearest(ctx)
		if err != nil || !ok {
			return found, !ok, err
		}
		p, fits := record(c.Member)
		moved := p.At != c.At || p.Seq != c.Seq
		if moved && fits {
			c.Position, c.Distance = p, geo.Distance(q.Point, p.Point)
			f.offer(c)
			continue
		}
		f.exclude(c.Member)
		if !moved {
			found = append(found, c) // the index saw it right, and is answerable for it
		}
	}
	return found, false, nil
}
