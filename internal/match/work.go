package match

import (
	"context"

	"waggle/internal/protocol"
)

// A work is the work of one message. Until serve has returned the caller's replies, all
// pushes and later work are collected; from then on they are done at once.
type work struct {
	*Service
	caller  Session
	replies []protocol.Frame
	replied bool
	others  []func(context.Context)       // to run concurrently with the replies
	rest    []func(context.Context) error // to run after them
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
			w.Notify(ctx, w.caller.Member, w.caller.Connection, f)
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
type sessionResult interface{ session() (Status, *NoMatch) }

func (r Snapshot) session() (Status, *NoMatch)  { return r.Status, r.NoMatch }
func (r Reported) session() (Status, *NoMatch)  { return r.Status, r.NoMatch }
func (r Begun) session() (Status, *NoMatch)     { return r.Status, r.NoMatch }
func (r Cancelled) session() (Status, *NoMatch) { return r.Status, r.NoMatch }

// inSession runs a step of a session. It returns a fault if the session is not the current
// one. If the cache does not know the session, inSession connects it and runs the step once
// more. A request of the caller that has expired is notified.
func inSession[R sessionResult](ctx context.Context, w *work, x Session, step func() (R, error)) (R, error) {
	r, err := step()
	if err != nil {
		return r, err
	}
	if status, _ := r.session(); status == StatusUnknown {
		if err := w.connect(ctx, x); err != nil {
			return r, err
		}
		if r, err = step(); err != nil {
			return r, err
		}
	}
	switch status, noMatch := r.session(); {
	case status == StatusReplaced || status == StatusUnknown:
		return r, replaced()
	case status == StatusGone:
		return r, fault(Gone, "this connection has disconnected")
	case noMatch != nil:
		w.concurrently(ctx, w.notice(x.Member, x.Connection, &protocol.NoMatch{ID: noMatch.ID, Radius: noMatch.Radius}))
	}
	return r, nil
}

const takenOver = "a newer connection of this member has taken over"

func replaced() error { return fault(Replaced, takenOver) }

// read keeps the session fresh, returns the member's record and route, and repairs a
// half-done end. With anew it lists the member anew.
func (w *work) read(ctx context.Context, x Session, anew bool) (Snapshot, error) {
	session := &x
	if x.Connection == "" {
		session = nil
	}
	r, err := inSession(ctx, w, x, func() (Snapshot, error) { return w.Store.Read(ctx, x.Member, session, anew) })
	if err == nil {
		err = w.repairEnd(ctx, x.Member, r.Route)
	}
	return r, err
}
