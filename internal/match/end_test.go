package match_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// finished is the result of Finish for ana, whose connection is not that of the caller.
func finished(change func(*result)) result {
	r := result{Status: match.StatusEnded, Reason: "completed", Connection: "ana9", RequestID: "m1",
		Changes: []match.Change{{List: true, Epoch: 3}}}
	if change != nil {
		change(&r)
	}
	r.Tell = r.Status == match.StatusEnded
	return r
}

// released is the result of Release for ben, likewise.
func released(change func(*result)) result {
	r := result{Status: match.StatusReleased, Confirmed: true, Tell: true, Connection: "ben9", RequestID: "b7",
		Changes: []match.Change{{List: true, Epoch: 4}}}
	if change != nil {
		change(&r)
	}
	return r
}

// alreadyEnded changes a result to that of a match that ended earlier, for that reason.
func alreadyEnded(reason string) func(*result) {
	return func(r *result) { r.Status, r.Reason = match.StatusAlreadyEnded, reason }
}

// endBy is the first step of an end by that member, and what comes before the release.
func endBy(by string, finished result, more ...any) script {
	if by == "ana" {
		return expect("end ana1 x completed", append([]any{finished}, more...)...)
	}
	return join(expect("end ben1 x completed", snapshot(claim(9000, true), nil)),
		expect("finish ana x ben completed matchee", append([]any{finished}, more...)...))
}

func TestBothAreNotifiedOfAnEnd(t *testing.T) {
	reply := func(caller, reason string) string {
		return `push ` + caller + `1 {"type":"ended","id":"e","match":"x","reason":"` + reason + `"}`
	}
	ana := meanwhile(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`)
	ben := meanwhile(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`)
	listed := join(expect("apply ana +3"), meanwhile("apply ben +4"))
	noted, byBen := expect("told ana1 ended x, ana9 free x, ben9 ended x"), expect("told ana9 ended x+free x, ben1 ended x")
	withoutRequest := func(r *result) { r.RequestID = "" }
	unconfirmed := func(r *result) { r.Confirmed, r.Tell = false, false }
	unknown := func(r *result) { r.Status, r.Reason = match.StatusOther, "" }
	waits := func(r *result) { r.Waits = true }

	for name, test := range map[string]struct {
		by, id             string
		finished, released result
		reason             string
		steps              script
	}{
		"the matcher ends it: the matchee is notified": {"ana", "e", finished(nil), released(nil), "completed", join(listed, expect(reply("ana", "completed")), ben, noted)},
		"the matchee ends it: the matcher is notified": {"ben", "e", finished(nil), released(nil), "completed", join(listed, expect(reply("ben", "completed")), ana, byBen)},
		"the message has no id: the reply has the request's": {"ana", "", finished(nil), released(withoutRequest), "completed", join(listed,
			expect(`push ana1 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
			meanwhile(`push ben9 {"type":"ended","match":"x","reason":"completed"}`), noted)},
		"neither message nor request has an id: the reply has none": {"ana", "", finished(withoutRequest), released(nil), "completed", join(listed,
			expect(`push ana1 {"type":"ended","match":"x","reason":"completed"}`), ben, noted)},

		"the matchee's claim was released before: it is notified":              {"ana", "e", finished(nil), released(alreadyEnded("completed")), "completed", join(listed, expect(reply("ana", "completed")), ben, noted)},
		"the claim was not confirmed: the matchee is not notified":             {"ana", "e", finished(nil), released(unconfirmed), "completed", join(listed, expect(reply("ana", "completed")), expect("told ana1 ended x, ana9 free x"))},
		"the claim was not confirmed and the matchee ends it: it gets a reply": {"ben", "e", finished(nil), released(unconfirmed), "completed", join(listed, expect(reply("ben", "completed")), ana, expect("told ana9 ended x+free x"))},
		"it ended earlier: the matchee gets that reason":                       {"ben", "e", finished(alreadyEnded("left")), released(alreadyEnded("left")), "left", join(listed, expect(reply("ben", "left")))},
		"it ended earlier but the claim was left: the matchee gets a reply": {"ben", "e", finished(alreadyEnded("left")), released(nil), "left", join(listed, expect(reply("ben", "left")),
			expect("told ben1 ended x"))},
		"the route does not know the match: it was lost": {"ben", "e", finished(unknown), released(alreadyEnded("lost")), "lost", join(listed, expect(reply("ben", "lost")))},

		"the matchee's own request waits: it is served": {"ana", "e", finished(nil), released(waits), "completed",
			join(listed, expect(reply("ana", "completed")), ben, noted, attempt("ben", "1"), giveUp("ben", "1"))},
		"the matchee's own request cannot be served: the error is logged": {"ana", "e", finished(nil), released(waits), "completed", join(listed, expect(reply("ana", "completed")), ben, noted,
			expect("lease ben 1", match.StatusOther, err1), expect("log serve a waiting request: error 1"))},
		"the matchee's own request does not wait: it is not served": {"ana", "e", finished(nil), released(nil), "completed", join(listed, expect(reply("ana", "completed")), ben, noted)},
		"other requests wait for both: they are served": {"ana", "e", finished(nil), released(nil), "completed", join(
			expect("apply ana +3", []match.WaitingRequest{requestOf("abe", 2, 1)}), meanwhile("apply ben +4", []match.WaitingRequest{requestOf("bea", 1, 1)}),
			expect(reply("ana", "completed")), ben, noted, attempt("abe", "1"), giveUp("abe", "1"), expect("lease bea 2", match.StatusSearching))},
		"the end cannot be noted: the error is logged": {"ana", "e", finished(nil), released(nil), "completed", join(listed, expect(reply("ana", "completed")), ben,
			expect("told ana1 ended x, ana9 free x, ben9 ended x", err1), expect("log note what was told: error 1"))},
	} {
		t.Run(name, func(t *testing.T) {
			// Of an early end the release learns who ended it.
			by := "matcher"
			if test.by == "ben" {
				by = "matchee"
			}
			test.finished.Early = match.By(by)
			s := scripted(t, endBy(test.by, test.finished), expect("release ana x ben "+test.reason+" "+by, test.released), test.steps)
			s.checkError(s.End(t.Context(), session(test.by), &protocol.End{ID: test.id, Match: "x", Reason: "completed"}), nil)
		})
	}
}

// TestAnEndWithoutASessionIsNotifiedToBoth: a back end ends a match for ana. It gets the
// reply as a value, and nothing is pushed but to the two members.
func TestAnEndWithoutASessionIsNotifiedToBoth(t *testing.T) {
	s := scripted(t, expect("end ana x completed", finished(nil)),
		expect("release ana x ben completed", released(nil)), expect("apply ana +3"), meanwhile("apply ben +4"),
		expect(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
		meanwhile(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`), expect("told ana9 ended x+free x, ben9 ended x"))
	r, err := s.Service.End(t.Context(), match.Session{Member: member("ana")}, &protocol.End{ID: "e", Match: "x", Reason: "completed"})
	var replies []protocol.Frame
	err = errors.Join(err, r.Deliver(t.Context(), func(_ context.Context, f protocol.Frame) bool {
		replies = append(replies, f)
		return true
	}))
	s.checkError(err, nil)
	if diff := cmp.Diff([]protocol.Frame{&protocol.Ended{ID: "e", Match: "x", Reason: "completed"}}, replies); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAHalfDoneEndIsFinishedAndNotifiedToBoth(t *testing.T) {
	s := scripted(t, expect("read ana1", snapshot(nil, route(match.Ended, false))), expect("finish ana x ben completed", finished(nil)),
		expect("release ana x ben completed", released(nil)), expect("apply ana +3"), meanwhile("apply ben +4"),
		expect(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
		meanwhile(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`),
		meanwhile(`push ana1 {"type":"pong","id":"p","now":50000}`), expect("told ana9 ended x+free x, ben9 ended x"))
	s.checkError(s.Ping(t.Context(), session("ana"), "p"), nil)
}

func TestAnEndReturnsTheErrorOfAFailedStep(t *testing.T) {
	reply := map[string]script{
		"ana": join(expect(`push ana1 {"type":"ended","id":"e","match":"x","reason":"completed"}`),
			meanwhile(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"completed"}`), expect("told ana1 ended x, ben9 ended x")),
		"ben": join(expect(`push ana9 {"type":"ended","id":"m1","match":"x","reason":"completed"}`),
			meanwhile(`push ben1 {"type":"ended","id":"e","match":"x","reason":"completed"}`), expect("told ana9 ended x, ben1 ended x")),
	}
	for by, role := range map[string]string{"ana": "matcher", "ben": "matchee"} {
		early := finished(func(r *result) { r.Early = match.By(role) })
		end, release := endBy(by, early), "release ana x ben completed "+role
		for name, test := range map[string]struct {
			steps script
			want  error
		}{
			"the finish fails":             {endBy(by, early, err1), err1},
			"the release fails":            {join(end, expect(release, released(nil), err1)), err1},
			"the matcher cannot be listed": {join(end, expect(release, released(nil)), expect("apply ana +3", err1), meanwhile("apply ben +4"), reply[by]), err1},
			"the matchee cannot be listed": {join(end, expect(release, released(nil)), expect("apply ana +3"), meanwhile("apply ben +4", err2), reply[by]), err2},
		} {
			t.Run(name+" for "+by, func(t *testing.T) {
				s := scripted(t, test.steps)
				s.checkError(s.End(t.Context(), session(by), &protocol.End{ID: "e", Match: "x", Reason: "completed"}), test.want)
			})
		}
	}
}

func TestOnlyAMatchOfTheCallerCanBeEnded(t *testing.T) {
	unknown := &match.Fault{Kind: match.NotFound, Text: "there is no such match of yours, or it ended more than 60 s ago"}
	withEnds := func(all ...match.End) result {
		r := snapshot(nil, nil)
		r.Ends = all
		return r
	}
	claimOfAnother := claim(9000, true)
	claimOfAnother.Match = "y"
	other := route(match.Active, true)
	other.Match = "y"
	older := match.End{Match: "w", Reason: "left", At: cacheTime - 59_000}
	pushed := expect(`push ben1 {"type":"ended","id":"e","match":"x","reason":"left"}`)
	for name, test := range map[string]struct {
		read  result
		steps script
		want  error
	}{
		"no match: not found":                                       {snapshot(nil, nil), nil, unknown},
		"a route with another match: not found":                     {snapshot(nil, other), nil, unknown},
		"a route that has ended is freed first":                     {snapshot(nil, route(match.Ended, false)), join(expect("finish ben x ben completed", match.StatusOther, err1)), err1},
		"a route that is searching: not found":                      {snapshot(nil, route(match.Searching, false)), nil, unknown},
		"a claim for another match: not found":                      {snapshot(claimOfAnother, nil), nil, unknown},
		"an unconfirmed claim: not found":                           {snapshot(claim(9000, false), nil), nil, unknown},
		"an end less than a minute ago: its reason":                 {withEnds(older, match.End{Match: "x", Reason: "left", At: cacheTime - 59_999}), pushed, nil},
		"an end a minute ago: not found":                            {withEnds(match.End{Match: "x", Reason: "left", At: cacheTime - 60_000}), nil, unknown},
		"an end of another match: not found":                        {withEnds(older), nil, unknown},
		"an end that may be half done: the matcher's route is read": {withEnds(match.End{Match: "x", Reason: "left", At: cacheTime, Matcher: member("ana")}), join(pushed, expect("read ana")), nil},
		"an end whose matcher's route cannot be read: the error": {withEnds(match.End{Match: "x", Reason: "left", At: cacheTime, Matcher: member("ana")}),
			join(pushed, expect("read ana", snapshot(nil, route(match.Ended, false)), err1)), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("end ben1 x completed", test.read), test.steps)
			s.checkError(s.End(t.Context(), session("ben"), &protocol.End{ID: "e", Match: "x", Reason: "completed"}), test.want)
		})
	}
	s := scripted(t, expect("end ben1 x", snapshot(claim(0, true), nil), err1))
	s.checkError(s.End(t.Context(), session("ben"), &protocol.End{Match: "x"}), err1)
}

func TestAReleaseOfAConfirmedClaimIsNotified(t *testing.T) {
	release := func(change func(*result), outcome ...any) script {
		return expect("release ana x ben lost", append([]any{released(change)}, outcome...)...)
	}
	pushed := join(expect(`push ben9 {"type":"ended","id":"b7","match":"x","reason":"lost"}`), expect("told ben9 ended x"))
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the claim was confirmed: the matchee is notified": {join(release(nil), expect("apply ben +4"), pushed), noMatch()},
		"the matchee had no request: the frame has no id": {join(release(func(r *result) { r.RequestID = "" }), expect("apply ben +4"),
			expect(`push ben9 {"type":"ended","match":"x","reason":"lost"}`), expect("told ben9 ended x")), noMatch()},
		"the claim was not confirmed: the matchee is not notified":               {join(release(func(r *result) { r.Confirmed, r.Tell = false, false }), expect("apply ben +4")), noMatch()},
		"the match ended earlier: the matchee is not notified":                   {join(release(alreadyEnded("lost")), expect("apply ben +4")), noMatch()},
		"its own request waits: it is served":                                    {join(release(func(r *result) { r.Waits = true }), expect("apply ben +4"), pushed, attempt("ben", "1"), giveUp("ben", "1")), noMatch()},
		"its own request does not wait: it is not served":                        {join(release(func(r *result) { r.Waits = false }), expect("apply ben +4"), pushed), noMatch()},
		"another request waits for it: that is served":                           {join(release(nil), expect("apply ben +4", []match.WaitingRequest{requestOf("abe", 1, 1)}), pushed, expect("lease abe 1", match.StatusSearching)), noMatch()},
		"the release fails: the error is returned":                               {release(nil, err1), err1},
		"the matchee cannot be listed: it is notified and the error is returned": {join(release(nil), expect("apply ben +4", err1), pushed), err1},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ben1", snapshot(claim(9000, true), nil)), expect("read ana"), test.steps)
			s.checkError(s.Locate(t.Context(), session("ben"), ""), test.want)
		})
	}
}
