package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
	"waggle/internal/store"
	"waggle/internal/telemetry"
)

// A meter records what the parts say of their work. It is the one place where results become metrics.
type meter struct{ to telemetry.Recorder }

// figures records what the work of a message came to.
func (m meter) figures(f match.Figures) {
	count(m, telemetry.RequestOutcomes, f.Outcomes)
	count(m, telemetry.ClaimsRefused, f.Refused)
	count(m, telemetry.Repairs, f.Repairs)
	if f.MatchedAfter > 0 {
		m.to.Record(telemetry.RequestMatchDuration, "", f.MatchedAfter.Seconds())
	}
	for _, d := range f.WaitedFor {
		m.to.Record(telemetry.RequestWaitDuration, "", d.Seconds())
	}
	for _, d := range f.ShownAfter {
		m.to.Record(telemetry.ReportPushDuration, "", d.Seconds())
	}
	for _, s := range f.Searches {
		m.to.Record(telemetry.SearchCells, "", float64(s.Cells))
		m.to.Record(telemetry.SearchCandidates, "", float64(s.Candidates))
	}
	if f.Unpublished > 0 {
		m.to.Record(telemetry.EventsUnpublished, "", float64(f.Unpublished))
	}
}

func count[K ~string](m meter, id telemetry.ID, counts map[K]int) {
	for value, n := range counts {
		m.to.Record(id, string(value), float64(n))
	}
}

// trip records a trip to the cache.
func (m meter) trip(ctx context.Context, t store.Trip) {
	telemetry.Of(ctx).AddTrip(t.Took, t.Repeats)
	m.to.Record(telemetry.CacheTrips, string(t.Result), 1)
	m.to.Record(telemetry.CacheTripDuration, "", t.Took.Seconds())
}

// A measuredPusher records each push.
type measuredPusher struct {
	match.Pusher
	meter
}

// Push implements match.Pusher.
func (p measuredPusher) Push(ctx context.Context, connection string, f protocol.Frame) error {
	telemetry.Of(ctx).AddPush()
	began := time.Now()
	err := p.Pusher.Push(ctx, connection, f)
	p.to.Record(telemetry.Pushes, pushResult(err), 1)
	p.to.Record(telemetry.PushDuration, "", time.Since(began).Seconds())
	return err
}

// pushResult is what became of a push.
func pushResult(err error) string {
	var answered interface{ HTTPStatusCode() int }
	status := 0 // no answer
	if errors.As(err, &answered) {
		status = answered.HTTPStatusCode()
	}
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, match.ErrConnectionGone):
		return "gone"
	case status == http.StatusTooManyRequests:
		return "throttled"
	case status >= 400 && status < 500:
		return "refused"
	}
	return "failed"
}
