package store_test

import (
	"encoding/json"
	"fmt"
	"time"

	"waggle/internal/match"
)

// standings: what is read of a member.
func standings() []scenario {
	return []scenario{
		{"of a stranger nothing is known", func(s *scene) {
			s.is(s.newcomer("ana").seen(), match.Answer{Status: match.StatusOK})
		}},
		{"a reading says where a member is, its card and its connection", func(s *scene) {
			ana := s.newcomer("ana")
			ana.Card = json.RawMessage(`"Ana"`)
			s.says(ana.connect(), match.StatusOK)
			accuracy, heading, speed := 5.5, 0.0, 13.25
			ana.at(0, func(r *match.Report) { r.Accuracy, r.Heading, r.Speed = &accuracy, &heading, &speed })
			want := match.Answer{Status: match.StatusOK, Connection: ana.Connection, Card: `"Ana"`, Available: "1", Position: &ana.Position}
			s.is(ana.read(), want)
			s.is(ana.seen(), want)
			ana.at(1)
			same(s, *ana.seen().Position, match.Position{Point: north(1), At: s.now, Seq: ana.Seq})
		}},
		{"a reading shows a claim, and whether it is confirmed", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.commits("", "m1", ben)
			claim := match.Claim{Matcher: ana.Member, Match: "m1", At: s.now}
			s.pass(time.Second)
			s.is(ben.seen(), match.Answer{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position,
				Claim: &claim})
			s.says(ana.confirm("m1", ben), match.StatusYours)
			claim.Confirmed = true
			same(s, *ben.seen().Claim, claim)
		}},
		{"a reading shows the routing-table entry in each state", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r1", "m0", wanting("van", "xl")), match.StatusOK)
			want := match.Route{State: match.Searching, Match: "m0", Matchee: match.Member{Pool: s.pool}, Request: ana.asked}
			same(s, *ana.seen().Route, want)
			s.says(ana.fall("m0", true), match.StatusWaiting)
			want.State, want.Match = match.Waiting, ""
			same(s, *ana.seen().Route, want)
			s.says(ana.lease("m1"), match.StatusOK)
			want.State, want.Match = match.Searching, "m1"
			same(s, *ana.seen().Route, want)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			want.State, want.Matchee = match.Active, ben.Member
			same(s, *ana.seen().Route, want)
			ana.told("m1", match.Active)
			want.Told = true
			same(s, *ana.seen().Route, want)
			s.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			want.State, want.Told, want.Reason = match.Ended, false, "completed"
			same(s, *ana.seen().Route, want)
		}},
		{"a reading shows the last four matches that ended, a matchee's with their matcher", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			var his, hers []match.Past
			for n := range 5 {
				search := fmt.Sprint("m", n)
				ana.meets("", search, ben)
				s.says(ana.finish(search, ben, "completed"), match.StatusEnded)
				s.says(ana.release(search, ben, "left"), match.StatusReleased)
				ana.told(search, match.Ended)
				hers = append(hers, match.Past{Match: search, Reason: "completed", Matcher: match.Member{Pool: s.pool}, At: s.now})
				his = append(his, match.Past{Match: search, Reason: "left", Matcher: ana.Member, At: s.now})
				s.pass(time.Second)
			}
			same(s, ana.seen().Past, hers[1:])
			same(s, ben.seen().Past, his[1:])
		}},
		{"only the own reading takes the no_match that is due, and once", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.pass(time.Minute)
			same(s, ana.seen().Due, nil)
			same(s, ana.read().Due, &match.Due{ID: "r1", Radius: 3000})
			same(s, ana.read().Due, nil)
		}},
		{"the own reading is a sign of life, another's is none", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1", within(10*time.Minute))
			s.pass(time.Minute - time.Millisecond)
			ana.read()
			s.pass(time.Minute - time.Millisecond)
			ana.seen()
			s.says(ana.lease("m1"), match.StatusOK)
			s.says(ana.fall("m1", true), match.StatusWaiting)
			s.pass(time.Millisecond)
			s.says(ana.lease("m2"), match.StatusSilent)
		}},
		{"a reading lists again where that is asked", func(s *scene) {
			ana := s.stand("ana", 0)
			again := func() []match.Change {
				answer, err := s.store.Read(s.t.Context(), ana.Member, &ana.Session, true)
				s.must(err)
				return answer.Changes
			}
			same(s, ana.read().Changes, nil)
			same(s, again(), []match.Change{ana.list(s.now + 1)})
			ben := s.stand("ben", 10)
			ana.meets("", "m1", ben)
			same(s, again(), nil) // it is matched
		}},
		{"a reading of who has disconnected names no connection", func(s *scene) {
			ana := s.join("ana")
			ana.leave()
			s.is(ana.seen(), match.Answer{Status: match.StatusOK, Available: "1"})
		}},
	}
}
