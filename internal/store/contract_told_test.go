package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// notYetTold: what a member must know goes out with its messages until a push of it succeeded.
func notYetTold() []testCase {
	matched, ended := match.NoticeMatched.Mark, match.NoticeEnded.Mark
	// untoldMatch makes a match of which nobody is told.
	untoldMatch := func(ana *member, search string, ben *member) {
		ana.commitWith("r"+search[1:], search, ben)
		ana.says(ana.confirm(search, ben), match.StatusYours)
	}
	after := func(f *fixture, d time.Duration, a *member) string {
		f.advance(d)
		return notices(a.read().Untold)
	}
	return []testCase{
		{"a match goes out with the messages of both, from 3 s on, every 3 s, until it is told", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			both := func(later time.Duration) string {
				f.advance(later)
				return notices(ana.read().Untold) + notices(ben.read().Untold)
			}
			for _, step := range []struct {
				later time.Duration
				want  string
			}{{0, ""}, {3*time.Second - time.Millisecond, ""}, {time.Millisecond, "matched r1matched m1"},
				{3*time.Second - time.Millisecond, ""}, {time.Millisecond, "matched r1matched m1"}} {
				same(f, both(step.later), step.want)
			}
			ana.told(matched("m1"))
			same(f, both(time.Minute), "matched m1")
			ben.told(matched("m1"))
			same(f, both(time.Minute), "")
		}},
		{"every message of the session returns it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			f.advance(3 * time.Second)
			same(f, notices(ana.cancel().Untold), "matched r1")
			f.advance(3 * time.Second)
			same(f, notices(ana.begin("r2", "m2").Untold), "matched r1")
			f.advance(3 * time.Second)
			same(f, notices(ana.report(0, at(ana.At), seq(ana.Seq)).Untold), "matched r1") // a repeat
			f.advance(3 * time.Second)
			same(f, notices(ana.report(0, at(1)).Untold), "matched r1") // stale
			f.advance(3 * time.Second)
			same(f, notices(ana.report(0).Untold), "matched r1")
			same(f, notices(ben.begin("r7", "m2").Untold), "matched r7")
			f.advance(3 * time.Second)
			same(f, notices(ana.snapshot().Untold), "")
			same(f, notices(ana.read().Untold), "matched r1")
		}},
		{"a search that finds no open request, and a cancel in the same session, return it too", func(f *fixture) {
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			untoldMatch := func() {
				f.says(ana.begin("", "m1", around(0)), match.StatusOK)
				f.says(ana.claim("m1", ben), match.StatusYours)
				f.says(ana.commit("m1", ben), match.StatusYours)
				f.says(ana.finish("m1", ben, "lost"), match.StatusEnded)
				f.says(ana.release("m1", ben, "lost"), match.StatusReleased)
				f.advance(3 * time.Second)
			}
			untoldMatch()
			same(f, notices(ana.begin("r2", "m2").Untold), "ended m1") // no_location
			f.advance(3 * time.Second)
			same(f, notices(ana.begin("r2", "m2", around(0)).Untold), "ended m1")
			f.advance(3 * time.Second)
			same(f, notices(ana.cancel().Untold), "ended m1")
			f.advance(3 * time.Second)
			same(f, notices(ana.cancel().Untold), "ended m1") // a repeat
		}},
		{"the end of a match takes the place of its beginning, with reason and request", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			f.advance(time.Hour)
			same(f, ana.read().Untold, []match.Untold{{Notice: match.NoticeEnded, Which: "m1", ID: "r1", Reason: "left", Advice: match.Available}})
			same(f, ben.read().Untold, []match.Untold{{Notice: match.NoticeEnded, Which: "m1", Reason: "left", Advice: match.Available}})
			f.says(ana.begin("", "m2", around(0)), match.StatusOK)
			ben.moveTo(10)
			f.says(ana.claim("m2", ben), match.StatusYours)
			f.says(ana.commit("m2", ben), match.StatusYours)
			f.says(ana.finish("m2", ben, "completed"), match.StatusEnded)
			f.advance(3 * time.Second)
			untold := ana.read().Untold
			same(f, []string{untold[0].Reason, untold[1].Reason}, []string{"left", "completed"})
		}},
		{"a told clears the marks that it names, and no newer one", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			untoldMatch(ana, "m2", ben)
			ana.told(matched("m1")) // comes late
			ana.told(matched("m"), "matched", "m2", ended("m2"))
			same(f, after(f, 3*time.Second, ana), "ended r1, matched r2")
			ana.told(matched("m2"))
			same(f, after(f, 3*time.Second, ana), "ended r1")
			ana.told(ended("m1"), matched("m2"))
			same(f, after(f, 3*time.Second, ana), "")
			ben.told(ended("m1"))
			same(f, after(f, 3*time.Second, ben), "matched m2")
		}},
		{"a told of something else does not bring a no_match before its time", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(time.Minute))
			same(f, after(f, time.Minute, ana), "no_match r1")
			ana.told(ended("m1"))
			same(f, after(f, 3*time.Second-time.Millisecond, ana), "")
			same(f, after(f, time.Millisecond, ana), "no_match r1")
		}},
		{"a told of another connection clears nothing", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			ana.told(matched("m1"))
			same(f, notices(next.read().Untold), "matched r1") // at once: nobody pushes it to this connection
			next.told(matched("m1"))
			same(f, after(f, 3*time.Second, next), "")
		}},
		{"that both are free is noted of that match after its end only", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.free("m1") // there is nothing
			ana.matchWith("r1", "m1", ben)
			ana.free("m1")
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			same(f, ana.snapshot().Route.Notified, false)
			ana.free("m2")
			same(f, ana.snapshot().Route.Notified, false)
			ana.free("m1")
			same(f, ana.snapshot().Route.Notified, true)
		}},
		{"a no_match goes out until it is told, also after the next request", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.giveUp("m1", false), match.StatusNoMatch)
			first := ana.noMatch()
			same(f, after(f, 3*time.Second-time.Millisecond, ana), "")
			same(f, after(f, time.Millisecond, ana), "no_match r1")
			f.advance(3 * time.Second)
			same(f, notices(ana.begin("r2", "m2").Untold), "no_match r1")
			same(f, after(f, 3*time.Second, ana), "no_match r1")
			f.says(ana.giveUp("m2", false), match.StatusNoMatch)
			same(f, after(f, 3*time.Second, ana), "no_match r1, no_match r2")
			second := ana.noMatch()
			f.says(ana.begin("r3", "m3"), match.StatusOK)
			same(f, after(f, 3*time.Second, ana), "no_match r1, no_match r2")
			f.says(ana.cancel(), match.StatusCancelled)
			ana.told(first)
			same(f, after(f, 3*time.Second, ana), "no_match r2")
			ana.told(second)
			same(f, after(f, 3*time.Second, ana), "")
		}},
		{"a told of a no_match leaves an open request alone", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.told(ana.noMatch())
			same(f, after(f, time.Minute, ana), "no_match r1")
			ana.told(matched("m0")) // of something else
			same(f, after(f, 3*time.Second, ana), "no_match r1")
		}},
		{"changed advice goes out until it is told: the newest only", func(f *fixture) {
			ana := f.connected("ana")
			report := func(is bool) string {
				f.advance(3 * time.Second)
				r, err := f.store.Report(f.t.Context(), ana.Session, match.Report{Position: match.Position{Point: north(0), At: f.now}, Arrival: time.UnixMilli(f.now), Choice: match.Choice{Available: &is}})
				f.must(err)
				return r.Mark
			}
			first := report(true)
			second := report(false)
			same(f, after(f, 3*time.Second, ana), "advice "+second[len("advice "):])
			ana.told(first) // comes late
			f.advance(3 * time.Second)
			untold := ana.read().Untold
			same(f, notices(untold), "advice "+second[len("advice "):])
			same(f, untold[0].Advice, match.Unavailable)
			ana.told(second)
			same(f, after(f, 3*time.Second, ana), "")
			same(f, report(false), "")
		}},
		{"of more than four notices only the state goes out", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			for n := range 5 {
				search := fmt.Sprint("m", n)
				untoldMatch(ana, search, ben)
				f.says(ana.finish(search, ben, "left"), match.StatusEnded)
				f.says(ana.release(search, ben, "left"), match.StatusReleased)
				ana.told(ended(search))
				f.advance(3 * time.Second)
				if n == 3 {
					same(f, notices(ben.read().Untold), "ended m0, ended m1, ended m2, ended m3")
				}
			}
			f.advance(3 * time.Second)
			same(f, ben.read().Untold[0].Notice, match.NoticeState)
		}},
		{"a session that the cache did not know is told the state", func(f *fixture) {
			ana := f.newMember("ana")
			connected, err := f.store.Connect(f.t.Context(), ana.Session, true)
			f.must(err)
			f.says(connected, match.StatusOK)
			same(f, notices(ana.read().Untold), "state "+fmt.Sprint(f.now))
			connected, err = f.store.Connect(f.t.Context(), ana.Session, true) // a repeat: the reply was lost
			f.must(err)
			f.says(connected, match.StatusOK)
			ana.told("state " + fmt.Sprint(f.now))
			same(f, after(f, 3*time.Second, ana), "")
		}},
		{"the state goes out until it is told, even if the advice changes in the same millisecond", func(f *fixture) {
			ana := f.newMember("ana")
			connected, err := f.store.Connect(f.t.Context(), ana.Session, true)
			f.must(err)
			f.says(connected, match.StatusOK)
			state := match.NoticeState.Mark(fmt.Sprint(f.now))
			same(f, ana.report(0).Mark, f.advice())
			same(f, after(f, 3*time.Second, ana), state)
		}},
		{"a match whose route the cache has lost is over, for its matcher with its next message", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.evict(f.key("route", "ana"))
			f.says(ana.finish("m1", ben, "completed"), match.StatusAlreadyEnded)
			same(f, ana.read().Untold, []match.Untold{{Notice: match.NoticeEnded, Which: "m1", ID: "r1", Reason: "lost", Advice: match.Available}})
			same(f, ana.watch("m1", ben).Reason, "lost")
			ana.told(ended("m1"))
			same(f, after(f, 3*time.Second, ana), "")
		}},
		{"a match or a request whose record the cache has lost can be lost again", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			cem.await("r2", openFor(10*time.Minute))
			for _, a := range []*member{ana, cem} {
				f.evict(f.key("m", a.ID))
				a.snapshot()
				same(f, f.stored("m", a.ID), map[string]string{})
				f.says(a.read(), match.StatusUnknown)
				f.says(a.connect(), match.StatusOK)
				same(f, notices(a.read().Untold), "")
				f.evict(f.key("route", a.ID))
			}
			same(f, notices(ana.read().Untold), "ended r1")
			same(f, notices(cem.read().Untold), "no_match r2")
		}},
		{"a timer learns what has run out, and is no sign of life", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			heard := f.record("ana")["heard"]
			f.advance(time.Minute)
			due := func() match.Snapshot {
				r, err := f.store.Due(f.t.Context(), ana.Member)
				return done(ana, r, err)
			}
			r := due()
			same(f, notices(r.Untold), "no_match r1")
			same(f, r.Check, true)
			same(f, r.Connection, ana.Connection)
			same(f, f.record("ana")["heard"], heard)
			same(f, notices(due().Untold), "")
			f.advance(match.NotifyAgain)
			same(f, notices(due().Untold), "no_match r1")
			ana.told(ana.noMatch())
			f.advance(match.NotifyAgain)
			same(f, notices(due().Untold), "")
		}},
		{"an end whose reason the cache has lost is told all the same", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.evict(f.key("past", "ana"))
			f.advance(3 * time.Second)
			same(f, ana.read().Untold, []match.Untold{{Notice: match.NoticeEnded, Which: "m1", Advice: match.Available}})
		}},
		{"others see after 3 s that a match was not told", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			told := func() [3]bool {
				watched := ana.watch("m1", ben)
				return [3]bool{watched.Tell && !watched.Pushing, ana.snapshot().Tell, ben.snapshot().Tell}
			}
			same(f, ana.watch("m1", ben).Tell, true)
			f.advance(3*time.Second - time.Millisecond)
			same(f, told(), [3]bool{})
			f.advance(time.Millisecond)
			same(f, told(), [3]bool{true, true, true})
			f.says(ana.confirm("m1", ben), match.StatusYours)
			same(f, ben.snapshot().Pushing, true)
			f.advance(3 * time.Second)
			f.says(ana.commit("m1", ben), match.StatusYours) // that one notifies the matcher
			same(f, told(), [3]bool{false, false, true})
			same(f, [2]bool{ana.snapshot().Pushing, ben.snapshot().Pushing}, [2]bool{true, false})
			f.advance(3*time.Second - time.Millisecond)
			same(f, ana.snapshot().Pushing, true)
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Pushing, false)
			ben.told(matched("m1"))
			same(f, told(), [3]bool{true, true, false})
			same(f, ana.read().Tell, false)
			same(f, ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusActive, Connection: ana.Connection, Tell: true, Pushing: true,
				Presence: match.Presence{Heard: f.now}})
			same(f, ana.commit("m1", ben).Tell, true)
			ana.told(matched("m1"))
			same(f, ana.commit("m1", ben).Tell, false)
			same(f, ana.watch("m1", ben).Tell, false)
			same(f, ana.confirm("m1", ben).Tell, false)
		}},
		{"a claim that is repeated leaves it to others to tell of the match", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			f.advance(match.NotifyAgain)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			same(f, ben.snapshot().Tell, true)
		}},
		{"that a match was not told is asked of that match, and holds up no other notice", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			untoldMatch(ana, "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			ana.matchWith("r2", "m2", ben)
			same(f, ana.snapshot().Pushing, false)
			f.advance(3 * time.Second)
			same(f, ana.watch("m2", ben).Tell, false)
			same(f, ana.commit("m2", ben).Tell, false)
			same(f, notices(ana.read().Untold), "ended r1")
		}},
		{"a reading asks every 10 s for a look at the other half of the reader's match", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			same(f, ana.read().Check, false)
			ana.matchWith("r1", "m1", ben)
			for _, a := range []*member{ana, ben} {
				same(f, a.snapshot().Check, false)
				same(f, a.read().Check, true)
				f.advance(10*time.Second - time.Millisecond)
				same(f, a.read().Check, false)
				f.advance(time.Millisecond)
				same(f, a.read().Check, true)
			}
		}},
		{"so does a cancel that is refused, with what names the other half", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			for _, a := range []*member{ana, ben} {
				stored := a.snapshot()
				f.is(a.cancel(), match.Cancelled{Status: match.StatusActive, Claim: stored.Claim, Route: stored.Route})
				f.advance(10*time.Second - time.Millisecond)
				f.is(a.cancel(), match.Cancelled{Status: match.StatusActive})
				same(f, a.read().Check, false)
			}
		}},
	}
}
