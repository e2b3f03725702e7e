package store_test

import (
	"time"

	"waggle/internal/match"
)

// claims: which members can be claimed, and what a claim leaves.
func claims() []testCase {
	return []testCase{
		{"a candidate who is as the search saw it is claimed, by one matcher", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			same(s, *ben.snapshot().Claim, claim)
			s.advance(time.Second)
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			s.is(ana.claim("m2", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
			s.is(cem.claim("m1", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
			same(s, *ben.snapshot().Claim, claim)
		}},
		{"a claim that is repeated after it was confirmed has the same result", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: s.now}
			s.is(cem.claim("m2", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
		}},
		refusedClaim("a matcher is taken", match.StatusTaken, func(s *fixture, ben *member) { ben.matchWith("", "m0", s.listed("cem", 20)) }),
		refusedClaim("a member who searches itself is busy", match.StatusBusy, func(s *fixture, ben *member) {
			s.says(ben.begin("", "m0"), match.StatusOK)
		}),
		refusedClaim("a member who has disconnected is not claimed", match.StatusUnavailable, func(_ *fixture, ben *member) { ben.leave() }),
		refusedClaim("a member who is not available is not claimed", match.StatusUnavailable, func(_ *fixture, ben *member) { ben.moveTo(10, available(false)) }),
		refusedClaim("a member who was not heard for too long is not claimed", match.StatusUnavailable, func(s *fixture, ben *member) {
			ben.moveTo(10, at(s.now+1))
			s.advance(time.Minute)
		}),
		refusedClaim("a member whose position is too old is not claimed", match.StatusUnavailable, func(s *fixture, ben *member) {
			s.advance(time.Second)
			ben.moveTo(10, at(s.now-1))
			s.advance(time.Minute - time.Millisecond)
		}),
		{"a member who has not reported or never connected is not claimed", func(s *fixture) {
			ana := s.listed("ana", 0)
			s.is(ana.claim("m1", s.connected("ben")), match.Claimed{Status: match.StatusUnavailable})
			s.is(ana.claim("m1", s.newMember("cem")), match.Claimed{Status: match.StatusUnavailable})
		}},
		{"a member who is fresh for one more ms is claimed", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10, at(start+1)), s.listed("cem", 10, at(start-1))
			s.advance(time.Minute - 2*time.Millisecond)
			s.says(ana.claim("m1", cem), match.StatusYours)
			s.advance(time.Millisecond)
			s.says(ana.claim("m2", ben), match.StatusYours)
		}},
		{"a member who lacks a wanted tag is not claimed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10, tagged("van", "xl"))
			s.is(ana.claim("m1", ben, "van", "red"), match.Claimed{Status: match.StatusUnavailable})
			s.is(ana.claim("m1", ben, "va"), match.Claimed{Status: match.StatusUnavailable})
			same(s, ben.snapshot().Claim, nil)
			s.is(ana.claim("m1", ben, "xl", "van"), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who has reported since is not claimed, and its position is returned", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			saw := *ben
			ben.moveTo(10) // the same moment, a later seq
			s.is(ana.claim("m1", &saw), match.Claimed{Status: match.StatusMoved, Position: &ben.Position})
			saw = *ben
			s.advance(time.Second)
			ben.moveTo(30, seq(ben.Seq)) // a later moment, the same seq
			s.is(ana.claim("m1", &saw), match.Claimed{Status: match.StatusMoved, Position: &ben.Position})
			same(s, ben.snapshot().Claim, nil)
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who waits itself is claimed, and its request is suspended", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r1")
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			s.says(ben.lease("m2"), match.StatusClaimed)
			same(s, ben.snapshot().Route.State, match.Waiting)
		}},
		{"a matcher whose match has ended is claimed", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ben.matchWith("", "m0", cem)
			s.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			s.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who was released is claimed again, under the same id too", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			s.advance(time.Second)
			s.says(ana.claim("m1", ben), match.StatusYours)
			same(s, *ben.snapshot().Claim, match.Claim{Matcher: ana.Member, Match: "m1", At: s.now})
		}},
	}
}

// refusedClaim is a case in which ben cannot be claimed, and nothing of the claim is left.
func refusedClaim(name string, status match.Status, prepare func(*fixture, *member)) testCase {
	return testCase{name, func(s *fixture) {
		ana, ben := s.listed("ana", 0), s.listed("ben", 10)
		prepare(s, ben)
		s.is(ana.claim("m1", ben), match.Claimed{Status: status})
		same(s, ben.snapshot().Claim, nil)
	}}
}
