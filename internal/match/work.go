package match

import (
	"context"
	"fmt"
	"math"

	"waggle/internal/protocol"
)

// A work is the work of one message. Until serve has returned the caller's replies, all
// pushes and later work are collected; from then on they are done at once.
type work struct {
	*Service
	caller   Session
	admitted bool // the message was taken from the caller's budget
	replies  []protocol.Frame
	replied  bool
	others   []func(context.Context)       // to run concurrently with the replies
	rest     []func(context.Context) error // to run after them
	assignments
}

// serve does the work of one message. do returns the reply to the caller, or nil.
func (s *Service) serve(caller Session, do func(*work) (protocol.Frame, error)) (Result, error) {
	w := &work{Service: s, caller: caller, assignments: newAssignments(s.Now())}
	reply, err := do(w)
	if reply != nil {
		w.replies = append(w.replies, reply)
	}
	w.replied = true
	return Result{Replies: w.replies, work: w}, err
}

// notice returns a function that notifies a member. A frame for the caller's connection
// becomes one of the replies instead, and notice returns nil.
func (w *work) notice(m Member, connection string, f protocol.Frame) func(context.Context) {
	if !w.replied && connection != "" && m == w.caller.Member && connection == w.caller.Connection {
		w.replies = append(w.replies, f)
		return nil
	}
	return func(ctx context.Context) { w.Notify(ctx, m, connection, f) }
}

// concurrently runs jobs that other members wait for: at the same time as the replies are
// pushed, or at once if they have been. A nil job is left out.
func (w *work) concurrently(ctx context.Context, jobs ...func(context.Context)) {
	var all []func(context.Context)
	for _, do := range jobs {
		if do != nil {
			all = append(all, do)
		}
	}
	switch {
	case !w.replied:
		w.others = append(w.others, all...)
	case len(all) > 0:
		together(ctx, all...)
	}
}

// flush pushes at once what is kept until the replies go out: before work that may take
// long, and before work that may give rise to newer notices for the same members.
func (w *work) flush(ctx context.Context) {
	if w.replied || len(w.others)+len(w.replies) == 0 {
		return
	}
	others, replies := w.others, w.replies
	w.others, w.replies = nil, nil
	together(ctx, append(others, func(ctx context.Context) {
		for _, f := range replies {
			w.Notify(ctx, w.caller.Member, w.caller.Address(w.Now()), f)
		}
	})...)
}

// afterwards does the work that nobody waits for: after the replies, or at once if they
// have been sent.
func (w *work) afterwards(ctx context.Context, do func(context.Context) error) error {
	if w.replied {
		return do(ctx)
	}
	w.rest = append(w.rest, do)
	return nil
}

// A sessionResult is the result of a step of a session.
type sessionResult interface {
	session() (Status, Refusal, *NoMatch)
}

func (r Snapshot) session() (Status, Refusal, *NoMatch)  { return r.Status, r.Refusal, r.NoMatch }
func (r Reported) session() (Status, Refusal, *NoMatch)  { return r.Status, r.Refusal, r.NoMatch }
func (r Begun) session() (Status, Refusal, *NoMatch)     { return r.Status, r.Refusal, r.NoMatch }
func (r Cancelled) session() (Status, Refusal, *NoMatch) { return r.Status, r.Refusal, r.NoMatch }

// inSession runs a step of a session. The first step takes the message from the caller's
// budget. It returns a fault if that is empty, or if the session is not the current one. If the
// cache does not know the session, inSession connects it and runs the step once more. A request
// of the caller that has expired is notified.
func inSession[R sessionResult](ctx context.Context, w *work, x Session, step func(Session) (R, error)) (R, error) {
	x.Admitted = w.admitted
	r, err := step(x)
	if err != nil {
		return r, err
	}
	if status, _, _ := r.session(); status == StatusUnknown {
		if err := w.connect(ctx, x); err != nil {
			return r, err
		}
		if r, err = step(x); err != nil {
			return r, err
		}
	}
	w.admitted = true
	switch status, refusal, noMatch := r.session(); {
	case status == StatusRateLimited || status == StatusKeptOut:
		return r, w.tooMany(x, status, refusal)
	case status == StatusReplaced || status == StatusUnknown:
		return r, replaced()
	case status == StatusExpired:
		return r, SessionExpired()
	case status == StatusGone:
		return r, fault(Gone, "this connection has disconnected")
	case noMatch != nil:
		w.concurrently(ctx, w.notice(x.Member, x.Connection, &protocol.NoMatch{ID: noMatch.ID, Radius: noMatch.Radius}))
	}
	return r, nil
}

// tooMany returns the fault of a message that one of the caller's limits refused.
func (w *work) tooMany(x Session, status Status, r Refusal) error {
	settings := w.Pools.For(x.Pool)
	f := &Fault{Kind: RateLimited, RetryAfter: r.RetryAfter}
	switch {
	case status == StatusKeptOut:
		f.Kind = KeepOut
		f.Text = fmt.Sprintf("too many messages were refused: connect again in %g seconds", math.Ceil(r.RetryAfter.Seconds()))
	case r.Limit == LimitMessages:
		f.Text = fmt.Sprintf("at most %g messages a second in this pool, and %g at once", settings.MessagesPerSecond, settings.MessagesBurst)
	case r.Limit == LimitReports:
		f.Text = fmt.Sprintf("at most %g locations a second in this pool, and %g at once: report as advised",
			settings.ReportsPerSecond, settings.ReportsBurst)
	case r.Limit == LimitConnects:
		f.Text = fmt.Sprintf("at most %d connections a minute, and %d at once", ConnectsPerMinute, ConnectsBurst)
	case r.Limit == LimitHarvest:
		f.Text = fmt.Sprintf("at most %g matches an hour may end within %g seconds of their start in this pool, %g of them at once",
			settings.HarvestPerHour, Early.Seconds(), max(1, math.Floor(settings.HarvestPerHour/2)))
	default:
		f.Text = fmt.Sprintf("at most %g requests a minute and %g matches an hour in this pool",
			settings.RequestsPerMinute, settings.MatchesPerHour)
	}
	return f
}

const takenOver = "a newer connection of this member has taken over"

func replaced() error { return fault(Replaced, takenOver) }

// read keeps the session fresh, returns the member's record and route, and repairs a
// half-done end. With anew it lists the member anew.
func (w *work) read(ctx context.Context, x Session, anew bool) (Snapshot, error) {
	r, err := inSession(ctx, w, x, func(x Session) (Snapshot, error) {
		if x.Connection == "" {
			return w.Store.Read(ctx, x.Member, nil, anew)
		}
		return w.Store.Read(ctx, x.Member, &x, anew)
	})
	if err == nil {
		err = w.repairEnd(ctx, x.Member, r.Route)
	}
	return r, err
}
