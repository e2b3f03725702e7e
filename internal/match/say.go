package match

import (
	"context"
	"fmt"
	"sync"

	"waggle/internal/protocol"
)

// Say passes the data on to the other member of the caller's match. The reply is a Said without
// data, or none if the message has no id. Nothing is stored: the error is the fault Conflict if the
// other member cannot be reached, and NotFound if the caller is not in this match.
func (s *Service) Say(ctx context.Context, x Session, q *protocol.Say) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		before := w.Now()
		r, err := w.readInMatch(ctx, x, q.Match)
		if err != nil {
			return nil, err
		}
		for range maxPeerReads {
			p, err := w.pairOf(ctx, x.Member, r, q.Match)
			switch {
			case err != nil:
				return nil, err
			case p == nil:
				return nil, noSuchMatch()
			case !p.told: // it would get this before it knows of the match
				if err := w.Sleep(ctx, pushPause); err != nil {
					return nil, err
				}
				continue
			case w.Now().Sub(before) > slow: // the match may have ended by now
				return nil, fmt.Errorf("read a match: %w: it answers too slowly", ErrUnavailable)
			}
			s.Partners.remember(x.Member, q.Match, p.other())
			if !w.Notify(ctx, p.other(), p.connection, &protocol.Said{Match: q.Match, Data: q.Data}) {
				break
			}
			if q.ID == "" {
				return nil, nil
			}
			return &protocol.Said{ID: q.ID, Match: q.Match}, nil
		}
		return nil, &Fault{Kind: Conflict, Retryable: true, Text: "the peer cannot be reached now: it may not have got this"}
	})
}

// pairOf is repair for a match of that id. If the member's record names no such match, it is nil.
func (w *work) pairOf(ctx context.Context, m Member, r Snapshot, id string) (*pair, error) {
	if !(r.Claim != nil && r.Claim.Match == id || r.Route != nil && r.Route.Match == id) {
		return nil, nil
	}
	p, err := w.repair(ctx, m, r)
	if err != nil || p == nil || p.match != id {
		return nil, err
	}
	return p, nil
}

// Partners are who was in a match with whom, so that what both halves say can be read in one trip.
type Partners struct {
	mu  sync.Mutex
	all map[partner]Member
}

// A partner is a member in a match.
type partner struct {
	Member
	match string
}

// mostPartners is how many a process remembers.
const mostPartners = 10_000

func (p *Partners) remember(m Member, match string, other Member) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil || len(p.all) >= mostPartners {
		p.all = make(map[partner]Member)
	}
	p.all[partner{m, match}] = other
}

func (p *Partners) of(m Member, match string) (Member, bool) {
	if p == nil {
		return Member{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	other, ok := p.all[partner{m, match}]
	return other, ok
}

// A readAhead is what was read of the other half of a match together with the caller's. It is good
// for this match only: of a newer one the other half may not have known yet.
type readAhead struct {
	match    string
	peer     Member
	snapshot Snapshot
}

// readInMatch is read, and reads the other half of that match ahead if it is known.
func (w *work) readInMatch(ctx context.Context, x Session, match string) (Snapshot, error) {
	peer, known := w.Partners.of(x.Member, match)
	if !known {
		return w.read(ctx, x, false)
	}
	return w.readAs(ctx, x, func(x Session) (Snapshot, error) {
		own, other, err := w.Store.ReadBoth(ctx, x, peer)
		w.ahead = &readAhead{match, peer, other}
		return own, err
	})
}
