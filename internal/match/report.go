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

// Report takes in where the caller is. A matcher that watches it is shown; a
// request that waits for somebody there is served.
func (s *Service) Report(ctx context.Context, x Session, q *protocol.Location, arrival time.Time) error {
	if q.Tags != nil && x.Restricted {
		for _, tag := range *q.Tags {
			if !slices.Contains(x.Tags, tag) {
				return fault(Forbidden, "tags must be among those of the token")
			}
		}
	}
	r := Report{Position: Position{Point: geo.Point{Lat: q.Lat, Lng: q.Lng}, Seq: q.Seq, Accuracy: q.Accuracy,
		Heading: q.Heading, Speed: q.Speed}, Arrival: arrival, Available: q.Available, Tags: q.Tags}
	if q.At != nil {
		r.At = max(1, *q.At)
	}
	var moved Moved
	a, err := s.admitted(ctx, x, func() (a Answer, err error) {
		a, moved, err = s.Store.Report(ctx, x, r)
		return a, err
	})
	missing := a.Status == StatusLate && !moved.Older // unless this one moved it
	if (moved.Known && (err != nil || a.Status != StatusOK)) || missing {
		// The index went ahead of a record that refused, or a report that is repeated
		// was never listed: put it right.
		back := a.Back
		if err == nil || len(back) > 0 {
			err = errors.Join(err, s.apply(ctx, x.Member, back))
		} else if again, relistErr := s.Store.Relist(ctx, x.Member); relistErr == nil {
			err = errors.Join(err, s.apply(ctx, x.Member, again.Changes))
		}
	}
	if err != nil {
		return err
	}
	settings := s.Pools.For(x.Pool)
	switch a.Status {
	case StatusStale:
		return &Fault{Kind: Stale, Now: a.Now,
			Text: fmt.Sprintf("at is older than %g seconds: set your clock by now", settings.LocationTTL.Seconds())}
	case StatusRateLimited:
		return fault(RateLimited, fmt.Sprintf("at most %g locations a second in this pool, and %g at once: report as advised",
			settings.ReportsPerSecond, settings.ReportsBurst))
	case StatusLate:
		if q.ID != "" {
			s.tell(ctx, x.Member, x.Connection, &protocol.Ack{ID: q.ID, Report: a.Advice.Report(settings)})
		}
		return nil
	}
	waiters, err := s.reindex(ctx, x.Member, r, a, moved)
	if err != nil {
		return err
	}
	jobs := []func(){func() { s.follow(ctx, x.Member, r, a) }}
	if q.ID != "" || a.Advised {
		jobs = append(jobs, func() {
			s.tell(ctx, x.Member, x.Connection, &protocol.Ack{ID: q.ID, Report: a.Advice.Report(settings)})
		})
	}
	together(jobs...)
	if a.Claim == nil && a.Listed {
		s.newDriver().wake(ctx, x.Member, waiters)
	}
	if a.Route != nil {
		return s.tend(ctx, x.Member, a)
	}
	return nil
}

// reindex makes the index agree with the record, where the script that went
// along with the report could not, and returns who waits for the member.
func (s *Service) reindex(ctx context.Context, m Member, r Report, a Answer, moved Moved) ([]Waiter, error) {
	changes, cell := a.Changes, geo.ShardCell(r.Point)
	touches := slices.ContainsFunc(changes, func(c Change) bool { return c.Cell == cell })
	switch {
	case touches:
	case a.Listed && (!moved.Known || moved.Behind):
		// Swept, or moved ahead by a report that was refused; or the listing of an
		// earlier report is still under way, and would put the entry back.
		again, err := s.Store.Relist(ctx, m)
		if err != nil {
			return nil, err
		}
		changes = append(changes, again.Changes...)
	case !a.Listed && moved.Known && (a.Claim == nil || a.Claim.Confirmed):
		changes = append(changes, Change{Cell: cell, Epoch: a.Epoch})
	}
	waiters, err := s.Store.Apply(ctx, m, changes)
	return append(moved.Waiters, waiters...), err
}

// follow shows the report to the matcher that watches the member, if the routing
// table says so.
func (s *Service) follow(ctx context.Context, m Member, r Report, a Answer) {
	if a.Claim == nil {
		return
	}
	c, before := *a.Claim, s.Now()
	w, err := s.Store.Watch(ctx, c.Matcher, c.Match, m)
	if err != nil {
		s.lost(ctx, "show a location", err)
		return
	}
	switch w.Status {
	case StatusSearching:
		return
	case StatusActive:
		if old := a.Now-c.At > undecided.Milliseconds(); old && (!c.Confirmed || !w.Told) {
			ok, err := s.complete(ctx, c.Matcher, c.Match, m)
			s.lost(ctx, "complete a match", err)
			if !ok {
				return
			}
		} else if !c.Confirmed {
			return // it is about to be
		}
		if s.Now().Sub(before) > maxBehind {
			return // by now it may have ended
		}
		s.tell(ctx, c.Matcher, w.Connection, &protocol.LocationFrame{Match: c.Match, Lat: r.Lat, Lng: r.Lng, At: a.At, Seq: r.Seq,
			Motion: protocol.Motion{Accuracy: r.Accuracy, Heading: r.Heading, Speed: r.Speed}})
	default:
		reason := w.Reason
		if reason == "" {
			reason = protocol.ReasonLost
		}
		s.lost(ctx, "release a claim", s.release(ctx, c.Matcher, c.Match, m, reason))
	}
}

// tend looks after the caller's own request or match: a waiting one that not all
// cells know of, a match whose other half is missing.
func (s *Service) tend(ctx context.Context, m Member, a Answer) error {
	switch {
	case a.Route.State == Ended:
		return s.free(ctx, m, a.Route)
	case a.Route.State == Active:
		_, err := s.resolve(ctx, m, Answer{Route: a.Route})
		return err
	case a.Route.State == Waiting && !a.Route.Request.Registered:
		now, err := s.Store.Read(ctx, m, nil, false)
		if err == nil {
			s.attend(ctx, m, now.Route)
		}
		return err
	}
	return nil
}
