package match_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"waggle/internal/match"
)

const pong = `push ana1 {"type":"pong","now":50000}`

// TestWhoIsServed: the newest connection, which may have overtaken its own connect.
func TestWhoIsServed(t *testing.T) {
	here := half(nil, nil)
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"it is known":              {act(on("read ana1", here), on(pong)), nil},
		"it is not":                {act(on("read ana1", match.StatusUnknown), listed("ana"), on("read ana1", here), on(pong)), nil},
		"nor then":                 {act(on("read ana1", match.StatusUnknown), listed("ana"), on("read ana1", match.StatusUnknown)), takenOver()},
		"nor is it let in":         {act(on("read ana1", match.StatusUnknown), on("connect ana1", match.StatusReplaced)), takenOver()},
		"nor can it be connected":  {act(on("read ana1", match.StatusUnknown), on("connect ana1", trouble1)), trouble1},
		"nor can it be read again": {act(on("read ana1", match.StatusUnknown), listed("ana"), on("read ana1", here, trouble1)), trouble1},
		"it cannot be read":        {on("read ana1", match.StatusUnknown, trouble1), trouble1},
		"it was replaced":          {on("read ana1", match.StatusReplaced), takenOver()},
		"it has disconnected":      {on("read ana1", match.StatusGone), &match.Fault{Kind: match.Gone, Text: "this connection has disconnected"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Ping(t.Context(), session("ana"), ""), test.want)
		})
	}
}

// TestExpiredRequestIsTold with the next message, if it has not been.
func TestExpiredRequestIsTold(t *testing.T) {
	due := half(nil, nil)
	due.NoMatch = &match.NoMatch{ID: "m1", Radius: 500}
	p := perform(t, on("read ana1", due), on(toldNobody), on(pong))
	p.ends(p.Ping(t.Context(), session("ana"), ""), nil)

	due.Status = match.StatusReplaced
	p = perform(t, on("read ana1", due))
	p.ends(p.Ping(t.Context(), session("ana"), ""), takenOver())
}

// TestPushThatIsNotDelivered loses no state. A connection found gone is forgotten, unless
// the push may have overtaken its connect.
func TestPushThatIsNotDelivered(t *testing.T) {
	unlisted := says{Status: match.StatusOK, Changes: []match.Change{{Epoch: 3}}}
	young := says{Status: match.StatusYoung, Changes: []match.Change{{Epoch: 3}}}
	gone := on(pong, match.ErrConnectionGone)
	for name, play := range map[string]lines{
		"it fails":              act(on(pong, trouble1), on("log push failed: trouble 1")),
		"the connection is old": act(gone, on("disconnect ana ana1 10s", unlisted), on("apply ana -3")),
		"it is another by now":  act(gone, on("disconnect ana ana1 10s", match.StatusOther), on("apply ana")),
		"it is not unlisted":    act(gone, on("disconnect ana ana1 10s", unlisted), on("apply ana -3", trouble1), on("log push failed: trouble 1")),
		"nobody knows":          act(gone, on("disconnect ana ana1 10s", young, trouble1), on("log push failed: trouble 1")),
		"it is young":           act(gone, on("disconnect ana ana1 10s", young), on("sleep 250ms"), on(pong)),
		"and gone":              act(gone, on("disconnect ana ana1 10s", young), on("sleep 250ms"), gone),
		"and fails":             act(gone, on("disconnect ana ana1 10s", young), on("sleep 250ms"), on(pong, trouble1), on("log push failed: trouble 1")),
		"and time is over":      act(gone, on("disconnect ana ana1 10s", young), on("sleep 250ms", trouble1), on("log push failed: trouble 1")),
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read ana1", half(nil, nil)), play)
			p.ends(p.Ping(t.Context(), session("ana"), ""), nil)
		})
	}
}

// TestNothingIsLeftUndone: the service returns when all that it does at the same time is
// done.
func TestNothingIsLeftUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := perform(t, listed("ana"))
		p.Store = late{stage{p}}
		p.ends(p.Connect(t.Context(), session("ana")), nil)
		if len(p.acts) > 0 {
			t.Errorf("got the end, want %s", p.acts[0])
		}
	})
}

// A late stage takes its time to list somebody.
type late struct{ stage }

func (s late) Apply(ctx context.Context, m match.Member, changes []match.Change) ([]match.WaitingRequest, error) {
	time.Sleep(time.Second)
	return s.stage.Apply(ctx, m, changes)
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := match.Sleep(t.Context(), time.Hour); err != nil || time.Since(start) != time.Hour {
			t.Errorf("got %v after %v, want an hour", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := match.Sleep(ctx, time.Hour); !errors.Is(err, match.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) ||
			time.Since(start) != time.Hour+time.Minute {
			t.Errorf("got %v after %v, want the end of the context after a minute more", err, time.Since(start))
		}
	})
}
