package match

import (
	"context"
	"fmt"

	"waggle/internal/protocol"
)

// Say passes the data on to the other member of the caller's match. The reply is a Said without
// data, or none if the message has no id. Nothing is stored: the error is the fault Conflict if the
// other member cannot be reached, and NotFound if the caller is not in this match.
func (s *Service) Say(ctx context.Context, x Session, q *protocol.Say) (Result, error) {
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) {
		before := w.Now()
		r, err := w.read(ctx, x, false)
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
