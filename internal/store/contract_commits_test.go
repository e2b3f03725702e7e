package store_test

import (
	"encoding/json"
	"time"

	"waggle/internal/match"
)

// commits: how a claim becomes a match.
func commits() []testCase {
	return []testCase{
		{"a commit makes the search a match, and takes the matcher out of the index", func(f *fixture) {
			ana, ben := f.newMember("ana"), f.listed("ben", 10)
			ana.Card = json.RawMessage(`"Ana"`)
			f.says(ana.connect(), match.StatusOK)
			ana.moveTo(0)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusYours, Tell: true, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked, Changes: []match.Change{unlist(0, f.now)}})
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusYours, Tell: true, Connection: ana.Connection, Card: `"Ana"`,
				Request: &ana.asked})
			same(f, *ana.snapshot().Route, match.Route{State: match.Active, Match: "m1", Matchee: ben.Member, Request: ana.asked})
		}},
		{"a commit is refused where there is no such search", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			ana.await("r1")
			f.is(ana.commit("search-of-r1", ben), match.Committed{Status: match.StatusRefused})
			f.says(ana.lease("m1"), match.StatusOK)
			f.is(ana.commit("m2", ben), match.Committed{Status: match.StatusRefused})
			same(f, ana.snapshot().Route.State, match.Searching)
		}},
		{"a commit is refused where another one was made", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ana.commitWith("r1", "m1", ben)
			f.is(ana.commit("m1", cem), match.Committed{Status: match.StatusRefused})
			f.is(ana.commit("m2", ben), match.Committed{Status: match.StatusRefused})
			same(f, ana.snapshot().Route.Matchee, ben.Member)
		}},
		{"a commit is refused once the search has lapsed", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.advance(15*time.Second - time.Millisecond)
			later := f.listed("cem", 20)
			f.says(later.begin("r1", "m2"), match.StatusOK)
			f.says(later.claim("m2", ben), match.StatusClaimed)
			f.advance(time.Millisecond)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused})
			same(f, ana.snapshot().Route.State, match.Waiting)
			f.advance(15*time.Second - 2*time.Millisecond)
			f.says(later.commit("m2", ben), match.StatusYours) // in its last ms
		}},
		{"a match does not lapse, and a commit that is repeated has the same result", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.commitWith("r1", "m1", ben)
			f.advance(time.Hour)
			same(f, ana.snapshot().Route.State, match.Active)
			f.says(ana.commit("m1", ben), match.StatusYours)
		}},
		{"a commit that is repeated after the end is refused", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.matchWith("r1", "m1", ben)
			f.says(ana.finish("m1", ben, "completed"), match.StatusEnded)
			f.is(ana.commit("m1", ben), match.Committed{Status: match.StatusRefused, Reason: "completed"})
			same(f, ana.snapshot().Route.State, match.Ended)
		}},
		{"a commit of a matcher who has disconnected names no connection", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			ana.leave()
			same(f, ana.commit("m1", ben).Connection, "")
		}},
		{"every id of the request gets the match as its outcome, and no earlier id does", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r0", "m0"), match.StatusOK)
			f.says(ana.cancel(), match.StatusCancelled)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.begin("r2", "m2"), match.StatusSearching)
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			for _, want := range []match.Outcome{{ID: "r0", Kind: "cancelled", Radius: 3000},
				{ID: "r1", Kind: "matched", Match: "m1", Radius: 3000}, {ID: "r2", Kind: "matched", Match: "m1", Radius: 3000}} {
				f.repeats(ana.begin(want.ID, "m3"), want)
			}
		}},
		{"a confirm makes the claim final, and takes the matchee out of the index", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.newMember("ben")
			ben.Card = json.RawMessage(`"Ben"`)
			f.says(ben.connect(), match.StatusOK)
			ben.moveTo(10)
			ana.commitWith("r1", "m1", ben)
			want := match.Confirmed{Status: match.StatusYours, Tell: true, Connection: ben.Connection, Card: `"Ben"`, Position: &ben.Position,
				Changes: []match.Change{unlist(10, f.now)}}
			f.is(ana.confirm("m1", ben), want)
			want.Changes = nil
			f.is(ana.confirm("m1", ben), want)
			same(f, ben.snapshot().Claim.Confirmed, true)
		}},
		{"a confirm is refused where there is no such claim", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.is(ana.confirm("m1", ben), match.Confirmed{Status: match.StatusRefused})
			ana.commitWith("r1", "m1", ben)
			f.is(ana.confirm("m2", ben), match.Confirmed{Status: match.StatusRefused})
			f.is(cem.confirm("m1", ben), match.Confirmed{Status: match.StatusRefused})
			same(f, ben.snapshot().Claim.Confirmed, false)
		}},
		{"a confirm answers the matchee's own waiting request", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ben.await("r7", wanting("van"))
			ana.commitWith("r1", "m1", ben)
			same(f, *ana.confirm("m1", ben).Request, ben.asked)
			same(f, ben.snapshot().Route, nil)
			same(f, *ana.confirm("m1", ben).Request, match.Request{ID: "r7", Tags: []string{}})
			f.repeats(ben.begin("r7", "m2"), match.Outcome{ID: "r7", Kind: "matched", Match: "m1", Radius: 3000})
		}},
		{"a confirm leaves the end of the matchee's own last match", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			ben.matchWith("", "m0", cem)
			f.says(ben.finish("m0", cem, "completed"), match.StatusEnded)
			ana.commitWith("r1", "m1", ben)
			same(f, ana.confirm("m1", ben).Request, nil)
			same(f, ben.snapshot().Route.State, match.Ended)
		}},
		{"a confirm of a matchee who has disconnected names no connection", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			ana.commitWith("r1", "m1", ben)
			ben.leave()
			same(f, ana.confirm("m1", ben).Connection, "")
		}},
		{"a watch tells whether this match with this matchee is active", func(f *fixture) {
			ana, ben, cem := f.listed("ana", 0), f.listed("ben", 10), f.listed("cem", 20)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusSearching})
			f.is(ana.watch("m2", ben), match.WatchedRoute{Status: match.StatusOther})
			f.says(ana.claim("m1", ben), match.StatusYours)
			f.says(ana.commit("m1", ben), match.StatusYours)
			want := match.WatchedRoute{Status: match.StatusActive, Connection: ana.Connection, Tell: true, Pushing: true,
				Presence: match.Presence{Heard: f.now}}
			f.is(ana.watch("m1", ben), want)
			f.is(ana.watch("m2", ben), match.WatchedRoute{Status: match.StatusOther})
			f.is(ana.watch("m1", cem), match.WatchedRoute{Status: match.StatusOther})
			ana.leave()
			same(f, ana.watch("m1", ben).Connection, "")
			f.says(ana.finish("m1", ben, "left"), match.StatusEnded)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusAlreadyEnded, Reason: "left", Early: match.ByNobody})
		}},
		{"a request that waits again is not watched", func(f *fixture) {
			ana, ben := f.listed("ana", 0), f.listed("ben", 10)
			f.says(ana.begin("r1", "m1"), match.StatusOK)
			f.says(ana.giveUp("m1", true), match.StatusWaiting)
			f.is(ana.watch("m1", ben), match.WatchedRoute{Status: match.StatusOther})
		}},
	}
}
