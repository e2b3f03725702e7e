package handler

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"waggle/internal/geo"
	"waggle/internal/match"
	"waggle/internal/pool"
	"waggle/internal/protocol"
)

// Invoke serves what a function with verbs gets: an event of API Gateway as Handle does, or a verb
// of the application's back end, which IAM has let through, or an event of the queue of timers. It
// implements lambda.Handler.
//
// A client can never reach either. API Gateway makes the event, and names a route in each. What
// has none is a verb only if it has no field but those of the verb.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var e Event
	if err := json.Unmarshal(payload, &e); err != nil || e.RequestContext.RouteKey == "" {
		if due, ok := timers(payload); ok {
			return json.Marshal(h.due(ctx, due))
		}
		return protocol.Encode(h.verb(ctx, payload)), nil
	}
	r, err := h.Handle(ctx, e)
	if err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// verb does what a back end asks for, and returns the answer, which may be an *protocol.Error. Each
// call is one line of the log.
func (h *Handler) verb(ctx context.Context, payload []byte) protocol.Frame {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, ctx := h.begin(ctx, "verb", nil)
	defer s.end(ctx)
	v, refused := protocol.DecodeVerb(payload)
	var answer protocol.Frame = refused
	outcome, line := "ok", []any{"verb", protocol.VerbName(v)}
	if refused == nil {
		line = append(append(line, "pool", v.InPool()), v.Subject()...)
		var err error
		if answer, err = h.do(ctx, v); err != nil {
			s.fail(err)
			answer = errorFrame("", err)
		}
	}
	switch f := answer.(type) {
	case *protocol.Error:
		outcome = string(f.Code)
		s.refuse(outcome, slog.LevelDebug, nil)
	case *protocol.MatchState:
		if _, created := v.(*protocol.MatchCreate); created {
			line = append(line, "match", f.Match)
		}
	}
	h.Audit.InfoContext(ctx, "verb", append(line, "outcome", outcome)...)
	return answer
}

// do does it.
func (h *Handler) do(ctx context.Context, v protocol.Verb) (answer protocol.Frame, err error) {
	if !pool.ValidName(v.InPool()) {
		return nil, &match.Fault{Kind: match.Invalid, Text: `pool must be 1 to 32 of a-z, 0-9 and "-"`}
	}
	var r match.Result
	member := func(of protocol.OfMember) match.Member { return match.Member{Pool: of.Pool, ID: of.Member} }
	switch v := v.(type) {
	case *protocol.MemberGet:
		r, err = h.Service.MemberState(ctx, member(v.OfMember), v.Position)
	case *protocol.MemberDisconnect:
		r, err = h.Service.Dismiss(ctx, member(v.OfMember), v.Reason)
	case *protocol.MemberForget:
		r, err = h.Service.Forget(ctx, member(v.OfMember))
	case *protocol.MatchGet:
		r, err = h.Service.MatchState(ctx, member(v.OfMember), v.Match)
	case *protocol.MatchCreate:
		var at *geo.Point
		if v.Point != nil {
			at = &geo.Point{Lat: v.Lat, Lng: v.Lng}
		}
		r, err = h.Service.Create(ctx, match.Member{Pool: v.Pool, ID: v.Matcher}, match.Member{Pool: v.Pool, ID: v.Matchee}, at)
	case *protocol.MatchEnd:
		r, err = h.Service.End(ctx, match.Session{Member: member(v.OfMember)}, &protocol.End{Match: v.Match, Reason: v.Reason})
	case *protocol.PoolCounts:
		r, err = h.Service.Counts(ctx, v.Pool, geo.Point{Lat: v.Lat, Lng: v.Lng}, cmp.Or(v.Radius, protocol.DefaultRadius))
	default:
		err = fmt.Errorf("no method serves %T", v)
	}
	return answer, errors.Join(err, r.Deliver(ctx, func(_ context.Context, f protocol.Frame) bool {
		if e, ok := f.(*protocol.Ended); ok {
			e.ID = "" // that of the member's request
		}
		answer = f
		return true
	}))
}
