package store_test

import (
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// begins: how a request is opened, and what a repeat of it gets.
func begins() []testCase {
	return []testCase{
		{"a request opens a search around the member's own last report", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.is(ana.begin("r1", "m1", wanting("van")), match.Begun{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(0), Radius: 3000,
				Tags: []string{"van"}, Created: f.now, Deadline: f.now + 60_000, Wait: true}})
			same(f, ana.snapshot().Route.State, match.Searching)
		}},
		{"a request around a given point needs no report", func(f *fixture) {
			ana := f.connected("ana")
			f.is(ana.begin("r1", "m1", around(500), atOnce), match.Begun{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(500), Radius: 3000,
				Tags: []string{}, Created: f.now, Deadline: f.now + 1000}})
		}},
		{"a request around a given point is not around the member's own report", func(f *fixture) {
			ana := f.listed("ana", 0)
			same(f, ana.begin("r1", "m1", around(500)).Request.Point, north(500))
		}},
		{"a request without a point needs a fresh report", func(f *fixture) {
			ana := f.connected("ana")
			f.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusNoLocation})
			ana.moveTo(0)
			f.advance(time.Minute)
			f.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusNoLocation})
			same(f, ana.snapshot().Route, nil)
			f.says(ana.begin("r1", "m1", around(0)), match.StatusOK)
		}},
		{"where remote requests are refused, a point is at most 20 km from the member's own fresh report", func(f *fixture) {
			f.settings(`"remoteRequests":false,` + unlimited)
			ana := f.listed("ana", 0)
			f.is(ana.begin("r1", "m1", around(20_001)), match.Begun{Status: match.StatusTooFar})
			same(f, ana.snapshot().Route, nil)
			f.says(ana.begin("r1", "m1", around(19_999)), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Minute)
			f.is(ana.begin("r2", "m2", around(0)), match.Begun{Status: match.StatusNoLocation})
			same(f, ana.snapshot().Route, nil)
			ben := f.connected("ben")
			f.says(ben.begin("r1", "m1", around(0)), match.StatusNoLocation)
		}},
		{"where remote requests are allowed, a point may be anywhere", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1", around(500_000)), match.StatusOK)
		}},
		{"a distance is measured along the sphere", func(f *fixture) {
			f.settings(`"remoteRequests":false,` + unlimited)
			for n, leg := range []struct {
				from, to geo.Point
				status   match.Status
			}{
				{geo.Point{Lat: 60}, geo.Point{Lat: 60, Lng: 0.3597}, match.StatusOK},             // 19 998 m
				{geo.Point{Lat: 60}, geo.Point{Lat: 60, Lng: 0.3599}, match.StatusTooFar},         // 20 009 m
				{geo.Point{Lat: 0, Lng: 179.95}, geo.Point{Lat: 0, Lng: -179.95}, match.StatusOK}, // 11 119 m
			} {
				if far := geo.Distance(leg.from, leg.to) > 20_000; far != (leg.status == match.StatusTooFar) {
					f.t.Fatalf("the case is wrong: %.0f m", geo.Distance(leg.from, leg.to))
				}
				ana := f.connected(fmt.Sprint("ana", n))
				ana.moveTo(0, func(r *match.Report) { r.Point = leg.from })
				f.says(ana.begin("r1", "m1", func(r *match.NewRequest) { r.Point = &leg.to }), leg.status)
			}
		}},
		{"a begin that is repeated under its search id opens nothing new", func(f *fixture) {
			f.settings(`"requestsPerMinute":1`)
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			first := ana.asked
			f.advance(time.Second)
			f.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusOK, Request: &first})
			same(f, ana.snapshot().Route.Request, first)
		}},
		{"while a search for a request goes on, another request gets that one", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			want := match.Begun{Status: match.StatusSearching,
				Route: &match.Route{State: match.Searching, Match: "m1", Matchee: match.Member{Pool: f.pool}, Request: ana.asked}}
			f.advance(time.Second)
			f.is(ana.begin("r1", "m2"), want) // its own id again
			f.is(ana.begin("r2", "m3"), want)
			same(f, ana.snapshot().Route.Match, "m1")
		}},
		{"while a request waits, another request gets that one", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Second)
			want := match.Begun{Status: match.StatusWaiting,
				Route: &match.Route{State: match.Waiting, Matchee: match.Member{Pool: f.pool}, Request: ana.asked}}
			f.is(ana.begin("r1", "m2"), want)
			f.is(ana.begin("r2", "m3"), want)
			same(f, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a request that does not wait answers no other request", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1", atOnce), match.StatusOK)
			f.says(ana.begin("r2", "m2", atOnce), match.StatusSearching)
			f.says(ana.begin("r1", "m3", atOnce), match.StatusSearching) // its own id again
			f.says(ana.giveUp("m1", true), match.StatusWaiting)          // between two attempts
			f.says(ana.begin("r2", "m2", atOnce), match.StatusWaiting)
			f.says(ana.lease("m4"), match.StatusOK)
			f.says(ana.giveUp("m4", false), match.StatusNoMatch)
			f.repeats(ana.begin("r1", "m5", atOnce), match.Outcome{ID: "r1", Kind: "no_match", Radius: 3000})
			f.says(ana.begin("r2", "m5", atOnce), match.StatusOK)
			ben := f.listed("ben", 10)
			f.says(ana.claim("m5", ben), match.StatusYours)
			f.says(ana.commit("m5", ben), match.StatusYours)
			f.says(ana.begin("r3", "m6", atOnce), match.StatusActive)
			f.repeats(ana.begin("r3", "m7", atOnce), match.Outcome{ID: "r3", Kind: "matched", Match: "m5"})
		}},
		{"while a matcher is matched, a request gets the match, and so do its repeats", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.is(ana.begin("r2", "m1"), match.Begun{Status: match.StatusActive,
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked}})
			f.repeats(ana.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1", Radius: 3000})
			f.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "matched", Match: "m1"})
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "completed"})
		}},
		{"a request of a claimed member gets the claim; its id has an outcome only once the claim is confirmed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: f.now}
			f.advance(time.Second)
			for range 2 {
				f.is(ben.begin("r1", "m2"), match.Begun{Status: match.StatusClaimed, Claim: &claim})
			}
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			f.is(ben.begin("r1", "m2"), match.Begun{Status: match.StatusClaimed, Claim: &claim})
			f.repeats(ben.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1"})
			same(f, ben.snapshot().Route, nil)
		}},
		{"a member whose claim was undone asks as if it had never been claimed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ben.begin("r1", "m2"), match.StatusClaimed)
			f.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			f.says(ben.begin("r1", "m2"), match.StatusOK)
		}},
		{"a repeat gets its outcome for ten minutes", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.advance(time.Second)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(10*time.Minute - time.Millisecond)
			f.repeats(ana.begin("r1", "m2", around(0)), match.Outcome{ID: "r1", Kind: "cancelled", Radius: 3000})
			f.says(ana.begin("r2", "m2", around(0)), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			f.says(ana.begin("r1", "m3", around(0)), match.StatusOK)
		}},
		{"the last four ids are remembered", func(f *fixture) {
			ana := f.listed("ana", 0)
			for n := range 4 {
				id := fmt.Sprint("r", n)
				f.says(ana.begin(id, "m-"+id), match.StatusOK)
				f.says(ana.begin(id, "again-"+id), match.StatusSearching) // is remembered once
				f.says(ana.cancel(), match.StatusCancelled)
			}
			f.says(ana.begin("r0", "m4"), match.StatusRepeat)
			f.says(ana.begin("r4", "m4"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.begin("r1", "m5"), match.StatusRepeat)
			f.says(ana.begin("r0", "m5"), match.StatusOK)
		}},
		{"a request without an id is never a repeat, and nothing of it is remembered", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.begin("", "m2"), match.StatusOK)
			if text, kept := f.stored("past", "ana")["requests"]; kept {
				f.t.Errorf("kept %q", text)
			}
		}},
		{"a repeat of a request that found nobody says its radius, and that the caller is not yet told", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute)
			found := match.Outcome{ID: "r1", Kind: "no_match", Radius: 3000}
			begun := ana.begin("r1", "m1", around(0))
			same(f, notices(begun.Untold), "no_match r1")
			begun.Untold = nil
			f.repeats(begun, found)
			same(f, notices(ana.read().Untold), "")
			f.repeats(ana.begin("r1", "m1", around(0)), found)
		}},
		{"a repeat returns the no_match of another request too", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.await("r2")
			f.advance(time.Minute)
			same(f, notices(ana.begin("r1", "m2").Untold), "no_match r2")
		}},
		{"a new request takes the pending no_match of the one before", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute)
			same(f, notices(ana.begin("r2", "m2", around(0)).Untold), "no_match r1")
			same(f, notices(ana.read().Untold), "")
		}},
		{"a new request returns the match that ended, until both members are free of it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			first := ana.asked
			begun := ana.begin("r2", "m2")
			f.is(begun, match.Begun{Status: match.StatusOK, Request: &ana.asked,
				Unfinished: &match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: withoutPoint(first)}})
			same(f, *ana.snapshot().Route, match.Route{State: match.Searching, Match: "m2", Matchee: match.Member{Pool: f.pool}, Request: ana.asked})
		}},
		{"a new request does not return a match that both members are free of", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.free("m1")
			begun := ana.begin("r2", "m2")
			f.is(begun, match.Begun{Status: match.StatusOK, Request: &ana.asked})
		}},
		{"a request is a sign of life", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.advance(time.Minute - time.Millisecond)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a member may ask as many times a minute as the pool says", func(f *fixture) {
			f.settings(`"requestsPerMinute":2`)
			ana := f.listed("ana", 0)
			ask := func(n int) match.Status {
				begun := ana.begin("", fmt.Sprint("m", n), around(0))
				if begun.Status == match.StatusOK {
					f.says(ana.cancel(), match.StatusCancelled)
				}
				return begun.Status
			}
			same(f, ask(1), match.StatusOK)
			same(f, ask(2), match.StatusOK)
			f.is(ana.begin("r1", "m3"), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitRequests, 30*time.Second)})
			same(f, ana.snapshot().Route, nil)
			f.advance(30*time.Second - time.Millisecond)
			same(f, ask(4), match.StatusRateLimited)
			f.advance(time.Millisecond)
			same(f, ask(5), match.StatusOK)
			same(f, ask(6), match.StatusRateLimited)
		}},
		{"a rate below one a minute lets one request through, and the next one when its time has come", func(f *fixture) {
			f.settings(`"requestsPerMinute":0.5`)
			ana := f.listed("ana", 0)
			f.says(ana.begin("", "m1"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.advance(2*time.Minute - time.Millisecond)
			f.says(ana.begin("", "m2", around(0)), match.StatusRateLimited)
			f.advance(time.Millisecond)
			f.says(ana.begin("", "m3", around(0)), match.StatusOK)
		}},
		{"the limit of matches an hour counts those of the matcher, and no search that found nobody", func(f *fixture) {
			f.settings(`"matchesPerHour":1,"requestsPerMinute":1000`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("", "m0"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("", "m1", ben)
			f.says(ana.commit("m1", ben), match.StatusYours) // counts once
			f.says(ana.finish("m1", ben, "completed", match.ByMatcher), match.StatusEnded)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			f.is(ana.begin("", "m2"), match.Begun{Status: match.StatusRateLimited, Refusal: refusal(match.LimitMatches, time.Hour)})
			f.says(ben.begin("", "m3"), match.StatusOK)
			f.advance(time.Hour - time.Millisecond)
			f.says(ana.begin("", "m4", around(0)), match.StatusRateLimited)
			f.advance(time.Millisecond)
			f.says(ana.begin("", "m5", around(0)), match.StatusOK)
		}},
		{"a back end opens a request for a member that is connected, which is no sign of life and takes no budget", func(f *fixture) {
			f.settings(`"requestsPerMinute":1,"matchesPerHour":1,"remoteRequests":false`)
			ana := f.listed("ana", 0)
			before := f.record("ana")
			forAna := match.Session{Member: ana.Member}
			begin := func(search string, at *geo.Point) match.Begun {
				begun, err := f.store.Begin(f.t.Context(), forAna, match.NewRequest{Match: search, Point: at, Radius: 3000, Open: time.Second})
				f.must(err)
				return begun
			}
			away := north(500_000)
			for n := range 3 {
				search := fmt.Sprint("m", n)
				begun := begin(search, &away)
				f.is(begun, match.Begun{Status: match.StatusOK, Request: &match.Request{Point: away, Radius: 3000, Tags: []string{}, Created: f.now, Deadline: f.now + 1000}})
				f.is(begin(search, &away), begun)
				f.says(begin("other", nil), match.StatusSearching)
				_, err := f.store.Retract(f.t.Context(), ana.Member, f.now)
				f.must(err)
				f.advance(time.Millisecond)
			}
			for _, name := range []string{"heard", "requestRate", "matchRate", "messageRate"} {
				same(f, f.record("ana")[name], before[name])
			}
			same(f, begin("m4", nil).Request.Point, north(0))
			deadline := f.now + 1000
			f.advance(match.Lease)
			begun := begin("m5", nil)
			f.says(begun, match.StatusOK)
			same(f, notices(begun.Untold), "") // the end of the request before is the member's to hear
			f.advance(match.NotifyAgain)
			same(f, notices(ana.read().Untold), fmt.Sprint("no_match ", deadline))
		}},
		{"a back end opens no request for a member that is not connected, or has no fresh report", func(f *fixture) {
			ana := f.newMember("ana")
			begin := func() match.Begun {
				begun, err := f.store.Begin(f.t.Context(), match.Session{Member: ana.Member}, match.NewRequest{Match: "m1", Radius: 3000, Open: time.Second})
				f.must(err)
				return begun
			}
			f.is(begin(), match.Begun{Status: match.StatusAbsent})
			ana.Expires = time.UnixMilli(f.now + 1000)
			f.says(ana.connect(), match.StatusOK)
			f.is(begin(), match.Begun{Status: match.StatusNoLocation})
			ana.moveTo(0)
			f.advance(time.Second)
			f.is(begin(), match.Begun{Status: match.StatusAbsent})
			ben := f.listed("ben", 0)
			ben.leave()
			ana = ben
			f.is(begin(), match.Begun{Status: match.StatusAbsent})
			same(f, ben.snapshot().Route, nil)
		}},
	}
}
