package store_test

import (
	"time"

	"waggle/internal/match"
)

// ends: how a match ends on either side, and how long that is remembered.
func ends() []testCase {
	return []testCase{
		{"a finish ends the match, and lists the matcher anew", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.advance(time.Second)
			want := match.Finished{Status: match.StatusEnded, Tell: true, Reason: "left", Early: match.ByNobody, Connection: ana.Connection, RequestID: "r1",
				Changes: []match.Change{ana.list(f.now)}}
			f.is(ana.finish("m1", ben, "left"), want)
			want.Changes = []match.Change{ana.list(f.now + 1)}
			f.is(ana.finish("m1", ben, "completed"), want) // the reason stays
			same(f, *ana.snapshot().Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: withoutPoint(ana.asked)})
		}},
		{"a finish that is repeated when both are free says why the match ended", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.free("m1")
			f.is(ana.finish("m1", ben, "completed"), match.Finished{Status: match.StatusAlreadyEnded, Reason: "left", Early: match.ByNobody})
			same(f, len(ana.snapshot().Ends), 1)
		}},
		{"a finish of another match ends nothing", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			other := match.Finished{Status: match.StatusOther}
			f.is(ana.finish("m1", ben, "left"), other)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.finish("m1", ben, "left"), other)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.is(ana.finish("m2", ben, "left"), other)
			f.is(ana.finish("m1", cem, "left"), other)
			same(f, ana.snapshot().Route.State, match.Active)
		}},
		{"a finish of another match is not taken for a repeat", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.is(ana.finish("m2", ben, "left"), match.Finished{Status: match.StatusOther})
			f.is(ana.finish("m1", cem, "completed"), match.Finished{Status: match.StatusAlreadyEnded, Reason: "left", Early: match.ByNobody})
		}},
		{"a finish of a matcher who has disconnected names no connection", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.leave()
			f.is(ana.finish("m1", ben, "left"), match.Finished{Status: match.StatusEnded, Tell: true, Reason: "left", Early: match.ByNobody, RequestID: "r1"})
		}},
		{"an end stays in the routing table for a minute", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben, openFor(time.Second))
			f.advance(time.Hour)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.told(match.NoticeEnded.Mark("m1"))
			f.advance(time.Minute - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Ended)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "left"})
			f.advance(time.Millisecond)
			same(f, ana.snapshot().Route, nil)
			same(f, f.stored("route", "ana"), map[string]string{})
			same(f, notices(ana.read().Untold), "")
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
			f.is(ana.finish("m1", ben, "left"), match.Finished{Status: match.StatusOther})
		}},
		{"the ids of a match get its end as their outcome", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r0", "m0"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.begin("r2", "m2"), match.StatusActive)
			f.advance(5 * time.Minute)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.told(match.NoticeEnded.Mark("m1"))
			f.advance(10*time.Minute - time.Millisecond)
			f.repeats(ana.begin("r1", "m3", around(0)), match.Outcome{ID: "r1", Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			f.repeats(ana.begin("r2", "m3", around(0)), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "left"})
			f.says(ana.begin("r0", "m3", around(0)), match.StatusOK) // more than ten minutes ago
		}},
		{"an end leaves the outcome of other ids", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r0", "m0"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.repeats(ana.begin("r0", "m3"), match.Outcome{ID: "r0", Kind: "cancelled", Radius: 3000})
		}},
		{"an end by the matcher does what a finish does, and says who the matchee is", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			cem, dan := f.listed("cem", 0), f.listed("dan", 10)
			ana.matchWith("r1", "m1", ben)
			cem.matchWith("r1", "m1", dan)
			f.advance(time.Second)
			finished := ana.finish("m1", ben, "left", match.ByMatcher)
			finished.Connection, finished.Changes = cem.Connection, []match.Change{cem.list(f.now)}
			f.is(cem.end("m1", "left"), match.Ending{Snapshot: match.Snapshot{Status: match.StatusEnded}, Finished: &finished, Matchee: dan.Member})
			hers, his := ana.snapshot(), cem.snapshot()
			same(f, his.Ends, hers.Ends)
			hers.Route.Matchee = dan.Member
			same(f, his.Route, hers.Route)
			same(f, f.record("cem")["harvestRate"], f.record("ana")["harvestRate"])
		}},
		{"an end by the matcher that is repeated has the first reason, until both are free", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.advance(match.Early)
			f.says(ana.end("m1", "left"), match.StatusEnded)
			finished := match.Finished{Status: match.StatusEnded, Tell: true, Reason: "left", Connection: ana.Connection, RequestID: "r1"}
			f.is(ana.end("m1", "completed"), match.Ending{Snapshot: match.Snapshot{Status: match.StatusEnded}, Finished: &finished, Matchee: ben.Member})
			ana.free("m1")
			again := ana.end("m1", "completed")
			f.says(again, match.StatusOK)
			same(f, again.Finished, nil)
			same(f, again.Snapshot, ana.snapshot())
			same(f, again.Ends, []match.End{{Match: "m1", Reason: "left", Matcher: match.Member{Pool: f.pool}, At: f.now}})
		}},
		{"an end by anybody but the matcher ends nothing, and is a reading", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			reads := func(by *member, search string) {
				by.t.Helper()
				by.read()
				same(f, by.end(search, "left"), match.Ending{Snapshot: by.read()})
			}
			reads(ana, "m1")
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			reads(ana, "m1")
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			reads(ana, "m2")
			reads(ben, "m1")
			same(f, ana.snapshot().Route.State, match.Active)
			same(f, ben.snapshot().Claim.Confirmed, true)
		}},
		{"an end says from time to time that the other half of another match is to be looked at", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.advance(match.CheckMatch)
			same(f, ana.end("m2", "left").Check, true)
			same(f, ana.end("m2", "left").Check, false)
		}},
		{"an end by the matcher tells what it is not yet told, but the end itself", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.commitWith("r1", "m1", ben)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.advance(match.NotifyAgain)
			same(f, notices(ana.end("m1", "left").Untold), "matched r1")
			f.advance(match.NotifyAgain)
			same(f, notices(ana.end("m1", "left").Untold), "ended r1")
			same(f, notices(ana.end("m1", "left").Untold), "")
		}},
		{"an end without a session is a back end's, and no sign of life", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			heard := f.record("ana")["heard"]
			backend := f.newMember("ana")
			backend.Session = match.Session{Member: ana.Member}
			f.advance(match.CheckMatch)
			same(f, backend.end("m2", "left").Check, false)
			got := backend.end("m1", "left")
			f.says(got, match.StatusEnded)
			same(f, got.Finished.Early, match.ByNobody)
			same(f, got.Untold, nil)
			same(f, f.record("ana")["heard"], heard)
		}},
		{"a release undoes a claim, and lists the member anew; nothing of it is remembered", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.advance(time.Second)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				Changes: []match.Change{ben.list(f.now)}})
			same(f, ben.snapshot().Claim, nil)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			f.is(ben.snapshot(), match.Snapshot{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position})
		}},
		{"a release of a confirmed claim is an end, which is remembered", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.advance(time.Second)
			want := match.Released{Status: match.StatusReleased, Reason: "left", Confirmed: true, Tell: true, Connection: ben.Connection,
				Changes: []match.Change{ben.list(f.now)}}
			f.is(ana.release("m1", ben, "left"), want)
			same(f, ben.snapshot().Claim, nil)
			want.Status, want.Changes = match.StatusAlreadyEnded, []match.Change{ben.list(f.now + 1)}
			f.is(ana.release("m1", ben, "lost"), want)
			same(f, len(ben.snapshot().Ends), 1)
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.release("m1", ben, "lost"), match.StatusAlreadyEnded)
			f.advance(time.Millisecond)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
		}},
		{"a release of another claim releases nothing", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.is(ana.release("m2", ben, "lost"), match.Released{Status: match.StatusOther})
			f.is(cem.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			same(f, ben.snapshot().Claim.Match, "m1")
		}},
		{"a release leaves the claim that another matcher has made since", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			f.says(cem.claim("m2", ben), match.StatusYours)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusAlreadyEnded, Reason: "left", Confirmed: true, Tell: true,
				Connection: ben.Connection})
			same(f, ben.snapshot().Claim.Match, "m2")
		}},
		{"a release of a claim that was made again after the end has its own reason", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			f.says(ana.claim("m1", ben), match.StatusYours) // comes late
			released := ana.release("m1", ben, "lost")
			f.says(released, match.StatusReleased)
			same(f, released.Reason, "lost")
			same(f, released.Confirmed, false)
		}},
		{"a release says that the matchee's own request waits", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r7")
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				Waits: true, Changes: []match.Change{ben.list(f.now + 2)}})
			f.says(ben.lease("m2"), match.StatusOK)
		}},
		{"a release says that no request waits where the matchee's own last match has ended", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ben.matchWith("", "m0", cem)
			f.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			f.says(ana.claim("m1", ben), match.StatusYours)
			same(f, ana.release("m1", ben, "lost").Waits, false)
		}},
		{"a release names the first id of the matchee's own request that led to the match", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r0")
			f.says(ben.cancel(), match.StatusCancelled)
			f.advance(time.Millisecond)
			ben.await("r7")
			f.says(ben.begin("r8", "m0"), match.StatusWaiting)
			ana.matchWith("r1", "m1", ben)
			same(f, ana.release("m1", ben, "left").RequestID, "r7")
			same(f, ana.release("m1", ben, "left").RequestID, "r7")
			for _, id := range []string{"r7", "r8"} {
				f.repeats(ben.begin(id, "m2"), match.Outcome{ID: id, Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			}
		}},
		{"a release of a matchee who has disconnected names no connection, and lists nobody", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ben.leave()
			f.is(ana.release("m1", ben, "left"), match.Released{Status: match.StatusReleased, Reason: "left", Confirmed: true, Tell: true})
		}},
	}
}
