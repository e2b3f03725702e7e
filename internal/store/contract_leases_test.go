package store_test

import (
	"time"

	"waggle/internal/match"
)

// leases: who searches for a request, for how long, and how a request ends without
// a match.
func leases() []scenario {
	return []scenario{
		{"a waiting request is leased to one search", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Second)
			s.is(ana.lease("m1"), match.Answer{Status: match.StatusOK, Request: &ana.asked})
			s.is(ana.lease("m1"), match.Answer{Status: match.StatusOK, Request: &ana.asked})
			s.is(ana.lease("m2"), match.Answer{Status: match.StatusSearching, Request: &ana.asked})
			same(s, ana.seen().Route.Match, "m1")
		}},
		{"who came while a search went on makes it search again", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.lease("m1"), match.StatusOK) // itself again is nobody else
			same(s, ana.fall("m1", true).Again, false)
			s.says(ana.lease("m2"), match.StatusOK)
			s.says(ana.lease("m3"), match.StatusSearching)
			same(s, ana.fall("m2", true).Again, true)
			s.says(ana.lease("m4"), match.StatusOK)
			same(s, ana.fall("m4", true).Again, false)
		}},
		{"where there is no request there is no lease", func(s *scene) {
			s.is(s.stand("ana", 0).lease("m1"), match.Answer{Status: match.StatusOther})
		}},
		{"a match is not leased, nor an ended one", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.is(ana.lease("m2"), match.Answer{Status: match.StatusOther})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.lease("m2"), match.Answer{Status: match.StatusOther})
		}},
		{"a request is not leased while its owner is claimed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r1")
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ben.lease("m2"), match.Answer{Status: match.StatusClaimed})
			same(s, ana.release("m1", ben, "lost").State, match.Waiting)
			s.says(ben.lease("m3"), match.StatusOK)
		}},
		{"a request is not leased whose owner has been silent for the grace time", func(s *scene) {
			s.rules(`"grace":20`)
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(20*time.Second - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.fall("m1", true), match.StatusWaiting)
			s.pass(time.Millisecond)
			s.is(ana.lease("m2"), match.Answer{Status: match.StatusSilent})
			same(s, ana.seen().Route.State, match.Waiting)
		}},
		{"a request whose owner's record the cache has lost is not leased", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.evict(s.key("m", "ana"))
			s.is(ana.lease("m1"), match.Answer{Status: match.StatusSilent})
		}},
		{"a search lapses after 15 s, and the request waits anew", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			ana.registered()
			s.says(ana.lease("m1"), match.StatusOK)
			same(s, ana.seen().Route.Request.Registered, true)
			s.pass(15*time.Second - time.Millisecond)
			same(s, ana.seen().Route.State, match.Searching)
			s.pass(time.Millisecond)
			route := *ana.seen().Route
			same(s, route, match.Route{State: match.Waiting, Matchee: match.Member{Pool: s.pool}, Request: ana.asked})
			same(s, *ana.seen().Route, route)
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			s.says(ana.lease("m2"), match.StatusOK)
		}},
		{"the search that a request begins with lapses after 15 s too", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.pass(15*time.Second - time.Millisecond)
			same(s, ana.seen().Route.State, match.Searching)
			s.pass(time.Millisecond)
			same(s, ana.seen().Route.State, match.Waiting)
		}},
		{"a lease does not outlast its request", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1", within(20*time.Second))
			s.pass(10 * time.Second)
			s.says(ana.lease("m1"), match.StatusOK)
			s.pass(10*time.Second - time.Millisecond)
			same(s, ana.seen().Route.State, match.Searching)
			s.pass(time.Millisecond)
			same(s, ana.seen().Route, nil)
			same(s, ana.read().Due, &match.Due{ID: "r1", Radius: 3000})
		}},
		{"a search that lapses after its request's deadline ends it", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1", atOnce), match.StatusOK)
			s.pass(15*time.Second - time.Millisecond)
			same(s, ana.seen().Route.State, match.Searching)
			s.pass(time.Millisecond)
			same(s, ana.seen().Route, nil)
			same(s, ana.read().Due, &match.Due{ID: "r1", Radius: 3000})
		}},
		{"a request waits until its deadline", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute - time.Millisecond)
			same(s, ana.seen().Route.State, match.Waiting)
			s.pass(time.Millisecond)
			same(s, ana.seen().Route, nil)
			same(s, ana.begin("r1", "m1", around(0)).Outcome.Kind, "no_match")
		}},
		{"a search that found nobody falls back to waiting, which lists its owner again", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.seen().Route.Match, "")
		}},
		{"a search that found nobody ends where it may not wait", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.fall("m1", false), match.Answer{Status: match.StatusNoMatch, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			same(s, ana.seen().Route, nil)
			s.is(ana.fall("m1", false), match.Answer{Status: match.StatusOther, Connection: ana.Connection})
			same(s, ana.begin("r1", "m2").Outcome.Kind, "no_match")
		}},
		{"a search that found nobody waits one ms before its request's deadline, and ends at it", func(s *scene) {
			for name, late := range map[string]time.Duration{"ana": 0, "ben": time.Millisecond} {
				a := s.stand(name, 0)
				s.says(a.begin("r1", "m1", atOnce), match.StatusOK)
				s.pass(time.Second - time.Millisecond + late)
				if late > 0 {
					s.says(a.fall("m1", true), match.StatusNoMatch)
				} else {
					s.says(a.fall("m1", true), match.StatusWaiting)
				}
			}
		}},
		{"a search ends no other", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.fall("m2", false), match.Answer{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.seen().Route.Match, "m1")
		}},
		{"a search that came to a match does not fall", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.is(ana.fall("m1", false), match.Answer{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.seen().Route.State, match.Active)
		}},
		{"a search whose request has expired falls to the no_match that is due", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute)
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusNoMatch, Connection: ana.Connection,
				Request: &match.Request{ID: "r1", Radius: 3000, Tags: []string{}}})
			same(s, ana.read().Due, nil)
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusOther, Connection: ana.Connection})
		}},
		{"a search that falls names no connection of an owner who has gone", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			s.is(ana.fall("m1", true), match.Answer{Status: match.StatusWaiting, Request: &ana.asked})
		}},
		{"a waiting request is cancelled, and its owner listed again", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Second)
			s.is(ana.cancel(), match.Answer{Status: match.StatusCancelled, Request: &ana.asked, Changes: []match.Change{ana.list(s.now)}})
			same(s, ana.seen().Route, nil)
		}},
		{"a request that is searched for is cancelled", func(s *scene) {
			ana := s.stand("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.cancel(), match.Answer{Status: match.StatusCancelled, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			s.says(ana.fall("m1", true), match.StatusOther)
		}},
		{"a cancel that is repeated within a minute is answered alike", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.says(ana.cancel(), match.StatusCancelled)
			s.pass(time.Minute - time.Millisecond)
			s.is(ana.cancel(), match.Answer{Status: match.StatusCancelled, Request: &match.Request{ID: "r1", Tags: []string{}}})
			s.pass(time.Millisecond)
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther})
		}},
		{"a cancel is not taken for a repeat once there was another request", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("r2", "m2"), match.StatusOK)
			s.says(ana.fall("m2", false), match.StatusNoMatch)
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther})
		}},
		{"a cancel of nothing says what is due", func(s *scene) {
			ana := s.stand("ana", 0)
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther})
			ana.await("r1")
			s.pass(time.Minute)
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther, Due: &match.Due{ID: "r1", Radius: 3000}})
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther})
		}},
		{"a match is not cancelled, by either side, but may be once it has ended", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.is(ana.cancel(), match.Answer{Status: match.StatusActive})
			s.is(ben.cancel(), match.Answer{Status: match.StatusActive})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.cancel(), match.Answer{Status: match.StatusOther})
			same(s, ana.seen().Route.State, match.Ended)
		}},
		{"a request is cancelled while its owner is claimed, which leaves the index alone", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r1")
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ben.cancel(), match.Answer{Status: match.StatusCancelled, Request: &ben.asked})
			same(s, ben.seen().Claim.Match, "m1")
		}},
	}
}
