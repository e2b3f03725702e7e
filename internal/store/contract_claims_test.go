package store_test

import (
	"time"

	"waggle/internal/match"
)

// claims: which members can be claimed, and what a claim leaves.
func claims() []testCase {
	return []testCase{
		{"a candidate who is as the search saw it is claimed, by one matcher", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: f.now}
			same(f, *ben.snapshot().Claim, claim)
			f.advance(time.Second)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			f.is(ana.claim("m2", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
			f.is(cem.claim("m1", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
			same(f, *ben.snapshot().Claim, claim)
		}},
		{"a claim that is repeated after it was confirmed has the same result", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			claim := match.Claim{Matcher: ana.Member, Match: "m1", Confirmed: true, At: f.now}
			f.is(cem.claim("m2", ben), match.Claimed{Status: match.StatusClaimed, Claim: &claim})
		}},
		refusedClaim("a matcher is taken", match.StatusTaken, func(f *fixture, ben *member) { ben.matchWith("", "m0", f.listed("cem", 20)) }),
		refusedClaim("a member who searches itself is busy", match.StatusBusy, func(f *fixture, ben *member) {
			f.says(ben.begin("", "m0"), match.StatusOK)
		}),
		refusedClaim("a member who has disconnected is not claimed", match.StatusUnavailable, func(_ *fixture, ben *member) { ben.leave() }),
		refusedClaim("a member who is not available is not claimed", match.StatusUnavailable, func(_ *fixture, ben *member) { ben.moveTo(10, available(false)) }),
		refusedClaim("a member who was not heard for too long is not claimed", match.StatusUnavailable, func(f *fixture, ben *member) {
			ben.moveTo(10, at(f.now+1))
			f.advance(time.Minute)
		}),
		refusedClaim("a member whose position is too old is not claimed", match.StatusUnavailable, func(f *fixture, ben *member) {
			f.advance(time.Second)
			ben.moveTo(10, at(f.now-1))
			f.advance(time.Minute - time.Millisecond)
		}),
		{"a member who has not reported or never connected is not claimed", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.is(ana.claim("m1", f.connected("ben")), match.Claimed{Status: match.StatusUnavailable})
			f.is(ana.claim("m1", f.newMember("cem")), match.Claimed{Status: match.StatusUnavailable})
		}},
		{"a member who is fresh for one more ms is claimed", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10, at(start+1)), f.listed("cem", 10, at(start-1))
			f.advance(time.Minute - 2*time.Millisecond)
			f.says(ana.claim("m1", cem), match.StatusYours)
			f.advance(time.Millisecond)
			f.says(ana.claim("m2", ben), match.StatusYours)
		}},
		{"a member who lacks a wanted tag is not claimed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10, tagged("van", "xl"))
			f.is(ana.claim("m1", ben, "van", "red"), match.Claimed{Status: match.StatusUnavailable})
			f.is(ana.claim("m1", ben, "va"), match.Claimed{Status: match.StatusUnavailable})
			same(f, ben.snapshot().Claim, nil)
			f.is(ana.claim("m1", ben, "xl", "van"), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who has reported since is not claimed, and its position is returned", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			saw := *ben
			ben.moveTo(10) // the same moment, a later seq
			f.is(ana.claim("m1", &saw), match.Claimed{Status: match.StatusMoved, Position: &ben.Position})
			saw = *ben
			f.advance(time.Second)
			ben.moveTo(30, seq(ben.Seq)) // a later moment, the same seq
			f.is(ana.claim("m1", &saw), match.Claimed{Status: match.StatusMoved, Position: &ben.Position})
			same(f, ben.snapshot().Claim, nil)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who waits itself is claimed, and its request is suspended", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r1")
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
			f.says(ben.lease("m2"), match.StatusClaimed)
			same(f, ben.snapshot().Route.State, match.Waiting)
		}},
		{"a matcher whose match has ended is claimed", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ben.matchWith("", "m0", cem)
			f.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			f.is(ana.claim("m1", ben), match.Claimed{Status: match.StatusYours})
		}},
		{"a member who was released is claimed again, under the same id too", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			f.advance(time.Second)
			f.says(ana.claim("m1", ben), match.StatusYours)
			same(f, *ben.snapshot().Claim, match.Claim{Matcher: ana.Member, Match: "m1", At: f.now})
		}},
	}
}

// refusedClaim is a case in which ben cannot be claimed, and nothing of the claim is left.
func refusedClaim(name string, status match.Status, prepare func(*fixture, *member)) testCase {
	return testCase{name, func(f *fixture) {
		ana, ben := f.listed("ana", 0), f.listed("ben", 10)
		prepare(f, ben)
		f.is(ana.claim("m1", ben), match.Claimed{Status: status})
		same(f, ben.snapshot().Claim, nil)
	}}
}
