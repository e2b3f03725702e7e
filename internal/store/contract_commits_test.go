package store_test

import (
	"encoding/json"
	"time"

	"waggle/internal/match"
)

// commits: how a claim becomes a match, and what is told of it.
func commits() []scenario {
	return []scenario{
		{"a commit makes the search a match, and takes the matcher out of the index", func(s *scene) {
			ana, ben := s.newcomer("ana"), s.stand("ben", 10)
			ana.Card = json.RawMessage(`"Ana"`)
			s.says(ana.connect(), match.StatusOK)
			ana.at(0)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.commit("m1", ben), match.Answer{Status: match.StatusYours, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked, Changes: []match.Change{unlist(0, s.now)}})
			s.is(ana.commit("m1", ben), match.Answer{Status: match.StatusYours, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked})
			same(s, *ana.seen().Route, match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked})
		}},
		{"a commit is refused where there is no such search", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.is(ana.commit("m1", ben), match.Answer{Status: match.StatusRefused})
			ana.await("r1")
			s.is(ana.commit("search-of-r1", ben), match.Answer{Status: match.StatusRefused})
			s.says(ana.lease("m1"), match.StatusOK)
			s.is(ana.commit("m2", ben), match.Answer{Status: match.StatusRefused})
			same(s, ana.seen().Route.State, match.Searching)
		}},
		{"a commit is refused where another was made", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ana.commits("r1", "m1", ben)
			s.is(ana.commit("m1", cem), match.Answer{Status: match.StatusRefused})
			s.is(ana.commit("m2", ben), match.Answer{Status: match.StatusRefused})
			same(s, ana.seen().Route.Matchee, ben.Member)
		}},
		{"a commit is refused once the search has lapsed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.pass(15*time.Second - time.Millisecond)
			later := s.stand("cem", 20)
			s.says(later.begin("r1", "m2"), match.StatusOK)
			s.says(later.claim("m2", ben), match.StatusClaimed)
			s.pass(time.Millisecond)
			s.is(ana.commit("m1", ben), match.Answer{Status: match.StatusRefused})
			same(s, ana.seen().Route.State, match.Waiting)
			s.pass(15*time.Second - 2*time.Millisecond)
			s.says(later.commit("m2", ben), match.StatusYours) // in its last ms
		}},
		{"a match does not lapse, and a commit that is repeated is answered alike", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.commits("r1", "m1", ben)
			s.pass(time.Hour)
			same(s, ana.seen().Route.State, match.Active)
			s.says(ana.commit("m1", ben), match.StatusYours)
		}},
		{"a commit that is repeated after the end is refused", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			s.is(ana.commit("m1", ben), match.Answer{Status: match.StatusRefused})
			same(s, ana.seen().Route.State, match.Ended)
		}},
		{"a commit of a matcher who has gone names no connection", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			same(s, ana.commit("m1", ben).Connection, "")
		}},
		{"a commit that comes after both were told leaves that noted", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			ana.told("m1", match.Active)
			s.says(ana.commit("m1", ben), match.StatusYours)
			same(s, ana.seen().Route.Told, true)
		}},
		{"every id that asked for the request is answered by the match, and no earlier one", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
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
		{"a confirm makes the claim final, and takes the matchee out of the index", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.newcomer("ben")
			ben.Card = json.RawMessage(`"Ben"`)
			s.says(ben.connect(), match.StatusOK)
			ben.at(10)
			ana.commits("r1", "m1", ben)
			want := match.Answer{Status: match.StatusYours, Connection: ben.Connection, Card: `"Ben"`, Position: &ben.Position,
				Changes: []match.Change{unlist(10, s.now)}}
			s.is(ana.confirm("m1", ben), want)
			want.Changes = nil
			s.is(ana.confirm("m1", ben), want)
			same(s, ben.seen().Claim.Confirmed, true)
		}},
		{"a confirm is refused where there is no such claim", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			s.is(ana.confirm("m1", ben), match.Answer{Status: match.StatusRefused})
			ana.commits("r1", "m1", ben)
			s.is(ana.confirm("m2", ben), match.Answer{Status: match.StatusRefused})
			s.is(cem.confirm("m1", ben), match.Answer{Status: match.StatusRefused})
			same(s, ben.seen().Claim.Confirmed, false)
		}},
		{"a confirm answers the matchee's own waiting request", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r7", wanting("van"))
			ana.commits("r1", "m1", ben)
			same(s, *ana.confirm("m1", ben).Request, ben.asked)
			same(s, ben.seen().Route, nil)
			same(s, *ana.confirm("m1", ben).Request, match.Request{ID: "r7", Tags: []string{}})
			s.repeats(ben.begin("r7", "m2"), match.Outcome{ID: "r7", Kind: "matched", Match: "m1", Radius: 3000})
		}},
		{"a confirm leaves the end of the matchee's own last match", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ben.meets("", "m0", cem)
			s.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			ana.commits("r1", "m1", ben)
			same(s, ana.confirm("m1", ben).Request, nil)
			same(s, ben.seen().Route.State, match.Ended)
		}},
		{"a confirm of a matchee who has gone names no connection", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.commits("r1", "m1", ben)
			ben.leave()
			same(s, ana.confirm("m1", ben).Connection, "")
		}},
		{"a watch tells whether this match with this matchee is on", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusOther})
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusSearching})
			s.is(ana.watch("m2", ben), match.Answer{Status: match.StatusOther})
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			want := match.Answer{Status: match.StatusActive, Connection: ana.Connection, Request: &ana.asked}
			s.is(ana.watch("m1", ben), want)
			s.is(ana.watch("m2", ben), match.Answer{Status: match.StatusOther})
			s.is(ana.watch("m1", cem), match.Answer{Status: match.StatusOther})
			ana.told("m1", match.Active)
			want.Told = true
			s.is(ana.watch("m1", ben), want)
			ana.leave()
			same(s, ana.watch("m1", ben).Connection, "")
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusPast, Reason: "left"})
		}},
		{"a search that waits again is not watched", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.says(ana.fall("m1", true), match.StatusWaiting)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusOther})
		}},
		{"who was told is noted of that match in that state alone", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.told("m1", match.Active) // there is nothing
			ana.meets("r1", "m1", ben)
			told := func() bool { return ana.seen().Route.Told }
			ana.told("m2", match.Active)
			same(s, told(), false)
			ana.told("m1", match.Ended)
			same(s, told(), false)
			ana.told("m1", match.Active)
			same(s, told(), true)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			same(s, told(), false)
			ana.told("m1", match.Active) // comes late
			same(s, told(), false)
			ana.told("m1", match.Ended)
			same(s, told(), true)
		}},
	}
}
