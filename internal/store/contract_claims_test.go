package store_test

import (
	"time"

	"waggle/internal/match"
)

// claims: who can be claimed, and what a claim leaves.
func claims() []scenario {
	return []scenario{
		{"a candidate that is as the search saw it is claimed, by one", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			same(s, *ben.seen().Claim, claim)
			s.pass(time.Second)
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
			s.is(ana.claim("m2", ben), match.Answer{Status: match.StatusClaimed, Claim: &claim})
			s.is(cem.claim("m1", ben), match.Answer{Status: match.StatusClaimed, Claim: &claim})
			same(s, *ben.seen().Claim, claim)
		}},
		{"a claim that is repeated after it was confirmed is the same", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ana.meets("r1", "m1", ben)
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: s.now}
			s.is(cem.claim("m2", ben), match.Answer{Status: match.StatusClaimed, Claim: &claim})
		}},
		refusedClaim("a matcher is taken", match.StatusTaken, func(s *scene, ben *actor) { ben.meets("", "m0", s.stand("cem", 20)) }),
		refusedClaim("who searches itself is busy", match.StatusBusy, func(s *scene, ben *actor) {
			s.says(ben.begin("", "m0"), match.StatusOK)
		}),
		refusedClaim("who has disconnected is not claimed", match.StatusUnavailable, func(_ *scene, ben *actor) { ben.leave() }),
		refusedClaim("who is not available is not claimed", match.StatusUnavailable, func(_ *scene, ben *actor) { ben.at(10, available(false)) }),
		refusedClaim("who has not been heard for too long is not claimed", match.StatusUnavailable, func(s *scene, ben *actor) {
			ben.at(10, at(s.now+1))
			s.pass(time.Minute)
		}),
		refusedClaim("who is where it was too long ago is not claimed", match.StatusUnavailable, func(s *scene, ben *actor) {
			s.pass(time.Second)
			ben.at(10, at(s.now-1))
			s.pass(time.Minute - time.Millisecond)
		}),
		{"who has not reported is not claimed, nor is a stranger", func(s *scene) {
			ana := s.stand("ana", 0)
			s.is(ana.claim("m1", s.join("ben")), match.Answer{Status: match.StatusUnavailable})
			s.is(ana.claim("m1", s.newcomer("cem")), match.Answer{Status: match.StatusUnavailable})
		}},
		{"who is fresh for one ms more is claimed", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10, at(dawn+1)), s.stand("cem", 10, at(dawn-1))
			s.pass(time.Minute - 2*time.Millisecond)
			s.says(ana.claim("m1", cem), match.StatusYours)
			s.pass(time.Millisecond)
			s.says(ana.claim("m2", ben), match.StatusYours)
		}},
		{"who has not all the tags is not claimed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10, tagged("van", "xl"))
			s.is(ana.claim("m1", ben, "van", "red"), match.Answer{Status: match.StatusUnavailable})
			s.is(ana.claim("m1", ben, "va"), match.Answer{Status: match.StatusUnavailable})
			same(s, ben.seen().Claim, nil)
			s.is(ana.claim("m1", ben, "xl", "van"), match.Answer{Status: match.StatusYours})
		}},
		{"who has reported since is not claimed, and its position told", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			saw := *ben
			ben.at(10) // the same moment, a later seq
			s.is(ana.claim("m1", &saw), match.Answer{Status: match.StatusMoved, Position: &ben.Position})
			saw = *ben
			s.pass(time.Second)
			ben.at(30, seq(ben.Seq)) // a later moment, the same seq
			s.is(ana.claim("m1", &saw), match.Answer{Status: match.StatusMoved, Position: &ben.Position})
			same(s, ben.seen().Claim, nil)
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
		}},
		{"who waits itself is claimed, and its request suspended", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r1")
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
			s.says(ben.lease("m2"), match.StatusClaimed)
			same(s, ben.seen().Route.State, match.Waiting)
		}},
		{"a matcher whose match has ended is claimed", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ben.meets("", "m0", cem)
			s.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			s.is(ana.claim("m1", ben), match.Answer{Status: match.StatusYours})
		}},
		{"who was released is claimed anew, under the same id too", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			s.pass(time.Second)
			s.says(ana.claim("m1", ben), match.StatusYours)
			same(s, *ben.seen().Claim, match.Claim{Matcher: ana.Member, Match: "m1", At: s.now})
		}},
	}
}

// refusedClaim is a case where ben cannot be claimed, with nothing left behind.
func refusedClaim(name string, status match.Status, prepare func(*scene, *actor)) scenario {
	return scenario{name, func(s *scene) {
		ana, ben := s.stand("ana", 0), s.stand("ben", 10)
		prepare(s, ben)
		s.is(ana.claim("m1", ben), match.Answer{Status: status})
		same(s, ben.seen().Claim, nil)
	}}
}
