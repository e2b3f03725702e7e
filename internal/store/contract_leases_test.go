package store_test

import (
	"time"

	"waggle/internal/match"
)

// leases: which attempt may search for a request, for how long, and how a request ends
// without a match.
func leases() []testCase {
	return []testCase{
		{"a waiting request is leased to one search", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Second)
			s.is(ana.lease("m1"), match.Leased{Status: match.StatusOK, Request: &ana.asked})
			s.is(ana.lease("m1"), match.Leased{Status: match.StatusOK, Request: &ana.asked})
			s.is(ana.lease("m2"), match.Leased{Status: match.StatusSearching, Request: &ana.asked})
			same(s, ana.snapshot().Route.Match, "m1")
		}},
		{"a member who came while a search went on makes it search again", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.lease("m1"), match.StatusOK) // a repeat is nobody else
			same(s, ana.giveUp("m1", true).Missed, false)
			s.says(ana.lease("m2"), match.StatusOK)
			s.says(ana.lease("m3"), match.StatusSearching)
			same(s, ana.giveUp("m2", true).Missed, true)
			s.says(ana.lease("m4"), match.StatusOK)
			same(s, ana.giveUp("m4", true).Missed, false)
		}},
		{"without a request there is no lease", func(s *fixture) {
			s.is(s.listed("ana", 0).lease("m1"), match.Leased{Status: match.StatusOther})
		}},
		{"neither a match nor an ended one is leased", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.is(ana.lease("m2"), match.Leased{Status: match.StatusOther})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.lease("m2"), match.Leased{Status: match.StatusOther})
		}},
		{"a request is not leased while its owner is claimed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r1")
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ben.lease("m2"), match.Leased{Status: match.StatusClaimed})
			same(s, ana.release("m1", ben, "lost").Waits, true)
			s.says(ben.lease("m3"), match.StatusOK)
		}},
		{"a request whose owner has been silent for the grace time is not leased", func(s *fixture) {
			s.settings(`"grace":20`)
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(20*time.Second - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.giveUp("m1", true), match.StatusWaiting)
			s.advance(time.Millisecond)
			s.is(ana.lease("m2"), match.Leased{Status: match.StatusSilent})
			same(s, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a request whose owner's record the cache has evicted is not leased", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.evict(s.key("m", "ana"))
			s.is(ana.lease("m1"), match.Leased{Status: match.StatusSilent})
		}},
		{"a search lapses after 15 s, and the request waits anew", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			ana.registered()
			s.says(ana.lease("m1"), match.StatusOK)
			same(s, ana.snapshot().Route.Request.Registered, true)
			s.advance(15*time.Second - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Searching)
			s.advance(time.Millisecond)
			route := *ana.snapshot().Route
			same(s, route, match.Route{State: match.Waiting, Matchee: match.Member{Pool: s.pool}, Request: ana.asked})
			same(s, *ana.snapshot().Route, route)
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			s.says(ana.lease("m2"), match.StatusOK)
		}},
		{"the search that a request begins with lapses after 15 s too", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.advance(15*time.Second - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Searching)
			s.advance(time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a lease does not outlast its request", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1", openFor(20*time.Second))
			s.advance(10 * time.Second)
			s.says(ana.lease("m1"), match.StatusOK)
			s.advance(10*time.Second - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Searching)
			s.advance(time.Millisecond)
			same(s, ana.snapshot().Route, nil)
			same(s, ana.read().NoMatch, &match.NoMatch{ID: "r1", Radius: 3000})
		}},
		{"a search that lapses after its request's deadline ends it", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1", atOnce), match.StatusOK)
			s.advance(15*time.Second - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Searching)
			s.advance(time.Millisecond)
			same(s, ana.snapshot().Route, nil)
			same(s, ana.read().NoMatch, &match.NoMatch{ID: "r1", Radius: 3000})
		}},
		{"a request waits until its deadline", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Waiting)
			s.advance(time.Millisecond)
			same(s, ana.snapshot().Route, nil)
			same(s, ana.begin("r1", "m1", around(0)).Outcome.Kind, "no_match")
		}},
		{"a search that found nobody gives up to waiting, which lists the owner anew", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.snapshot().Route.Match, "")
		}},
		{"a search that found nobody ends the request where it may not wait", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusNoMatch, Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			same(s, ana.snapshot().Route, nil)
			s.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection})
			same(s, ana.begin("r1", "m2").Outcome.Kind, "no_match")
		}},
		{"a search that found nobody waits one ms before its request's deadline, and ends at it", func(s *fixture) {
			for name, late := range map[string]time.Duration{"ana": 0, "ben": time.Millisecond} {
				a := s.listed(name, 0)
				s.says(a.begin("r1", "m1", atOnce), match.StatusOK)
				s.advance(time.Second - time.Millisecond + late)
				if late > 0 {
					s.says(a.giveUp("m1", true), match.StatusNoMatch)
				} else {
					s.says(a.giveUp("m1", true), match.StatusWaiting)
				}
			}
		}},
		{"a search does not end another one", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.giveUp("m2", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.snapshot().Route.Match, "m1")
		}},
		{"a search that led to a match does not give up", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.is(ana.giveUp("m1", false), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection, Request: &ana.asked})
			same(s, ana.snapshot().Route.State, match.Active)
		}},
		{"a search whose request has expired gives up to the pending no_match", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute)
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusNoMatch, Connection: ana.Connection,
				Request: &match.Request{ID: "r1", Radius: 3000, Tags: []string{}}})
			same(s, ana.read().NoMatch, nil)
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusOther, Connection: ana.Connection})
		}},
		{"a search that gives up names no connection of an owner who has disconnected", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			s.is(ana.giveUp("m1", true), match.GivenUp{Status: match.StatusWaiting, Request: &ana.asked})
		}},
		{"a waiting request is cancelled, and its owner is listed anew", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Second)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ana.asked, Changes: []match.Change{ana.list(s.now)}})
			same(s, ana.snapshot().Route, nil)
		}},
		{"a request that is searched for is cancelled", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now + 1)}})
			s.says(ana.giveUp("m1", true), match.StatusOther)
		}},
		{"a cancel that is repeated within a minute has the same result", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.says(ana.cancel(), match.StatusCancelled)
			s.advance(time.Minute - time.Millisecond)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &match.Request{ID: "r1", Tags: []string{}}})
			s.advance(time.Millisecond)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"a cancel is not taken for a repeat once there was another request", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("r2", "m2"), match.StatusOK)
			s.says(ana.giveUp("m2", false), match.StatusNoMatch)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"a cancel without a request returns the pending no_match", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
			ana.await("r1")
			s.advance(time.Minute)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther, NoMatch: &match.NoMatch{ID: "r1", Radius: 3000}})
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
		}},
		{"neither side can cancel a match, and after its end there is nothing to cancel", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusActive})
			s.is(ben.cancel(), match.Cancelled{Status: match.StatusActive})
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.cancel(), match.Cancelled{Status: match.StatusOther})
			same(s, ana.snapshot().Route.State, match.Ended)
		}},
		{"a request is cancelled while its owner is claimed, which leaves the index alone", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r1")
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ben.cancel(), match.Cancelled{Status: match.StatusCancelled, Request: &ben.asked})
			same(s, ben.snapshot().Claim.Match, "m1")
		}},
	}
}
