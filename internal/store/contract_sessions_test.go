package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"waggle/internal/match"
)

// sessions: whose connection is the current one, and what a new one starts with.
func sessions() []testCase {
	return append(refusals(), []testCase{
		{"the first connection replaces nothing", func(f *fixture) {
			f.is(f.newMember("ana").connect(), match.Connected{Status: match.StatusOK})
		}},
		{"a newer connection replaces the older", func(f *fixture) {
			ana := f.connected("ana")
			newer := ana.nextSession()
			f.is(newer.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
			same(f, newer.snapshot().Connection, newer.Connection)
		}},
		{"an older connection that comes late is refused", func(f *fixture) {
			late := f.newMember("ana")
			ana := late.nextSession()
			f.says(ana.connect(), match.StatusOK)
			before := ana.snapshot()
			f.is(late.connect(), match.Connected{Status: match.StatusReplaced})
			same(f, ana.snapshot(), before)
		}},
		{"of two connections at one moment the larger id wins, if it comes second", func(f *fixture) {
			ana := f.connected("ana")
			larger := ana.nextSession()
			larger.ConnectedAt = ana.ConnectedAt
			f.is(larger.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"of two connections at one moment the larger id wins, if it comes first", func(f *fixture) {
			smaller := f.newMember("ana")
			ana := smaller.nextSession()
			ana.ConnectedAt = smaller.ConnectedAt
			f.says(ana.connect(), match.StatusOK)
			f.is(smaller.connect(), match.Connected{Status: match.StatusReplaced})
		}},
		{"a newer connection of a smaller id wins", func(f *fixture) {
			ana := f.newMember("ana")
			ana.Connection = "z"
			f.says(ana.connect(), match.StatusOK)
			newer := ana.nextSession()
			newer.Connection = "a"
			f.is(newer.connect(), match.Connected{Status: match.StatusOK, Old: "z"})
		}},
		{"a connect that is repeated changes nothing", func(f *fixture) {
			ana := f.listed("ana", 0, available(false), tagged("van"))
			before := ana.snapshot()
			f.is(ana.connect(), match.Connected{Status: match.StatusOK})
			same(f, ana.snapshot(), before)
		}},
		{"a connection that has disconnected does not come back", func(f *fixture) {
			ana := f.connected("ana")
			ana.leave()
			f.is(ana.connect(), match.Connected{Status: match.StatusGone})
			same(f, ana.snapshot().Connection, "")
		}},
		{"a new connection after one that has disconnected replaces nothing, and lists the member", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.leave()
			next := ana.nextSession()
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Changes: []match.Change{next.list(f.now + 1)}})
			same(f, next.snapshot().Connection, next.Connection)
		}},
		{"where consent is implied, a member is available until it says otherwise, and that stands in its next sessions", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.moveTo(0, available(false))
			for range 2 {
				next := ana.nextSession()
				f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
				same(f, next.snapshot().Available, "0")
				same(f, next.report(0).Changes, nil)
				ana = next
			}
			ana.moveTo(0, available(true))
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Available, "1")
		}},
		{"where consent is required, a member is available once it says so, and that stands in its next sessions", func(f *fixture) {
			f.settings(`"consent":"required"`)
			ana := f.connected("ana")
			same(f, ana.snapshot().Available, "0")
			same(f, ana.report(0).Changes, nil)
			again := ana.nextSession()
			f.says(again.connect(), match.StatusOK)
			same(f, again.snapshot().Available, "0")
			again.moveTo(0, available(true))
			next := again.nextSession()
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: again.Connection})
			same(f, next.snapshot().Available, "1")
		}},
		{"where a pool asks in each session, the choice of the last one does not stand", func(f *fixture) {
			for _, pool := range []struct{ consent, starts string }{{"implied", "1"}, {"required", "0"}} {
				f.settings(unlimited + `,"availability":"reset","consent":"` + pool.consent + `"`)
				for _, said := range []bool{false, true} {
					ana := f.connected(pool.consent + fmt.Sprint(said))
					ana.moveTo(0, available(said), tagged("xl"))
					next := ana.nextSession()
					f.says(next.connect(), match.StatusOK)
					same(f, next.snapshot().Available, pool.starts)
					same(f, next.snapshot().Tags, "xl")
				}
			}
		}},
		{"in a new session the first choice is taken, even at the moment of its connect", func(f *fixture) {
			ana := f.listed("ana", 0, arriving(start+20), available(false), tagged("xl"), seq(9))
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			reported := next.report(0, arriving(start+1), available(true), tagged("van"), seq(0))
			same(f, reported.Stands, match.Choice{})
			same(f, next.snapshot().Available, "1")
			same(f, next.snapshot().Tags, "van")
		}},
		{"a choice outlives the record of a member who has left, by 30 days", func(f *fixture) {
			ana := f.connected("ana")
			ana.moveTo(0, available(false), tagged("xl"))
			ana.leave()
			f.evict(f.key("m", "ana"))
			same(f, f.ttl(f.key("chosen", "ana")) > 30*24*time.Hour-time.Minute, true)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Available, "0")
			same(f, next.snapshot().Tags, "xl")
			f.evict(f.key("chosen", "ana"))
			next.leave()
			same(f, f.ttl(f.key("chosen", "ana")) > 30*24*time.Hour-time.Minute, true)
		}},
		{"tags alone outlive the record too, and what was never said is not kept", func(f *fixture) {
			ana := f.connected("ana")
			ana.moveTo(0, tagged())
			same(f, f.stored("chosen", "ana"), map[string]string{})
			ana.leave()
			same(f, f.stored("chosen", "ana"), map[string]string{"tags": ""})
			f.evict(f.key("m", "ana"))
			next := ana.nextSession()
			next.Restricted, next.Tags = true, []string{"van"}
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Tags, "")
			same(f, next.snapshot().Available, "1")
			same(f, f.stored("chosen", "ana"), map[string]string{}) // the record has it
			ben := f.listed("ben", 0)
			ben.leave()
			same(f, f.stored("chosen", "ben"), map[string]string{})
			cem := f.listed("cem", 0, available(true))
			cem.leave()
			same(f, f.stored("chosen", "cem"), map[string]string{"available": "1"})
		}},
		{"a choice of being available is kept at once, and its tags with it", func(f *fixture) {
			ana := f.connected("ana")
			ana.moveTo(0, available(true))
			same(f, f.stored("chosen", "ana"), map[string]string{})
			ana.moveTo(0, available(false))
			same(f, f.stored("chosen", "ana"), map[string]string{"available": "0"})
			ana.moveTo(0, tagged("xl"))
			same(f, f.stored("chosen", "ana"), map[string]string{"available": "0", "tags": "xl"})
			f.advance(time.Second)
			f.says(ana.report(0, at(start-1), available(true)), match.StatusLate)
			same(f, f.stored("chosen", "ana"), map[string]string{"available": "1", "tags": "xl"})
			next := ana.nextSession()
			next.Restricted, next.Tags = true, []string{"van"}
			f.says(next.connect(), match.StatusOK)
			same(f, f.stored("chosen", "ana"), map[string]string{"available": "1", "tags": ""})
			f.listed("ben", 0, tagged("xl"))
			same(f, f.stored("chosen", "ben"), map[string]string{})
		}},
		{"a session without the role matchee is not listed", func(f *fixture) {
			ana := f.listed("ana", 0)
			next := ana.nextSession()
			next.Matchee = false
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection, Changes: []match.Change{unlist(0, f.now)}})
			reported := next.report(0)
			same(f, reported.Changes, nil)
			f.says(f.connected("ben").claim("m1", next), match.StatusUnavailable)
		}},
		{"the card is that of the newest session", func(f *fixture) {
			ana := f.newMember("ana")
			ana.Card = json.RawMessage(`{"car":"blue"}`)
			f.says(ana.connect(), match.StatusOK)
			same(f, ana.snapshot().Card, `{"car":"blue"}`)
			next := ana.nextSession()
			next.Card = nil
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Card, "")
		}},
		{"a token's tags narrow the reported tags, and the listing with them", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("xl", "van", "red"))
			next := ana.nextSession()
			next.Restricted, next.Tags, next.tags = true, []string{"bike", "red", "van"}, "van red"
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection,
				Changes: []match.Change{next.list(f.now + 1)}})
		}},
		{"a token's tags never widen the reported tags, even where none of these is left", func(f *fixture) {
			for n, said := range [][]string{{"xl"}, {}} {
				ana := f.listed(fmt.Sprint("ana", n), 0, tagged(said...))
				for _, allowed := range [][]string{{"bike", "van"}, {"bike", "van", "xl"}} {
					ana = ana.nextSession()
					ana.Restricted, ana.Tags = true, allowed
					f.says(ana.connect(), match.StatusOK)
					same(f, ana.snapshot().Tags, "")
				}
			}
		}},
		{"a token's tags stand for those that were never reported, in each session anew", func(f *fixture) {
			ana := f.newMember("ana")
			ana.Restricted, ana.Tags = true, []string{"van", "xl"}
			f.says(ana.connect(), match.StatusOK)
			same(f, ana.snapshot().Tags, "van xl")
			ana.report(0)
			for _, allowed := range [][]string{{"bike"}, nil} {
				ana = ana.nextSession()
				ana.Restricted, ana.Tags, ana.tags = allowed != nil, allowed, strings.Join(allowed, " ")
				f.says(ana.connect(), match.StatusOK)
				same(f, ana.snapshot().Tags, ana.tags)
			}
		}},
		{"a token's tags apply where no tags were reported", func(f *fixture) {
			ana := f.newMember("ana")
			ana.Restricted, ana.Tags, ana.tags = true, []string{"van"}, "van"
			f.says(ana.connect(), match.StatusOK)
			reported := ana.report(0)
			same(f, reported.Changes, []match.Change{ana.list(f.now)})
		}},
		{"a token that allows the reported tags changes no listing", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			next := ana.nextSession()
			next.Restricted, next.Tags = true, []string{"van", "xl"}
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
		}},
		{"a token without restriction leaves the reported tags", func(f *fixture) {
			ana := f.listed("ana", 0, tagged("van"))
			next := ana.nextSession()
			next.Tags = []string{"xl"}
			f.is(next.connect(), match.Connected{Status: match.StatusOK, Old: ana.Connection})
			same(f, next.relist(), []match.Change{next.list(f.now + 1)})
		}},
		{"a connect of a stale member lists nobody", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.leave()
			f.advance(time.Minute)
			f.is(ana.nextSession().connect(), match.Connected{Status: match.StatusOK})
		}},
		{"a new session gets its advice anew", func(f *fixture) {
			ana := f.listed("ana", 0)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			reported := next.report(0)
			same(f, reported.Mark, f.advice())
		}},
		{"a connect is a sign of life", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1", openFor(10*time.Minute))
			f.advance(time.Minute - time.Millisecond)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			f.advance(time.Minute - time.Millisecond)
			f.says(ana.lease("m1"), match.StatusOK)
		}},
		{"a disconnect takes the member out of the index, and leaves its request", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.await("r1")
			f.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOK, Changes: []match.Change{unlist(0, f.now+1)}})
			same(f, ana.snapshot().Connection, "")
			same(f, ana.snapshot().Route.State, match.Waiting)
		}},
		{"a disconnect that is repeated changes nothing", func(f *fixture) {
			ana := f.listed("ana", 0)
			ana.leave()
			f.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOther})
		}},
		{"a disconnect of another connection changes nothing", func(f *fixture) {
			ana := f.listed("ana", 0)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			f.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOther})
			same(f, next.snapshot().Connection, next.Connection)
		}},
		{"a connection younger than asked stays", func(f *fixture) {
			ana := f.connected("ana")
			f.advance(10*time.Second - time.Millisecond)
			f.is(ana.disconnect(10*time.Second), match.Disconnected{Status: match.StatusJustConnected})
			same(f, ana.snapshot().Connection, ana.Connection)
			f.advance(time.Millisecond)
			f.is(ana.disconnect(10*time.Second), match.Disconnected{Status: match.StatusOK})
		}},
		{"a disconnect of any age is done even where the gateway's clock is ahead", func(f *fixture) {
			ana := f.newMember("ana")
			ana.ConnectedAt = ana.ConnectedAt.Add(time.Second)
			f.says(ana.connect(), match.StatusOK)
			f.is(ana.disconnect(0), match.Disconnected{Status: match.StatusOK})
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
		{"reading", func(a *member) any { return a.read() }, func(status match.Status) any { return match.Snapshot{Status: status} }},
		{"report", func(a *member) any { return a.report(10) }, func(status match.Status) any { return match.Reported{Status: status} }},
		{"request", func(a *member) any { return a.begin("r2", "m2", around(0)) }, func(status match.Status) any { return match.Begun{Status: status} }},
		{"cancel", func(a *member) any { return a.cancel() }, func(status match.Status) any { return match.Cancelled{Status: status} }},
		{"question who is near", func(a *member) any { return a.nearby() }, func(status match.Status) any {
			return match.Nearby{Snapshot: match.Snapshot{Status: status}}
		}},
		{"end", func(a *member) any { return a.end("m1", "left") }, func(status match.Status) any {
			return match.Ending{Snapshot: match.Snapshot{Status: status}}
		}},
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
		{match.StatusExpired, func(ana *member) *member {
			next := ana.nextSession()
			next.Expires = time.UnixMilli(ana.now + time.Minute.Milliseconds() - 1)
			ana.says(next.connect(), match.StatusOK)
			return next
		}},
		{match.StatusUnknown, (*member).nextSession},
	}
	var all []testCase
	for _, step := range steps {
		all = append(all, testCase{"a " + step.name + " of a member who never connected is refused", func(f *fixture) {
			ana := f.newMember("ana")
			f.is(step.take(ana), step.want(match.StatusUnknown))
			f.is(ana.snapshot(), match.Snapshot{Status: match.StatusOK})
		}})
		for _, who := range whose {
			all = append(all, testCase{"a " + step.name + " that is refused as " + string(who.status) + " changes nothing", func(f *fixture) {
				ana := f.listed("ana", 0)
				ana.await("r1", openFor(10*time.Minute))
				sender := who.of(ana)
				f.advance(time.Minute - time.Millisecond)
				before := ana.snapshot()
				f.is(step.take(sender), step.want(who.status))
				same(f, ana.snapshot(), before)
				f.advance(time.Millisecond)
				f.is(ana.lease("m1"), match.Leased{Status: match.StatusSilent})
			}})
		}
	}
	return all
}
