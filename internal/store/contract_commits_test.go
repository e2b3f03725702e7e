package store_test

import (
	"encoding/json"
	"time"

	"waggle/internal/match"
)

// commits: how a claim becomes a match, and who is noted as notified of it.
func commits() []testCase {
	return []testCase{
		{"a commit makes the search a match, and takes the matcher out of the index", func(s *fixture) {
			ana, ben := s.newMember("ana"), s.listed("ben", 10)
			ana.Card = json.RawMessage(`"Ana"`)
			s.says(ana.connect(), match.StatusOK)
			ana.moveTo(0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.commit("m1", ben), match.Committed{Status: match.StatusYours, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked, Changes: []match.Change{unlist(0, s.now)}})
			s.is(ana.commit("m1", ben), match.Committed{Status: match.StatusYours, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked})
			same(s, *ana.snapshot().Route, match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked})
		}},
		{"a commit is refused where there is no such search", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			ana.await("r1")
			s.is(ana.commit("search-of-r1", ben), match.Committed{Status: match.StatusRefused})
			s.says(ana.lease("m1"), match.StatusOK)
			s.is(ana.commit("m2", ben), match.Committed{Status: match.StatusRefused})
			same(s, ana.snapshot().Route.State, match.Searching)
		}},
		{"a commit is refused where another one was made", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ana.commitWith("r1", "m1", ben)
			s.is(ana.commit("m1", cem), match.Committed{Status: match.StatusRefused})
			s.is(ana.commit("m2", ben), match.Committed{Status: match.StatusRefused})
			same(s, ana.snapshot().Route.Matchee, ben.Member)
		}},
		{"a commit is refused once the search has lapsed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.advance(15*time.Second - time.Millisecond)
			later := s.listed("cem", 20)
			s.says(later.begin("r1", "m2"), match.StatusOK)
			s.says(later.claim("m2", ben), match.StatusClaimed)
			s.advance(time.Millisecond)
			s.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			same(s, ana.snapshot().Route.State, match.Waiting)
			s.advance(15*time.Second - 2*time.Millisecond)
			s.says(later.commit("m2", ben), match.StatusYours) // in its last ms
		}},
		{"a match does not lapse, and a commit that is repeated has the same result", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.commitWith("r1", "m1", ben)
			s.advance(time.Hour)
			same(s, ana.snapshot().Route.State, match.Active)
			s.says(ana.commit("m1", ben), match.StatusYours)
		}},
		{"a commit that is repeated after the end is refused", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			same(s, ana.snapshot().Route.State, match.Ended)
		}},
		{"a commit of a matcher who has disconnected names no connection", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			same(s, ana.commit("m1", ben).Connection, "")
		}},
		{"a commit that comes after both were notified leaves that noted", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.notified("m1", match.Active)
			s.says(ana.commit("m1", ben), match.StatusYours)
			same(s, ana.snapshot().Route.Notified, true)
		}},
		{"every id of the request gets the match as its outcome, and no earlier id does", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r0", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.begin("r2", "m2"), match.StatusSearching)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			for _, want := range []match.Outcome{{ID: "r0", Kind: "cancelled", Radius: 3000},
				{ID: "r1", Kind: "matched", Match: "m1", Radius: 3000}, {ID: "r2", Kind: "matched", Match: "m1", Radius: 3000}} {
				s.repeats(ana.begin(want.ID, "m3"), want)
			}
		}},
		{"a confirm makes the claim final, and takes the matchee out of the index", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.newMember("ben")
			ben.Card = json.RawMessage(`"Ben"`)
			s.says(ben.connect(), match.StatusOK)
			ben.moveTo(10)
			ana.commitWith("r1", "m1", ben)
			want := match.Confirmed{Status: match.StatusYours, Connection: ben.Connection, Card: `"Ben"`, Position: &ben.Position,
				Changes: []match.Change{unlist(10, s.now)}}
			s.is(ana.confirm("m1", ben), want)
			want.Changes = nil
			s.is(ana.confirm("m1", ben), want)
			same(s, ben.snapshot().Claim.Confirmed, true)
		}},
		{"a confirm is refused where there is no such claim", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			s.is(ana.confirm("m1", ben), match.Confirmed{Status: match.StatusRefused})
			ana.commitWith("r1", "m1", ben)
			s.is(ana.confirm("m2", ben), match.Confirmed{Status: match.StatusRefused})
			s.is(cem.confirm("m1", ben), match.Confirmed{Status: match.StatusRefused})
			same(s, ben.snapshot().Claim.Confirmed, false)
		}},
		{"a confirm answers the matchee's own waiting request", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ben.await("r7", wanting("van"))
			ana.commitWith("r1", "m1", ben)
			same(s, *ana.confirm("m1", ben).Request, ben.asked)
			same(s, ben.snapshot().Route, nil)
			same(s, *ana.confirm("m1", ben).Request, match.Request{ID: "r7", Tags: []string{}})
			s.repeats(ben.begin("r7", "m2"), match.Outcome{ID: "r7", Kind: "matched", Match: "m1", Radius: 3000})
		}},
		{"a confirm leaves the end of the matchee's own last match", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			ben.matchWith("", "m0", cem)
			s.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			ana.commitWith("r1", "m1", ben)
			same(s, ana.confirm("m1", ben).Request, nil)
			same(s, ben.snapshot().Route.State, match.Ended)
		}},
		{"a confirm of a matchee who has disconnected names no connection", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.commitWith("r1", "m1", ben)
			ben.leave()
			same(s, ana.confirm("m1", ben).Connection, "")
		}},
		{"a watch tells whether this match with this matchee is active", func(s *fixture) {
			ana, ben, cem := s.listed("ana", 0), s.listed("ben", 10), s.listed("cem", 20)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusSearching})
			s.is(ana.watch("m2", ben), match.WatchedRoute{Status: match.StatusOther})
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			want := match.WatchedRoute{Status: match.StatusActive, Connection: ana.Connection}
			s.is(ana.watch("m1", ben), want)
			s.is(ana.watch("m2", ben), match.WatchedRoute{Status: match.StatusOther})
			s.is(ana.watch("m1", cem), match.WatchedRoute{Status: match.StatusOther})
			ana.notified("m1", match.Active)
			want.Notified = true
			s.is(ana.watch("m1", ben), want)
			ana.leave()
			same(s, ana.watch("m1", ben).Connection, "")
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "left"})
		}},
		{"a request that waits again is not watched", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.giveUp("m1", true), match.StatusWaiting)
			s.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
		}},
		{"that both were notified is noted of that match in that state only", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.notified("m1", match.Active) // there is nothing
			ana.matchWith("r1", "m1", ben)
			notified := func() bool { return ana.snapshot().Route.Notified }
			ana.notified("m2", match.Active)
			same(s, notified(), false)
			ana.notified("m1", match.Ended)
			same(s, notified(), false)
			ana.notified("m1", match.Active)
			same(s, notified(), true)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			same(s, notified(), false)
			ana.notified("m1", match.Active) // comes late
			same(s, notified(), false)
			ana.notified("m1", match.Ended)
			same(s, notified(), true)
		}},
	}
}
