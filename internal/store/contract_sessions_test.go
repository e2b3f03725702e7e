package store_test

import (
	"encoding/json"
	"time"

	"waggle/internal/match"
)

// sessions: whose connection is the current one, and what a new one starts with.
func sessions() []scenario {
	return append(refusals(), []scenario{
		{"the first connection replaces nothing", func(s *scene) {
			s.is(s.newcomer("ana").connect(), match.Answer{Status: match.StatusOK})
		}},
		{"a newer connection replaces the older", func(s *scene) {
			ana := s.join("ana")
			newer := ana.again()
			s.is(newer.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection})
			same(s, newer.seen().Connection, newer.Connection)
		}},
		{"an older connection that comes late is refused", func(s *scene) {
			late := s.newcomer("ana")
			ana := late.again()
			s.says(ana.connect(), match.StatusOK)
			before := ana.seen()
			s.is(late.connect(), match.Answer{Status: match.StatusReplaced})
			same(s, ana.seen(), before)
		}},
		{"of two connections at one moment the larger id wins, if it comes second", func(s *scene) {
			ana := s.join("ana")
			larger := ana.again()
			larger.ConnectedAt = ana.ConnectedAt
			s.is(larger.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"of two connections at one moment the larger id wins, if it comes first", func(s *scene) {
			smaller := s.newcomer("ana")
			ana := smaller.again()
			ana.ConnectedAt = smaller.ConnectedAt
			s.says(ana.connect(), match.StatusOK)
			s.is(smaller.connect(), match.Answer{Status: match.StatusReplaced})
		}},
		{"a newer connection of a smaller id wins", func(s *scene) {
			ana := s.newcomer("ana")
			ana.Connection = "z"
			s.says(ana.connect(), match.StatusOK)
			newer := ana.again()
			newer.Connection = "a"
			s.is(newer.connect(), match.Answer{Status: match.StatusOK, Old: "z"})
		}},
		{"a connect that is repeated changes nothing", func(s *scene) {
			ana := s.stand("ana", 0, available(false), tagged("van"))
			before := ana.seen()
			s.is(ana.connect(), match.Answer{Status: match.StatusOK})
			same(s, ana.seen(), before)
		}},
		{"a connection that has disconnected does not come back", func(s *scene) {
			ana := s.join("ana")
			ana.leave()
			s.is(ana.connect(), match.Answer{Status: match.StatusGone})
			same(s, ana.seen().Connection, "")
		}},
		{"after one that has disconnected a new connection replaces nothing, and is listed", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.leave()
			next := ana.again()
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Changes: []match.Change{next.list(s.now + 1)}})
			same(s, next.seen().Connection, next.Connection)
		}},
		{"where consent is implied each session starts available", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.at(0, available(false))
			same(s, ana.seen().Available, "0")
			next := ana.again()
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
			same(s, next.seen().Available, "1")
		}},
		{"where consent is required no session starts available", func(s *scene) {
			s.rules(`"consent":"required"`)
			ana := s.join("ana")
			same(s, ana.seen().Available, "0")
			answer, _ := ana.report(0)
			same(s, answer.Changes, nil)
			ana.at(0, available(true))
			same(s, ana.seen().Available, "1")
			next := ana.again()
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection, Changes: []match.Change{unlist(0, s.now)}})
			same(s, next.seen().Available, "0")
		}},
		{"a session without the role matchee is not listed", func(s *scene) {
			ana := s.stand("ana", 0)
			next := ana.again()
			next.Matchee = false
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection, Changes: []match.Change{unlist(0, s.now)}})
			answer, _ := next.report(0)
			same(s, answer.Changes, nil)
			same(s, answer.Listed, false)
			s.says(s.join("ben").claim("m1", next), match.StatusUnavailable)
		}},
		{"the card is that of the newest session", func(s *scene) {
			ana := s.newcomer("ana")
			ana.Card = json.RawMessage(`{"car":"blue"}`)
			s.says(ana.connect(), match.StatusOK)
			same(s, ana.seen().Card, `{"car":"blue"}`)
			next := ana.again()
			next.Card = nil
			s.says(next.connect(), match.StatusOK)
			same(s, next.seen().Card, "")
		}},
		{"a token's tags narrow those said before, and the listing with them", func(s *scene) {
			ana := s.stand("ana", 0, tagged("xl", "van", "red"))
			next := ana.again()
			next.Restricted, next.Tags, next.tags = true, []string{"bike", "red", "van"}, "van red"
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
		}},
		{"a token's tags stand where nothing said before is left", func(s *scene) {
			ana := s.stand("ana", 0, tagged("xl"))
			next := ana.again()
			next.Restricted, next.Tags, next.tags = true, []string{"bike", "van"}, "bike van"
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
		}},
		{"a token's tags stand where nothing was said", func(s *scene) {
			ana := s.newcomer("ana")
			ana.Restricted, ana.Tags, ana.tags = true, []string{"van"}, "van"
			s.says(ana.connect(), match.StatusOK)
			answer, _ := ana.report(0)
			same(s, answer.Changes, []match.Change{ana.list(s.now)})
		}},
		{"a token that restricts to what was said changes no listing", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			next := ana.again()
			next.Restricted, next.Tags = true, []string{"van", "xl"}
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"a token that restricts nothing leaves what was said", func(s *scene) {
			ana := s.stand("ana", 0, tagged("van"))
			next := ana.again()
			next.Tags = []string{"xl"}
			s.is(next.connect(), match.Answer{Status: match.StatusOK, Old: ana.Connection})
			same(s, next.relist().Changes, []match.Change{next.list(s.now + 1)})
		}},
		{"a connect while stale lists nobody", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.leave()
			s.pass(time.Minute)
			s.is(ana.again().connect(), match.Answer{Status: match.StatusOK})
		}},
		{"a new session is told its advice anew", func(s *scene) {
			ana := s.stand("ana", 0)
			next := ana.again()
			s.says(next.connect(), match.StatusOK)
			answer, _ := next.report(0)
			same(s, answer.Advised, true)
		}},
		{"a connect is a sign of life", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1", within(10*time.Minute))
			s.pass(time.Minute - time.Millisecond)
			next := ana.again()
			s.says(next.connect(), match.StatusOK)
			s.pass(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a disconnect takes the member out of the index, and leaves its request", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.await("r1")
			s.is(ana.disconnect(0), match.Answer{Status: match.StatusOK, Changes: []match.Change{unlist(0, s.now+1)}})
			same(s, ana.seen().Connection, "")
			same(s, ana.seen().Route.State, match.Waiting)
		}},
		{"a disconnect that is repeated changes nothing", func(s *scene) {
			ana := s.stand("ana", 0)
			ana.leave()
			s.is(ana.disconnect(0), match.Answer{Status: match.StatusOther})
		}},
		{"a disconnect of another connection changes nothing", func(s *scene) {
			ana := s.stand("ana", 0)
			next := ana.again()
			s.says(next.connect(), match.StatusOK)
			s.is(ana.disconnect(0), match.Answer{Status: match.StatusOther})
			same(s, next.seen().Connection, next.Connection)
		}},
		{"a connection younger than asked is not forgotten", func(s *scene) {
			ana := s.join("ana")
			s.pass(10*time.Second - time.Millisecond)
			s.is(ana.disconnect(10*time.Second), match.Answer{Status: match.StatusYoung})
			same(s, ana.seen().Connection, ana.Connection)
			s.pass(time.Millisecond)
			s.is(ana.disconnect(10*time.Second), match.Answer{Status: match.StatusOK})
		}},
		{"a disconnect that asks no age is done even where the gateway's clock is ahead", func(s *scene) {
			ana := s.newcomer("ana")
			ana.ConnectedAt = ana.ConnectedAt.Add(time.Second)
			s.says(ana.connect(), match.StatusOK)
			s.is(ana.disconnect(0), match.Answer{Status: match.StatusOK})
		}},
	}...)
}

// refusals: what a connection says that is not the current one changes nothing.
func refusals() []scenario {
	steps := []struct {
		name string
		take func(*actor) match.Answer
	}{
		{"reading", (*actor).read},
		{"report", func(a *actor) match.Answer { answer, _ := a.report(10); return answer }},
		{"request", func(a *actor) match.Answer { return a.begin("r2", "m2", around(0)) }},
		{"cancel", (*actor).cancel},
	}
	whose := []struct {
		status match.Status
		of     func(*actor) *actor
	}{
		{match.StatusReplaced, func(ana *actor) *actor {
			ana.says(ana.again().connect(), match.StatusOK)
			return ana
		}},
		{match.StatusGone, func(ana *actor) *actor {
			ana.leave()
			return ana
		}},
		{match.StatusUnknown, (*actor).again},
	}
	var all []scenario
	for _, step := range steps {
		all = append(all, scenario{"a " + step.name + " by who never connected is refused", func(s *scene) {
			ana := s.newcomer("ana")
			s.is(step.take(ana), match.Answer{Status: match.StatusUnknown})
			s.is(ana.seen(), match.Answer{Status: match.StatusOK})
		}})
		for _, who := range whose {
			all = append(all, scenario{"a " + step.name + " that is refused as " + string(who.status) + " changes nothing", func(s *scene) {
				ana := s.stand("ana", 0)
				ana.await("r1", within(10*time.Minute))
				speaker := who.of(ana)
				s.pass(time.Minute - time.Millisecond)
				before := ana.seen()
				s.is(step.take(speaker), match.Answer{Status: who.status})
				same(s, ana.seen(), before)
				s.pass(time.Millisecond)
				s.is(ana.lease("m1"), match.Answer{Status: match.StatusSilent})
			}})
		}
	}
	return all
}
