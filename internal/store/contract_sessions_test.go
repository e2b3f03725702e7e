package store_test

import (
	"encoding/json"
	"time"

	"waggle/internal/match"
)

// sessions: whose connection is the current one, and what a new one starts with.
func sessions() []testCase {
	return append(refusals(), []testCase{
		{"the first connection replaces nothing", func(s *fixture) {
			s.is(s.newMember("ana").connect(), match.Connected{Status: match.StatusOK})
		}},
		{"a newer connection replaces the older", func(s *fixture) {
			ana := s.connected("ana")
			newer := ana.nextSession()
			s.is(newer.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
			same(s, newer.snapshot().Connection, newer.Connection)
		}},
		{"an older connection that comes late is refused", func(s *fixture) {
			late := s.newMember("ana")
			ana := late.nextSession()
			s.says(ana.connect(), match.StatusOK)
			before := ana.snapshot()
			s.is(late.connect(), match.Connected{Status: match.StatusReplaced})
			same(s, ana.snapshot(), before)
		}},
		{"of two connections at one moment the larger id wins, if it comes second", func(s *fixture) {
			ana := s.connected("ana")
			larger := ana.nextSession()
			larger.ConnectedAt = ana.ConnectedAt
			s.is(larger.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"of two connections at one moment the larger id wins, if it comes first", func(s *fixture) {
			smaller := s.newMember("ana")
			ana := smaller.nextSession()
			ana.ConnectedAt = smaller.ConnectedAt
			s.says(ana.connect(), match.StatusOK)
			s.is(smaller.connect(), match.Connected{Status: match.StatusReplaced})
		}},
		{"a newer connection of a smaller id wins", func(s *fixture) {
			ana := s.newMember("ana")
			ana.Connection = "z"
			s.says(ana.connect(), match.StatusOK)
			newer := ana.nextSession()
			newer.Connection = "a"
			s.is(newer.connect(), match.Connected{Status: match.StatusOK, Old: "z"})
		}},
		{"a connect that is repeated changes nothing", func(s *fixture) {
			ana := s.listed("ana", 0, available(false), tagged("van"))
			before := ana.snapshot()
			s.is(ana.connect(), match.Connected{Status: match.StatusOK})
			same(s, ana.snapshot(), before)
		}},
		{"a connection that has disconnected does not come back", func(s *fixture) {
			ana := s.connected("ana")
			ana.leave()
			s.is(ana.connect(), match.Connected{Status: match.StatusGone})
			same(s, ana.snapshot().Connection, "")
		}},
		{"a new connection after one that has disconnected replaces nothing, and lists the member", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.leave()
			next := ana.nextSession()
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Changes: []match.Change{next.list(s.now + 1)}})
			same(s, next.snapshot().Connection, next.Connection)
		}},
		{"where consent is implied, each session starts available", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.moveTo(0, available(false))
			same(s, ana.snapshot().Available, "0")
			next := ana.nextSession()
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
			same(s, next.snapshot().Available, "1")
		}},
		{"where consent is required, no session starts available", func(s *fixture) {
			s.settings(`"consent":"required"`)
			ana := s.connected("ana")
			same(s, ana.snapshot().Available, "0")
			reported := ana.report(0)
			same(s, reported.Changes, nil)
			ana.moveTo(0, available(true))
			same(s, ana.snapshot().Available, "1")
			next := ana.nextSession()
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection, Changes: []match.Change{unlist(0, s.now)}})
			same(s, next.snapshot().Available, "0")
		}},
		{"a session without the role matchee is not listed", func(s *fixture) {
			ana := s.listed("ana", 0)
			next := ana.nextSession()
			next.Matchee = false
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection, Changes: []match.Change{unlist(0, s.now)}})
			reported := next.report(0)
			same(s, reported.Changes, nil)
			same(s, reported.Listed, false)
			s.says(s.connected("ben").claim("m1", next), match.StatusUnavailable)
		}},
		{"the card is that of the newest session", func(s *fixture) {
			ana := s.newMember("ana")
			ana.Card = json.RawMessage(`{"car":"blue"}`)
			s.says(ana.connect(), match.StatusOK)
			same(s, ana.snapshot().Card, `{"car":"blue"}`)
			next := ana.nextSession()
			next.Card = nil
			s.says(next.connect(), match.StatusOK)
			same(s, next.snapshot().Card, "")
		}},
		{"a token's tags narrow the reported tags, and the listing with them", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("xl", "van", "red"))
			next := ana.nextSession()
			next.Restricted, next.Tags, next.tags = true, []string{"bike", "red", "van"}, "van red"
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
		}},
		{"a token's tags apply where none of the reported tags is left", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("xl"))
			next := ana.nextSession()
			next.Restricted, next.Tags, next.tags = true, []string{"bike", "van"}, "bike van"
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(s.now + 1)}})
		}},
		{"a token's tags apply where no tags were reported", func(s *fixture) {
			ana := s.newMember("ana")
			ana.Restricted, ana.Tags, ana.tags = true, []string{"van"}, "van"
			s.says(ana.connect(), match.StatusOK)
			reported := ana.report(0)
			same(s, reported.Changes, []match.Change{ana.list(s.now)})
		}},
		{"a token that allows the reported tags changes no listing", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			next := ana.nextSession()
			next.Restricted, next.Tags = true, []string{"van", "xl"}
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"a token without restriction leaves the reported tags", func(s *fixture) {
			ana := s.listed("ana", 0, tagged("van"))
			next := ana.nextSession()
			next.Tags = []string{"xl"}
			s.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
			same(s, next.relist(), []match.Change{next.list(s.now + 1)})
		}},
		{"a connect of a stale member lists nobody", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.leave()
			s.advance(time.Minute)
			s.is(ana.nextSession().connect(), match.Connected{Status: match.StatusOK})
		}},
		{"a new session gets its advice anew", func(s *fixture) {
			ana := s.listed("ana", 0)
			next := ana.nextSession()
			s.says(next.connect(), match.StatusOK)
			reported := next.report(0)
			same(s, reported.AdviceChanged, true)
		}},
		{"a connect is a sign of life", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			s.advance(time.Minute - time.Millisecond)
			next := ana.nextSession()
			s.says(next.connect(), match.StatusOK)
			s.advance(time.Minute - time.Millisecond)
			s.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a disconnect takes the member out of the index, and leaves its request", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.await("r1")
			s.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOK, Changes: []match.Change{unlist(0, s.now+1)}})
			same(s, ana.snapshot().Connection, "")
			same(s, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a disconnect that is repeated changes nothing", func(s *fixture) {
			ana := s.listed("ana", 0)
			ana.leave()
			s.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOther})
		}},
		{"a disconnect of another connection changes nothing", func(s *fixture) {
			ana := s.listed("ana", 0)
			next := ana.nextSession()
			s.says(next.connect(), match.StatusOK)
			s.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOther})
			same(s, next.snapshot().Connection, next.Connection)
		}},
		{"a connection younger than asked stays", func(s *fixture) {
			ana := s.connected("ana")
			s.advance(10*time.Second - time.Millisecond)
			s.is(ana.disconnect(10*time.Second), match.Disconnected{Status: match.StatusYoung})
			same(s, ana.snapshot().Connection, ana.Connection)
			s.advance(time.Millisecond)
			s.is(ana.disconnect(10*time.Second), match.Disconnected{Status: match.StatusOK})
		}},
		{"a disconnect of any age is done even where the gateway's clock is ahead", func(s *fixture) {
			ana := s.newMember("ana")
			ana.ConnectedAt = ana.ConnectedAt.Add(time.Second)
			s.says(ana.connect(), match.StatusOK)
			s.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOK})
		}},
	}...)
}

// refusals: a message of a connection that is not the current one changes nothing.
func refusals() []testCase {
	steps := []struct {
		name string
		take func(*member) any
		want func(match.Status) any
	}{
		{"reading", func(a *member) any { return a.read() }, func(s match.Status) any { return match.Snapshot{Status: s} }},
		{"report", func(a *member) any {
			reported := a.report(10)
			reported.Index = match.Move{} // the cell decides by itself
			return reported
		}, func(s match.Status) any { return match.Reported{Status: s} }},
		{"request", func(a *member) any { return a.begin("r2", "m2", around(0)) }, func(s match.Status) any { return match.Begun{Status: s} }},
		{"cancel", func(a *member) any { return a.cancel() }, func(s match.Status) any { return match.Cancelled{Status: s} }},
	}
	whose := []struct {
		status match.Status
		of     func(*member) *member
	}{
		{match.StatusReplaced, func(ana *member) *member {
			ana.says(ana.nextSession().connect(), match.StatusOK)
			return ana
		}},
		{match.StatusGone, func(ana *member) *member {
			ana.leave()
			return ana
		}},
		{match.StatusUnknown, (*member).nextSession},
	}
	var all []testCase
	for _, step := range steps {
		all = append(all, testCase{"a " + step.name + " of a member who never connected is refused", func(s *fixture) {
			ana := s.newMember("ana")
			s.is(step.take(ana), step.want(match.StatusUnknown))
			s.is(ana.snapshot(), match.Snapshot{Status: match.StatusOK})
		}})
		for _, who := range whose {
			all = append(all, testCase{"a " + step.name + " that is refused as " + string(who.status) + " changes nothing", func(s *fixture) {
				ana := s.listed("ana", 0)
				ana.await("r1", openFor(10*time.Minute))
				sender := who.of(ana)
				s.advance(time.Minute - time.Millisecond)
				before := ana.snapshot()
				s.is(step.take(sender), step.want(who.status))
				same(s, ana.snapshot(), before)
				s.advance(time.Millisecond)
				s.is(ana.lease("m1"), match.Leased{Status: match.StatusSilent})
			}})
		}
	}
	return all
}
