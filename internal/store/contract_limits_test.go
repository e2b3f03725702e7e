package store_test

import (
	"fmt"
	"time"

	"waggle/internal/geo"
	"waggle/internal/match"
)

// A step is one that a message starts with, and what it returns if it is refused.
type step struct {
	name string
	take func(*member) any
	want func(match.Status, match.Refusal) any
}

func firstSteps() []step {
	return []step{
		{"reading", func(a *member) any { return a.read() },
			func(s match.Status, r match.Refusal) any { return match.Snapshot{Status: s, Refusal: r} }},
		{"report", func(a *member) any {
			reported := a.report(10)
			reported.Advice = ""
			return reported
		}, func(s match.Status, r match.Refusal) any { return match.Reported{Status: s, Refusal: r} }},
		{"request", func(a *member) any { return a.begin("r2", "m2", around(0)) },
			func(s match.Status, r match.Refusal) any { return match.Begun{Status: s, Refusal: r} }},
		{"question who is near", func(a *member) any { return a.nearby() },
			func(s match.Status, r match.Refusal) any {
				return match.Nearby{Snapshot: match.Snapshot{Status: s, Refusal: r}}
			}},
		{"cancel", func(a *member) any { return a.cancel() },
			func(s match.Status, r match.Refusal) any { return match.Cancelled{Status: s, Refusal: r} }},
		{"end", func(a *member) any { return a.end("m1", "left") }, func(s match.Status, r match.Refusal) any {
			return match.Ending{Snapshot: match.Snapshot{Status: s, Refusal: r}}
		}},
	}
}

// limits: how many messages a member may send, how often it may connect, and what happens to
// a member that is refused too often.
func limits() []testCase {
	const tight = `"messagesPerSecond":1,"messagesBurst":2`
	var all []testCase
	for _, step := range firstSteps() {
		all = append(all, testCase{"a " + step.name + " beyond the budget of messages is refused, and changes nothing", func(f *fixture) {
			f.settings(tight)
			ana := f.connected("ana")
			ana.moveTo(0)
			ana.read()
			f.advance(999 * time.Millisecond)
			before := f.record("ana")
			f.is(step.take(ana), step.want(match.StatusRateLimited, refusal(match.LimitMessages, time.Millisecond)))
			after := f.record("ana")
			delete(after, "refusalRate")
			same(f, after, before)
			f.advance(time.Millisecond)
			f.says(ana.read(), match.StatusOK)
			f.is(step.take(ana), step.want(match.StatusRateLimited, refusal(match.LimitMessages, time.Second)))
		}}, testCase{"a " + step.name + " is taken from the budget of messages once for each message", func(f *fixture) {
			f.settings(tight)
			ana := f.connected("ana")
			ana.read()
			ana.read()
			ana.Admitted = true
			if got := step.take(ana); fmt.Sprint(got) == fmt.Sprint(step.want(match.StatusRateLimited, refusal(match.LimitMessages, time.Second))) {
				f.t.Errorf("got %+v, want a message that was admitted before", got)
			}
		}}, testCase{"a " + step.name + " of a member that was refused too often is refused until its time is over", func(f *fixture) {
			f.settings(tight)
			ana := f.connected("ana")
			ana.exhaust()
			out := refusal("", match.KeptOut)
			f.is(step.take(ana), step.want(match.StatusKeptOut, out))
			f.advance(match.KeptOut - time.Millisecond)
			f.is(step.take(ana), step.want(match.StatusKeptOut, refusal("", time.Millisecond)))
			f.is(ana.nextSession().connect(), match.Connected{Status: match.StatusKeptOut, Refusal: refusal("", time.Millisecond)})
			f.advance(time.Millisecond)
			f.says(ana.nextSession().connect(), match.StatusOK)
		}})
	}
	return append(all, []testCase{
		{"a member is kept out from the refusal on that is one too many within ten seconds", func(f *fixture) {
			f.settings(tight)
			ana := f.connected("ana")
			ana.read()
			ana.read()
			for range match.Refusals {
				f.says(ana.read(), match.StatusRateLimited)
			}
			f.is(ana.read(), match.Snapshot{Status: match.StatusKeptOut, Refusal: refusal("", match.KeptOut)})
		}},
		{"a member that is refused now and then is not kept out", func(f *fixture) {
			f.settings(`"messagesPerSecond":0.01,"messagesBurst":1`)
			ana := f.connected("ana")
			ana.read()
			for range 3 * match.Refusals {
				f.says(ana.read(), match.StatusRateLimited)
				f.advance(match.RefusalsIn / match.Refusals)
			}
		}},
		{"refusals of any limit count alike", func(f *fixture) {
			f.settings(`"reportsPerSecond":0.01,"reportsBurst":1,"requestsPerMinute":0.01`)
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m1", atOnce), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			for range match.Refusals / 2 {
				f.says(ana.report(0), match.StatusRateLimited)
				f.says(ana.begin("r2", "m2"), match.StatusRateLimited)
			}
			f.says(ana.begin("r2", "m2"), match.StatusKeptOut)
		}},
		{"a member may connect so many times at once, and then as often as that refills", func(f *fixture) {
			ana := f.connected("ana")
			for range match.ConnectsBurst - 1 {
				f.says(ana.connect(), match.StatusOK) // a repeat is not counted
				ana = ana.nextSession()
				f.says(ana.connect(), match.StatusOK)
			}
			next := ana.nextSession()
			const every = time.Minute / match.ConnectsPerMinute
			f.is(next.connect(), match.Connected{Status: match.StatusRateLimited, Refusal: refusal(match.LimitConnects, every)})
			same(f, ana.snapshot().Connection, ana.Connection)
			f.advance(every)
			f.says(next.connect(), match.StatusOK)
		}},
	}...)
}

// exhaust has the member refused so often that it is kept out.
func (a *member) exhaust() {
	a.t.Helper()
	for range 1000 {
		if a.read().Status == match.StatusKeptOut {
			return
		}
	}
	a.t.Fatal("the member is never kept out")
}

// leavings: what stays of a member that has disconnected.
func leavings() []testCase {
	return []testCase{
		{"the position of a member that has disconnected is out of the record, and expires with the grace time", func(f *fixture) {
			f.settings(unlimited + `,"grace":20`)
			ana := f.listed("ana", 0)
			ana.leave()
			f.hidden("ana")
			left := f.ttl(f.key("left", "ana"))
			same(f, left > 10*time.Second && left <= 20*time.Second, true)
			same(f, ana.snapshot().Position, nil)
		}},
		{"a new connection within the grace time brings the position back", func(f *fixture) {
			ana := f.listed("ana", 0, func(r *match.Report) { r.Speed = new(float64) })
			ana.leave()
			f.advance(time.Minute - time.Millisecond)
			next := ana.nextSession()
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Position, &ana.Position)
			same(f, f.stored("left", "ana"), map[string]string{})
			ben := f.connected("ben")
			ben.leave()
			next = ben.nextSession()
			f.says(next.connect(), match.StatusOK)
			same(f, next.snapshot().Position, nil) // it had none
		}},
		{"a new connection after the grace time begins without a position, and the order of reports stays", func(f *fixture) {
			f.settings(unlimited + `,"grace":20,"locationTTL":100`)
			ana := f.listed("ana", 0)
			ana.leave()
			f.advance(20 * time.Second)
			next := ana.nextSession()
			f.is(next.connect(), match.Connected{Status: match.StatusOK})
			same(f, next.snapshot().Position, nil)
			f.hidden("ana")
			same(f, f.stored("left", "ana"), map[string]string{})
			f.says(next.begin("r1", "m1"), match.StatusNoLocation)
			f.says(next.report(0, at(ana.At), seq(ana.Seq)), match.StatusLate)
			f.says(next.report(0), match.StatusOK)
		}},
		{"a matchee that has disconnected keeps its position until the match ends", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ben.leave()
			f.advance(50 * time.Second)
			same(f, ben.snapshot().Position, &ben.Position)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			f.hidden("ben")
			left := f.ttl(f.key("left", "ben"))
			same(f, left > 5*time.Second && left <= 10*time.Second, true)
		}},
		{"a matchee that disconnected longer than the grace time ago loses its position with the match", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ben.leave()
			f.advance(time.Minute)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.says(ana.release("m1", ben, "left"), match.StatusReleased)
			f.hidden("ben")
			same(f, f.stored("left", "ben"), map[string]string{})
		}},
		{"the point of a request is gone with the match that it led to", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			route := f.stored("route", "ana")
			same(f, route["lat"]+route["lng"], "")
		}},
		{"a position comes back exactly as it was reported", func(f *fixture) {
			ana := f.listed("ana", 0)
			for _, p := range []geo.Point{{Lat: 52.5200066, Lng: 13.4049540}, {Lat: -33.1, Lng: 179.9999999}, {Lat: 0, Lng: -180},
				{Lat: 37.774912345678, Lng: -122.41941234567891}, {Lat: 85, Lng: 1e-7}, {Lat: 1e-8, Lng: -0.0000001}} {
				f.says(ana.report(0, func(r *match.Report) { r.Point = p }), match.StatusOK)
				same(f, ana.snapshot().Position.Point, p)
			}
		}},
	}
}

// hidden fails the test if the record has a position.
func (f *fixture) hidden(name string) {
	f.t.Helper()
	for _, field := range []string{"lat", "lng", "motion", "jumped"} {
		if value := f.record(name)[field]; value != "" {
			f.t.Errorf("the record of %s has %s = %s", name, field, value)
		}
	}
}
