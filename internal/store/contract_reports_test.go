package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// reports: which are taken, and what they answer. What they do to the index is with
// the listings and the cells.
func reports() []scenario {
	return []scenario{
		{"the first report lists the member", func(s *scene) {
			ana := s.join("ana")
			answer, moved := ana.report(0)
			s.is(answer, match.Answer{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now)}, Listed: true, At: s.now, Epoch: s.now,
				Advice: match.Available, Advised: true})
			same(s, moved, match.Moved{})
		}},
		{"the next report moves who is listed, in the same trip", func(s *scene) {
			ana := s.stand("ana", 0)
			s.pass(time.Second)
			answer, moved := ana.report(100)
			s.is(answer, match.Answer{Status: match.StatusOK, Listed: true, At: s.now, Epoch: dawn, Advice: match.Available})
			same(s, moved, match.Moved{Known: true})
			same(s, *ana.seen().Position, ana.Position)
		}},
		{"a report is ordered by when it was made", func(s *scene) {
			ana := s.stand("ana", 0, at(dawn-10), seq(5))
			for _, late := range [][]detail{{at(dawn - 11), seq(6)}, {at(dawn - 10), seq(5)}, {at(dawn - 10), seq(4)}} {
				answer, _ := ana.report(100, late...)
				s.says(answer, match.StatusLate)
				same(s, *ana.seen().Position, ana.Position)
			}
			for _, newer := range [][]detail{{at(dawn - 10), seq(6)}, {at(dawn - 9), seq(1)}} {
				answer, _ := ana.report(100, newer...)
				s.says(answer, match.StatusOK)
				same(s, *ana.seen().Position, ana.Position)
			}
		}},
		{"a new session may count from 1 again", func(s *scene) {
			ana := s.stand("ana", 0, seq(900))
			next := ana.again()
			s.says(next.connect(), match.StatusOK)
			s.pass(time.Millisecond)
			answer, moved := next.report(100, seq(1))
			s.says(answer, match.StatusOK)
			same(s, moved.Known, true)
		}},
		{"a report is stale once it is as old as the pool lets it be", func(s *scene) {
			s.rules(`"locationTTL":20`)
			ana := s.join("ana")
			answer, moved := ana.report(0, at(dawn-20_000))
			s.is(answer, match.Answer{Status: match.StatusStale, Back: []match.Change{unlist(0, 0)}, Advice: match.Unavailable})
			same(s, moved, match.Moved{})
			same(s, ana.seen().Position, nil)
			answer, _ = ana.report(0, at(dawn-19_999))
			s.says(answer, match.StatusOK)
		}},
		{"a report may be 30 s ahead; one further ahead was made on arrival", func(s *scene) {
			ana := s.join("ana")
			answer, _ := ana.report(0, at(dawn+30_000), arriving(dawn-5))
			same(s, answer.At, dawn+30_000)
			ben := s.join("ben")
			answer, _ = ben.report(0, at(dawn+30_001), arriving(dawn-5))
			same(s, answer.At, dawn-5)
		}},
		{"a report without a time was made on arrival, by a clock that is at most 30 s off", func(s *scene) {
			for n, clock := range []struct{ arrival, at int64 }{
				{dawn - 30_000, dawn - 30_000}, {dawn - 30_001, dawn}, {dawn + 30_000, dawn + 30_000}, {dawn + 30_001, dawn},
			} {
				ana := s.join(fmt.Sprint("ana", n))
				answer, _ := ana.report(0, arriving(clock.arrival))
				same(s, answer.At, clock.at)
				same(s, ana.seen().Position.At, clock.at)
			}
		}},
		{"a member may report so many times at once, and then as often as it refills", func(s *scene) {
			s.rules(`"reportsBurst":3,"reportsPerSecond":5`)
			ana := s.join("ana")
			said := func() match.Status {
				answer, _ := ana.report(0)
				return answer.Status
			}
			for range 3 {
				same(s, said(), match.StatusOK)
			}
			same(s, said(), match.StatusRateLimited)
			s.pass(199 * time.Millisecond)
			same(s, said(), match.StatusRateLimited)
			s.pass(time.Millisecond)
			same(s, said(), match.StatusOK)
			same(s, said(), match.StatusRateLimited)
			s.pass(time.Hour)
			for range 3 {
				same(s, said(), match.StatusOK)
			}
			same(s, said(), match.StatusRateLimited)
		}},
		{"a report that is refused says how to put the index back where it was", func(s *scene) {
			s.rules(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := s.stand("ana", 0)
			answer, _ := ana.report(10)
			s.is(answer, match.Answer{Status: match.StatusRateLimited, Back: []match.Change{ana.list(s.now + 1)}, Advice: match.Available})
			answer, _ = ana.report(there)
			s.is(answer, match.Answer{Status: match.StatusRateLimited, Back: []match.Change{ana.list(s.now + 2), unlist(there, s.now+2)},
				Advice: match.Available})
			same(s, *ana.seen().Position, ana.Position)
		}},
		{"a report that is refused takes out of the cell who is listed nowhere", func(s *scene) {
			s.rules(`"reportsBurst":1,"reportsPerSecond":1`)
			ana := s.stand("ana", 0, available(false))
			answer, _ := ana.report(10)
			s.is(answer, match.Answer{Status: match.StatusRateLimited, Back: []match.Change{unlist(0, 0)}, Advice: match.Unavailable})
		}},
		{"a report that is refused takes out of the cell, under its last epoch, who is listed no more", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.at(0, available(false))
			answer, _ := ana.report(10, seq(0))
			s.is(answer, match.Answer{Status: match.StatusLate, Back: []match.Change{unlist(0, s.now)}, Advice: match.Unavailable})
		}},
		{"availability stays as it was said last", func(s *scene) {
			ana := s.stand("ana", 0)
			answer, _ := ana.report(0, available(false))
			s.is(answer, match.Answer{Status: match.StatusOK, Changes: []match.Change{unlist(0, s.now)}, At: s.now, Epoch: s.now,
				Advice: match.Unavailable, Advised: true})
			answer, _ = ana.report(0)
			s.is(answer, match.Answer{Status: match.StatusOK, At: s.now, Epoch: s.now, Advice: match.Unavailable})
			same(s, ana.seen().Available, "0")
			answer, _ = ana.report(0, available(true))
			s.is(answer, match.Answer{Status: match.StatusOK, Changes: []match.Change{ana.list(s.now + 1)}, Listed: true, At: s.now,
				Epoch: s.now + 1, Advice: match.Available, Advised: true})
			same(s, ana.seen().Available, "1")
		}},
		{"tags stay as they were said last", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van", "xl"))
			answer, _ := ana.report(0)
			same(s, answer.Changes, nil)
			answer, _ = ana.report(0, tagged("van", "xl"))
			same(s, answer.Changes, nil)
			answer, _ = ana.report(0, tagged("van"))
			same(s, answer.Changes, []match.Change{ana.list(s.now + 1)})
			same(s, ana.relist().Changes, []match.Change{ana.list(s.now + 2)})
			answer, _ = ana.report(0, tagged())
			same(s, answer.Changes, []match.Change{ana.list(s.now + 3)})
			same(s, ana.relist().Changes[0].Tags, "")
		}},
		{"a report after going stale lists anew: the index may have swept the member", func(s *scene) {
			ana := s.stand("ana", 0)
			s.pass(time.Minute - time.Millisecond)
			answer, _ := ana.report(0)
			same(s, answer.Changes, nil)
			s.pass(time.Minute)
			answer, _ = ana.report(0)
			same(s, answer.Changes, []match.Change{ana.list(s.now)})
		}},
		{"a report of who is claimed shows the claim, and leaves the index alone until it is decided", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.pass(time.Second)
			answer, _ := ben.report(there)
			s.is(answer, match.Answer{Status: match.StatusOK, At: s.now, Epoch: dawn, Advice: match.Available, Claim: &claim})
			released := ana.release("m1", ben, "lost")
			same(s, released.Changes, []match.Change{ben.list(s.now)})
		}},
		{"a matchee is watched", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("", "m1", ben)
			answer, _ := ben.report(20)
			s.is(answer, match.Answer{Status: match.StatusOK, At: s.now, Epoch: dawn, Advice: match.Watched, Advised: true,
				Claim: &match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: s.now}})
			answer, _ = ben.report(30)
			same(s, answer.Advised, false)
		}},
		{"a matcher watches", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("", "m1", ben)
			answer, _ := ana.report(20)
			want := match.Answer{Status: match.StatusOK, At: s.now, Epoch: dawn, Advice: match.Watching, Advised: true, State: match.Active,
				Route: &match.Route{State: match.Active, Match: "m1", Matchee: ben.Member}}
			s.is(answer, want)
			ana.told("m1", match.Active)
			answer, _ = ana.report(30)
			want.Advised, want.Told, want.Route.Told = false, true, true
			s.is(answer, want)
		}},
		{"a report answers with the request under way, and whether all cells know of it", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			answer, _ := ana.report(10)
			same(s, answer.State, match.Waiting)
			same(s, answer.Route.Request.Registered, false)
			ana.registered()
			answer, _ = ana.report(20)
			same(s, answer.Route.Request.Registered, true)
		}},
		{"a report answers with the match that has ended, and why", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			answer, _ := ana.report(20)
			same(s, answer.State, match.Ended)
			same(s, answer.Reason, "left")
			same(s, *answer.Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left"})
		}},
		{"a report takes the no_match that is due, and once", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute)
			answer, _ := ana.report(10)
			same(s, answer.Due, &match.Due{ID: "r1", Radius: 3000})
			answer, _ = ana.report(20)
			same(s, answer.Due, nil)
		}},
		{"a report is a sign of life", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1", within(10*time.Minute))
			s.pass(time.Minute - time.Millisecond)
			ana.at(0)
			s.pass(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
	}
}
