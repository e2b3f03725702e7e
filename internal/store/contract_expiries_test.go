package store_test

import (
	"time"

	"waggle/internal/match"
)

// expiring is a member that is listed, and whose session expires so much later.
func (f *fixture) expiring(name string, meters float64, after time.Duration) *member {
	f.t.Helper()
	a := f.newMember(name)
	a.Expires = time.UnixMilli(f.now).Add(after)
	f.says(a.connect(), match.StatusOK)
	a.moveTo(meters)
	return a
}

// expiries: a session that has outlived its token counts as disconnected from then on.
func expiries() []testCase {
	const after = 30 * time.Second
	return []testCase{
		{"the connection of an expired session is marked until it is disconnected", func(f *fixture) {
			ana := f.expiring("ana", 0, after)
			f.advance(after - time.Millisecond)
			same(f, ana.snapshot().Connection, "ana-c")
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Connection, match.ExpiredMark+"ana-c")
			f.advance(time.Second)
			f.says(ana.disconnect(0), match.StatusOK)
			same(f, ana.snapshot().Connection, "")
			same(f, f.record("ana")["gone"], whole(start + after.Milliseconds())[1:14])
			f.says(ana.disconnect(0), match.StatusOther)
		}},
		{"a member whose session has expired is neither found nor claimed", func(f *fixture) {
			ben := f.expiring("ben", 0, after)
			f.advance(after - time.Millisecond)
			same(f, f.nearest(0, 100, 8), []string{"ben"})
			f.advance(time.Millisecond)
			same(f, f.nearest(0, 100, 8), []string{})
			f.says(f.connected("ana").claim("m1", ben), match.StatusUnavailable)
			same(f, ben.relist(), []match.Change{unlist(0, start)})
		}},
		{"requests that wait for a member are returned again in the last minute of its session", func(f *fixture) {
			f.connected("zoe")
			ben := f.expiring("ben", 0, time.Minute)
			f.wait(1, func(int, *match.WaitingRequest) {})
			for range 3 {
				f.advance(match.AskAgain)
				reported := ben.report(0)
				same(f, len(ben.apply(reported.Changes...)), 1)
			}
		}},
		{"a connect of an expired session is refused", func(f *fixture) {
			ana := f.expiring("ana", 0, after)
			f.advance(after)
			f.is(ana.connect(), match.Connected{Status: match.StatusExpired})
		}},
		{"a new session after one that has expired has its position within the grace time", func(f *fixture) {
			for _, away := range []time.Duration{time.Minute - time.Millisecond, time.Minute} {
				ana := f.expiring("ana", 0, after)
				f.advance(after + away)
				next := ana.nextSession()
				next.ConnectedAt, next.Expires = time.UnixMilli(f.now), time.Time{}
				f.says(next.connect(), match.StatusOK)
				same(f, next.snapshot().Position != nil, away < time.Minute)
				f.advance(time.Hour)
				same(f, next.snapshot().Connection, next.Connection)
				next.leave()
				f.advance(time.Hour)
			}
		}},
		{"a new session learns that the one which it replaces has expired", func(f *fixture) {
			ana := f.expiring("ana", 0, after)
			f.advance(after)
			same(f, ana.nextSession().connect().Old, match.ExpiredMark+ana.Connection)
		}},
		{"the position of a matchee whose session has expired stays until the match ends", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.expiring("ben", 10, after)
			ana.matchWith("r1", "m1", ben)
			f.advance(after + time.Hour)
			next := ben.nextSession()
			next.ConnectedAt, next.Expires = time.UnixMilli(f.now), time.UnixMilli(f.now).Add(after)
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Position, &ben.Position)
			f.advance(after)
			same(f, next.snapshot().Position, &ben.Position)
			f.says(ana.finish("m1", next, "left"), match.StatusEnded)
			f.says(ana.release("m1", next, "left"), match.StatusReleased)
			same(f, next.snapshot().Position, nil)
			f.hidden("ben")
		}},
		{"the request of an expired session waits on for the grace time", func(f *fixture) {
			ana := f.expiring("ana", 0, after)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			f.advance(time.Millisecond)
			f.says(ana.lease("m2"), match.StatusSilent)
		}},
	}
}
