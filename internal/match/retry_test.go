package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
)

// All that the search found were searching themselves.
func TestRivalsRetryForASecond(t *testing.T) {
	met := func(id, rival string) script { return expect("claim mia "+id+" "+rival+" 5", match.StatusBusy) }
	begun := func(rivals ...string) script {
		var all []match.Candidate
		var busy script
		for i, name := range rivals {
			all = append(all, candidate(name, float64(i)))
			busy = append(busy, met("1", name)...)
		}
		return join(expect("begin mia1 1", withRequest(match.StatusOK, request()), hits(all...)), busy)
	}
	waits := func(id string) script {
		return join(expect("give_up mia "+id+" wait", withRequest(match.StatusWaiting, request())), expect("apply mia"))
	}
	over := func(id string) script {
		return join(expect("give_up mia "+id, withRequest(match.StatusNoMatch, request())), expect("apply mia"))
	}
	sooner, later := expect("sleep 15ms"), expect("sleep 60ms")
	ok := withRequest(match.StatusOK, request())
	second := join(expect("lease mia 2", ok), expect("search for mia", hits(candidate("zoe", 1))))
	vain := func(id string) script {
		return join(expect("lease mia "+id, ok), expect("search for mia", hits()), over(id))
	}
	told := withRequest(match.StatusNoMatch, request())
	told.Connection = "mia1"
	const rest = 940 * time.Millisecond // of the second, but for a pause

	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the rival's id is larger: a short pause":                          {join(begun("zoe"), waits("1"), sooner, second, claimAndMatch("mia", "2", "zoe")), nil},
		"the rival's id is smaller: a long pause":                          {join(begun("ann"), waits("1"), later, second, claimAndMatch("mia", "2", "zoe")), nil},
		"one of three rivals has a smaller id: a long pause":               {join(begun("zoe", "ann", "zyd"), waits("1"), later, second, claimAndMatch("mia", "2", "zoe")), nil},
		"the second attempt meets another rival: its id decides the pause": {join(begun("ann"), waits("1"), later, second, met("2", "zoe"), waits("2"), sooner, vain("3")), nil},
		"a request served in between meets a rival: it does not count": {join(begun("zoe"),
			expect("give_up mia 1 wait", withRequest(match.StatusWaiting, request())), expect("apply mia", []match.WaitingRequest{requestOf("bea", 1, 1)}),
			attempt("bea", "2", candidate("ann", 1)), expect("claim bea 2 ann 5", match.StatusBusy), giveUp("bea", "2"),
			sooner, vain("3")), nil},

		"the rival has gone: no match": {join(begun("zoe"), waits("1"), sooner, vain("2")), nil},
		"the second attempt's commit is refused: the claim is released": {join(begun("zoe"), waits("1"), sooner, second, expect("claim mia 2 zoe 5", match.StatusYours),
			expect("commit mia 2 zoe", match.StatusRefused), expect("release mia 2 zoe lost", match.StatusReleased), expect("apply zoe")), nil},
		"a second is over after the second attempt: no match": {join(begun("ann"), waits("1"), expect("sleep 60ms", rest), second, met("2", "zoe"), over("2")), nil},
		"a second is nearly over: a third attempt":            {join(begun("ann"), waits("1"), expect("sleep 60ms", rest-time.Millisecond), second, met("2", "zoe"), waits("2"), sooner, vain("3")), nil},

		"the request has expired: no match":                  {join(begun("zoe"), expect("give_up mia 1 wait", withRequest(match.StatusNoMatch, request())), expect("apply mia")), nil},
		"the request was answered meanwhile: nothing to say": {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", match.StatusOther), over("2")), nil},
		"the owner is claimed meanwhile: leased later":       {join(begun("ann"), waits("1"), later, expect("lease mia 2", match.StatusClaimed), later, vain("3")), nil},
		"the owner is claimed until the second is over: no match": {join(begun("ann"), waits("1"), later, expect("lease mia 2", match.StatusClaimed, rest), later,
			expect("lease mia 3", match.StatusClaimed), over("3")), nil},
		"the owner is claimed until just before: leased once more": {join(begun("ann"), waits("1"), later, expect("lease mia 2", match.StatusClaimed, rest-60*time.Millisecond),
			later, expect("lease mia 3", match.StatusClaimed), later, vain("4")), nil},

		"the first give-up fails: the error": {join(begun("zoe"), expect("give_up mia 1 wait", withRequest(match.StatusWaiting, request()), err1)), err1},
		"the pause fails: the error":         {join(begun("zoe"), waits("1"), expect("sleep 15ms", err1)), err1},
		"the lease fails: the error":         {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", err1)), err1},
		"the second search fails: the error": {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", ok), expect("search for mia", err1)), err1},
		"the last give-up fails: the error": {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", ok), expect("search for mia", hits()),
			expect("give_up mia 2", err1)), err1},
		"the give-up of an answered request fails: the error": {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", match.StatusOther), expect("give_up mia 2", err1)), err1},
		"the request expired meanwhile: no_match is pushed": {join(begun("zoe"), waits("1"), sooner, expect("lease mia 2", match.StatusOther),
			expect("give_up mia 2", told), expect(`push mia1 {"type":"no_match","id":"m1","radius":500}`), expect("apply mia")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, test.steps)
			s.checkError(s.Match(t.Context(), session("mia"), matchMessage()), test.want)
		})
	}
}
