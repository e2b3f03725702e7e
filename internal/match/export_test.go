package match

import (
	"context"

	"waggle/internal/geo"
)

// Abandoned is the age from which other processes repair a match.
const Abandoned = abandoned

// Walk searches as an assignment attempt does whose claims are all refused. It returns up to
// most candidates, nearest first, and whether there are no others. record returns what a claim
// would find: the candidate's last report, and whether the candidate still fits. A candidate
// with a newer report is sorted in anew, or passed over if it does not fit.
func Walk(ctx context.Context, index Index, q Query, most int, record func(Member) (Position, bool)) (found []Candidate, all bool, err error) {
	s := newSearch(index, q)
	for len(found) < most {
		c, ok, err := s.nearest(ctx)
		if err != nil || !ok {
			return found, !ok, err
		}
		p, fits := record(c.Member)
		moved := p.At != c.At || p.Seq != c.Seq
		if moved && fits {
			c.Position, c.Distance = p, geo.Distance(q.Point, p.Point)
			s.enqueue(c)
			continue
		}
		s.exclude(c.Member)
		if !moved {
			found = append(found, c) // its listing is up to date
		}
	}
	return found, false, nil
}
