package store_test

import (
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// openings: requests begun, and repeated.
func openings() []scenario {
	return []scenario{
		{"a request opens a search around the own last report", func(s *scene) {
			ana := s.stand("ana", 0)
			answer := ana.begin("r1", "m1", wanting("van"))
			s.is(answer, match.Answer{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(0), Radius: 3000,
				Tags: []string{"van"}, Created: s.now, Deadline: s.now + 60_000, Wait: true}})
			same(s, ana.seen().Route.State, match.Searching)
		}},
		{"a request around a given point needs no report", func(s *scene) {
			ana := s.join("ana")
			answer, hits := ana.beginning("r1", "m1", around(500), atOnce)
			s.is(answer, match.Answer{Status: match.StatusOK, Request: &match.Request{ID: "r1", Point: north(500), Radius: 3000,
				Tags: []string{}, Created: s.now, Deadline: s.now + 1000}})
			same(s, hits, nil)
		}},
		{"a request around a given point is not around the own report", func(s *scene) {
			ana := s.stand("ana", 0)
			same(s, ana.begin("r1", "m1", around(500)).Request.Point, north(500))
		}},
		{"a request brings its search along", func(s *scene) {
			ana, ben := s.join("ana"), s.stand("ben", 510)
			_, hits := ana.beginning("r1", "m1", around(500), searching(match.Query{Self: ana.Member, Point: north(500), Radius: 3000, Want: 8}))
			same(s, names(hits...), []string{ben.ID})
		}},
		{"a request without a point needs a fresh report", func(s *scene) {
			ana := s.join("ana")
			s.is(ana.begin("r1", "m1"), match.Answer{Status: match.StatusNoLocation})
			ana.at(0)
			s.pass(time.Minute)
			s.is(ana.begin("r1", "m1"), match.Answer{Status: match.StatusNoLocation})
			same(s, ana.seen().Route, nil)
			s.says(ana.begin("r1", "m1", around(0)), match.StatusOK)
		}},
		{"where remote requests are refused a point is at most 20 km from the own fresh report", func(s *scene) {
			s.rules(`"remoteRequests":false,` + unlimited)
			ana := s.stand("ana", 0)
			s.is(ana.begin("r1", "m1", around(20_001)), match.Answer{Status: match.StatusTooFar})
			same(s, ana.seen().Route, nil)
			s.says(ana.begin("r1", "m1", around(19_999)), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Minute)
			s.says(ana.begin("r2", "m2", around(20_001)), match.StatusOK)
			ben := s.join("ben")
			s.says(ben.begin("r1", "m1", around(20_001)), match.StatusOK)
		}},
		{"where remote requests are allowed a point may be anywhere", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1", around(500_000)), match.StatusOK)
		}},
		{"a distance is along the sphere", func(s *scene) {
			s.rules(`"remoteRequests":false,` + unlimited)
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
				ana := s.join(fmt.Sprint("ana", n))
				ana.at(0, func(r *match.Report) { r.Point = leg.from })
				s.says(ana.begin("r1", "m1", func(o *match.Opening) { o.Point = &leg.to }), leg.status)
			}
		}},
		{"a begin that is repeated under its search id opens nothing anew", func(s *scene) {
			s.rules(`"requestsPerMinute":1`)
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			first := ana.asked
			s.pass(time.Second)
			s.is(ana.begin("r1", "m1"), match.Answer{Status: match.StatusOK, Request: &first})
			same(s, ana.seen().Route.Request, first)
		}},
		{"while a request is searched for another is answered with it", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			want := match.Answer{Status: match.StatusSearching, Request: &ana.asked,
				Route: &match.Route{Match: "m1", Matchee: match.Member{Pool: s.pool}}}
			s.pass(time.Second)
			s.is(ana.begin("r1", "m2"), want) // its own id again
			s.is(ana.begin("r2", "m3"), want)
			same(s, ana.seen().Route.Match, "m1")
		}},
		{"while a request waits another is answered with it", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Second)
			want := match.Answer{Status: match.StatusWaiting, Request: &ana.asked}
			s.is(ana.begin("r1", "m2"), want)
			s.is(ana.begin("r2", "m3"), want)
			same(s, ana.seen().Route.State, match.Waiting)
		}},
		{"while a matcher is matched a request is answered with the match, and so are its repeats", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.is(ana.begin("r2", "m1"), match.Answer{Status: match.StatusActive, Request: &ana.asked,
				Route: &match.Route{Match: "m1", Matchee: ben.Member}})
			s.repeats(ana.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1", Radius: 3000})
			s.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "matched", Match: "m1"})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.repeats(ana.begin("r2", "m2"), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "completed"})
		}},
		{"who is claimed is answered with the claim; its id has an outcome only once that is confirmed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.pass(time.Second)
			for range 2 {
				s.is(ben.begin("r1", "m2"), match.Answer{Status: match.StatusClaimed, Claim: &claim})
			}
			s.says(ana.commit("m1", ben), match.StatusYours)
			s.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			s.is(ben.begin("r1", "m2"), match.Answer{Status: match.StatusClaimed, Claim: &claim})
			s.repeats(ben.begin("r1", "m2"), match.Outcome{ID: "r1", Kind: "matched", Match: "m1"})
			same(s, ben.seen().Route, nil)
		}},
		{"who was claimed in vain asks as if it had not been", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ben.begin("r1", "m2"), match.StatusClaimed)
			s.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			s.says(ben.begin("r1", "m2"), match.StatusOK)
		}},
		{"a repeat is answered with its outcome for ten minutes", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.pass(time.Second)
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(10*time.Minute - time.Millisecond)
			s.repeats(ana.begin("r1", "m2", around(0)), match.Outcome{ID: "r1", Kind: "cancelled", Radius: 3000})
			s.says(ana.begin("r2", "m2", around(0)), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Millisecond)
			s.says(ana.begin("r1", "m3", around(0)), match.StatusOK)
		}},
		{"the last four ids are remembered", func(s *scene) {
			ana := s.stand("ana", 0)
			for n := range 4 {
				id := fmt.Sprint("r", n)
				s.says(ana.begin(id, "m-"+id), match.StatusOK)
				s.says(ana.begin(id, "again-"+id), match.StatusSearching) // takes no second place
				s.says(ana.cancel(), match.StatusCancelled)
			}
			s.says(ana.begin("r0", "m4"), match.StatusRepeat)
			s.says(ana.begin("r4", "m4"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("r1", "m5"), match.StatusRepeat)
			s.says(ana.begin("r0", "m5"), match.StatusOK)
		}},
		{"a request without an id is never a repeat, and nothing of it is kept", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("", "m2"), match.StatusOK)
			if text, kept := s.stored("m", "ana")["requests"]; kept {
				s.t.Errorf("kept %q", text)
			}
		}},
		{"a repeat of what found nobody says how far it looked, and takes the no_match that is due", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute)
			found := match.Outcome{ID: "r1", Kind: "no_match", Radius: 3000}
			s.repeats(ana.begin("r1", "m1", around(0)), found)
			same(s, ana.read().Due, nil)
			s.repeats(ana.begin("r1", "m1", around(0)), found)
		}},
		{"a repeat takes only its own no_match", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.await("r2")
			s.pass(time.Minute)
			s.says(ana.begin("r1", "m2"), match.StatusRepeat)
			same(s, ana.read().Due, &match.Due{ID: "r2", Radius: 3000})
		}},
		{"a new request takes the no_match of the one before", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute)
			same(s, ana.begin("r2", "m2", around(0)).Due, &match.Due{ID: "r1", Radius: 3000})
			same(s, ana.read().Due, nil)
		}},
		{"a new request answers with the match that ended, until both are free of it", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			answer := ana.begin("r2", "m2")
			s.is(answer, match.Answer{Status: match.StatusOK, Request: &ana.asked, State: match.Ended, Reason: "left",
				Route: &match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left"}})
			same(s, *ana.seen().Route, match.Route{State: match.Searching, Match: "m2", Matchee: match.Member{Pool: s.pool}, Request: ana.asked})
		}},
		{"a new request does not mention a match that both are free of", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.told("m1", match.Ended)
			answer := ana.begin("r2", "m2")
			s.is(answer, match.Answer{Status: match.StatusOK, Request: &ana.asked})
		}},
		{"a request is a sign of life", func(s *scene) {
			ana := s.stand("ana", 0)
			s.pass(time.Minute - time.Millisecond)
			ana.await("r1", within(10*time.Minute))
			s.pass(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a member may ask so many times a minute", func(s *scene) {
			s.rules(`"requestsPerMinute":2`)
			ana := s.stand("ana", 0)
			ask := func(n int) match.Status {
				answer := ana.begin("", fmt.Sprint("m", n), around(0))
				if answer.Status == match.StatusOK {
					s.says(ana.cancel(), match.StatusCancelled)
				}
				return answer.Status
			}
			same(s, ask(1), match.StatusOK)
			same(s, ask(2), match.StatusOK)
			s.is(ana.begin("r1", "m3"), match.Answer{Status: match.StatusRateLimited})
			same(s, ana.seen().Route, nil)
			s.pass(30*time.Second - time.Millisecond)
			same(s, ask(4), match.StatusRateLimited)
			s.pass(time.Millisecond)
			same(s, ask(5), match.StatusOK)
			same(s, ask(6), match.StatusRateLimited)
		}},
		{"a rate below one a minute lets one through, and then the next in its time", func(s *scene) {
			s.rules(`"requestsPerMinute":0.5`)
			ana := s.stand("ana", 0)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(2*time.Minute - time.Millisecond)
			s.says(ana.begin("", "m2", around(0)), match.StatusRateLimited)
			s.pass(time.Millisecond)
			s.says(ana.begin("", "m3", around(0)), match.StatusOK)
		}},
		{"matches in an hour count for the matcher, and searches that found nobody do not", func(s *scene) {
			s.rules(`"matchesPerHour":1,"requestsPerMinute":1000`)
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.meets("", "m1", ben)
			s.says(ana.commit("m1", ben), match.StatusYours) // counts once
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			s.is(ana.begin("", "m2"), match.Answer{Status: match.StatusRateLimited})
			s.says(ben.begin("", "m3"), match.StatusOK)
			s.pass(time.Hour - time.Millisecond)
			s.says(ana.begin("", "m4", around(0)), match.StatusRateLimited)
			s.pass(time.Millisecond)
			s.says(ana.begin("", "m5", around(0)), match.StatusOK)
		}},
	}
}
