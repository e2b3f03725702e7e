package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// leases: which attempt may search for a request, for how long, and how a request ends
// without a match.
func leases() []testCase {
	return []testCase{
		{"a waiting request is leased to one search", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Second)
			f.is(ana.lease("m1"), match.Leased{Status: match.StatusOK, Request: &ana.asked})
			f.is(ana.lease("m1"), match.Leased{Status: match.StatusOK, Request: &ana.asked})
			f.is(ana.lease("m2"), match.Leased{Status: match.StatusSearching, Request: &ana.asked})
			same(f, ana.snapshot().Route.Match, "m1")
		}},
		{"a member who came while a search went on makes it search again", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.lease("m1"), match.StatusOK) // a repeat is nobody else
			same(f, ana.giveUp("m1", true).Missed, false)
			f.says(ana.lease("m2"), match.StatusOK)
			f.says(ana.lease("m3"), match.StatusSearching)
			same(f, ana.giveUp("m2", true).Missed, true)
			f.says(ana.lease("m4"), match.StatusOK)
			same(f, ana.giveUp("m4", true).Missed, false)
		}},
		{"without a request there is no lease", func(f *fixture) {
			f.is(f.listed("ana", 0).lease("m1"), match.Leased{Status: match.StatusOther})
		}},
		{"neither a match nor an ended one is leased", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.is(ana.lease("m2"), match.Leased{Status: match.StatusOther})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.is(ana.lease("m2"), match.Leased{Status: match.StatusOther})
		}},
		{"a request is not leased while its owner is claimed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r1")
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.is(ben.lease("m2"), match.Leased{Status: match.StatusClaimed})
			same(f, ana.release("m1", ben, "lost").Waits, true)
			f.says(ben.lease("m3"), match.StatusOK)
		}},
		{"a request whose owner has been silent for the grace time is not leased", func(f *fixture) {
			f.settings(`"grace":20`)
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(20*time.Second - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			f.advance(time.Millisecond)
			f.is(ana.lease("m2"), match.Leased{Status: match.StatusSilent})
			same(f, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a request whose owner's record the cache has evicted is not leased", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.evict(f.key("m", "ana"))
			f.is(ana.lease("m1"), match.Leased{Status: match.StatusSilent})
		}},
		{"a search lapses after 15 s, and the request waits anew", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			ana.registered()
			f.says(ana.lease("m1"), match.StatusOK)
			same(f, ana.snapshot().Route.Request.Registered, true)
			f.advance(15*time.Second - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Searching)
			f.advance(time.Millisecond)
			route := *ana.snapshot().Route
			same(f, route, match.Route{State: match.Waiting, Matchee: match.Member{Pool: f.pool}, Request: ana.asked})
			same(f, *ana.snapshot().Route, route)
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			f.says(ana.lease("m2"), match.StatusOK)
		}},
		{"the search that a request begins with lapses after 15 s too", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.advance(15*time.Second - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Searching)
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a lease does not outlast its request", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(20*time.Second))
			f.advance(10 * time.Second)
			f.says(ana.lease("m1"), match.StatusOK)
			f.advance(10*time.Second - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Searching)
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Route, nil)
			same(f, notices(ana.read().Untold), "no_match r1")
		}},
		{"a search that lapses after its request's deadline ends it", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1", atOnce), match.StatusOK)
			f.advance(15*time.Second - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Searching)
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Route, nil)
			same(f, notices(ana.read().Untold), "no_match r1")
		}},
		{"a request waits until its deadline", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Waiting)
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Route, nil)
			same(f, ana.begin("r1", "m1", around(0)).Outcome.Kind, "no_match")
		}},
		{"a search that found nobody gives up to waiting, which lists the owner anew", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(f.now + 1)}})
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			same(f, ana.snapshot().Route.Match, "")
		}},
		{"a search that found nobody ends the request where it may not wait", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusNoMatch, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(f.now + 1)}})
			same(f, ana.snapshot().Route, nil)
			f.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusNoMatch, Connection: ana.Connection, // its reply may be lost
				Request: &match.Request{ID: "r1", Radius: 3000, Tags: []string{}, Deadline: ana.asked.Deadline}})
			ana.told(ana.noMatch())
			f.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection})
			same(f, ana.begin("r1", "m2").Outcome.Kind, "no_match")
		}},
		{"a search that found nobody waits one ms before its request's deadline, and ends at it", func(f *fixture) {
			for name, late := range map[string]time.Duration{"ana": 0, "ben": time.Millisecond} {
				a := f.listed(name, 0)
				f.says(a.begin("r1", "m1", atOnce), match.StatusOK)
				f.advance(time.Second - time.Millisecond + late)
				if late > 0 {
					f.says(a.giveUp("m1", true), match.StatusNoMatch)
				} else {
					f.says(a.giveUp("m1", true), match.StatusWaiting)
				}
			}
		}},
		{"a search does not end another one", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.giveUp("m2", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(f, ana.snapshot().Route.Match, "m1")
		}},
		{"a search that led to a match does not give up", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(f, ana.snapshot().Route.State, match.Active)
		}},
		{"a search whose request has expired gives up to the pending no_match", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute)
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusNoMatch, Connection: ana.Connection,
				Request: &match.Request{ID: "r1", Radius: 3000, Tags: []string{}, Deadline: ana.asked.Deadline}})
			same(f, notices(ana.read().Untold), "")
			ana.told(ana.noMatch())
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection})
		}},
		{"a search that gives up names no connection of an owner who has disconnected", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			f.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Request: &ana.asked})
		}},
		{"a waiting request is cancelled, and its owner is listed anew", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Second)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ana.asked, Changes: []match.Change{ana.list(f.now)}})
			same(f, ana.snapshot().Route, nil)
		}},
		{"a request that is searched for is cancelled", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ana.asked,
				Changes: []match.Change{ana.list(f.now + 1)}})
			f.says(ana.giveUp("m1", true), match.StatusOther)
		}},
		{"a cancel that is repeated within a minute has the same result", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Minute - time.Millisecond)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &match.Request{ID: "r1", Tags: []string{}}})
			f.advance(time.Millisecond)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"a cancel is not taken for a repeat once there was another request", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.begin("r2", "m2"), match.StatusOK)
			f.says(ana.giveUp("m2", false), match.StatusNoMatch)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"a cancel that is repeated withdraws no later request, and has the same result for ten minutes", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.says(ana.cancelRequest("c1", ""), match.StatusCancelled)
			again := match.Cancelled{Status: match.StatusCancelled, Request: &match.Request{ID: "r1", Tags: []string{}}}
			ana.await("r2", openFor(20*time.Minute))
			f.is(ana.cancelRequest("c1", ""), again)
			f.advance(10*time.Minute - time.Millisecond)
			f.is(ana.cancelRequest("c1", ""), again)
			same(f, ana.snapshot().Route.State, match.Waiting)
			f.advance(time.Millisecond)
			f.says(ana.cancelRequest("c1", ""), match.StatusCancelled)
			same(f, ana.snapshot().Route, nil)
		}},
		{"a cancel that found nothing to do finds nothing when repeated", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.is(ana.cancelRequest("c1", ""), match.Cancelled{Status: match.StatusOther})
			ana.await("r1")
			f.is(ana.cancelRequest("c1", ""), match.Cancelled{Status: match.StatusOther})
			f.is(ana.cancelRequest("c1", "r1"), match.Cancelled{Status: match.StatusOther})
			same(f, ana.snapshot().Route.State, match.Waiting)
			f.says(ana.cancelRequest("c2", "r1"), match.StatusCancelled)
			ana.matchWith("r2", "m2", ben)
			ana.read() // it looks at the other half
			f.is(ana.cancelRequest("c3", "r2"), match.Cancelled{Status: match.StatusActive})
			f.says(ana.finish("m2", ben, "completed"), match.StatusEnded)
			ana.await("r3")
			f.is(ana.cancelRequest("c3", "r2"), match.Cancelled{Status: match.StatusActive})
			same(f, ana.snapshot().Route.State, match.Waiting)
		}},
		{"the last four cancels are remembered", func(f *fixture) {
			ana := f.listed("ana", 0)
			for i := range int64(5) {
				f.says(ana.cancelRequest("c"+whole(i), ""), match.StatusOther)
			}
			ana.await("r1")
			f.says(ana.cancelRequest("c"+whole(1), ""), match.StatusOther)
			f.says(ana.cancelRequest("c"+whole(0), ""), match.StatusCancelled)
		}},
		{"a cancel withdraws only the request that it names, by any of its ids", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.says(ana.cancelRequest("", "r1"), match.StatusCancelled)
			ana.await("r2")
			f.is(ana.cancelRequest("", "r1"), match.Cancelled{Status: match.StatusCancelled, Request: &match.Request{ID: "r1", Tags: []string{}}})
			f.is(ana.cancelRequest("", "r0"), match.Cancelled{Status: match.StatusOther})
			same(f, ana.snapshot().Route.State, match.Waiting)
			f.says(ana.begin("r3", "m3"), match.StatusWaiting)
			f.is(ana.cancelRequest("", "r3"), match.Cancelled{Status: match.StatusCancelled, Request: &ana.asked, Changes: []match.Change{ana.list(f.now + 4)}})
			f.is(ana.cancelRequest("", "r0"), match.Cancelled{Status: match.StatusOther})
		}},
		{"a cancel names a request whose id was forgotten, as long as that is under way", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r0")
			for i := range int64(4) {
				f.says(ana.begin("r"+whole(i+1), "m"), match.StatusWaiting)
			}
			f.says(ana.cancelRequest("", "r0"), match.StatusCancelled)
			f.says(ana.begin("r5", "m5"), match.StatusOK)
			f.says(ana.giveUp("m5", false), match.StatusNoMatch)
			f.is(ana.cancelRequest("", "r5"), match.Cancelled{Status: match.StatusOther})
		}},
		{"neither side can cancel a match by naming its request, nor a matchee's own that the match answered", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("b1")
			ana.matchWith("r1", "m1", ben)
			ana.read() // it looks at the other half
			ben.read()
			f.is(ana.cancelRequest("", "r1"), match.Cancelled{Status: match.StatusActive})
			f.is(ben.cancelRequest("", "b1"), match.Cancelled{Status: match.StatusActive})
			f.is(ben.cancelRequest("", "b0"), match.Cancelled{Status: match.StatusOther})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.is(ana.cancelRequest("", "r1"), match.Cancelled{Status: match.StatusOther})
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			f.says(ben.begin("", "m2", around(0)), match.StatusOK)
			f.says(ben.claim("m2", ana), match.StatusYours)
			f.says(ben.commit("m2", ana), match.StatusYours)
			f.says(ben.confirm("m2", ana), match.StatusYours)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusActive})
			f.is(ana.cancelRequest("", "r1"), match.Cancelled{Status: match.StatusOther}) // that match has ended
		}},
		{"a cancel without a request returns the pending no_match", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
			ana.await("r1")
			f.advance(time.Minute)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther, Untold: []match.Untold{
				{Notice: match.NoticeNoMatch, Which: fmt.Sprint(ana.asked.Deadline), ID: "r1", Radius: 3000, Advice: match.Available}}})
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"a request that is retracted was never made, and its owner is listed anew", func(f *fixture) {
			ana := f.listed("ana", 0)
			for n, wait := range []func(){func() {}, func() { f.says(ana.giveUp("m0", true), match.StatusWaiting) }} {
				f.says(ana.begin("r1", "m0"), match.StatusOK)
				wait()
				created := f.now
				f.advance(time.Second)
				same(f, ana.retract(created), []match.Change{ana.list(f.now)})
				same(f, ana.snapshot().Route, nil)
				same(f, ana.retract(created), nil)
				f.says(ana.begin("r1", whole(int64(n))), match.StatusOK)
				f.says(ana.cancel(), match.StatusCancelled)
				f.repeats(ana.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "cancelled", Radius: 3000})
				f.advance(match.OutcomeRemembered)
				ana.moveTo(0)
			}
			f.says(ana.begin("r2", "m3"), match.StatusOK)
			same(f, ana.retract(f.now-1), nil)
			same(f, ana.snapshot().Route.State, match.Searching)
			ana.retract(f.now)
			f.advance(time.Hour)
			same(f, notices(ana.read().Untold), "")
		}},
		{"a request whose owner's record the cache has evicted is retracted, or found no match", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.evict(f.key("m", "ana"))
			same(f, ana.retract(f.now), nil)
			same(f, ana.snapshot().Route, nil)
			f.says(ana.connect(), match.StatusOK)
			f.says(ana.begin("r2", "m2", around(0)), match.StatusOK)
			f.evict(f.key("m", "ana"))
			f.says(ana.giveUp("m2", false), match.StatusNoMatch)
		}},
		{"a request that led to a match is not retracted", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			same(f, ana.retract(f.now), nil)
			same(f, ana.snapshot().Route.State, match.Active)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			same(f, ana.retract(f.now), nil)
			same(f, ana.snapshot().Route.State, match.Ended)
		}},
		{"neither side can cancel a match, and after its end there is nothing to cancel", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.read() // it looks at the other half
			ben.read()
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusActive})
			f.is(ben.cancel(), match.Cancelled{Status: match.StatusActive})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
			same(f, ana.snapshot().Route.State, match.Ended)
		}},
		{"a request is cancelled while its owner is claimed, which leaves the index alone", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r1")
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.is(ben.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ben.asked})
			same(f, ben.snapshot().Claim.Match, "m1")
		}},
	}
}
