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
		{"a request opens a search around the member's own last report", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.is(ana.begin("r1", "m1", wanting("van")), match.Begun{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(0), Radius: 3000,
				Tags: []string{"van"}, Created: s.now, Deadline: s.now + 60_000, Wait: true}})
			same(s, ana.snapshot().Route.State, match.Searching)
		}},
		{"a request around a given point needs no report", func(s *fixture) {
			ana := s.connected("ana")
			begun, hits := ana.beginAndSearch("r1", "m1", around(500), atOnce)
			s.is(begun, match.Begun{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(500), Radius: 3000,
				Tags: []string{}, Created: s.now, Deadline: s.now + 1000}})
			same(s, hits, nil)
		}},
		{"a request around a given point is not around the member's own report", func(s *fixture) {
			ana := s.listed("ana", 0)
			same(s, ana.begin("r1", "m1", around(500)).Request.Point, north(500))
		}},
		{"a request sends its search along", func(s *fixture) {
			ana, ben := s.connected("ana"), s.listed("ben", 510)
			_, hits := ana.beginAndSearch("r1", "m1", around(500), searching(match.Query{Self: ana.Member, Point: north(500), Radius: 3000, Want: 8}))
			same(s, names(hits...), []string{ben.ID})
		}},
		{"a request without a point needs a fresh report", func(s *fixture) {
			ana := s.connected("ana")
			s.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusNoLocation})
			ana.moveTo(0)
			s.advance(time.Minute)
			s.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusNoLocation})
			same(s, ana.snapshot().Route, nil)
			s.says(ana.begin("r1", "m1", around(0)), match.StatusOK)
		}},
		{"where remote requests are refused, a point is at most 20 km from the member's own fresh report", func(s *fixture) {
			s.settings(`"remoteRequests":false,` + unlimited)
			ana := s.listed("ana", 0)
			s.is(ana.begin("r1", "m1", around(20_001)), match.Begun{Status: match.StatusTooFar})
			same(s, ana.snapshot().Route, nil)
			s.says(ana.begin("r1", "m1", around(19_999)), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.advance(time.Minute)
			s.says(ana.begin("r2", "m2", around(20_001)), match.StatusOK)
			ben := s.connected("ben")
			s.says(ben.begin("r1", "m1", around(20_001)), match.StatusOK)
		}},
		{"where remote requests are allowed, a point may be anywhere", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1", around(500_000)), match.StatusOK)
		}},
		{"a distance is measured along the sphere", func(s *fixture) {
			s.settings(`"remoteRequests":false,` + unlimited)
			for n, leg := range []struct {
				from, to geo.Point
				status   match.Status
			}{
				{geo.Point{Lat: 60}, geo.Point{Lat: 60, Lng: 0.3597}, match.StatusOK},             // 19 998 m
				{geo.Point{Lat: 60}, geo.Point{Lat: 60, Lng: 0.3599}, match.StatusTooFar},         // 20 009 m
				{geo.Point{Lat: 0, Lng: 179.95}, geo.Point{Lat: 0, Lng: -179.95}, match.StatusOK}, // 11 119 m
			} {
				if far := geo.Distance(leg.from, leg.to) > 20_000; far != (leg.status == match.StatusTooFar) {
					s.t.Fatalf("the case is wrong: %.0f m", geo.Distance(leg.from, leg.to))
				}
				ana := s.connected(fmt.Sprint("ana", n))
				ana.moveTo(0, func(r *match.Report) { r.Point = leg.from })
				s.says(ana.begin("r1", "m1", func(r *match.NewRequest) { r.Point = &leg.to }), leg.status)
			}
		}},
		{"a begin that is repeated under its search id opens nothing new", func(s *fixture) {
			s.settings(`"requestsPerMinute":1`)
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			first := ana.asked
			s.advance(time.Second)
			s.is(ana.begin("r1", "m1"), match.Begun{Status: match.StatusOK, Request: &first})
			same(s, ana.snapshot().Route.Request, first)
		}},
		{"while a search for a request goes on, another request gets that one", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			want := match.Begun{Status: match.StatusSearching,
				Route: &match.Route{State: match.Searching, Match: "m1", Matchee: match.Member{Pool: s.pool}, Request: ana.asked}}
			s.advance(time.Second)
			s.is(ana.begin("r1", "m2"), want) // its own id again
			s.is(ana.begin("r2", "m3"), want)
			same(s, ana.snapshot().Route.Match, "m1")
		}},
		{"while a request waits, another request gets that one", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Second)
			want := match.Begun{Status: match.StatusWaiting,
				Route: &match.Route{State: match.Waiting, Matchee: match.Member{Pool: s.pool}, Request: ana.asked}}
			s.is(ana.begin("r1", "m2"), want)
			s.is(ana.begin("r2", "m3"), want)
			same(s, ana.snapshot().Route.State, match.Waiting)
		}},
		{"while a matcher is matched, a request gets the match, and so do its repeats", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.is(ana.begin("r2", "m1"), match.Begun{Status: match.StatusActive,
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked}})
			s.repeats(ana.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1", Radius: 3000})
			s.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "matched", Match: "m1"})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "completed"})
		}},
		{"a request of a claimed member gets the claim; its id has an outcome only once the claim is confirmed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.advance(time.Second)
			for range 2 {
				s.is(ben.begin("r1", "m2"), match.Begun{Status: match.StatusClaimed, Claim: &claim})
			}
			s.says(ana.commit("m1", ben), match.StatusYours)
			s.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			s.is(ben.begin("r1", "m2"), match.Begun{Status: match.StatusClaimed, Claim: &claim})
			s.repeats(ben.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1"})
			same(s, ben.snapshot().Route, nil)
		}},
		{"a member whose claim was undone asks as if it had never been claimed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ben.begin("r1", "m2"), match.StatusClaimed)
			s.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			s.says(ben.begin("r1", "m2"), match.StatusOK)
		}},
		{"a repeat gets its outcome for ten minutes", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.advance(time.Second)
			s.says(ana.cancel(), match.StatusCancelled)
			s.advance(10*time.Minute - time.Millisecond)
			s.repeats(ana.begin("r1", "m2", around(0)), match.Outcome{ID: "r1", Kind: "cancelled", Radius: 3000})
			s.says(ana.begin("r2", "m2", around(0)), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.advance(time.Millisecond)
			s.says(ana.begin("r1", "m3", around(0)), match.StatusOK)
		}},
		{"the last four ids are remembered", func(s *fixture) {
			ana := s.listed("ana", 0)
			for n := range 4 {
				id := fmt.Sprint("r", n)
				s.says(ana.begin(id, "m-"+id), match.StatusOK)
				s.says(ana.begin(id, "again-"+id), match.StatusSearching) // is remembered once
				s.says(ana.cancel(), match.StatusCancelled)
			}
			s.says(ana.begin("r0", "m4"), match.StatusRepeat)
			s.says(ana.begin("r4", "m4"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("r1", "m5"), match.StatusRepeat)
			s.says(ana.begin("r0", "m5"), match.StatusOK)
		}},
		{"a request without an id is never a repeat, and nothing of it is remembered", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("", "m2"), match.StatusOK)
			if text, kept := s.stored("m", "ana")["requests"]; kept {
				s.t.Errorf("kept %q", text)
			}
		}},
		{"a repeat of a request that found nobody says its radius, and takes the pending no_match", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute)
			found := match.Outcome{ID: "r1", Kind: "no_match", Radius: 3000}
			s.repeats(ana.begin("r1", "m1", around(0)), found)
			same(s, ana.read().NoMatch, nil)
			s.repeats(ana.begin("r1", "m1", around(0)), found)
		}},
		{"a repeat takes only the no_match of its own request", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.await("r2")
			s.advance(time.Minute)
			s.says(ana.begin("r1", "m2"), match.StatusRepeat)
			same(s, ana.read().NoMatch, &match.NoMatch{ID: "r2", Radius: 3000})
		}},
		{"a new request takes the pending no_match of the one before", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute)
			same(s, ana.begin("r2", "m2", around(0)).NoMatch, &match.NoMatch{ID: "r1", Radius: 3000})
			same(s, ana.read().NoMatch, nil)
		}},
		{"a new request returns the match that ended, until both members are free of it", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			first := ana.asked
			begun := ana.begin("r2", "m2")
			s.is(begun, match.Begun{Status: match.StatusOK, Request: &ana.asked,
				Unfinished: &match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: first}})
			same(s, *ana.snapshot().Route, match.Route{State: match.Searching, Match: "m2", Matchee: match.Member{Pool: s.pool}, Request: ana.asked})
		}},
		{"a new request does not return a match that both members are free of", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.notified("m1", match.Ended)
			begun := ana.begin("r2", "m2")
			s.is(begun, match.Begun{Status: match.StatusOK, Request: &ana.asked})
		}},
		{"a request is a sign of life", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.advance(time.Minute - time.Millisecond)
			ana.await("r1", openFor(10*time.Minute))
			s.advance(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a member may ask as many times a minute as the pool says", func(s *fixture) {
			s.settings(`"requestsPerMinute":2`)
			ana := s.listed("ana", 0)
			ask := func(n int) match.Status {
				begun := ana.begin("", fmt.Sprint("m", n), around(0))
				if begun.Status == match.StatusOK {
					s.says(ana.cancel(), match.StatusCancelled)
				}
				return begun.Status
			}
			same(s, ask(1), match.StatusOK)
			same(s, ask(2), match.StatusOK)
			s.is(ana.begin("r1", "m3"), match.Begun{Status: match.StatusRateLimited})
			same(s, ana.snapshot().Route, nil)
			s.advance(30*time.Second - time.Millisecond)
			same(s, ask(4), match.StatusRateLimited)
			s.advance(time.Millisecond)
			same(s, ask(5), match.StatusOK)
			same(s, ask(6), match.StatusRateLimited)
		}},
		{"a rate below one a minute lets one request through, and the next one when its time has come", func(s *fixture) {
			s.settings(`"requestsPerMinute":0.5`)
			ana := s.listed("ana", 0)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.advance(2*time.Minute - time.Millisecond)
			s.says(ana.begin("", "m2", around(0)), match.StatusRateLimited)
			s.advance(time.Millisecond)
			s.says(ana.begin("", "m3", around(0)), match.StatusOK)
		}},
		{"the limit of matches an hour counts those of the matcher, and no search that found nobody", func(s *fixture) {
			s.settings(`"matchesPerHour":1,"requestsPerMinute":1000`)
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("", "m1", ben)
			s.says(ana.commit("m1", ben), match.StatusYours) // counts once
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			s.is(ana.begin("", "m2"), match.Begun{Status: match.StatusRateLimited})
			s.says(ben.begin("", "m3"), match.StatusOK)
			s.advance(time.Hour - time.Millisecond)
			s.says(ana.begin("", "m4", around(0)), match.StatusRateLimited)
			s.advance(time.Millisecond)
			s.says(ana.begin("", "m5", around(0)), match.StatusOK)
		}},
	}
}
