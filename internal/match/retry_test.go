package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
)

// All that the search found were searching themselves.
func TestRivalsRetryForASecond(t *testing.T) {
	meetRival := func(id, rival string) script { return expect("claim mia "+id+" "+rival+" 5", match.StatusBusy) }
	beginWithRivals := func(rivals ...string) script {
		var found []match.Candidate
		var claims script
		for i, name := range rivals {
			found = append(found, candidate(name, float64(i)))
			claims = append(claims, meetRival("1", name)...)
		}
		return join(expect("begin mia1 1", withRequest(match.StatusOK, request())), expect("search for mia", hits(found...)), claims)
	}
	waitAfter := func(id string) script {
		return join(expect("give_up mia "+id+" wait", withRequest(match.StatusWaiting, request())), expect("apply mia"))
	}
	noMatchAfter := func(id string) script {
		return join(expect("give_up mia "+id, withRequest(match.StatusNoMatch, request())), expect("apply mia"))
	}
	shortPause, longPause := expect("sleep 15ms"), expect("sleep 60ms")
	ok := withRequest(match.StatusOK, request())
	secondSearch := join(expect("lease mia 2", ok), expect("search for mia", hits(candidate("zoe", 1))))
	findNobody := func(id string) script {
		return join(expect("lease mia "+id, ok), expect("search for mia", hits()), noMatchAfter(id))
	}
	expired := withRequest(match.StatusNoMatch, request())
	expired.Connection = "mia1"
	const rest = 940 * time.Millisecond // of the second, after a long pause

	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the rival's id is larger: a short pause":                          {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, secondSearch, claimAndMatch("mia", "2", "zoe")), nil},
		"the rival's id is smaller: a long pause":                          {join(beginWithRivals("ann"), waitAfter("1"), longPause, secondSearch, claimAndMatch("mia", "2", "zoe")), nil},
		"one of three rivals has a smaller id: a long pause":               {join(beginWithRivals("zoe", "ann", "zyd"), waitAfter("1"), longPause, secondSearch, claimAndMatch("mia", "2", "zoe")), nil},
		"the second attempt meets another rival: its id decides the pause": {join(beginWithRivals("ann"), waitAfter("1"), longPause, secondSearch, meetRival("2", "zoe"), waitAfter("2"), shortPause, findNobody("3")), nil},
		"a request served in between meets a rival: it does not count": {join(beginWithRivals("zoe"),
			expect("give_up mia 1 wait", withRequest(match.StatusWaiting, request())), expect("apply mia", []match.WaitingRequest{requestOf("bea", 1, 1)}),
			attempt("bea", "2", candidate("ann", 1)), expect("claim bea 2 ann 5", match.StatusBusy), giveUp("bea", "2"),
			shortPause, findNobody("3")), nil},

		"the rival has gone: no match": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, findNobody("2")), nil},
		"the second attempt's commit is refused: the claim is released": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, secondSearch, expect("claim mia 2 zoe 5", match.StatusYours),
			expect("commit mia 2 zoe", match.StatusRefused), expect("release mia 2 zoe lost", match.StatusReleased), expect("apply zoe")), nil},
		"a second is over after the second attempt: no match": {join(beginWithRivals("ann"), waitAfter("1"), expect("sleep 60ms", rest), secondSearch, meetRival("2", "zoe"), noMatchAfter("2")), nil},
		"a second is nearly over: a third attempt":            {join(beginWithRivals("ann"), waitAfter("1"), expect("sleep 60ms", rest-time.Millisecond), secondSearch, meetRival("2", "zoe"), waitAfter("2"), shortPause, findNobody("3")), nil},

		"the request has expired: no match":                  {join(beginWithRivals("zoe"), expect("give_up mia 1 wait", withRequest(match.StatusNoMatch, request())), expect("apply mia")), nil},
		"the request was answered meanwhile: nothing to say": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", match.StatusOther), noMatchAfter("2")), nil},
		"the owner is claimed meanwhile: leased later":       {join(beginWithRivals("ann"), waitAfter("1"), longPause, expect("lease mia 2", match.StatusClaimed), longPause, findNobody("3")), nil},
		"the owner is claimed until the second is over: no match": {join(beginWithRivals("ann"), waitAfter("1"), longPause, expect("lease mia 2", match.StatusClaimed, rest), longPause,
			expect("lease mia 3", match.StatusClaimed), noMatchAfter("3")), nil},
		"the owner is claimed until just before: leased once more": {join(beginWithRivals("ann"), waitAfter("1"), longPause, expect("lease mia 2", match.StatusClaimed, rest-60*time.Millisecond),
			longPause, expect("lease mia 3", match.StatusClaimed), longPause, findNobody("4")), nil},

		"the first give-up fails: the error": {join(beginWithRivals("zoe"), expect("give_up mia 1 wait", withRequest(match.StatusWaiting, request()), err1)), err1},
		"the pause fails: the error":         {join(beginWithRivals("zoe"), waitAfter("1"), expect("sleep 15ms", err1)), err1},
		"the lease fails: the error":         {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", err1)), err1},
		"the second search fails: the error": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", ok), expect("search for mia", err1)), err1},
		"the last give-up fails: the error": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", ok), expect("search for mia", hits()),
			expect("give_up mia 2", err1)), err1},
		"the give-up of an answered request fails: the error": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", match.StatusOther), expect("give_up mia 2", err1)), err1},
		"the request expired meanwhile: no_match is pushed": {join(beginWithRivals("zoe"), waitAfter("1"), shortPause, expect("lease mia 2", match.StatusOther),
			expect("give_up mia 2", expired), expect(`push mia1 {"type":"no_match","id":"m1","radius":500}`), expect("apply mia")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want != nil {
				test.steps = join(test.steps, retracted("mia"))
			}
			s := scripted(t, test.steps)
			s.checkError(s.Match(t.Context(), session("mia"), matchMessage()), test.want)
		})
	}
}
