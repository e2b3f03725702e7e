package store_test

import (
	"encoding/json"
	"fmt"
	"time"

	"waggle/internal/match"
)

// reads: what is read of a member.
func reads() []testCase {
	return []testCase{
		{"a reading of a member whom the cache does not know is empty", func(f *fixture) {
			f.is(f.newMember("ana").snapshot(), match.Snapshot{Status: match.StatusOK})
		}},
		{"a reading says where a member is, its card and its connection", func(f *fixture) {
			ana := f.newMember("ana")
			ana.Card = json.RawMessage(`"Ana"`)
			f.says(ana.connect(), match.StatusOK)
			accuracy, heading, speed := 5.5, 0.0, 13.25
			ana.moveTo(0, func(r *match.Report) { r.Accuracy, r.Heading, r.Speed = &accuracy, &heading, &speed })
			want := match.Snapshot{Status: match.StatusOK, Connection: ana.Connection, Card: `"Ana"`, Available: "1", Position: &ana.Position}
			f.is(ana.read(), want)
			f.is(ana.snapshot(), want)
			ana.moveTo(1, available(false), tagged("bike", "xl"))
			same(f, ana.read().Available, "0")
			same(f, ana.read().Tags, "bike xl")
			same(f, *ana.snapshot().Position, match.Position{Point: north(1), At: f.now, Seq: ana.Seq})
		}},
		{"a reading shows a claim, and whether it is confirmed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.commitWith("", "m1", ben)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: f.now}
			f.advance(time.Second)
			f.is(ben.snapshot(), match.Snapshot{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position,
				Claim: &claim})
			f.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			same(f, *ben.snapshot().Claim, claim)
		}},
		{"a reading shows the routing-table entry in each state", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m0", wanting("van", "xl")), match.StatusOK)
			want := match.Route{State: match.Searching, Match: "m0", Matchee: match.Member{Pool: f.pool}, Request: ana.asked}
			same(f, *ana.snapshot().Route, want)
			f.says(ana.giveUp("m0", true), match.StatusWaiting)
			want.State, want.Match = match.Waiting, ""
			same(f, *ana.snapshot().Route, want)
			f.says(ana.lease("m1"), match.StatusOK)
			want.State, want.Match = match.Searching, "m1"
			same(f, *ana.snapshot().Route, want)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			want.State, want.Matchee = match.Active, ben.Member
			same(f, *ana.snapshot().Route, want)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			want.State, want.Notified, want.Reason = match.Ended, false, "completed"
			want.Request = withoutPoint(want.Request) // nobody is shown it any more
			same(f, *ana.snapshot().Route, want)
		}},
		{"a reading says for 3 s that a search for the request has begun", func(f *fixture) {
			ana := f.connected("ana")
			searched := func(later time.Duration) bool {
				f.advance(later)
				return ana.snapshot().Searched
			}
			same(f, searched(0), false)
			ana.await("r1", around(0))
			same(f, searched(3*time.Second-time.Millisecond), true)
			same(f, searched(time.Millisecond), false)
			f.says(ana.lease("m2"), match.StatusOK)
			same(f, searched(0), true)
		}},
		{"a reading shows the last four matches that ended, a matchee's with their matcher", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			var his, hers []match.End
			for n := range 5 {
				search := fmt.Sprint("m", n)
				ana.matchWith("", search, ben)
				f.says(ana.finish(search, ben, "completed"), match.StatusEnded)
				f.says(ana.release(search, ben, "left", match.ByMatchee), match.StatusReleased)
				ana.free(search)
				hers = append(hers, match.End{Match: search, Reason: "completed", Matcher: match.Member{Pool: f.pool}, At: f.now, Early: match.ByNobody})
				his = append(his, match.End{Match: search, Reason: "left", Matcher: ana.Member, At: f.now, Early: match.ByMatchee})
				f.advance(time.Second)
			}
			same(f, ana.snapshot().Ends, hers[1:])
			same(f, ben.snapshot().Ends, his[1:])
		}},
		{"only a reading by the member itself takes the pending no_match, once", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.advance(time.Minute)
			same(f, notices(ana.snapshot().Untold), "")
			same(f, notices(ana.read().Untold), "no_match r1")
			same(f, notices(ana.read().Untold), "")
		}},
		{"a reading by the member itself is a sign of life, a reading by another is none", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			ana.read()
			f.advance(time.Minute - time.Millisecond)
			ana.snapshot()
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			f.advance(time.Millisecond)
			f.says(ana.lease("m2"), match.StatusSilent)
		}},
		{"a reading lists the member anew where that is asked", func(f *fixture) {
			ana := f.listed("ana", 0)
			anew := func() []match.Change {
				answer, err := f.store.Read(f.t.Context(), ana.Member, &ana.Session, true)
				f.must(err)
				return answer.Changes
			}
			same(f, ana.read().Changes, nil)
			same(f, anew(), []match.Change{ana.list(f.now + 1)})
			ben := f.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(f, anew(), nil) // it is matched
		}},
		{"a reading of a member who has disconnected names no connection", func(f *fixture) {
			ana := f.connected("ana")
			ana.leave()
			f.is(ana.snapshot(), match.Snapshot{Status: match.StatusOK, Available: "1"})
		}},
		{"a description of a member whom the cache does not know is absent", func(f *fixture) {
			f.is(f.newMember("ana").described(), match.Description{Snapshot: match.Snapshot{Status: match.StatusAbsent}})
		}},
		{"a description says since when a member is connected, when it was heard, and whether its location is fresh", func(f *fixture) {
			ana := f.newMember("ana")
			f.says(ana.connect(), match.StatusOK)
			f.advance(time.Second)
			heard, fresh := start, false
			check := func() {
				f.t.Helper()
				got := ana.described()
				f.is(got.Snapshot, ana.snapshot())
				f.is(got, match.Description{Snapshot: got.Snapshot, ConnectedAt: ana.ConnectedAt.UnixMilli(), Heard: int64(heard), Fresh: fresh})
			}
			check()
			ana.moveTo(0)
			heard, fresh = int(f.now), true
			f.advance(time.Minute - time.Millisecond)
			check()
			ana.read()
			heard = int(f.now)
			f.advance(time.Millisecond)
			fresh = false
			check()
			ana.leave()
			check()
		}},
		{"a description has the request of a member whose record is lost", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.evict(f.key("m", "ana"))
			got := ana.described()
			f.says(got, match.StatusOK)
			same(f, got.Route.Request.ID, "r1")
		}},
		{"a description counts the cool-downs that are not over", func(f *fixture) {
			f.settings(unlimited + `,"coolDown":20`)
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			same(f, ana.described().CoolDowns, 0)
			ana.meet(ben, 0, "completed", match.ByMatchee)
			same(f, ana.described().CoolDowns, 1)
			same(f, ben.described().CoolDowns, 1)
			f.advance(20 * time.Second)
			same(f, ana.described().CoolDowns, 0)
		}},
	}
}
