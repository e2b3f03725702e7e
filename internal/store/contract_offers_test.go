package store_test

import (
	"fmt"
	"time"

	"waggle/internal/match"
)

// offers: how a match is offered before it exists, and what becomes of the offer.
func offers() []testCase {
	const answerIn = 15 * time.Second
	declined := func(a *member, all ...*member) match.Request {
		q := a.asked
		for _, b := range all {
			q.Declined = append(q.Declined, b.Member)
		}
		return q
	}
	return []testCase{
		{"a claim to offer leaves the index alone and marks the offer, and its repeat does nothing", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.is(ana.claimToOffer("m1", ben), match.Claimed{Status: match.StatusYours, Tell: true, Connection: ben.Connection})
			f.is(ana.claimToOffer("m1", ben), match.Claimed{Status: match.StatusYours, Tell: true, Connection: ben.Connection})
			same(f, *ben.snapshot().Claim, match.Claim{Matcher: ana.Member, Match: "m1", At: f.now, Offer: true})
			f.advance(match.NotifyAgain)
			same(f, notices(ben.read().Untold), "offered m1")
			ben.told(match.NoticeOffered.Mark("m1"))
			same(f, ana.claimToOffer("m1", ben).Tell, false)
		}},
		{"an offer stands from its entry in the routing table on, and its repeat has the same result", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.says(ana.claimToOffer("m1", ben), match.StatusYours)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusSearching})
			route := match.Route{State: match.Offered, Match: "m1", Matchee: ben.Member, Until: f.now + answerIn.Milliseconds(), Distance: 250,
				Request: ana.asked}
			want := match.OfferMade{Status: match.StatusYours, Tell: true, Connection: ana.Connection, Route: &route}
			f.is(ana.offer("m1", ben), want)
			f.advance(time.Second)
			f.is(ana.offer("m1", ben), want)
			same(f, *ana.snapshot().Route, route)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOffered})
			f.advance(match.NotifyAgain)
			same(f, notices(ana.read().Untold), "offered m1")
		}},
		{"an offer is refused where its search is over, or is another", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			refused := match.OfferMade{Status: match.StatusRefused}
			f.is(ana.offer("m1", ben), refused)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.is(ana.offer("m2", ben), refused)
			f.says(ana.offer("m1", ben), match.StatusYours)
			f.is(ana.offer("m1", cem), refused)
			f.says(ana.cancel(), match.StatusCancelled)
			f.is(ana.offer("m1", ben), refused)
			ana.await("r2", confirmedIn(answerIn))
			f.is(ana.offer("search-of-r2", ben), refused)
		}},
		{"an offer whose matcher the cache has lost is declined without a trace of that member", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			f.evict(f.key("m", "ana"))
			f.evict(f.key("past", "ana"))
			f.says(ana.decline("m1", ben), match.StatusOK)
			same(f, f.stored("m", "ana"), map[string]string{})
			same(f, f.stored("past", "ana"), map[string]string{})
		}},
		{"an offer that is repeated after it was accepted says so", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			f.says(ben.accept("m1"), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.is(ana.offer("m1", ben), match.OfferMade{Status: match.StatusActive})
		}},
		{"a request that asks is not committed before its offer, and an offer only to whom it was made", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			f.says(ana.offer("m1", ben), match.StatusYours)
			f.is(ana.commit("m1", cem), match.Committed{Status: match.StatusRefused})
			f.is(ana.commit("m2", ben), match.Committed{Status: match.StatusRefused})
			f.says(ana.commit("m1", ben), match.StatusYours)
		}},
		{"an offer that is accepted becomes a match, whose notice takes the place of the offer's", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.says(ana.claimToOffer("m1", ben), match.StatusYours)
			f.says(ana.offer("m1", ben), match.StatusYours)
			accepted := ben.accept("m1")
			f.says(accepted, match.StatusYours)
			same(f, *accepted.Claim, match.Claim{Matcher: ana.Member, Match: "m1", At: f.now, Offer: true, Accepted: true})
			f.says(ben.accept("m1"), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.says(ana.confirm("m1", ben), match.StatusYours)
			f.advance(match.NotifyAgain)
			same(f, notices(ana.read().Untold), "matched r1")
			same(f, notices(ben.read().Untold), "matched m1")
			same(f, ana.snapshot().Route.Until, 0)
			f.advance(time.Hour)
			same(f, ana.snapshot().Route.State, match.Active)
			f.says(ben.accept("m1"), match.StatusActive)
		}},
		{"only the member to whom it is made accepts an offer, and no other match", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.offerTo("r1", "m1", ben)
			f.says(cem.accept("m1"), match.StatusOther)
			f.says(ben.accept("m2"), match.StatusOther)
			f.says(ana.accept("m1"), match.StatusOther)
			same(f, ben.snapshot().Claim.Accepted, false)
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.release("m1", ben, "cancelled"), match.StatusReleased)
			f.says(cem.begin("r2", "m3"), match.StatusOK)
			f.says(cem.claim("m3", ben), match.StatusYours)
			f.says(ben.accept("m3"), match.StatusOther) // it is not asked
		}},
		{"an offer expires by itself: its request waits for its next attempt, without that member", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			f.advance(answerIn - time.Millisecond)
			same(f, ana.snapshot().Route.State, match.Offered)
			f.advance(time.Millisecond)
			same(f, *ana.snapshot().Route, match.Route{State: match.Waiting, Matchee: match.Member{Pool: f.pool}, Request: declined(ana, ben)})
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused, Reason: "expired"})
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "expired"})
			same(f, notices(ana.read().Untold), "ended m1")
			leased := ana.lease("m2")
			f.says(leased, match.StatusOK)
			same(f, leased.Request.Declined, []match.Member{ben.Member})
		}},
		{"an offer outlives the deadline of its request, which is over with it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben, openFor(time.Second))
			f.advance(answerIn - time.Millisecond)
			ana.moveTo(0)
			ben.moveTo(10)
			same(f, ana.snapshot().Route.State, match.Offered)
			f.advance(time.Millisecond)
			same(f, notices(ana.read().Untold), "ended m1, no_match r1")
			same(f, ana.snapshot().Route, nil)
		}},
		{"a decline takes the offer back, and its repeat does nothing", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			f.is(ana.decline("m1", ben), match.Declined{Status: match.StatusOK, Tell: true, Connection: ana.Connection})
			same(f, ana.snapshot().Route.State, match.Waiting)
			same(f, ana.snapshot().Route.Request.Declined, []match.Member{ben.Member})
			f.is(ana.decline("m1", ben), match.Declined{Status: match.StatusOther, Reason: "declined"})
			f.advance(match.NotifyAgain)
			same(f, notices(ana.read().Untold), "ended m1")
			f.says(ana.release("m1", ben, "declined"), match.StatusReleased)
			f.advance(match.NotifyAgain)
			same(f, notices(ben.read().Untold), "ended m1")
			same(f, ben.snapshot().Ends, []match.End{{Match: "m1", Reason: "declined", Matcher: ana.Member, At: f.now - match.NotifyAgain.Milliseconds()}})
		}},
		{"a decline of another offer, by another, or of a match does nothing", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			other := match.Declined{Status: match.StatusOther}
			f.is(ana.decline("m1", ben), other)
			ana.offerTo("r1", "m1", ben)
			f.is(ana.decline("m2", ben), other)
			f.is(ana.decline("m1", cem), other)
			f.says(ben.accept("m1"), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			f.is(ana.decline("m1", ben), match.Declined{Status: match.StatusActive})
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.is(ana.decline("m1", ben), other)
		}},
		{"a request that was declined stays registered, and one whose offer expired does not", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			registered, err := f.store.Registered(f.t.Context(), ana.waiting())
			f.must(err)
			same(f, registered, true)
			f.says(ana.decline("m1", ben), match.StatusOK)
			same(f, ana.snapshot().Route.Request.Registered, true)
			f.says(ana.lease("m2"), match.StatusOK)
			f.says(ana.offer("m2", ben), match.StatusYours)
			f.advance(answerIn)
			same(f, ana.snapshot().Route.Request.Registered, false)
		}},
		{"a request remembers the last 32 who declined", func(f *fixture) {
			ana := f.listed("ana", 0)
			f.says(ana.begin("r1", "m0", confirmedIn(answerIn)), match.StatusOK)
			f.says(ana.giveUp("m0", true), match.StatusWaiting)
			var all []match.Member
			for n := range 33 {
				ben := f.newMember(fmt.Sprint("ben", n))
				search := fmt.Sprint("m", n)
				f.says(ana.lease(search), match.StatusOK)
				f.says(ana.offer(search, ben), match.StatusYours)
				f.says(ana.decline(search, ben), match.StatusOK)
				all = append(all, ben.Member)
			}
			same(f, ana.snapshot().Route.Request.Declined, all[1:])
		}},
		{"a member with an offer is busy: as a matcher, as a matchee, and for those who come", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.offerTo("r1", "m1", ben)
			f.says(cem.begin("r2", "m2"), match.StatusOK)
			f.is(cem.claim("m2", ana), match.Claimed{Status: match.StatusBusy})
			f.is(cem.claim("m2", ben), match.Claimed{Status: match.StatusClaimed, Claim: &match.Claim{Matcher: ana.Member, Match: "m1", At: f.now, Offer: true}})
			f.is(ana.lease("m3"), match.Leased{Status: match.StatusSearching, Request: &ana.asked})
			f.says(ana.giveUp("m1", true), match.StatusOther)
			begun := ana.begin("r3", "m4")
			f.says(begun, match.StatusOffered)
			same(f, begun.Route.Match, "m1")
			f.says(ben.begin("r4", "m5"), match.StatusClaimed)
		}},
		{"a member to whom a match is offered goes on to report, and is listed anew after it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			reported := ben.report(11)
			f.says(reported, match.StatusOK)
			same(f, reported.Changes, nil)
			same(f, reported.Advice, match.Available)
			f.says(ana.decline("m1", ben), match.StatusOK)
			released := ana.release("m1", ben, "declined")
			f.is(released, match.Released{Status: match.StatusReleased, Reason: "declined", Tell: true, Connection: ben.Connection,
				Changes: []match.Change{ben.list(f.now + 1)}})
		}},
		{"a cancel takes the offer back, and names it", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1", confirmedIn(answerIn)), match.StatusOK)
			f.says(ana.claimToOffer("m1", ben), match.StatusYours)
			f.says(ana.offer("m1", ben), match.StatusYours)
			cancelled := ana.cancel()
			f.says(cancelled, match.StatusCancelled)
			same(f, cancelled.Offered.Match, "m1")
			same(f, cancelled.Offered.Matchee, ben.Member)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused, Reason: "cancelled"})
			f.advance(match.NotifyAgain)
			same(f, notices(ana.read().Untold), "") // the reply said it
		}},
		{"a request whose message failed takes its offer back, too", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben)
			ana.retract(ana.asked.Created)
			same(f, ana.snapshot().Route, nil)
		}},
		{"an offer lives longer in the cache than it stands", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.offerTo("r1", "m1", ben, openFor(time.Second))
			left := f.ttl(f.key("route", "ana"))
			same(f, left > 25*time.Second && left <= 30*time.Second, true)
			ana, ben = f.listed("ana2", 0), f.listed("ben2", 10)
			ana.offerTo("r1", "m1", ben, openFor(time.Minute))
			left = f.ttl(f.key("route", "ana2"))
			same(f, left > 70*time.Second && left <= 75*time.Second, true)
		}},
	}
}
