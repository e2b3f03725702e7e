package match_test

import (
	"fmt"
	"testing"
	"time"

	"waggle/internal/match"
)

func TestAListingWakesWaitingRequests(t *testing.T) {
	ann, bea, zoe, zyd := requestOf("ann", 1, 1), requestOf("bea", 2, 1), requestOf("zoe", 1, 1), requestOf("zyd", 2, 1)
	for name, steps := range map[string]script{
		"no request waits": connect("mia"),
		"three wait: the oldest first, then the nearest": join(connect("mia", requestOf("ann", 2, 1), requestOf("bea", 1, 9), requestOf("cat", 1, 3)),
			attempt("cat", "1"), giveUp("cat", "1"), attempt("bea", "2"), giveUp("bea", "2"), attempt("ann", "3"), giveUp("ann", "3")),
		"the first claims mia: the second is not served": join(connect("mia", ann, bea), attempt("ann", "1", candidate("mia", 1)), claimAndMatch("ann", "1", "mia")),
		"the first claims another: the second is served": join(connect("mia", ann, bea), attempt("ann", "1", candidate("cat", 1)), claimAndMatch("ann", "1", "cat"),
			attempt("bea", "2", candidate("mia", 1)), claimAndMatch("bea", "2", "mia")),
		"the first's owner is silent: the second is served": join(connect("mia", ann, bea), expect("lease ann 1", match.StatusSilent), attempt("bea", "2"), giveUp("bea", "2")),
		"the first is searching: the second is served":      join(connect("mia", ann, bea), expect("lease ann 1", match.StatusSearching), attempt("bea", "2"), giveUp("bea", "2")),
		"the first is over: it is withdrawn and the second is served": join(connect("mia", ann, bea), expect("lease ann 1", match.StatusOther), expect("withdraw ann m1"),
			attempt("bea", "2"), giveUp("bea", "2")),
		"the first's lease fails: logged, no further attempts": join(connect("mia", ann, bea), expect("lease ann 1", withRequest(match.StatusOK, waitingRequest()), err1),
			expect("log serve a waiting request: error 1")),
		"the first's search fails: it waits on, logged": join(connect("mia", ann, bea), expect("lease ann 1", withRequest(match.StatusOK, waitingRequest())),
			expect("search for ann", err1), giveUp("ann", "1"), expect("log serve a waiting request: error 1")),
		"the first's search and give-up fail: the first error is logged": join(connect("mia", ann, bea), expect("lease ann 1", withRequest(match.StatusOK, waitingRequest())),
			expect("search for ann", err1), expect("give_up ann 1 wait", err2), expect("log serve a waiting request: error 1")),
		"the first's give-up fails: logged": join(connect("mia", ann, bea), attempt("ann", "1"), expect("give_up ann 1 wait", result{Missed: true}, err1),
			expect("log serve a waiting request: error 1")),
		"the first's listing fails: logged": join(connect("mia", ann, bea), attempt("ann", "1"), expect("give_up ann 1 wait", withRequest(match.StatusWaiting, waitingRequest())),
			expect("apply ann", []match.WaitingRequest{zoe}, err1), expect("log serve a waiting request: error 1")),
		"the first's commit is refused: the claim is released and the second is served": join(connect("mia", ann, bea), attempt("ann", "1", candidate("mia", 1)), expect("claim ann 1 mia 5", match.StatusYours),
			expect("commit ann 1 mia", match.StatusRefused), expect("release ann 1 mia lost", match.StatusReleased), expect("apply mia"),
			attempt("bea", "2"), giveUp("bea", "2")),

		"mia's id is smaller: her request goes first": join(connect("mia", zoe, zyd), attempt("mia", "1", candidate("zoe", 1)), claimAndMatch("mia", "1", "zoe")),
		"mia's id is in the middle: her request goes second": join(connect("mia", ann, zyd), attempt("ann", "1"), giveUp("ann", "1"),
			attempt("mia", "2", candidate("zyd", 1)), claimAndMatch("mia", "2", "zyd")),
		"mia has no request: the others are served": join(connect("mia", zoe, zyd), expect("lease mia 1", match.StatusOther), attempt("zoe", "2"), giveUp("zoe", "2"),
			attempt("zyd", "3"), giveUp("zyd", "3")),
		"mia's request finds nobody: the others are served": join(connect("mia", zoe, zyd), attempt("mia", "1"), giveUp("mia", "1"), attempt("zoe", "2"), giveUp("zoe", "2"),
			attempt("zyd", "3"), giveUp("zyd", "3")),
		"mia is silent: the other is served":             join(connect("mia", zoe), expect("lease mia 1", match.StatusSilent), attempt("zoe", "2"), giveUp("zoe", "2")),
		"mia is searching: the other is not served":      join(connect("mia", zoe), expect("lease mia 1", match.StatusSearching)),
		"mia is claimed: the other is not served":        join(connect("mia", zoe), expect("lease mia 1", match.StatusClaimed)),
		"mia's lease fails: logged, no further attempts": join(connect("mia", zoe), expect("lease mia 1", match.StatusOther, err1), expect("log serve a waiting request: error 1")),
		"mia's request finds nobody: the give-up wakes the other": join(connect("mia", zoe), attempt("mia", "1"), giveUp("mia", "1", zoe),
			attempt("zoe", "2", candidate("mia", 1)), claimAndMatch("zoe", "2", "mia")),
		"mia's request meets a rival: the give-up wakes hers again": join(connect("mia", zoe), attempt("mia", "1", candidate("zoe", 1)), expect("claim mia 1 zoe 5", match.StatusBusy),
			giveUp("mia", "1", zoe), attempt("mia", "2", candidate("zoe", 1)), claimAndMatch("mia", "2", "zoe")),

		"the search missed a member: a second attempt": join(connect("mia", ann), attempt("ann", "1"), giveUpMissed("ann", "1"), attempt("ann", "2", candidate("mia", 1)),
			claimAndMatch("ann", "2", "mia")),
		"mia's own search missed a member: a second attempt for her": join(connect("mia", zoe), attempt("mia", "1"), giveUpMissed("mia", "1"),
			attempt("mia", "2", candidate("zoe", 1)), claimAndMatch("mia", "2", "zoe")),
		"the search missed a member and mia is matched meanwhile: a second attempt": join(connect("mia", ann), attempt("ann", "1"), giveUpMissed("ann", "1", zoe),
			attempt("zoe", "2", candidate("mia", 1)), claimAndMatch("zoe", "2", "mia"), attempt("ann", "3"), giveUp("ann", "3")),
		"the search missed a member and the owner is matched: no second attempt": join(connect("mia", ann), attempt("ann", "1"), giveUpMissed("ann", "1", zoe), attempt("zoe", "2", candidate("ann", 1)),
			claimAndMatch("zoe", "2", "ann")),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, steps)
			s.checkError(s.Connect(t.Context(), session("mia")), nil)
		})
	}
}

func TestAListingMakesAtMostSixAttemptsAndSixteenLeases(t *testing.T) {
	var waiting []match.WaitingRequest
	var attempts, leases script
	for i := range 17 {
		w := requestOf(fmt.Sprint("a", i), int64(i), 1)
		waiting = append(waiting, w)
		id := fmt.Sprint(i + 1)
		if i < 6 {
			attempts = append(attempts, join(attempt(w.Owner.ID, id), giveUp(w.Owner.ID, id))...)
		}
		if i < 16 {
			leases = append(leases, expect("lease "+w.Owner.ID+" "+id, match.StatusSilent)...)
		}
	}
	for _, steps := range []script{attempts, leases} {
		s := scripted(t, connect("mia", waiting...), steps)
		s.checkError(s.Connect(t.Context(), session("mia")), nil)
	}
}

// The caller's own request comes before those of others, and its reply must not be late.
func TestAMessageBeginsAttemptsForOthersForTwoSeconds(t *testing.T) {
	slowAttempt := func(takes time.Duration) script {
		return join(expect("lease a1 1", withRequest(match.StatusOK, waitingRequest())), expect("search for a1", hits(), takes), giveUp("a1", "1"))
	}
	woken := connect("mia", requestOf("a1", 1, 1), requestOf("a2", 2, 1))
	for _, steps := range []script{
		join(woken, slowAttempt(2*time.Second-time.Millisecond), attempt("a2", "2"), giveUp("a2", "2")),
		join(woken, slowAttempt(2*time.Second)),
	} {
		s := scripted(t, steps)
		s.checkError(s.Connect(t.Context(), session("mia")), nil)
	}
}

func TestTheOwnerOfAnExpiredWaitingRequestIsNotified(t *testing.T) {
	over := withRequest(match.StatusNoMatch, waitingRequest())
	over.Connection, over.Changes = "ann1", []match.Change{{List: true, Epoch: 7}}
	s := scripted(t, connect("mia", requestOf("ann", 1, 1)), attempt("ann", "1"), expect("give_up ann 1 wait", over),
		expect(`push ann1 {"type":"no_match","id":"m1","radius":500}`), expect("told ann1 no_match 30001"), expect("apply ann +7"))
	s.checkError(s.Connect(t.Context(), session("mia")), nil)
}
