package match

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"waggle/internal/geo"
	"waggle/internal/protocol"
)

// Report takes in where the caller is. A matcher that watches it is shown; a request
// that waits for somebody there is served. The reply is an Ack, if the message has an
// id or the advice has changed.
func (s *Service) Report(ctx context.Context, x Session, q *protocol.Location, arrival time.Time) (Result, error) {
	if q.Tags != nil && x.Restricted {
		for _, tag := range *q.Tags {
			if !slices.Contains(x.Tags, tag) {
				return Result{}, fault(Forbidden, "tags must be among those of the token")
			}
		}
	}
	r := Report{Position: Position{Point: geo.Point{Lat: q.Lat, Lng: q.Lng}, Seq: q.Seq, Motion: q.Motion},
		Arrival: arrival, Available: q.Available, Tags: q.Tags}
	if q.At != nil {
		r.At = max(1, *q.At)
	}
	return s.serve(x, func(w *work) (protocol.Frame, error) { return w.report(ctx, x, r, q.ID) })
}

func (w *work) report(ctx context.Context, x Session, r Report, id string) (protocol.Frame, error) {
	reported, err := admitted(ctx, w, x, func() (Reported, error) { return w.Store.Report(ctx, x, r) })
	settings := w.Pools.For(x.Pool)
	ack := &protocol.Ack{ID: id, Report: reported.Advice.Report(settings)}
	if err != nil || reported.Status != StatusOK {
		err = errors.Join(err, w.undoMove(ctx, x.Member, reported, err == nil))
		switch {
		case err != nil:
			return nil, err
		case reported.Status == StatusStale:
			return nil, &Fault{Kind: Stale, Now: reported.Now,
				Text: fmt.Sprintf("at is older than %g seconds: set your clock by now", settings.LocationTTL.Seconds())}
		case reported.Status == StatusRateLimited:
			return nil, fault(RateLimited, fmt.Sprintf("at most %g locations a second in this pool, and %g at once: report as advised",
				settings.ReportsPerSecond, settings.ReportsBurst))
		case id == "": // late
			return nil, nil
		}
		return ack, nil
	}
	waiting, err := w.reindex(ctx, x.Member, r, reported)
	if err != nil {
		return nil, err
	}
	if reported.Claim == nil && reported.Listed {
		w.wake(x.Member, waiting)
	}
	if reported.Claim != nil {
		w.beside(ctx, func(ctx context.Context) { w.follow(ctx, x.Member, r, reported) })
	}
	_ = w.afterwards(ctx, func(ctx context.Context) error { return w.repairOwn(ctx, x.Member, reported.Route) })
	if id == "" && !reported.AdviceChanged {
		return nil, nil
	}
	return ack, nil
}

// undoMove puts the index right after a report that was refused: the script that went
// along may have moved the member, ahead of a record that refused.
func (w *work) undoMove(ctx context.Context, m Member, r Reported, known bool) error {
	moved := r.Index.Status == StatusMoved
	// A late report that the index did not refuse as older is a repeated one, whose
	// first try perhaps was never listed.
	if late := r.Status == StatusLate && r.Index.Status != StatusOlder; !moved && !late {
		return nil
	}
	undo := r.Undo
	if !known && len(undo) == 0 {
		var err error
		if undo, err = w.Store.Relist(ctx, m); err != nil {
			return nil // the error that led here says it all
		}
	}
	return w.apply(ctx, m, undo)
}

// reindex makes the index agree with the record, where the script that went along with
// the report could not, and returns the requests that wait for the member.
func (w *work) reindex(ctx context.Context, m Member, r Report, reported Reported) ([]WaitingRequest, error) {
	changes, cell := reported.Changes, geo.ShardCell(r.Point)
	moved := reported.Index.Status == StatusMoved
	switch {
	case slices.ContainsFunc(changes, func(c Change) bool { return c.Cell == cell }):
		// The record's changes say what is to be in this cell.
	case reported.Listed && !(moved && reported.Index.Epoch == reported.Epoch):
		// The entry was swept, or moved ahead by a report that was refused; or the listing of
		// an earlier report is still under way, and would put the entry back.
		anew, err := w.Store.Relist(ctx, m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, anew...)
	case !reported.Listed && moved && (reported.Claim == nil || reported.Claim.Confirmed):
		changes = append(changes, Change{Cell: cell, Epoch: reported.Epoch})
	}
	waiting, err := w.Store.Apply(ctx, m, changes)
	return append(reported.Index.Waiting, waiting...), err
}

// follow shows the report to the matcher that watches the member, if the route says so.
func (w *work) follow(ctx context.Context, m Member, r Report, reported Reported) {
	c, before := *reported.Claim, w.Now()
	watched, err := w.Store.Watch(ctx, c.Matcher, c.Match, m)
	if err != nil {
		w.logFailure(ctx, "show a location", err)
		return
	}
	switch watched.Status {
	case StatusSearching:
		return
	case StatusActive:
		if c.olderThan(abandoned, reported.Now) && (!c.Confirmed || !watched.Notified) {
			ok, err := w.complete(ctx, c.Matcher, c.Match, m)
			w.logFailure(ctx, "complete a match", err)
			if !ok {
				return
			}
		} else if !c.Confirmed {
			return // it is about to be
		}
		if w.Now().Sub(before) > slow {
			return // by now it may have ended
		}
		w.Notify(ctx, c.Matcher, watched.Connection, &protocol.LocationFrame{Match: c.Match, Lat: r.Lat, Lng: r.Lng,
			At: reported.At, Seq: r.Seq, Motion: r.Motion})
	default:
		reason := watched.Reason
		if reason == "" {
			reason = protocol.ReasonLost
		}
		w.logFailure(ctx, "release a claim", w.release(ctx, c.Matcher, c.Match, m, reason))
	}
}

// repairOwn repairs the caller's own request, match or end.
func (w *work) repairOwn(ctx context.Context, m Member, r *Route) error {
	if r == nil {
		return nil
	}
	w.makeAttempts(ctx)
	if r.State == Active {
		_, err := w.repair(ctx, m, Snapshot{Route: r})
		return err
	}
	w.repairRegistration(ctx, m, r)
	return w.repairEnd(ctx, m, r)
}
