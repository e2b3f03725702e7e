package match

import (
	"context"

	"waggle/internal/protocol"
)

// A work is what one message does. Until the caller has its replies, everything that
// is to be pushed is collected; after that it is pushed at once.
type work struct {
	*Service
	caller  Session // none: the zero Session
	replies []protocol.Frame
	replied bool
	others  []func(context.Context)       // beside the replies
	rest    []func(context.Context) error // after them
	assignments
}

// serve does the work of one message. The function returns the caller's reply, nil
// for none.
func (s *Service) serve(caller Session, do func(*work) (protocol.Frame, error)) (Result, error) {
	w := &work{Service: s, caller: caller, assignments: newAssignments()}
	reply, err := do(w)
	if reply != nil {
		w.replies = append(w.replies, reply)
	}
	w.replied = true
	return Result{Replies: w.replies, work: w}, err
}

// notice returns what notifies a member. A frame for the caller's own connection
// becomes one of the replies: then it returns nil.
func (w *work) notice(m Member, connection string, f protocol.Frame) func(context.Context) {
	if !w.replied && m == w.caller.Member && connection == w.caller.Connection {
		w.replies = append(w.replies, f)
		return nil
	}
	return func(ctx context.Context) { w.Notify(ctx, m, connection, f) }
}

// beside does jobs that other members wait for: at the same time as the replies go
// out, or at once if they have. nil is no job.
func (w *work) beside(ctx context.Context, jobs ...func(context.Context)) {
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

// afterwards does what nobody waits for: after the replies, or at once if they are out.
func (w *work) afterwards(ctx context.Context, do func(context.Context) error) error {
	if w.replied {
		return do(ctx)
	}
	w.rest = append(w.rest, do)
	return nil
}

// An admission is what every step of a session says first.
type admission interface{ admission() (Status, *NoMatch) }

func (r Snapshot) admission() (Status, *NoMatch)  { return r.Status, r.NoMatch }
func (r Reported) admission() (Status, *NoMatch)  { return r.Status, r.NoMatch }
func (r Begun) admission() (Status, *NoMatch)     { return r.Status, r.NoMatch }
func (r Cancelled) admission() (Status, *NoMatch) { return r.Status, r.NoMatch }

// admitted runs a step of a session and refuses a session that is not the current one.
// A session that the cache does not know, or has lost, is connected first.
func admitted[R admission](ctx context.Context, w *work, x Session, step func() (R, error)) (R, error) {
	r, err := step()
	if err != nil {
		return r, err
	}
	if status, _ := r.admission(); status == StatusUnknown {
		if err := w.connect(ctx, x); err != nil {
			return r, err
		}
		if r, err = step(); err != nil {
			return r, err
		}
	}
	switch status, noMatch := r.admission(); {
	case status == StatusReplaced || status == StatusUnknown:
		return r, replaced()
	case status == StatusGone:
		return r, fault(Gone, "this connection has disconnected")
	case noMatch != nil:
		w.beside(ctx, w.notice(x.Member, x.Connection, &protocol.NoMatch{ID: noMatch.ID, Radius: noMatch.Radius}))
	}
	return r, nil
}

const takenOver = "a newer connection of this member has taken over"

func replaced() error { return fault(Replaced, takenOver) }

// read is the session's sign of life, and says how things stand with it. With anew it
// lists the member anew.
func (w *work) read(ctx context.Context, x Session, anew bool) (Snapshot, error) {
	r, err := admitted(ctx, w, x, func() (Snapshot, error) { return w.Store.Read(ctx, x.Member, &x, anew) })
	if err == nil {
		err = w.repairEnd(ctx, x.Member, r.Route)
	}
	return r, err
}
