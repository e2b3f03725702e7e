package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// part ends the match m1 of a and b, on both sides, and returns its results.
func (a *member) part(b *member, reason string, by match.By) (match.Finished, match.Released) {
	a.t.Helper()
	finished := a.finish("m1", b, reason, by)
	a.says(finished, match.StatusEnded)
	a.apply(finished.Changes...)
	released := a.release("m1", b, finished.Reason, finished.Early)
	a.says(released, match.StatusReleased)
	b.apply(released.Changes...)
	a.free("m1")
	return finished, released
}

// meet makes the match m1 of a and b, which ends after a while.
func (a *member) meet(b *member, after time.Duration, reason string, by match.By) (match.Finished, match.Released) {
	a.t.Helper()
	a.matchWith("", "m1", b, around(0))
	a.advance(after)
	return a.part(b, reason, by)
}

// apart returns with whom a search of the member would find a cool-down.
func (a *member) apart() []match.Member {
	a.t.Helper()
	begun := a.begin("", "m9", around(0))
	a.says(begun, match.StatusOK)
	a.says(a.cancel(), match.StatusCancelled)
	return begun.Request.Apart
}

// partings: what the end of a match costs its members, and when they are matched again.
func partings() []testCase {
	var all []testCase
	for _, c := range []struct {
		name   string
		after  time.Duration
		reason string
		by     match.By
		cools  bool
	}{
		{"that was cancelled", time.Hour, "cancelled", match.ByMatchee, true},
		{"that was completed", match.Early, "completed", match.ByMatcher, false},
		{"that the matcher ended early", match.Early - time.Millisecond, "completed", match.ByMatcher, true},
		{"that the matchee ended early", 0, "completed", match.ByMatchee, true},
		{"that a back end ended early", 0, "cancelled", match.ByNobody, false},
	} {
		which := "no cool-down"
		if c.cools {
			which = "a cool-down, each in its own record"
		}
		all = append(all, testCase{"the members of a match " + c.name + " have " + which, func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			finished, _ := ana.meet(ben, c.after, c.reason, c.by)
			var hers, his []match.Member
			if c.cools {
				hers, his = []match.Member{ben.Member}, []match.Member{ana.Member}
			}
			same(f, ana.apart(), hers)
			same(f, ben.apart(), his)
			early := match.By("")
			if c.after < match.Early {
				early = c.by
			}
			same(f, finished.Early, early)
		}})
	}
	return append(all, []testCase{
		{"a cool-down lasts as long as the pool says", func(f *fixture) {
			f.settings(unlimited + `,"coolDown":20`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			f.advance(20*time.Second - time.Millisecond)
			same(f, ana.apart(), []match.Member{ben.Member})
			f.advance(time.Millisecond)
			same(f, ana.apart(), nil)
			same(f, ben.apart(), nil)
		}},
		{"after a cool-down the matchee pays as if there had been none", func(f *fixture) {
			f.settings(`"requestsPerMinute":1e6,"matchesPerHour":1e6,"coolDown":20,"harvestPerHour":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, match.Early, "cancelled", match.ByMatchee)
			f.advance(20 * time.Second)
			ben.moveTo(10)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			same(f, ben.snapshot().Unlisted, f.now+time.Hour.Milliseconds())
		}},
		{"a pool without a cool-down has none", func(f *fixture) {
			f.settings(unlimited + `,"coolDown":0`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, 0, "cancelled", match.ByMatchee)
			same(f, ana.apart(), nil)
			same(f, len(f.stored("past", "ana")["apart"]), 0)
		}},
		{"every search for a request has the cool-downs of its owner", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			want := []match.Member{ben.Member}
			same(f, ana.begin("r1", "m2").Request.Apart, want)
			same(f, ana.begin("r1", "m3").Route.Request.Apart, want) // to a process whose first begin was not answered
			f.says(ana.giveUp("m2", true), match.StatusWaiting)
			same(f, ana.lease("m4").Request.Apart, want)
		}},
		{"the last sixteen cool-downs are kept, and one for each member", func(f *fixture) {
			ana := f.listed("ana", 0)
			var want []match.Member
			for n := range 17 {
				ben := f.listed(fmt.Sprint("ben", n), 10)
				for range 2 {
					ana.meet(ben, 0, "completed", match.ByMatchee)
				}
				want = append(want, ben.Member)
			}
			same(f, ana.apart(), want[1:])
		}},
		{"a match that the matchee never knew of leaves it no cool-down, and costs it nothing", func(f *fixture) {
			f.settings(`"harvestPerHour":1,"requestsPerMinute":1e6`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.commitWith("", "m1", ben)
			f.says(ana.finish("m1", ben, "cancelled", match.ByMatchee), match.StatusEnded)
			f.says(ana.release("m1", ben, "cancelled", match.ByMatchee), match.StatusReleased)
			same(f, ben.apart(), nil)
		}},
		{"a cool-down is kept while another request comes and goes", func(f *fixture) {
			f.settings(unlimited + `,"coolDown":600`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			f.says(ana.begin("r1", "m2"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			same(f, f.ttl(f.key("past", "ana")) > 590*time.Second, true)
		}},

		{"a match that the matchee ends early is given back to the matcher", func(f *fixture) {
			f.settings(`"requestsPerMinute":1,"matchesPerHour":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, match.Early-time.Millisecond, "completed", match.ByMatchee)
			f.says(ana.begin("", "m2", around(0)), match.StatusOK)
		}},
		{"a match that is lost early is given back to the matcher", func(f *fixture) {
			f.settings(`"requestsPerMinute":1,"matchesPerHour":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, 0, "lost", match.ByNobody)
			f.says(ana.begin("", "m2"), match.StatusOK)
		}},
		{"a match is given back once", func(f *fixture) {
			f.settings(`"requestsPerMinute":2,"matchesPerHour":2`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m0"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("", "m1", ben)
			for range 2 {
				f.says(ana.finish("m1", ben, "completed", match.ByMatchee), match.StatusEnded)
				ana.release("m1", ben, "completed", match.ByMatchee)
			}
			f.says(ana.begin("", "m2"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.is(ana.begin("", "m3"), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitRequests, 30*time.Second)})
		}},
		{"a match is not given back to who ended it, or later", func(f *fixture) {
			f.settings(`"requestsPerMinute":1000,"matchesPerHour":1`)
			for n, by := range []match.By{match.ByMatcher, match.ByMatchee} {
				ana, ben := f.listed(fmt.Sprint("ana", n), 0), f.listed(fmt.Sprint("ben", n), 10)
				ana.meet(ben, time.Duration(n)*match.Early, "completed", by)
				f.says(ana.begin("", "m2", around(0)), match.StatusRateLimited)
			}
		}},
		{"a match that the matcher ends early is given back to a matchee that had asked too", func(f *fixture) {
			f.settings(`"requestsPerMinute":1`)
			for _, asked := range []bool{true, false} {
				ana, ben := f.listed(fmt.Sprint("ana", asked), 0), f.listed(fmt.Sprint("ben", asked), 10)
				ben.await("r1")
				if !asked {
					f.says(ben.cancel(), match.StatusCancelled)
				}
				ana.meet(ben, 0, "completed", match.ByMatcher)
				same(f, ben.begin("r2", "m2").Status == match.StatusOK, asked)
			}
		}},
		{"a match that the matchee ends early is not given back to it", func(f *fixture) {
			f.settings(`"requestsPerMinute":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r1")
			ana.meet(ben, 0, "completed", match.ByMatchee)
			f.says(ben.begin("r2", "m2"), match.StatusRateLimited)
		}},
		{"what a later match took is not given back for an earlier one", func(f *fixture) {
			f.settings(`"requestsPerMinute":1`)
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ben.await("r1")
			ana.meet(ben, 0, "completed", match.ByMatcher) // gives it back
			f.says(ben.begin("r2", "m2"), match.StatusOK)
			f.says(ben.cancel(), match.StatusCancelled)
			cem.meet(ben, 0, "completed", match.ByMatcher) // ben has not asked
			f.says(ben.begin("r3", "m3"), match.StatusRateLimited)
		}},
		{"of a pair with a cool-down the matcher gets nothing back, and the matchee does not pay", func(f *fixture) {
			f.settings(`"requestsPerMinute":1000,"matchesPerHour":2,"harvestPerHour":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.meet(ben, match.Early, "cancelled", match.ByMatcher)
			ben.moveTo(10)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			f.says(ana.begin("", "m2", around(0)), match.StatusRateLimited)
			f.says(ben.begin("", "m2", around(0)), match.StatusOK)
			cem, dan := f.listed("cem", 0), f.listed("dan", 10)
			cem.meet(dan, match.Early, "cancelled", match.ByMatcher)
			dan.moveTo(10)
			cem.meet(dan, 0, "completed", match.ByMatcher) // a matcher pays all the same
			same(f, cem.snapshot().Unlisted, f.now+time.Hour.Milliseconds())
		}},
		{"a matcher whose record the cache has lost gets nothing back", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			f.evict(f.key("m", "ana"))
			f.says(ana.finish("m1", ben, "completed", match.ByMatchee), match.StatusEnded)
		}},

		{"in no hour a member ends more matches early than the pool says, half of them at once", func(f *fixture) {
			f.settings(`"requestsPerMinute":1e6,"matchesPerHour":1e6,"coolDown":0,"harvestPerHour":6`)
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			for range 2 {
				ana.meet(ben, 0, "completed", match.ByMatcher)
			}
			f.says(ana.begin("", "m2", around(0)), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.meet(ben, 0, "completed", match.ByMatcher)
			const every = time.Hour / 4
			for range 4 { // with the third of the first three these are five in the hour
				f.is(ana.begin("", "m2", around(0)), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitHarvest, every)})
				f.advance(every - time.Millisecond)
				f.is(ana.begin("", "m2", around(0)), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitHarvest, time.Millisecond)})
				f.advance(time.Millisecond)
				ben.moveTo(10)
				ana.meet(ben, 0, "completed", match.ByMatcher)
			}
		}},
		{"a budget of one is one an hour", func(f *fixture) {
			f.settings(`"harvestPerHour":1`)
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			ana.meet(ben, 0, "completed", match.ByMatcher)
			f.is(ana.begin("", "m2", around(0)), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitHarvest, time.Hour)})
		}},
		{"a match that ends later, or by the other, costs no budget", func(f *fixture) {
			f.settings(`"requestsPerMinute":1e6,"harvestPerHour":1`)
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			ana.meet(ben, match.Early, "completed", match.ByMatcher)
			ben.moveTo(10)
			ana.meet(ben, 0, "completed", match.ByNobody)
			f.says(ana.begin("", "m2", around(0)), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			f.says(ana.begin("", "m2", around(0)), match.StatusOK)
		}},
		{"a matchee that has used up its budget is not listed until there is room, and is told", func(f *fixture) {
			f.settings(`"requestsPerMinute":1e6,"harvestPerHour":1`)
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			_, released := ana.meet(ben, 0, "completed", match.ByMatchee)
			same(f, len(released.Changes), 0)
			until := f.now + time.Hour.Milliseconds()
			same(f, released.Unlisted, until)
			same(f, ben.snapshot().Unlisted, until)
			same(f, ben.relist(), nil)
			f.is(ben.report(10), match.Reported{Status: match.StatusOK, Advice: match.Unlisted, Mark: f.advice(), At: f.now, Unlisted: until})
			f.is(ben.report(10, seq(1)), match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unlisted, Unlisted: until})
			f.says(ben.begin("", "m2"), match.StatusRateLimited)
			f.advance(time.Hour - time.Millisecond)
			f.says(ben.report(10), match.StatusOK)
			f.says(ana.claim("m3", ben), match.StatusUnavailable) // by a search that saw it before
			f.advance(time.Millisecond)
			same(f, ben.snapshot().Unlisted, 0)
			reported := ben.report(10)
			f.is(reported, match.Reported{Status: match.StatusOK, Advice: match.Available, Mark: f.advice(), At: f.now,
				Changes: []match.Change{ben.list(reported.Changes[0].Epoch)}})
			f.says(ana.claim("m3", ben), match.StatusYours)
		}},
		{"a matcher that has used up its budget is not listed either", func(f *fixture) {
			f.settings(`"harvestPerHour":1`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			finished, _ := ana.meet(ben, 0, "completed", match.ByMatcher)
			same(f, len(finished.Changes), 0)
			same(f, finished.Unlisted, f.now+time.Hour.Milliseconds())
			same(f, ana.snapshot().Unlisted, f.now+time.Hour.Milliseconds())
			same(f, ana.report(0).Advice, match.Unlisted)
		}},
		{"a budget outlives its session", func(f *fixture) {
			f.settings(`"harvestPerHour":1`)
			ana, ben := f.connected("ana"), f.listed("ben", 10)
			ana.meet(ben, 0, "completed", match.ByMatcher)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			f.says(next.begin("", "m2", around(0)), match.StatusRateLimited)
		}},
		{"an end that was remembered early says so", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			f.says(ana.finish("m1", ben, "completed", match.ByMatchee), match.StatusEnded)
			f.advance(match.Early - time.Millisecond)
			same(f, ana.finish("m1", ben, "completed", match.ByMatcher).Early, match.ByMatchee) // repeated, to repair it
			ana.free("m1")
			f.is(ana.finish("m1", ben, "completed", match.ByMatcher), match.Finished{Status: match.StatusAlreadyEnded, Reason: "completed", Early: match.ByMatchee})
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "completed", Early: match.ByMatchee})
		}},
	}...)
}
