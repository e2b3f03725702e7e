package match

import (
	"cmp"
	"context"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// A driver carries requests to their matches, within one message of somebody.
// Its budget ends a chain of wake-ups: what is left over is served by the next
// message of whom it concerns.
type driver struct {
	*Service
	searches int
	// tried are those whose waiting requests found nobody, not even one who was
	// searching; taken are those who were matched.
	tried, taken map[Member]bool
	// rival is the smallest id of those whom the last search met searching themselves.
	rival string
}

func (s *Service) newDriver() *driver {
	return &driver{Service: s, searches: 6, tried: make(map[Member]bool), taken: make(map[Member]bool)}
}

// An outcome of a search.
type outcome int

const (
	matched outcome = iota
	nobody          // the search is still the request's own: it must fall
	busy            // the same, and somebody there was searching
	over            // the search is not the request's any more
)

// maxClaims bounds how many candidates one search tries.
const maxClaims = 64

// drive searches for the request, which is leased under id, and claims, commits
// and confirms the nearest who can be had.
func (d *driver) drive(ctx context.Context, owner Member, id string, r Request, home []Hits) (outcome, error) {
	q := Query{Self: owner, Point: r.Point, Radius: r.Radius, Tags: r.Tags}
	f := newField(d.Store, q)
	if home != nil {
		f.add([]geo.Cell{geo.ShardCell(r.Point)}, firstWant, home)
	}
	result := nobody
	d.rival = ""
	moves := make(map[Member]int)
	for range maxClaims {
		c, ok, err := f.nearest(ctx)
		if err != nil {
			return result, err
		}
		if !ok {
			return result, nil
		}
		a, err := d.claim(ctx, owner, id, r, c)
		if err != nil {
			return result, err
		}
		switch a.Status {
		case StatusYours:
			return d.commit(ctx, owner, id, c.Member)
		case StatusMoved:
			// It reported meanwhile: it goes where it belongs among the others.
			if moves[c.Member]++; moves[c.Member] < 4 {
				c.Position = *a.Position
				c.Distance = geo.Distance(r.Point, c.Point)
				f.offer(c)
				continue
			}
		case StatusBusy:
			result = busy
			d.rival = min(c.ID, cmp.Or(d.rival, c.ID))
		case StatusClaimed:
			if moves[c.Member] == 0 && !a.Claim.Confirmed && a.Now-a.Claim.At > undecided.Milliseconds() {
				moves[c.Member]++
				if _, err := d.resolveClaim(ctx, c.Member, *a.Claim, nil); err != nil {
					return result, err
				}
				f.offer(c)
				continue
			}
		}
		f.settle(c.Member)
	}
	return result, nil
}

// claim takes a candidate. Where the answer is lost the claim may stand or not:
// it is repeated, which is harmless, or else undone.
func (d *driver) claim(ctx context.Context, owner Member, id string, r Request, c Candidate) (Answer, error) {
	a, err := d.Store.Claim(ctx, owner, id, r.Tags, c)
	if err == nil {
		return a, nil
	}
	if a, again := d.Store.Claim(ctx, owner, id, r.Tags, c); again == nil {
		return a, nil
	}
	d.lost(ctx, "undo a claim", d.release(ctx, owner, id, c.Member, protocol.ReasonLost))
	return a, err
}

// commit makes a claimed candidate the match.
func (d *driver) commit(ctx context.Context, owner Member, id string, matchee Member) (outcome, error) {
	a, err := d.Store.Commit(ctx, owner, id, matchee)
	if err != nil {
		// It may be committed: whoever meets either half finishes it.
		if a, err = d.Store.Commit(ctx, owner, id, matchee); err != nil {
			return over, err
		}
	}
	if a.Status != StatusYours {
		return over, d.release(ctx, owner, id, matchee, protocol.ReasonLost)
	}
	if _, err := d.confirm(ctx, owner, id, matchee, a); err != nil {
		return over, err
	}
	d.taken[owner], d.taken[matchee] = true, true
	return matched, nil
}
