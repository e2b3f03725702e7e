package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// reports: which reports are taken, and what the result says. What a report does to the
// index is with the listings and the cells.
func reports() []testCase {
	return []testCase{
		{"the first report lists the member", func(f *fixture) {
			ana := f.connected("ana")
			reported := ana.report(0)
			f.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{ana.list(f.now)}, At: f.now,
				Advice: match.Available, Mark: f.advice()})
		}},
		{"the next report moves the listing", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Second)
			reported := ana.report(100)
			f.is(reported, match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Available,
				Changes: []match.Change{ana.move(start)}})
			same(f, *ana.snapshot().Position, ana.Position)
		}},
		{"a field of the record that only another version knows stays until the next session", func(f *fixture) {
			ana := f.listed("ana", 0)
			key := f.key("m", "ana")
			f.must(f.direct.Do(f.t.Context(), f.direct.B().Hset().Key(key).FieldValue().FieldValue("of-tomorrow", "1").Build()).Error())
			f.says(ana.report(100), match.StatusOK)
			kept, err := f.direct.Do(f.t.Context(), f.direct.B().Hget().Key(key).Field("of-tomorrow").Build()).ToString()
			f.must(err)
			same(f, kept, "1")
			f.says(ana.nextSession().connect(), match.StatusOK)
			same(f, f.stored("m", "ana")["of-tomorrow"], "")
		}},
		{"reports are ordered by the time at which they were made", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-10), seq(5))
			for _, late := range [][]reportOption{{at(start - 11), seq(6)}, {at(start - 10), seq(4)}} {
				reported := ana.report(100, late...)
				f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available})
				same(f, *ana.snapshot().Position, ana.Position)
			}
			for _, newer := range [][]reportOption{{at(start - 10), seq(6)}, {at(start - 9), seq(1)}} {
				reported := ana.report(100, newer...)
				f.says(reported, match.StatusOK)
				same(f, *ana.snapshot().Position, ana.Position)
			}
		}},
		{"a new session may count from 1 again", func(f *fixture) {
			ana := f.listed("ana", 0, seq(900))
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			f.advance(time.Millisecond)
			reported := next.report(100, seq(1))
			f.says(reported, match.StatusOK)
			same(f, reported.Changes, []match.Change{next.move(start)})
		}},
		{"a report is stale once it is as old as the location TTL of the pool", func(f *fixture) {
			f.settings(`"locationTTL":20`)
			ana := f.connected("ana")
			reported := ana.report(0, at(start-20_000))
			f.is(reported, match.Reported{Status: match.StatusStale, Advice: match.Unavailable})
			same(f, ana.snapshot().Position, nil)
			reported = ana.report(0, at(start-19_999))
			f.says(reported, match.StatusOK)
		}},
		{"a report may be 30 s ahead; a report further ahead counts as made on arrival", func(f *fixture) {
			ana := f.connected("ana")
			reported := ana.report(0, at(start+30_000), arriving(start-5))
			same(f, reported.At, start+30_000)
			ben := f.connected("ben")
			reported = ben.report(0, at(start+30_001), arriving(start-5))
			same(f, reported.At, start-5)
		}},
		{"a report without a time counts as made on arrival, by a clock that is at most 30 s off", func(f *fixture) {
			for n, clock := range []struct{ arrival, at int64 }{
				{start - 30_000, start - 30_000}, {start - 30_001, start}, {start + 30_000, start + 30_000}, {start + 30_001, start},
			} {
				ana := f.connected(fmt.Sprint("ana", n))
				reported := ana.report(0, arriving(clock.arrival))
				same(f, reported.At, clock.at)
				same(f, ana.snapshot().Position.At, clock.at)
			}
		}},
		{"a member may report as many times at once as the pool says, and then as often as that refills", func(f *fixture) {
			f.settings(`"reportsBurst":3,"reportsPerSecond":5`)
			ana := f.connected("ana")
			said := func() match.Status { return ana.report(0).Status }
			for range 3 {
				same(f, said(), match.StatusOK)
			}
			same(f, said(), match.StatusRateLimited)
			f.advance(199 * time.Millisecond)
			same(f, said(), match.StatusRateLimited)
			f.advance(time.Millisecond)
			same(f, said(), match.StatusOK)
			same(f, said(), match.StatusRateLimited)
			f.advance(time.Hour)
			for range 3 {
				same(f, said(), match.StatusOK)
			}
			same(f, said(), match.StatusRateLimited)
		}},
		{"a report that is refused changes nothing, in any cell", func(f *fixture) {
			f.settings(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := f.listed("ana", 0)
			for _, meters := range []float64{10, nextCell} {
				reported := ana.report(meters)
				f.is(reported, match.Reported{Status: match.StatusRateLimited, Refusal: refusal(match.LimitReports, time.Second), Advice: match.Available})
				same(f, *ana.snapshot().Position, ana.Position)
			}
		}},
		{"a report that is repeated lists the member anew", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-10), seq(5))
			for n := range int64(2) {
				reported := ana.report(100, at(start-10), seq(5))
				f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available, Changes: []match.Change{ana.list(start + 1 + n)}})
			}
		}},
		{"a report that is repeated takes a member who is not listed any more out of the cell, under its last epoch", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(0, available(false))
			reported := ana.report(0, seq(ana.Seq))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unavailable, Changes: []match.Change{unlist(0, start)}})
			ben := f.listed("ben", 10, available(false))
			reported = ben.report(10, seq(ben.Seq))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unavailable, Changes: []match.Change{unlist(10, 0)}})
		}},
		{"a report that is repeated, and now says available, lists the member", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(0, available(false))
			f.advance(time.Second)
			reported := ana.report(0, at(ana.At), seq(ana.Seq), available(true))
			same(f, reported.Changes, []match.Change{ana.list(f.now)})
		}},
		{"a report that is repeated takes a member who has become stale out of every cell", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(nextCell, at(start+20_000))
			ana.told(match.ClockMark)
			f.advance(time.Minute)
			reported := ana.report(nextCell, at(start+20_000), seq(ana.Seq))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unavailable,
				Changes: []match.Change{unlist(0, start), unlist(nextCell, start+1)}})
		}},
		{"a late report without a choice leaves the index alone", func(f *fixture) {
			ana := f.listed("ana", 0, at(start+20_000))
			ana.told(match.ClockMark)
			f.advance(time.Minute)
			f.is(ana.report(0, at(start+10_000)), match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available})
		}},
		{"a member stays as available as it last said", func(f *fixture) {
			ana := f.listed("ana", 0)
			reported := ana.report(0, available(false))
			f.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{unlist(0, f.now)}, At: f.now,
				Advice: match.Unavailable, Mark: f.advice()})
			reported = ana.report(0)
			f.is(reported, match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Unavailable})
			same(f, ana.snapshot().Available, "0")
			reported = ana.report(0, available(true))
			f.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{ana.list(f.now + 1)}, At: f.now,
				Advice: match.Available, Mark: f.advice()})
			same(f, ana.snapshot().Available, "1")
		}},
		{"a member keeps the tags that it last said", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van", "xl"))
			reported := ana.report(0)
			same(f, reported.Changes, []match.Change{ana.move(f.now)})
			reported = ana.report(0, tagged("van", "xl"))
			same(f, reported.Changes, []match.Change{ana.move(f.now)})
			reported = ana.report(0, tagged("van"))
			same(f, reported.Changes, []match.Change{ana.list(f.now + 1)})
			same(f, ana.relist(), []match.Change{ana.list(f.now + 2)})
			reported = ana.report(0, tagged())
			same(f, reported.Changes, []match.Change{ana.list(f.now + 3)})
			same(f, ana.relist()[0].Tags, "")
		}},
		{"a choice is taken although the position is late, or was there before", func(f *fixture) {
			ana := f.listed("ana", 0, at(start-10), seq(5))
			for n, late := range []reportOption{at(start - 11), at(start - 10)} {
				f.advance(time.Second)
				reported := ana.report(0, late, seq(5), available(false), tagged("xl"))
				changes := []match.Change{unlist(0, start+2*int64(n)*1000)}
				f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unavailable, Mark: f.advice(), Changes: changes})
				same(f, ana.snapshot().Tags, "xl")
				f.advance(time.Second)
				ana.tags = "van"
				reported = ana.report(0, late, seq(4), available(true), tagged("van"))
				f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available, Mark: f.advice(),
					Changes: []match.Change{ana.list(f.now)}})
				same(f, *ana.snapshot().Position, ana.Position)
			}
		}},
		{"tags are taken although the position is late: the member is listed with them", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Second)
			ana.tags = "xl"
			reported := ana.report(0, at(start-1), tagged("xl"))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available, Changes: []match.Change{ana.list(f.now)}})
			f.advance(time.Second)
			reported = ana.report(0, at(start-1), tagged("xl"))
			f.is(reported, match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Available})
		}},
		{"a choice is taken although the position is stale", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Second)
			reported := ana.report(0, at(f.now-60_000), available(false))
			f.is(reported, match.Reported{Status: match.StatusChosen, NotTaken: "stale", Advice: match.Unavailable, Mark: f.advice(), ClockOff: true,
				Changes: []match.Change{unlist(0, start)}})
			same(f, ana.snapshot().Available, "0")
			reported = ana.report(0, at(f.now-60_000), tagged("xl"))
			f.is(reported, match.Reported{Status: match.StatusChosen, NotTaken: "stale", Advice: match.Unavailable})
			same(f, ana.snapshot().Tags, "xl")
			same(f, *ana.snapshot().Position, ana.Position)
		}},
		{"nobody is kept from going on a break by the rate of reports; all else is", func(f *fixture) {
			f.settings(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := f.listed("ana", 0)
			f.advance(500 * time.Millisecond)
			f.says(ana.report(10, tagged("xl")), match.StatusRateLimited)
			f.says(ana.report(10, available(true)), match.StatusRateLimited)
			reported := ana.report(10, available(false))
			f.is(reported, match.Reported{Status: match.StatusChosen, Refusal: match.Refusal{}, NotTaken: "rate_limited", Advice: match.Unavailable,
				Mark: f.advice(), Changes: []match.Change{unlist(0, start)}})
			same(f, *ana.snapshot().Position, ana.Position)
			f.says(ana.report(10, available(false)), match.StatusRateLimited)
			f.says(ana.report(10, available(true)), match.StatusRateLimited)
			same(f, ana.snapshot().Available, "0")
			same(f, ana.snapshot().Tags, "")
		}},
		{"a member that is kept out is not heard, whatever it chooses", func(f *fixture) {
			f.settings(`"reportsBurst":1,"reportsPerSecond":1,"messagesPerSecond":1e6,"messagesBurst":1e6`)
			ana := f.listed("ana", 0)
			for range match.Refusals {
				f.says(ana.report(10), match.StatusRateLimited)
			}
			f.says(ana.report(10, available(false)), match.StatusKeptOut)
			same(f, ana.snapshot().Available, "1")
		}},
		{"of two choices the one that arrived later stands, in whichever order they are served", func(f *fixture) {
			no, none := false, []string{}
			ana := f.listed("ana", 0, tagged("van"))
			reported := ana.report(0, arriving(start+20), available(false), tagged())
			f.says(reported, match.StatusOK)
			same(f, reported.Stands, match.Choice{})
			reported = ana.report(0, at(start+20), arriving(start+19), seq(99), available(true), tagged("xl"))
			f.says(reported, match.StatusOK)
			same(f, reported.Stands, match.Choice{Available: &no, Tags: &none})
			same(f, ana.snapshot().Available, "0")
			same(f, ana.snapshot().Tags, "")
			reported = ana.report(0, at(start+21), arriving(start+21), available(true), tagged("xl"))
			same(f, reported.Stands, match.Choice{})
			same(f, ana.snapshot().Available, "1")
			same(f, ana.snapshot().Tags, "xl")
		}},
		{"each choice has an order of its own: a report without it leaves it", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.report(0, arriving(start+20), tagged("van")), match.StatusOK)
			f.says(ana.report(0, arriving(start+10), available(false)), match.StatusLate)
			same(f, ana.snapshot().Available, "0")
			for _, arrival := range []int64{start + 5, start + 15} {
				f.says(ana.report(0, arriving(arrival), tagged("xl")), match.StatusLate)
				same(f, ana.snapshot().Tags, "van")
			}
			f.says(ana.report(0, arriving(start+30)), match.StatusOK)
			f.says(ana.report(0, arriving(start+25), available(true)), match.StatusLate)
			same(f, ana.snapshot().Available, "1")
			same(f, ana.report(0, arriving(start+24), available(true)).Stands, match.Choice{}) // it is as it says
		}},
		{"of two choices that arrived at one moment the one with the larger seq stands", func(f *fixture) {
			no := false
			ana := f.listed("ana", 0, seq(1))
			f.says(ana.report(0, seq(9), available(false), tagged("van", "xl")), match.StatusOK)
			f.is(ana.report(0, seq(8), available(true), tagged("red")), match.Reported{Status: match.StatusLate, NotTaken: "late", Advice: match.Unavailable,
				Stands: match.Choice{Available: &no, Tags: &[]string{"van", "xl"}}})
			f.says(ana.report(0, seq(10), available(true), tagged("red")), match.StatusOK)
			same(f, ana.snapshot().Available, "1")
			same(f, ana.snapshot().Tags, "red")
			f.says(ana.report(0, seq(9), available(false)), match.StatusLate)
			same(f, ana.snapshot().Available, "1")
		}},
		{"of two choices with the same seq, too, what shows less stands, in whichever order", func(f *fixture) {
			no := false
			both := []string{"van"}
			ana, ben := f.listed("ana", 0, seq(1)), f.listed("ben", 10, seq(1))
			f.says(ana.report(0, seq(2), available(false), tagged("van", "xl")), match.StatusOK)
			reported := ana.report(0, seq(2), available(true), tagged("red", "van"))
			same(f, reported.Stands, match.Choice{Available: &no, Tags: &both})
			f.says(ben.report(10, seq(2), available(true), tagged("red", "van")), match.StatusOK)
			reported = ben.report(10, seq(2), available(false), tagged("van", "xl"))
			same(f, reported.Stands, match.Choice{Tags: &both})
			for _, who := range []*member{ana, ben} {
				same(f, who.snapshot().Available, "0")
				same(f, who.snapshot().Tags, "van")
			}
		}},
		{"a choice is ordered by the cache's clock where the gateway's is more than 30 s off", func(f *fixture) {
			ana := f.newMember("ana")
			ana.ConnectedAt = ana.ConnectedAt.Add(40 * time.Second)
			f.says(ana.connect(), match.StatusOK)
			ana.moveTo(0, arriving(start+40_000), available(false))
			same(f, ana.snapshot().Available, "0")
			f.advance(time.Millisecond)
			ana.moveTo(0, arriving(start+30_000), available(true))
			same(f, ana.snapshot().Available, "1")
		}},
		{"who has a clock that is off by more than 15 s learns it every 3 s, until it is told so once in a session", func(f *fixture) {
			for n, off := range []int64{-15_001, 15_001} {
				ana := f.connected(fmt.Sprint("ana", n))
				isOff := func(a *member, later time.Duration) bool {
					f.advance(later)
					return a.report(0, at(f.now+off)).ClockOff
				}
				same(f, ana.report(0, at(f.now+off/15_001*15_000)).ClockOff, false)
				same(f, ana.report(0, seq(9)).ClockOff, false)
				for range 2 {
					same(f, isOff(ana, 0), true)
					same(f, isOff(ana, 3*time.Second-time.Millisecond), false)
					f.advance(time.Millisecond)
				}
				ana.told("advice 1", "clock 1")
				same(f, isOff(ana, 0), true)
				next := ana.nextSession()
				f.says(next.connect(), match.StatusOK)
				ana.told(match.ClockMark) // of the connection before
				same(f, isOff(next, 0), true)
				same(f, isOff(next, 3*time.Second), true)
				next.told("advice 1", match.ClockMark)
				same(f, isOff(next, 2*time.Hour), false)
			}
		}},
		{"a report that is old on arrival is advised to come again sooner, and the member is told when that changes", func(f *fixture) {
			ana := f.connected("ana")
			for _, report := range []struct {
				behind, lag time.Duration
				changed     bool
			}{
				{0, 0, true}, {15 * time.Second, 0, false}, {15*time.Second + time.Millisecond, 20 * time.Second, true}, {20 * time.Second, 20 * time.Second, false},
				{45 * time.Second, 45 * time.Second, true}, {41 * time.Second, 45 * time.Second, false}, {59 * time.Second, 60 * time.Second, true}, {0, 0, true},
			} {
				f.advance(time.Minute)
				reported := ana.report(0, at(f.now-report.behind.Milliseconds()))
				f.says(reported, match.StatusOK)
				same(f, reported.Lag, report.lag)
				same(f, reported.Mark != "", report.changed)
			}
			f.advance(time.Minute)
			f.says(ana.report(0, available(false)), match.StatusOK)
			f.advance(time.Minute)
			same(f, ana.report(0, at(f.now-45_000)).Mark, "")
			same(f, ana.report(0, at(f.now-50_000)).Lag, 45*time.Second)
		}},
		{"where reports live longer than usual, the advice allows for older ones", func(f *fixture) {
			f.settings(`"locationTTL":120,"grace":20`)
			ana := f.connected("ana")
			same(f, ana.report(0, at(f.now-105_000)).Lag, 0)
			f.advance(time.Millisecond)
			same(f, ana.report(0, at(f.now-105_000)).Lag, 0)
			f.advance(time.Millisecond)
			same(f, ana.report(0, at(f.now-105_001+2)).Lag, 0)
			f.advance(time.Minute)
			same(f, ana.report(0, at(f.now-105_001)).Lag, 110*time.Second)
		}},
		{"a report after the member was stale lists it anew: the index may have swept it", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Minute - time.Millisecond)
			reported := ana.report(0)
			same(f, reported.Changes, []match.Change{ana.move(start)})
			f.advance(time.Minute)
			reported = ana.report(0)
			same(f, reported.Changes, []match.Change{ana.list(f.now)})
		}},
		{"a report of a claimed member shows the claim, and leaves the index alone until the claim is decided", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: f.now}
			f.advance(time.Second)
			reported := ben.report(nextCell)
			f.is(reported, match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Available, Claim: &claim, Since: start})
			released := ana.release("m1", ben, "lost")
			same(f, released.Changes, []match.Change{ben.list(f.now)})
		}},
		{"a matchee is advised that it is watched", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			reported := ben.report(20)
			f.is(reported, match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Watched, Mark: f.advice(),
				Claim: &match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: f.now}, Since: start})
			reported = ben.report(30)
			same(f, reported.Mark, "")
		}},
		{"a matcher is advised that it watches", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			reported := ana.report(20)
			want := match.Reported{Status: match.StatusOK, At: f.now, Advice: match.Watching, Mark: f.advice(),
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked}}
			f.is(reported, want)
			reported = ana.report(30)
			want.Mark = ""
			f.is(reported, want)
		}},
		{"a member whom nobody may find, and whose request waits, is advised to be heard within the grace time", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			same(f, ana.report(10).Advice, match.Available)
			reported := ana.report(20, available(false))
			same(f, reported.Advice, match.Watching)
			same(f, reported.Mark, f.advice())
			same(f, f.ttl(f.key("route", "ana")) < 2*time.Minute, true) // unlike that of a match
			f.says(ana.cancel(), match.StatusCancelled)
			same(f, ana.report(20).Advice, match.Unavailable)
		}},
		{"a report returns the request under way, and whether all cells know of it", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			reported := ana.report(10)
			same(f, reported.Route.State, match.Waiting)
			same(f, reported.Route.Request.Registered, false)
			ana.registered()
			reported = ana.report(20)
			same(f, reported.Route.Request.Registered, true)
		}},
		{"a report returns the match that has ended, and why", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			reported := ana.report(20)
			same(f, *reported.Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: withoutPoint(ana.asked)})
		}},
		{"a report takes the pending no_match, once", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute)
			reported := ana.report(10)
			same(f, notices(reported.Untold), "no_match r1")
			reported = ana.report(20)
			same(f, notices(reported.Untold), "")
		}},
		{"a report is a sign of life", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			ana.moveTo(0)
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
		}},
	}
}
