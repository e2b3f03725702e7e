package store_test

import (
	"fmt"
	"strings"
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

// forget erases the member.
func (a *member) forget() match.Forgotten {
	a.t.Helper()
	result, err := a.store.Forget(a.t.Context(), a.Member)
	a.must(err)
	return result
}

// forgettings: what is erased of a member, and what others then still know of it.
func forgettings() []testCase {
	return []testCase{
		{"of a member that was forgotten nothing is left but which connection has ended, for a minute", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(1, available(true), tagged("van"))
			ana.await("r1")
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.disconnect(0), match.StatusOK)
			f.says(ana.forget(), match.StatusOK)
			for _, kind := range []string{"route", "left", "past", "chosen"} {
				same(f, f.stored(kind, "ana"), map[string]string{})
			}
			same(f, len(f.stored("m", "ana")), 3)
			same(f, f.record("ana")["conn"], "ana-c")
			if left := f.ttl(f.key("m", "ana")); left <= 0 || left > match.EndRemembered {
				f.t.Errorf("it expires in %s", left)
			}
			f.says(ana.described(), match.StatusAbsent)
			f.says(ana.read(), match.StatusGone)
			f.says(ana.report(1), match.StatusGone)
			f.says(ana.forget(), match.StatusOK)
			same(f, len(f.stored("m", "ana")), 3)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			got := next.read()
			f.is(got, match.Snapshot{Status: match.StatusOK, Connection: next.Connection, Available: "1"})
		}},
		{"what forgets a member takes it out of the index", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell)
			f.says(ana.disconnect(0), match.StatusOK) // its changes are not applied
			same(f, f.nearest(nextCell, 100, 8), []string{"ana"})
			ana.apply(ana.forget().Changes...)
			same(f, f.nearest(nextCell, 100, 8), []string{})
		}},
		{"a member that the cache does not know is forgotten, with what it chose", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(1, available(false))
			f.evict(f.key("m", "ana"))
			same(f, f.stored("chosen", "ana")["available"], "0")
			f.is(ana.forget(), match.Forgotten{Status: match.StatusOK})
			same(f, f.stored("chosen", "ana"), map[string]string{})
			same(f, f.stored("m", "ana"), map[string]string{})
		}},
		{"a member that is connected, claimed, or has a request or a match is not forgotten", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.is(ana.forget(), match.Forgotten{Status: match.StatusBusy})
			ana.await("r1")
			ana.leave()
			f.is(ana.forget(), match.Forgotten{Status: match.StatusBusy})
			f.says(ana.lease("m1"), match.StatusOK)
			f.is(ana.forget(), match.Forgotten{Status: match.StatusBusy})
			f.says(ana.claim("m1", ben), match.StatusYours)
			ben.leave()
			f.is(ben.forget(), match.Forgotten{Status: match.StatusBusy})
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.is(ana.forget(), match.Forgotten{Status: match.StatusBusy})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.says(ana.forget(), match.StatusOK)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			f.says(ben.forget(), match.StatusOK)
			expiring := f.expiring("eve", 0, time.Second)
			f.advance(time.Second)
			f.says(expiring.forget(), match.StatusBusy) // its client is to learn that first
		}},
		{"a connect forgets the members whom only what is over names", func(f *fixture) {
			f.settings(unlimited + `,"coolDown":300`)
			ana, ben, eve := f.listed("ana", 0), f.listed("ben", 10), f.listed("eve", 20)
			named := func(who string) int { return strings.Count(fmt.Sprint(f.stored("past", "ben")), `"`+who+`"`) }
			ana.meet(ben, 0, "cancelled", match.ByMatcher)
			same(f, named("ana"), 3) // an end, a cool-down and whom it met
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, named("ana"), 3)
			f.must(f.store.Told(f.t.Context(), []match.Told{{Member: ben.Member, Connection: ben.Connection, Marks: []string{match.NoticeEnded.Mark("m1")}}}))
			f.advance(match.EndRemembered)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, named("ana"), 2)
			f.advance(4 * time.Minute)
			ben.moveTo(10)
			eve.moveTo(20)
			eve.matchWith("", "m2", ben, around(0))
			f.says(eve.finish("m2", ben, "cancelled", match.ByMatcher), match.StatusEnded)
			f.says(eve.release("m2", ben, "cancelled", match.ByMatcher), match.StatusReleased)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, named("ana"), 1) // whom it met
			same(f, named("eve"), 3)
			f.advance(match.EndRemembered)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, named("eve"), 3) // it is not told of that end yet
			f.advance(match.OutcomeRemembered)
			ben = ben.nextSession()
			f.says(ben.connect(), match.StatusOK)
			same(f, named("ana"), 0)
		}},
	}
}
