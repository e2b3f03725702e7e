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
		{"the first report lists the member", func(s *fixture) {
			ana := s.connected("ana")
			reported := ana.report(0)
			s.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now)}, Listed: true, At: s.now, Epoch: s.now,
				Advice: match.Available, AdviceChanged: true, Index: match.Move{Status: match.StatusAbsent}})
		}},
		{"the next report moves the listing, in the same trip", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.advance(time.Second)
			reported := ana.report(100)
			s.is(reported, match.Reported{Status: match.StatusOK, Listed: true, At: s.now, Epoch: start, Advice: match.Available,
				Index: match.Move{Status: match.StatusMoved, Epoch: start}})
			same(s, *ana.snapshot().Position, ana.Position)
		}},
		{"reports are ordered by the time at which they were made", func(s *fixture) {
			ana := s.listed("ana", 0, at(start-10), seq(5))
			for _, late := range [][]reportOption{{at(start - 11), seq(6)}, {at(start - 10), seq(5)}, {at(start - 10), seq(4)}} {
				reported := ana.report(100, late...)
				s.says(reported, match.StatusLate)
				same(s, *ana.snapshot().Position, ana.Position)
			}
			for _, newer := range [][]reportOption{{at(start - 10), seq(6)}, {at(start - 9), seq(1)}} {
				reported := ana.report(100, newer...)
				s.says(reported, match.StatusOK)
				same(s, *ana.snapshot().Position, ana.Position)
			}
		}},
		{"a new session may count from 1 again", func(s *fixture) {
			ana := s.listed("ana", 0, seq(900))
			next := ana.nextSession()
			s.says(next.connect(), match.StatusOK)
			s.advance(time.Millisecond)
			reported := next.report(100, seq(1))
			s.says(reported, match.StatusOK)
			same(s, reported.Index.Status, match.StatusMoved)
		}},
		{"a report is stale once it is as old as the location TTL of the pool", func(s *fixture) {
			s.settings(`"locationTTL":20`)
			ana := s.connected("ana")
			reported := ana.report(0, at(start-20_000))
			s.is(reported, match.Reported{Status: match.StatusStale, Undo: []match.Change{unlist(0, 0)}, Advice: match.Unavailable,
				Index: match.Move{Status: match.StatusRefused}})
			same(s, ana.snapshot().Position, nil)
			reported = ana.report(0, at(start-19_999))
			s.says(reported, match.StatusOK)
		}},
		{"a report may be 30 s ahead; a report further ahead counts as made on arrival", func(s *fixture) {
			ana := s.connected("ana")
			reported := ana.report(0, at(start+30_000), arriving(start-5))
			same(s, reported.At, start+30_000)
			ben := s.connected("ben")
			reported = ben.report(0, at(start+30_001), arriving(start-5))
			same(s, reported.At, start-5)
		}},
		{"a report without a time counts as made on arrival, by a clock that is at most 30 s off", func(s *fixture) {
			for n, clock := range []struct{ arrival, at int64 }{
				{start - 30_000, start - 30_000}, {start - 30_001, start}, {start + 30_000, start + 30_000}, {start + 30_001, start},
			} {
				ana := s.connected(fmt.Sprint("ana", n))
				reported := ana.report(0, arriving(clock.arrival))
				same(s, reported.At, clock.at)
				same(s, ana.snapshot().Position.At, clock.at)
			}
		}},
		{"a member may report as many times at once as the pool says, and then as often as that refills", func(s *fixture) {
			s.settings(`"reportsBurst":3,"reportsPerSecond":5`)
			ana := s.connected("ana")
			said := func() match.Status { return ana.report(0).Status }
			for range 3 {
				same(s, said(), match.StatusOK)
			}
			same(s, said(), match.StatusRateLimited)
			s.advance(199 * time.Millisecond)
			same(s, said(), match.StatusRateLimited)
			s.advance(time.Millisecond)
			same(s, said(), match.StatusOK)
			same(s, said(), match.StatusRateLimited)
			s.advance(time.Hour)
			for range 3 {
				same(s, said(), match.StatusOK)
			}
			same(s, said(), match.StatusRateLimited)
		}},
		{"a report that is refused says how to undo its change of the index", func(s *fixture) {
			s.settings(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := s.listed("ana", 0)
			reported := ana.report(10)
			s.is(reported, match.Reported{Status: match.StatusRateLimited, Undo: []match.Change{ana.list(s.now + 1)}, Advice: match.Available,
				Index: match.Move{Status: match.StatusMoved, Epoch: start}})
			reported = ana.report(nextCell)
			s.is(reported, match.Reported{Status: match.StatusRateLimited, Undo: []match.Change{ana.list(s.now + 2), unlist(nextCell, s.now+2)},
				Advice: match.Available, Index: match.Move{Status: match.StatusAbsent}})
			same(s, *ana.snapshot().Position, ana.Position)
		}},
		{"a report that is refused takes a member out of the cell who is listed nowhere", func(s *fixture) {
			s.settings(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := s.listed("ana", 0, available(false))
			reported := ana.report(10)
			s.is(reported, match.Reported{Status: match.StatusRateLimited, Undo: []match.Change{unlist(0, 0)}, Advice: match.Unavailable,
				Index: match.Move{Status: match.StatusAbsent}})
		}},
		{"a report that is refused takes a member who is not listed any more out of the cell, under its last epoch", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(0, available(false))
			reported := ana.report(10, seq(0))
			s.is(reported, match.Reported{Status: match.StatusLate, Undo: []match.Change{unlist(0, s.now)}, Advice: match.Unavailable,
				Index: match.Move{Status: match.StatusAbsent}})
		}},
		{"a member stays as available as it last said", func(s *fixture) {
			ana := s.listed("ana", 0)
			reported := ana.report(0, available(false))
			s.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{unlist(0, s.now)}, At: s.now, Epoch: s.now,
				Advice: match.Unavailable, AdviceChanged: true, Index: match.Move{Status: match.StatusMoved, Epoch: start}})
			reported = ana.report(0)
			s.is(reported, match.Reported{Status: match.StatusOK, At: s.now, Epoch: s.now, Advice: match.Unavailable,
				Index: match.Move{Status: match.StatusMoved, Epoch: start}})
			same(s, ana.snapshot().Available, "0")
			reported = ana.report(0, available(true))
			s.is(reported, match.Reported{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now + 1)}, Listed: true, At: s.now,
				Epoch: s.now + 1, Advice: match.Available, AdviceChanged: true,
				Index: match.Move{Status: match.StatusMoved, Epoch: start}})
			same(s, ana.snapshot().Available, "1")
		}},
		{"a member keeps the tags that it last said", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van", "xl"))
			reported := ana.report(0)
			same(s, reported.Changes, nil)
			reported = ana.report(0, tagged("van", "xl"))
			same(s, reported.Changes, nil)
			reported = ana.report(0, tagged("van"))
			same(s, reported.Changes, []match.Change{ana.list(s.now + 1)})
			same(s, ana.relist(), []match.Change{ana.list(s.now + 2)})
			reported = ana.report(0, tagged())
			same(s, reported.Changes, []match.Change{ana.list(s.now + 3)})
			same(s, ana.relist()[0].Tags, "")
		}},
		{"a report after the member was stale lists it anew: the index may have swept it", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.advance(time.Minute - time.Millisecond)
			reported := ana.report(0)
			same(s, reported.Changes, nil)
			s.advance(time.Minute)
			reported = ana.report(0)
			same(s, reported.Changes, []match.Change{ana.list(s.now)})
		}},
		{"a report of a claimed member shows the claim, and leaves the index alone until the claim is decided", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.advance(time.Second)
			reported := ben.report(nextCell)
			s.is(reported, match.Reported{Status: match.StatusOK, At: s.now, Epoch: start, Advice: match.Available, Claim: &claim,
				Index: match.Move{Status: match.StatusAbsent}})
			released := ana.release("m1", ben, "lost")
			same(s, released.Changes, []match.Change{ben.list(s.now)})
		}},
		{"a matchee is advised that it is watched", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			reported := ben.report(20)
			s.is(reported, match.Reported{Status: match.StatusOK, At: s.now, Epoch: start, Advice: match.Watched, AdviceChanged: true,
				Claim: &match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: s.now},
				Index: match.Move{Status: match.StatusAbsent}})
			reported = ben.report(30)
			same(s, reported.AdviceChanged, false)
		}},
		{"a matcher is advised that it watches", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			reported := ana.report(20)
			want := match.Reported{Status: match.StatusOK, At: s.now, Epoch: start, Advice: match.Watching, AdviceChanged: true,
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked},
				Index: match.Move{Status: match.StatusAbsent}}
			s.is(reported, want)
			ana.notified("m1", match.Active)
			reported = ana.report(30)
			want.AdviceChanged, want.Route.Notified = false, true
			s.is(reported, want)
		}},
		{"a report returns the request under way, and whether all cells know of it", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			reported := ana.report(10)
			same(s, reported.Route.State, match.Waiting)
			same(s, reported.Route.Request.Registered, false)
			ana.registered()
			reported = ana.report(20)
			same(s, reported.Route.Request.Registered, true)
		}},
		{"a report returns the match that has ended, and why", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			reported := ana.report(20)
			same(s, *reported.Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: ana.asked})
		}},
		{"a report takes the pending no_match, once", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute)
			reported := ana.report(10)
			same(s, reported.NoMatch, &match.NoMatch{ID: "r1", Radius: 3000})
			reported = ana.report(20)
			same(s, reported.NoMatch, nil)
		}},
		{"a report is a sign of life", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			s.advance(time.Minute - time.Millisecond)
			ana.moveTo(0)
			s.advance(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
	}
}
