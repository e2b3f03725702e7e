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
		{"a reading of a member whom the cache does not know is empty", func(s *fixture) {
			s.is(s.newMember("ana").snapshot(), match.Snapshot{Status: match.StatusOK})
		}},
		{"a reading says where a member is, its card and its connection", func(s *fixture) {
			ana := s.newMember("ana")
			ana.Card = json.RawMessage(`"Ana"`)
			s.says(ana.connect(), match.StatusOK)
			accuracy, heading, speed := 5.5, 0.0, 13.25
			ana.moveTo(0, func(r *match.Report) { r.Accuracy, r.Heading, r.Speed = &accuracy, &heading, &speed })
			want := match.Snapshot{Status: match.StatusOK, Connection: ana.Connection, Card: `"Ana"`, Available: "1", Position: &ana.Position}
			s.is(ana.read(), want)
			s.is(ana.snapshot(), want)
			ana.moveTo(1)
			same(s, *ana.snapshot().Position, match.Position{Point: north(1), At: s.now, Seq: ana.Seq})
		}},
		{"a reading shows a claim, and whether it is confirmed", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			ana.commitWith("", "m1", ben)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.advance(time.Second)
			s.is(ben.snapshot(), match.Snapshot{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position,
				Claim: &claim})
			s.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			same(s, *ben.snapshot().Claim, claim)
		}},
		{"a reading shows the routing-table entry in each state", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			s.says(ana.begin("r1", "m0", wanting("van", "xl")), match.StatusOK)
			want := match.Route{State: match.Searching, Match: "m0", Matchee: match.Member{Pool: s.pool}, Request: ana.asked}
			same(s, *ana.snapshot().Route, want)
			s.says(ana.giveUp("m0", true), match.StatusWaiting)
			want.State, want.Match = match.Waiting, ""
			same(s, *ana.snapshot().Route, want)
			s.says(ana.lease("m1"), match.StatusOK)
			want.State, want.Match = match.Searching, "m1"
			same(s, *ana.snapshot().Route, want)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			want.State, want.Matchee = match.Active, ben.Member
			same(s, *ana.snapshot().Route, want)
			ana.notified("m1", match.Active)
			want.Notified = true
			same(s, *ana.snapshot().Route, want)
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			want.State, want.Notified, want.Reason = match.Ended, false, "completed"
			same(s, *ana.snapshot().Route, want)
		}},
		{"a reading shows the last four matches that ended, a matchee's with their matcher", func(s *fixture) {
			ana, ben := s.listed("ana", 0), s.listed("ben", 10)
			var his, hers []match.End
			for n := range 5 {
				search := fmt.Sprint("m", n)
				ana.matchWith("", search, ben)
				s.says(ana.finish(search, ben, "completed"), match.StatusEnded)
				s.says(ana.release(search, ben, "left"), match.StatusReleased)
				ana.notified(search, match.Ended)
				hers = append(hers, match.End{Match: search, Reason: "completed", Matcher: match.Member{Pool: s.pool}, At: s.now})
				his = append(his, match.End{Match: search, Reason: "left", Matcher: ana.Member, At: s.now})
				s.advance(time.Second)
			}
			same(s, ana.snapshot().Ends, hers[1:])
			same(s, ben.snapshot().Ends, his[1:])
		}},
		{"only a reading by the member itself takes the pending no_match, once", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.advance(time.Minute)
			same(s, ana.snapshot().NoMatch, nil)
			same(s, ana.read().NoMatch, &match.NoMatch{ID: "r1", Radius: 3000})
			same(s, ana.read().NoMatch, nil)
		}},
		{"a reading by the member itself is a sign of life, a reading by another is none", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			s.advance(time.Minute - time.Millisecond)
			ana.read()
			s.advance(time.Minute - time.Millisecond)
			ana.snapshot()
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.giveUp("m1", true), match.StatusWaiting)
			s.advance(time.Millisecond)
			s.says(ana.lease("m2"), match.StatusSilent)
		}},
		{"a reading lists the member anew where that is asked", func(s *fixture) {
			ana := s.listed("ana", 0)
			nextSession := func() []match.Change {
				answer, err := s.store.Read(s.t.Context(), ana.Member, &ana.Session, true)
				s.must(err)
				return answer.Changes
			}
			same(s, ana.read().Changes, nil)
			same(s, nextSession(), []match.Change{ana.list(s.now + 1)})
			ben := s.listed("ben", 10)
			ana.matchWith("", "m1", ben)
			same(s, nextSession(), nil) // it is matched
		}},
		{"a reading of a member who has disconnected names no connection", func(s *fixture) {
			ana := s.connected("ana")
			ana.leave()
			s.is(ana.snapshot(), match.Snapshot{Status: match.StatusOK, Available: "1"})
		}},
	}
}
