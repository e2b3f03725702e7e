package store_test

import (
	"time"

	"waggle/internal/match"
)

// ends: how a match ends on either side, and how long that is remembered.
func ends() []testCase {
	return []testCase{
		{"a finish ends the match, and lists the matcher anew", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.advance(time.Second)
			want := match.Finished{Status: match.StatusEnded, Reason: "left", Connection: ana.Connection, RequestID: "r1",
				Changes: []match.Change{ana.list(s.now)}}
			s.is(ana.finish("m1", ben, "left"), want)
			want.Changes = []match.Change{ana.list(s.now + 1)}
			s.is(ana.finish("m1", ben, "completed"), want) // the reason stays
			same(s, *ana.snapshot().Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: ana.asked})
		}},
		{"a finish of a match of which both were notified ends it too", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.notified("m1", match.Active)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			same(s, ana.snapshot().Route.Notified, false)
		}},
		{"a finish that is repeated when both are free says why the match ended", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.notified("m1", match.Ended)
			s.is(ana.finish("m1", ben, "completed"), match.Finished{Status: match.StatusAlreadyEnded, Reason: "left"})
			same(s, len(ana.snapshot().Ends), 1)
		}},
		{"a finish of another match ends nothing", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			other := match.Finished{Status: match.StatusOther}
			s.is(ana.finish("m1", ben, "left"), other)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.finish("m1", ben, "left"), other)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			s.is(ana.finish("m2", ben, "left"), other)
			s.is(ana.finish("m1", cem, "left"), other)
			same(s, ana.snapshot().Route.State, match.Active)
		}},
		{"a finish of another match is not taken for a repeat", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.is(ana.finish("m2", ben, "left"), match.Finished{Status: match.StatusOther})
			s.is(ana.finish("m1", cem, "completed"), match.Finished{Status: match.StatusAlreadyEnded, Reason: "left"})
		}},
		{"a finish of a matcher who has disconnected names no connection", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.leave()
			s.is(ana.finish("m1", ben, "left"), match.Finished{Status: match.StatusEnded, Reason: "left", RequestID: "r1"})
		}},
		{"an end stays in the routing table for a minute", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben, openFor(time.Second))
			s.advance(time.Hour)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.advance(time.Minute - time.Millisecond)
			same(s, ana.snapshot().Route.State, match.Ended)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "left"})
			s.advance(time.Millisecond)
			same(s, ana.snapshot().Route, nil)
			same(s, s.stored("route", "ana"), map[string]string{})
			same(s, ana.read().NoMatch, nil)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
			s.is(ana.finish("m1", ben, "left"), match.Finished{Status: match.StatusOther})
		}},
		{"the ids of a match get its end as their outcome", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r0", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.begin("r2", "m2"), match.StatusActive)
			s.advance(5 * time.Minute)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.advance(10*time.Minute - time.Millisecond)
			s.repeats(ana.begin("r1", "m3", around(0)), match.Outcome{ID: "r1", Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			s.repeats(ana.begin("r2", "m3", around(0)), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "left"})
			s.says(ana.begin("r0", "m3", around(0)), match.StatusOK) // more than ten minutes ago
		}},
		{"an end leaves the outcome of other ids", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r0", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.repeats(ana.begin("r0", "m3"), match.Outcome{ID: "r0", Kind: "cancelled", Radius: 3000})
		}},
		{"a release undoes a claim, and lists the member anew; nothing of it is remembered", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.advance(time.Second)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				Changes: []match.Change{ben.list(s.now)}})
			same(s, ben.snapshot().Claim, nil)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			s.is(ben.snapshot(), match.Snapshot{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position})
		}},
		{"a release of a confirmed claim is an end, which is remembered", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.advance(time.Second)
			want := match.Released{Status: match.StatusReleased, Reason: "left", Confirmed: true, Connection: ben.Connection,
				Changes: []match.Change{ben.list(s.now)}}
			s.is(ana.release("m1", ben, "left"), want)
			same(s, ben.snapshot().Claim, nil)
			want.Status, want.Changes = match.StatusAlreadyEnded, []match.Change{ben.list(s.now + 1)}
			s.is(ana.release("m1", ben, "lost"), want)
			same(s, len(ben.snapshot().Ends), 1)
			s.advance(time.Minute - time.Millisecond)
			s.says(ana.release("m1", ben, "lost"), match.StatusAlreadyEnded)
			s.advance(time.Millisecond)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
		}},
		{"a release of another claim releases nothing", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.release("m2", ben, "lost"), match.Released{Status: match.StatusOther})
			s.is(cem.release("m1", ben, "lost"), match.Released{Status: match.StatusOther})
			same(s, ben.snapshot().Claim.Match, "m1")
		}},
		{"a release leaves the claim that another matcher has made since", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.release("m1", ben, "left"), match.StatusReleased)
			s.says(cem.claim("m2", ben), match.StatusYours)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusAlreadyEnded, Reason: "left", Confirmed: true,
				Connection: ben.Connection})
			same(s, ben.snapshot().Claim.Match, "m2")
		}},
		{"a release of a claim that was made again after the end has its own reason", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.release("m1", ben, "left"), match.StatusReleased)
			s.says(ana.claim("m1", ben), match.StatusYours) // comes late
			released := ana.release("m1", ben, "lost")
			s.says(released, match.StatusReleased)
			same(s, released.Reason, "lost")
			same(s, released.Confirmed, false)
		}},
		{"a release says that the matchee's own request waits", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r7")
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.release("m1", ben, "lost"), match.Released{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				Waits: true, Changes: []match.Change{ben.list(s.now + 2)}})
			s.says(ben.lease("m2"), match.StatusOK)
		}},
		{"a release names the first id of the matchee's own request that led to the match", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r0")
			s.says(ben.cancel(), match.StatusCancelled)
			s.advance(time.Millisecond)
			ben.await("r7")
			s.says(ben.begin("r8", "m0"), match.StatusWaiting)
			ana.matchWith("r1", "m1", ben)
			same(s, ana.release("m1", ben, "left").RequestID, "r7")
			same(s, ana.release("m1", ben, "left").RequestID, "r7")
			for _, id := range []string{"r7", "r8"} {
				s.repeats(ben.begin(id, "m2"), match.Outcome{ID: id, Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			}
		}},
		{"a release of a matchee who has disconnected names no connection, and lists nobody", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ben.leave()
			s.is(ana.release("m1", ben, "left"), match.Released{Status: match.StatusReleased, Reason: "left", Confirmed: true})
		}},
	}
}
