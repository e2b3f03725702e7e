package match_test

import (
	"context"
	"errors"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// delivering is a service that pushes its replies, as the handler does.
type delivering struct{ *match.Service }

// deliver does with a result what the handler does.
func deliver(ctx context.Context, s delivering, x match.Session, r match.Result, err error) error {
	return errors.Join(err, r.Deliver(ctx, func(ctx context.Context, f protocol.Frame) { s.Notify(ctx, x.Member, x.Connection, f) }))
}

func (s delivering) Connect(ctx context.Context, x match.Session) error {
	r, err := s.Service.Connect(ctx, x)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Ping(ctx context.Context, x match.Session, id string) error {
	r, err := s.Service.Ping(ctx, x, id)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Hello(ctx context.Context, x match.Session, id string) error {
	r, err := s.Service.Hello(ctx, x, id)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Locate(ctx context.Context, x match.Session, id string) error {
	r, err := s.Service.Locate(ctx, x, id)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Report(ctx context.Context, x match.Session, q *protocol.Location, arrival time.Time) error {
	r, err := s.Service.Report(ctx, x, q, arrival)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Match(ctx context.Context, x match.Session, q *protocol.Match) error {
	r, err := s.Service.Match(ctx, x, q)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) Cancel(ctx context.Context, x match.Session, id string) error {
	r, err := s.Service.Cancel(ctx, x, id)
	return deliver(ctx, s, x, r, err)
}

func (s delivering) End(ctx context.Context, x match.Session, q *protocol.End) error {
	r, err := s.Service.End(ctx, x, q)
	return deliver(ctx, s, x, r, err)
}
