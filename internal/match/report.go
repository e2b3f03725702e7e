package match

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// Report stores a location of the caller that arrived at that time. It pushes the location to
// a matcher who follows the caller, or the matchee to whom it shares its moves, and wakes waiting requests that the caller fits. What the
// message says of the caller's availability and tags is taken by its arrival, whatever becomes of
// the position. The reply is an Ack if the message has an id, the advice has changed, or something
// was not taken as it was sent. The error is the fault Forbidden for a tag that is not in the token,
// or Stale or RateLimited if nothing was taken.
// Of several points the newest one counts that the pool takes for accurate. The Ack says how many
// were taken, and the matcher gets those before it along with it.
func (s *Service) Report(ctx context.Context, x Session, q *protocol.Location, arrival time.Time) (Result, error) {
	if q.Tags != nil && x.Restricted {
		for _, tag := range *q.Tags {
			if !slices.Contains(x.Tags, tag) {
				return Result{}, fault(Forbidden, "tags must be among those of the token")
			}
		}
	}
	r := Report{Position: Position{Point: geo.Point{Lat: q.Lat, Lng: q.Lng}, Seq: q.Seq, Motion: q.Motion},
		Arrival: arrival, Choice: Choice{q.Available, q.Tags}}
	if q.At != nil {
		r.At = max(1, *q.At)
	}
	r.take(q.Points, s.Pools.For(x.Pool).MaxAccuracy)
	return s.serve(ctx, x, func(w *work) (protocol.Frame, error) { return w.report(ctx, x, r, q.ID) })
}

func (w *work) report(ctx context.Context, x Session, r Report, id string) (protocol.Frame, error) {
	before := w.Now()
	reported, err := inSession(ctx, w, x, func(x Session) (Reported, error) { return w.Store.Report(ctx, x, r) })
	if err != nil {
		return nil, err
	}
	settings := w.Pools.For(x.Pool)
	if reported.Status == StatusStale {
		return nil, &Fault{Kind: Stale, Now: reported.Now,
			Text: fmt.Sprintf("at is older than %g seconds: set your clock by now", settings.LocationTTL.Seconds())}
	}
	if reported.Claim != nil {
		w.concurrently(ctx, func(ctx context.Context) { w.follow(ctx, x.Member, r, reported) })
	}
	shares := reported.Route != nil && reported.Route.State == Active && reported.Route.Request.Share
	if shares {
		w.concurrently(ctx, func(ctx context.Context) { w.share(ctx, x.Member, r, reported, before) })
	}
	// The peer gets the location even if the index cannot be reached.
	waiting, err := w.Store.Apply(ctx, x.Member, reported.Changes)
	if err != nil {
		return nil, err
	}
	w.wake(x.Member, waiting)
	if !shares {
		_ = w.afterwards(ctx, func(ctx context.Context) error { return w.repairRoute(ctx, x.Member, reported) })
	}
	ack := &protocol.Ack{ID: id, Report: reported.Advice.Report(settings, reported.Lag), Position: reported.NotTaken,
		Available: reported.Stands.Available, Tags: reported.Stands.Tags, Taken: r.taken(reported)}
	ack.Unlisted = unlisted(reported.Unlisted, reported.Now, &ack.Report)
	if reported.ClockOff || reported.NotTaken == protocol.PositionStale {
		ack.Now = reported.Now
	}
	overruled := reported.Stands != Choice{} || reported.Status == StatusChosen
	if reported.Mark != "" {
		w.answers = append(w.answers, reported.Mark)
	}
	if reported.ClockOff {
		w.answers = append(w.answers, ClockMark)
	}
	if id == "" && len(w.answers) == 0 && !overruled && r.Points == nil {
		return nil, nil
	}
	return ack, nil
}

// follow pushes the report to the matcher who follows the member, if the match lasts. The matcher
// is told of the match before. follow completes a match that nobody completed, and releases the
// claim of one that ended.
func (w *work) follow(ctx context.Context, m Member, r Report, reported Reported) {
	c, completed := *reported.Claim, false
	for try := 0; ; try++ {
		before := w.Now()
		watched, err := w.Store.Watch(ctx, c.Matcher, c.Match, m)
		if err != nil {
			w.logFailure(ctx, "show a location", err)
			return
		}
		confirmed := c.Confirmed || completed
		switch {
		case watched.Status == StatusSearching, watched.Status == StatusOffered && !c.Accepted:
			return
		case watched.Status != StatusActive && watched.Status != StatusOffered:
			w.countRepair(RepairUndone)
			w.logFailure(ctx, "release a claim", w.release(ctx, c.Matcher, c.Match, m, cmp.Or(watched.Reason, protocol.ReasonLost), watched.Early))
			return
		case !confirmed && !c.olderThan(abandoned, reported.Now):
			return // the other process is about to confirm it
		case confirmed && (c.Left || watched.Left):
			w.logFailure(ctx, "end a match that one has left", w.leave(ctx, c.Matcher, c.Match, m, leaver(watched.Left)))
			return
		case confirmed && !watched.Tell:
			w.settle(ctx, c.Match, m, reported.presence(), c.Matcher, watched.Presence)
			// Else nobody believes the position, or the match may have ended by now.
			if reported.NotTaken == "" && w.Now().Sub(before) <= slow {
				w.show(ctx, m, r, reported, c.Match, c.At, c.Matcher, watched.Connection)
			}
			return
		case completed:
			return // this push has failed too
		case confirmed && watched.Pushing && try == 0:
			if w.Sleep(ctx, pushPause) != nil {
				return
			}
		default:
			ok, err := w.complete(ctx, c.Matcher, c.Match, m)
			w.logFailure(ctx, "complete a match", err)
			if !ok {
				return
			}
			completed = true
		}
	}
}

// share pushes the report to the matchee of the member's match, if the match lasts and the matchee has
// been told of it. It repairs the match. The report began then.
func (w *work) share(ctx context.Context, m Member, r Report, reported Reported, began time.Time) {
	p, err := w.repair(ctx, m, reported.half())
	w.logFailure(ctx, "share a location", err)
	// The claim says that the matchee has not been told of an end. The route may be out of date.
	if p != nil && p.told && reported.NotTaken == "" && w.Now().Sub(began) <= slow {
		w.show(ctx, m, r, reported, p.match, p.since, p.matchee, p.connection)
	}
}

// half is what a report shows of its sender as a matcher.
func (r Reported) half() Snapshot {
	return Snapshot{Route: r.Route, Presence: r.presence()}
}

// presence is that of a member who has just reported.
func (r Reported) presence() Presence { return Presence{Heard: r.Now, Known: r.Known} }

// show pushes the report to the peer, in a match that began then. If that fails, the positions go
// along with the next push.
func (w *work) show(ctx context.Context, m Member, r Report, reported Reported, match string, began int64, peer Member, connection string) {
	here := protocol.Fix{Lat: r.Lat, Lng: r.Lng, At: reported.At, Seq: r.Seq, Motion: r.Motion}
	path := r.path(reported, began, w.Pools.For(m.Pool).MaxSpeed)
	shown := w.Notify(ctx, peer, connection, &protocol.LocationFrame{Match: match, Lat: here.Lat, Lng: here.Lng, At: here.At, Seq: here.Seq,
		Motion: here.Motion, Points: trail(reported.Skipped, path, here)})
	if shown {
		w.count(func(f *Figures) { f.ShownAfter = append(f.ShownAfter, max(0, w.Now().Sub(r.Arrival))) })
	}
	switch {
	case !shown:
		w.logFailure(ctx, "keep what was not shown", w.Store.Skip(ctx, m, match, append(path, here)))
	case len(reported.Skipped) > 0:
		w.logFailure(ctx, "forget what was shown", w.Store.Shown(ctx, m, reported.Skipped[len(reported.Skipped)-1]))
	}
}

// repairRoute makes the planned attempts, and repairs the request, match or end in the
// caller's route.
func (w *work) repairRoute(ctx context.Context, m Member, reported Reported) error {
	r := reported.Route
	if r == nil {
		return nil
	}
	w.makeAttempts(ctx)
	if r.State == Active {
		_, err := w.repair(ctx, m, reported.half())
		return err
	}
	w.repairRegistration(ctx, m, r)
	return w.repairEnd(ctx, m, r)
}
