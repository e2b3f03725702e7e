package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
	"waggle/internal/store"
)

// eventful lets the scripts write events. What steps find is in the map.
func (f *fixture) eventful() map[string]match.Unpublished {
	f.t.Helper()
	found := make(map[string]match.Unpublished)
	f.events = true
	f.settings(unlimited)
	f.store = f.store.Finding(func(u match.Unpublished) { found[u.ID] = u }).(*store.Store)
	return found
}

// published takes what was published out of the member's outbox.
func (a *member) published(u match.Unpublished) {
	a.t.Helper()
	u.Member = a.Member
	a.must(a.store.Published(a.t.Context(), []match.Unpublished{u}))
}

// events: what the application is told of, and how long it is kept.
func events() []testCase {
	const answerIn = 15 * time.Second
	// the event of a match of ana with ben.
	event := func(f *fixture, kind match.EventType, id string, change ...func(*match.Event)) match.Event {
		e := match.Event{Type: kind, At: f.now, Match: id, Matcher: match.Member{Pool: f.pool, ID: "ana"}, Matchee: "ben", Request: "r1"}
		for _, set := range change {
			set(&e)
		}
		return e
	}
	far := func(meters float64) func(*match.Event) { return func(e *match.Event) { e.Distance = meters } }
	why := func(reason string) func(*match.Event) { return func(e *match.Event) { e.Reason = reason } }
	alone := func(e *match.Event) { e.Matchee = "" }
	return []testCase{
		{"without a bus nothing is written", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.await("r1")
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			same(f, f.stored("route", "ana")["noted"], "")
			same(f, f.ttl(f.key("events", "ana")), -2*time.Millisecond)
			same(f, f.record("ana")["outbox"]+f.record("ben")["eventsOf"], "")
		}},
		{"each step writes one event with the matcher, and its repeat none; what is published is taken out", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.await("r1", confirmedIn(answerIn))
			wrote := func(e match.Event) {
				f.t.Helper()
				same(f, found["ana"].Events, []match.Event{e})
				clear(found)
			}
			waiting := event(f, match.EventWaiting, "search-of-r1", alone)
			wrote(waiting)
			f.advance(time.Second)
			f.says(ana.lease("m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			f.says(ana.lease("m2"), match.StatusOK)
			f.says(ana.claimToOffer("m2", ben), match.StatusYours)
			same(f, len(found), 0)
			f.says(ana.offer("m2", ben), match.StatusYours)
			offered := event(f, match.EventOffered, "m2", far(250))
			wrote(offered)
			f.says(ana.offer("m2", ben), match.StatusYours)
			f.says(ben.accept("m2"), match.StatusYours)
			f.says(ana.commit("m2", ben), match.StatusYours)
			matched := event(f, match.EventMatched, "m2", far(250))
			wrote(matched)
			f.says(ana.commit("m2", ben), match.StatusYours)
			f.says(ana.confirm("m2", ben), match.StatusYours)
			f.advance(time.Second)
			f.says(ana.finish("m2", ben, "completed"), match.StatusEnded)
			ended := event(f, match.EventEnded, "m2", why("completed"))
			wrote(ended)
			f.says(ana.finish("m2", ben, "completed"), match.StatusEnded)
			f.advance(match.NotifyAgain - 2*time.Second - time.Millisecond)
			ana.snapshot()
			same(f, len(found), 0)
			f.advance(time.Millisecond)
			ana.snapshot()
			same(f, found["ana"].Events, []match.Event{waiting})
			f.advance(time.Second)
			ana.snapshot()
			first := found["ana"]
			same(f, first.Events, []match.Event{waiting, offered, matched})
			f.advance(time.Second)
			ana.published(first)
			same(f, found["ana"].Events, []match.Event{ended})
			last := found["ana"]
			clear(found)
			ana.published(first) // another process did it before
			same(f, found["ana"], last)
			clear(found)
			ana.published(last)
			ana.snapshot()
			ana.published(match.Unpublished{})
			same(f, len(found), 0)
			same(f, f.record("ana")["outbox"], "")
		}},
		{"a look at an outbox finds what is newer, too", func(f *fixture) {
			found := f.eventful()
			ana := f.listed("ana", 0)
			ana.await("r1")
			clear(found)
			f.advance(time.Millisecond)
			ana.published(match.Unpublished{Stored: []string{"{}"}})
			same(f, len(found), 0)
			ana.published(match.Unpublished{})
			same(f, len(found["ana"].Events), 1)
		}},
		{"a match that was not offered has the distance of its commit", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			same(f, found["ana"].Events, []match.Event{event(f, match.EventMatched, "m1", far(100))})
		}},
		{"the end of a match is also known to its matchee, until it was published", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			same(f, found["ben"], match.Unpublished{})
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			want := match.Unpublished{Member: ben.Member, Matcher: ana.Member}
			same(f, found["ben"], want)
			clear(found)
			f.advance(match.NotifyAgain - time.Millisecond) // until then it is left to the process that has released it
			ben.snapshot()
			same(f, len(found), 0)
			f.advance(time.Millisecond)
			ben.snapshot()
			same(f, found["ben"], want)
			clear(found)
			ben.published(match.Unpublished{Matcher: match.Member{ID: "cem"}})
			same(f, found["ben"], want)
			clear(found)
			ben.published(want)
			ben.snapshot()
			same(f, len(found), 0)
		}},
		{"that a member has left comes with the end of its match, and says who", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.published(found["ana"])
			clear(found)
			f.says(ana.finish("m1", ben, "left", match.ByMatchee), match.StatusEnded)
			f.says(ana.finish("m1", ben, "left", match.ByMatchee), match.StatusEnded)
			same(f, found["ana"].Events, []match.Event{
				event(f, match.EventLeft, "m1", func(e *match.Event) { e.Left = match.ByMatchee }), event(f, match.EventEnded, "m1", why("left"))})
		}},
		{"the release of a claim that came to nothing says nothing of events", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.release("m1", ben, "lost"), match.StatusReleased)
			same(f, len(found), 0)
		}},
		{"an offer that comes to nothing is an end, and its request waits if it is to", func(f *fixture) {
			for i, end := range []struct {
				reason string
				do     func(ana, ben *member)
				waits  bool
			}{
				{"declined", func(ana, ben *member) { f.says(ana.decline("m1", ben), match.StatusOK) }, true},
				{"expired", func(ana, _ *member) { f.advance(answerIn); ana.snapshot() }, true},
				{"cancelled", func(ana, _ *member) { f.says(ana.cancel(), match.StatusCancelled) }, false},
				{"cancelled", func(ana, _ *member) { ana.retract(ana.asked.Created) }, false},
			} {
				found := f.eventful()
				ana, ben := f.listed(fmt.Sprint("ana", i), 0), f.listed(fmt.Sprint("ben", i), 10)
				ana.offerTo("r1", "m1", ben)
				ana.published(found[ana.ID])
				delete(found, ana.ID)
				end.do(ana, ben)
				here := func(e *match.Event) { e.Matcher = ana.Member }
				want := []match.Event{event(f, match.EventEnded, "m1", why(end.reason), here, func(e *match.Event) { e.Matchee = ben.ID })}
				if end.waits {
					want = append(want, event(f, match.EventWaiting, "m1", here, alone))
				}
				same(f, found[ana.ID].Events, want)
			}
		}},
		{"a request whose process has died waits, unless it is over or was not to wait", func(f *fixture) {
			found := f.eventful()
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ben.begin("r1", "m1", openFor(time.Second)), match.StatusOK)
			f.says(cem.begin("r1", "m1", func(r *match.NewRequest) { r.Wait = false }), match.StatusOK)
			f.advance(match.Lease)
			for _, a := range []*member{ana, ben, cem, ana} {
				a.snapshot()
			}
			same(f, found["ana"].Events, []match.Event{event(f, match.EventWaiting, "m1", alone)})
			same(f, len(found), 1)
		}},
		{"a match that the cache has lost is an end", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			ana.published(found["ana"])
			f.evict(f.key("route", "ana"))
			ana.snapshot()
			same(f, found["ana"].Events, []match.Event{event(f, match.EventEnded, "m1", alone, why("lost"), func(e *match.Event) { e.Request = "" })})
		}},
		{"an outbox lives longer than a session, and its record as long", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.await("r1", func(r *match.NewRequest) { r.Confirm = answerIn })
			outbox, record := f.key("events", "ana"), f.key("m", "ana")
			f.refreshed(outbox, func() {
				f.refreshed(record, func() { ana.lease("m2"); ana.claimToOffer("m2", ben); ana.offer("m2", ben) })
			})
			f.evict(record) // what is there is found with the next event, or by a look, and costs no command before
			f.advance(match.NotifyAgain)
			clear(found)
			ana.snapshot()
			same(f, len(found), 0)
			ana.published(match.Unpublished{})
			same(f, len(found["ana"].Events), 2)
			f.evict(outbox)
			clear(found)
			ana.snapshot()
			same(f, len(found), 0)
			same(f, f.stored("m", "ana")["ob"], "")
		}},
		{"an outbox keeps the newest 64 events, and a step finds the first ten of them", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			for n := range 35 {
				id := fmt.Sprint("m", n)
				ana.matchWith(fmt.Sprint("r", n), id, ben)
				f.says(ana.finish(id, ben, "completed"), match.StatusEnded)
				f.says(ana.release(id, ben, "completed"), match.StatusReleased)
			}
			f.advance(match.NotifyAgain)
			clear(found)
			ana.snapshot()
			var sizes []int
			var ids []string
			for len(found["ana"].Events) > 0 {
				u := found["ana"]
				delete(found, "ana")
				sizes = append(sizes, len(u.Events))
				for _, e := range u.Events {
					ids = append(ids, e.ID())
				}
				ana.published(u)
			}
			same(f, sizes, []int{10, 10, 10, 10, 10, 10, 4})
			same(f, ids[0]+" "+ids[63], "m3.matched m34.ended")
		}},
		{"of a member that was forgotten no event is left", func(f *fixture) {
			found := f.eventful()
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.says(ana.release("m1", ben, "completed"), match.StatusReleased)
			for _, a := range []*member{ana, ben} {
				f.says(a.disconnect(0), match.StatusOK)
				f.says(a.forget(), match.StatusOK)
			}
			clear(found)
			ana.published(match.Unpublished{})
			ben.snapshot()
			same(f, len(found), 0)
			same(f, f.ttl(f.key("events", "ana")), -2*time.Millisecond)
		}},
	}
}
