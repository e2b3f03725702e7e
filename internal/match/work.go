package match

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"waggle/internal/protocol"
)

// A work is the work of one message. Until serve has returned the caller's replies, all
// pushes and later work are collected; from then on they are done at once.
type work struct {
	*Service
	caller   Session
	admitted bool // the message was taken from the caller's budget
	replies  []reply
	replied  bool
	others   []func(context.Context)       // to run concurrently with the replies
	rest     []func(context.Context) error // to run after them
	untold   []Untold                      // what the caller is to be told with this message
	said     []string                      // the marks of the replies that are notices
	mu       sync.Mutex                    // guards told, found and figures
	answers  []string                      // the marks of what the answer tells
	told     []Told                        // what pushes have told, and the store has not noted yet
	found    map[Member]Unpublished        // what the steps have found
	ahead    *readAhead                    // nil if nothing was
	began    time.Time
	asked    bool // the message has opened a request
	figures  Figures
	assignments
}

// serve does the work of one message. do returns the reply to the caller, or nil.
func (s *Service) serve(ctx context.Context, caller Session, do func(*work) (protocol.Frame, error)) (Result, error) {
	began := s.Now()
	w := &work{Service: s, caller: caller, began: began, assignments: newAssignments(began)}
	w.findEvents()
	answer, err := do(w)
	if answer != nil {
		w.replies = append(w.replies, reply{answer, w.answers})
	}
	w.tell(ctx)
	w.replied = true
	r := Result{work: w}
	for _, one := range w.replies {
		r.Replies = append(r.Replies, one.frame)
	}
	return r, err
}

// notice returns a function that notifies a member of what has that mark, "" if the store does
// not care. A frame for the caller's connection becomes one of the replies instead, and notice
// returns nil.
func (w *work) notice(m Member, connection string, f protocol.Frame, marks ...string) func(context.Context) {
	if !w.replied && connection != "" && m == w.caller.Member && connection == w.caller.Connection {
		w.replies, w.said = append(w.replies, reply{f, marks}), append(w.said, marks...)
		return nil
	}
	return func(ctx context.Context) {
		if w.Notify(ctx, m, connection, f) && len(marks) > 0 {
			w.wasTold(m, connection, marks...)
		}
	}
}

// push runs the jobs and pushes the replies at the same time. Then the store notes what was told.
func (w *work) push(ctx context.Context, jobs []func(context.Context), replies []reply, push func(context.Context, protocol.Frame) bool) {
	if len(jobs)+len(replies) > 0 {
		together(ctx, append(jobs, func(ctx context.Context) {
			for _, r := range replies {
				if push(ctx, r.frame) && len(r.marks) > 0 {
					w.countAnswer(r.frame)
					w.wasTold(w.caller.Member, w.caller.Connection, r.marks...)
				}
			}
		})...)
	}
	w.mu.Lock()
	told := w.told
	w.told = nil
	w.mu.Unlock()
	if len(told) > 0 {
		w.logFailure(ctx, "note what was told", w.Store.Told(ctx, told))
	}
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
	if !w.replied {
		w.others = append(w.others, all...)
		return
	}
	w.push(ctx, all, nil, nil)
}

// flush pushes at once what is kept until the replies go out: before work that may take
// long, and before work that may give rise to newer notices for the same members.
func (w *work) flush(ctx context.Context) {
	if w.replied {
		return
	}
	w.tell(ctx)
	others, replies := w.others, w.replies
	w.others, w.replies = nil, nil
	w.push(ctx, others, replies, func(ctx context.Context, f protocol.Frame) bool {
		return w.Notify(ctx, w.caller.Member, w.caller.Address(w.Now()), f)
	})
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
	session() (Status, Refusal, []Untold)
}

func (r Snapshot) session() (Status, Refusal, []Untold)  { return r.Status, r.Refusal, r.Untold }
func (r Reported) session() (Status, Refusal, []Untold)  { return r.Status, r.Refusal, r.Untold }
func (r Begun) session() (Status, Refusal, []Untold)     { return r.Status, r.Refusal, r.Untold }
func (r Cancelled) session() (Status, Refusal, []Untold) { return r.Status, r.Refusal, r.Untold }

// inSession runs a step of a session. The first step takes the message from the caller's
// budget. It returns a fault if that is empty, or if the session is not the current one. If the
// cache does not know the session, inSession connects it and runs the step once more: the caller
// is then told the state. It collects what the caller is not yet told.
func inSession[R sessionResult](ctx context.Context, w *work, x Session, step func(Session) (R, error)) (R, error) {
	x.Admitted = w.admitted
	r, err := step(x)
	if err != nil {
		return r, err
	}
	if status, _, _ := r.session(); status == StatusUnknown {
		if err := w.connect(ctx, x, true); err != nil {
			return r, err
		}
		if r, err = step(x); err != nil {
			return r, err
		}
	}
	w.admitted = true
	status, refusal, untold := r.session()
	switch {
	case status == StatusReplaced || status == StatusUnknown:
		return r, replaced()
	case status == StatusExpired:
		return r, SessionExpired()
	case status == StatusGone:
		return r, fault(Gone, "this connection has disconnected")
	}
	w.untold = append(w.untold, untold...)
	if status == StatusRateLimited || status == StatusKeptOut {
		return r, w.tooMany(x, status, refusal)
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
	case r.Limit == LimitNearby:
		f.Text = fmt.Sprintf("at most %g nearby messages a minute in this pool", settings.NearbyPerMinute)
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
	return w.readAs(ctx, x, func(x Session) (Snapshot, error) {
		if x.Connection == "" {
			return w.Store.Read(ctx, x.Member, nil, anew)
		}
		return w.Store.Read(ctx, x.Member, &x, anew)
	})
}

func (w *work) readAs(ctx context.Context, x Session, step func(Session) (Snapshot, error)) (Snapshot, error) {
	r, err := inSession(ctx, w, x, step)
	if err == nil {
		err = w.repairEnd(ctx, x.Member, r.Route)
	}
	return r, err
}
