package store_test

import (
	"time"

	"waggle/internal/match"
)

// ends: how a match ends on either side, and how long that is remembered.
func ends() []scenario {
	return []scenario{
		{"a finish ends the match, and lists the matcher again", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.pass(time.Second)
			want := match.Answer{Status: match.StatusEnded, Reason: "left", Connection: ana.Connection, Request: &ana.asked,
				Changes: []match.Change{ana.list(s.now)}}
			s.is(ana.finish("m1", ben, "left"), want)
			want.Changes = []match.Change{ana.list(s.now + 1)}
			s.is(ana.finish("m1", ben, "completed"), want) // the reason stays
			same(s, *ana.seen().Route, match.Route{State: match.Ended, Match: "m1", Matchee: ben.Member, Reason: "left", Request: ana.asked})
		}},
		{"a finish of a match that was told ends it alike", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			ana.told("m1", match.Active)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			same(s, ana.seen().Route.Told, false)
		}},
		{"a finish that is repeated when both are free says why it ended", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			ana.told("m1", match.Ended)
			s.is(ana.finish("m1", ben, "completed"), match.Answer{Status: match.StatusPast, Reason: "left"})
			same(s, len(ana.seen().Past), 1)
		}},
		{"a finish of anything else ends nothing", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			other := match.Answer{Status: match.StatusOther}
			s.is(ana.finish("m1", ben, "left"), other)
			s.says(ana.begin("r1", "m1"), match.StatusOK)
			s.is(ana.finish("m1", ben, "left"), other)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.says(ana.commit("m1", ben), match.StatusYours)
			s.is(ana.finish("m2", ben, "left"), other)
			s.is(ana.finish("m1", cem, "left"), other)
			same(s, ana.seen().Route.State, match.Active)
		}},
		{"a finish of anything else is not taken for a repeat", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.is(ana.finish("m2", ben, "left"), match.Answer{Status: match.StatusOther})
			s.is(ana.finish("m1", cem, "completed"), match.Answer{Status: match.StatusPast, Reason: "left"})
		}},
		{"a finish of a matcher who has gone names no connection", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			ana.leave()
			s.is(ana.finish("m1", ben, "left"), match.Answer{Status: match.StatusEnded, Reason: "left", Request: &ana.asked})
		}},
		{"an end stays in the routing table for a minute", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben, within(time.Second))
			s.pass(time.Hour)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.pass(time.Minute - time.Millisecond)
			same(s, ana.seen().Route.State, match.Ended)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusPast, Reason: "left"})
			s.pass(time.Millisecond)
			same(s, ana.seen().Route, nil)
			same(s, s.stored("route", "ana"), map[string]string{})
			same(s, ana.read().Due, nil)
			s.is(ana.watch("m1", ben), match.Answer{Status: match.StatusOther})
			s.is(ana.finish("m1", ben, "left"), match.Answer{Status: match.StatusOther})
		}},
		{"the ids that asked for a match are answered with its end", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r0", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.meets("r1", "m1", ben)
			s.says(ana.begin("r2", "m2"), match.StatusActive)
			s.pass(5 * time.Minute)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.pass(10*time.Minute - time.Millisecond)
			s.repeats(ana.begin("r1", "m3", around(0)), match.Outcome{ID: "r1", Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			s.repeats(ana.begin("r2", "m3", around(0)), match.Outcome{ID: "r2", Kind: "ended", Match: "m1", Reason: "left"})
			s.says(ana.begin("r0", "m3", around(0)), match.StatusOK) // more than ten minutes ago
		}},
		{"an end leaves the outcome of other ids", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.begin("r0", "m0"), match.StatusOK)
			s.says(ana.cancel(), match.StatusCancelled)
			ana.meets("r1", "m1", ben)
			s.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			s.repeats(ana.begin("r0", "m3"), match.Outcome{ID: "r0", Kind: "cancelled", Radius: 3000})
		}},
		{"a release undoes a claim, and lists the member again; nothing of it is remembered", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.pass(time.Second)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				Changes: []match.Change{ben.list(s.now)}})
			same(s, ben.seen().Claim, nil)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusOther})
			s.is(ben.seen(), match.Answer{Status: match.StatusOK, Connection: ben.Connection, Available: "1", Position: &ben.Position})
		}},
		{"a release of a confirmed claim is an end, which is remembered", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.pass(time.Second)
			want := match.Answer{Status: match.StatusReleased, Reason: "left", Confirmed: true, Connection: ben.Connection,
				Changes: []match.Change{ben.list(s.now)}}
			s.is(ana.release("m1", ben, "left"), want)
			same(s, ben.seen().Claim, nil)
			want.Status, want.Changes = match.StatusPast, []match.Change{ben.list(s.now + 1)}
			s.is(ana.release("m1", ben, "lost"), want)
			same(s, len(ben.seen().Past), 1)
			s.pass(time.Minute - time.Millisecond)
			s.says(ana.release("m1", ben, "lost"), match.StatusPast)
			s.pass(time.Millisecond)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusOther})
		}},
		{"a release of anything else releases nothing", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusOther})
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.release("m2", ben, "lost"), match.Answer{Status: match.StatusOther})
			s.is(cem.release("m1", ben, "lost"), match.Answer{Status: match.StatusOther})
			same(s, ben.seen().Claim.Match, "m1")
		}},
		{"a release of who has been claimed by another since leaves that", func(s *scene) {
			ana, ben, cem := s.stand("ana", 0), s.stand("ben", 10), s.stand("cem", 20)
			ana.meets("r1", "m1", ben)
			s.says(ana.release("m1", ben, "left"), match.StatusReleased)
			s.says(cem.claim("m2", ben), match.StatusYours)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusPast, Reason: "left", Confirmed: true,
				Connection: ben.Connection})
			same(s, ben.seen().Claim.Match, "m2")
		}},
		{"a release of what was claimed again after its end has its own reason", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			s.says(ana.release("m1", ben, "left"), match.StatusReleased)
			s.says(ana.claim("m1", ben), match.StatusYours) // comes late
			released := ana.release("m1", ben, "lost")
			s.says(released, match.StatusReleased)
			same(s, released.Reason, "lost")
			same(s, released.Confirmed, false)
		}},
		{"a release gives the matchee's own request back", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r7")
			s.says(ana.claim("m1", ben), match.StatusYours)
			s.is(ana.release("m1", ben, "lost"), match.Answer{Status: match.StatusReleased, Reason: "lost", Connection: ben.Connection,
				State: match.Waiting, Route: &match.Route{State: match.Waiting, Matchee: match.Member{Pool: s.pool}, Reason: "lost"},
				Changes: []match.Change{ben.list(s.now + 2)}})
			s.says(ben.lease("m2"), match.StatusOK)
		}},
		{"a release names the first id of the matchee's own request that the match had answered", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ben.await("r0")
			s.says(ben.cancel(), match.StatusCancelled)
			s.pass(time.Millisecond)
			ben.await("r7")
			s.says(ben.begin("r8", "m0"), match.StatusWaiting)
			ana.meets("r1", "m1", ben)
			same(s, ana.release("m1", ben, "left").Request, &match.Request{ID: "r7", Tags: []string{}})
			same(s, ana.release("m1", ben, "left").Request, &match.Request{ID: "r7", Tags: []string{}})
			for _, id := range []string{"r7", "r8"} {
				s.repeats(ben.begin(id, "m2"), match.Outcome{ID: id, Kind: "ended", Match: "m1", Reason: "left", Radius: 3000})
			}
		}},
		{"a release of who has gone names no connection, and lists nobody", func(s *scene) {
			ana, ben := s.stand("ana", 0), s.stand("ben", 10)
			ana.meets("r1", "m1", ben)
			ben.leave()
			s.is(ana.release("m1", ben, "left"), match.Answer{Status: match.StatusReleased, Reason: "left", Confirmed: true})
		}},
	}
}
