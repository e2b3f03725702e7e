package match_test

import (
	"context"
	"errors"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// delivering is a service whose methods push the replies too, as the handler does.
type delivering struct{ *match.Service }

func (s delivering) Connect(ctx context.Context, x match.Session) error {
	return s.deliver(ctx, x)(s.Service.Connect(ctx, x))
}

func (s delivering) Ping(ctx context.Context, x match.Session, id string) error {
	return s.deliver(ctx, x)(s.Service.Ping(ctx, x, id))
}

func (s delivering) Hello(ctx context.Context, x match.Session, id string) error {
	return s.deliver(ctx, x)(s.Service.Hello(ctx, x, id))
}

func (s delivering) Locate(ctx context.Context, x match.Session, id string) error {
	return s.deliver(ctx, x)(s.Service.Locate(ctx, x, id))
}

func (s delivering) Report(ctx context.Context, x match.Session, q *protocol.Location, arrival time.Time) error {
	return s.deliver(ctx, x)(s.Service.Report(ctx, x, q, arrival))
}

func (s delivering) Match(ctx context.Context, x match.Session, q *protocol.Match) error {
	return s.deliver(ctx, x)(s.Service.Match(ctx, x, q))
}

func (s delivering) Cancel(ctx context.Context, x match.Session, q *protocol.Cancel) error {
	return s.deliver(ctx, x)(s.Service.Cancel(ctx, x, q))
}

func (s delivering) End(ctx context.Context, x match.Session, q *protocol.End) error {
	return s.deliver(ctx, x)(s.Service.End(ctx, x, q))
}

func (s delivering) Nearby(ctx context.Context, x match.Session, id string) error {
	return s.deliver(ctx, x)(s.Service.Nearby(ctx, x, id))
}

func (s delivering) Say(ctx context.Context, x match.Session, q *protocol.Say) error {
	return s.deliver(ctx, x)(s.Service.Say(ctx, x, q))
}

func (s delivering) Decline(ctx context.Context, x match.Session, q *protocol.Decline) error {
	return s.deliver(ctx, x)(s.Service.Decline(ctx, x, q))
}

// deliver returns a function that pushes a message's replies to its sender.
func (s delivering) deliver(ctx context.Context, x match.Session) func(match.Result, error) error {
	return func(r match.Result, err error) error {
		return errors.Join(err, r.Deliver(ctx, func(ctx context.Context, f protocol.Frame) bool {
			return s.Notify(ctx, x.Member, x.Address(s.Now()), f)
		}))
	}
}
