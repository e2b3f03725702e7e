package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// TestARequestThatWasDeclinedGoesOnOnce: the process of the decline makes one attempt more. A request
// that does not wait is over if that finds nobody. If it finds only somebody who is searching, the
// request goes on with the owner's next message.
func TestARequestThatWasDeclinedGoesOnOnce(t *testing.T) {
	asks := request()
	asks.Confirm, asks.Declined = 15*time.Second, []match.Member{member("ben")}
	offered := claim(1000, false)
	offered.Offer = true
	next := func(found ...match.Candidate) script {
		return join(expect("lease ana 1", withRequest(match.StatusOK, asks)), expect("search for ana", hits(found...)))
	}
	for name, attempt := range map[string]script{
		"nobody":                    join(next(), expect("give_up ana 1", withRequest(match.StatusNoMatch, asks)), expect("apply ana")),
		"only the one who declined": join(next(candidate("ben", 1)), expect("give_up ana 1", withRequest(match.StatusNoMatch, asks)), expect("apply ana")),
		"one who is searching": join(next(candidate("cem", 1)), expect("claim to offer ana 1 cem 5", match.StatusBusy),
			expect("give_up ana 1 wait", withRequest(match.StatusWaiting, asks)), expect("apply ana")),
		"another": join(next(candidate("cem", 1)), expect("claim to offer ana 1 cem 5", match.StatusYours), expect("offer ana 1 cem 250",
			result{Status: match.StatusYours, Route: &match.Route{State: match.Offered, Match: "1", Matchee: member("cem"), Request: asks}})),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ben1", snapshot(offered, nil)), expect("decline ana x ben", match.StatusOK),
				expect("release ana x ben declined", match.StatusReleased), expect("apply ben"),
				expect(`push ben1 {"type":"ended","id":"d","match":"x","reason":"declined"}`), attempt)
			s.checkError(s.Decline(t.Context(), session("ben"), &protocol.Decline{ID: "d", Match: "x"}), nil)
		})
	}
}

// TestAnAcceptThatWasLeftHalfDoneIsCompleted: the matchee has accepted, and that process stopped before
// the commit. The matcher's next message makes the match.
func TestAnAcceptThatWasLeftHalfDoneIsCompleted(t *testing.T) {
	offered, accepted := claim(1000, false), claim(1000, false)
	offered.Offer, accepted.Offer, accepted.Accepted = true, true, true
	for name, test := range map[string]struct {
		claim *match.Claim
		steps script
	}{
		"accepted":         {accepted, join(commitAndConfirm("ana", "x", "ben"), expect("apply ana"), meanwhile("apply ben"))},
		"not answered yet": {offered, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read ana1", snapshot(nil, route(match.Offered, false))), expect("read ben", snapshot(test.claim, nil)), test.steps)
			s.checkError(s.Locate(t.Context(), session("ana"), "i"), noMatch())
		})
	}
}
