package match_test

import (
	"fmt"
	"testing"

	"waggle/internal/match"
)

// listed puts a member into the index, where these wait for it: a connect does.
func listed(name string, waiters ...match.WaitingRequest) lines {
	return act(on("connect "+name+"1", match.StatusOK), on("apply "+name, waiters))
}

// leased is a search for a waiting request, which sees these.
func leased(owner, id string, all ...match.Candidate) lines {
	return act(on("lease "+owner+" "+id, gains(match.StatusOK, longing())), on("search for "+owner, hits(all...)))
}

// fell ends it; whoever waits for the owner is served then.
func fell(owner, id string, waiters ...match.WaitingRequest) lines {
	return act(on("give_up "+owner+" "+id+" wait", gains(match.StatusWaiting, longing())), on("apply "+owner, waiters))
}

// again is the same for a search that somebody came too late for.
func again(owner, id string, waiters ...match.WaitingRequest) lines {
	a := gains(match.StatusWaiting, longing())
	a.Missed = true
	return act(on("give_up "+owner+" "+id+" wait", a), on("apply "+owner, waiters))
}

// claims is the answer to a search that has claimed one.
func claims(matcher, id, matchee string) lines {
	return act(on("claim "+matcher+" "+id+" "+matchee+" 5", match.StatusYours), meet(matcher, id, matchee))
}

func TestWhoWaitsIsServed(t *testing.T) {
	ann, bea, zoe, zyd := waiter("ann", 1, 1), waiter("bea", 2, 1), waiter("zoe", 1, 1), waiter("zyd", 2, 1)
	for name, play := range map[string]lines{
		"nobody waits": listed("mia"),
		"the oldest first, then the nearest": act(listed("mia", waiter("ann", 2, 1), waiter("bea", 1, 9), waiter("cat", 1, 3)),
			leased("cat", "1"), fell("cat", "1"), leased("bea", "2"), fell("bea", "2"), leased("ann", "3"), fell("ann", "3")),
		"until it is taken": act(listed("mia", ann, bea), leased("ann", "1", seen("mia", 1)), claims("ann", "1", "mia")),
		"another was taken": act(listed("mia", ann, bea), leased("ann", "1", seen("cat", 1)), claims("ann", "1", "cat"),
			leased("bea", "2", seen("mia", 1)), claims("bea", "2", "mia")),
		"one is silent": act(listed("mia", ann, bea), on("lease ann 1", match.StatusSilent), leased("bea", "2"), fell("bea", "2")),
		"one is served": act(listed("mia", ann, bea), on("lease ann 1", match.StatusSearching), leased("bea", "2"), fell("bea", "2")),
		"one is over": act(listed("mia", ann, bea), on("lease ann 1", match.StatusOther), on("withdraw ann m1"),
			leased("bea", "2"), fell("bea", "2")),
		"one cannot be leased": act(listed("mia", ann, bea), on("lease ann 1", gains(match.StatusOK, longing()), trouble1),
			on("log serve a waiting request: trouble 1")),
		"one cannot be searched for": act(listed("mia", ann, bea), on("lease ann 1", gains(match.StatusOK, longing())),
			on("search for ann", trouble1), fell("ann", "1"), on("log serve a waiting request: trouble 1")),
		"nor fall": act(listed("mia", ann, bea), on("lease ann 1", gains(match.StatusOK, longing())),
			on("search for ann", trouble1), on("give_up ann 1 wait", trouble2), on("log serve a waiting request: trouble 1")),
		"one cannot fall": act(listed("mia", ann, bea), leased("ann", "1"), on("give_up ann 1 wait", says{Missed: true}, trouble1),
			on("log serve a waiting request: trouble 1")),
		"one cannot be listed": act(listed("mia", ann, bea), leased("ann", "1"), on("give_up ann 1 wait", gains(match.StatusWaiting, longing())),
			on("apply ann", []match.WaitingRequest{zoe}, trouble1), on("log serve a waiting request: trouble 1")),
		"one was over at the end": act(listed("mia", ann, bea), leased("ann", "1", seen("mia", 1)), on("claim ann 1 mia 5", match.StatusYours),
			on("commit ann 1 mia", match.StatusRefused), on("release ann 1 mia lost", match.StatusReleased), on("apply mia"),
			leased("bea", "2"), fell("bea", "2")),

		"it goes first itself": act(listed("mia", zoe, zyd), leased("mia", "1", seen("zoe", 1)), claims("mia", "1", "zoe")),
		"but not before smaller ones": act(listed("mia", ann, zyd), leased("ann", "1"), fell("ann", "1"),
			leased("mia", "2", seen("zyd", 1)), claims("mia", "2", "zyd")),
		"it does not wait": act(listed("mia", zoe, zyd), on("lease mia 1", match.StatusOther), leased("zoe", "2"), fell("zoe", "2"),
			leased("zyd", "3"), fell("zyd", "3")),
		"it finds nobody": act(listed("mia", zoe, zyd), leased("mia", "1"), fell("mia", "1"), leased("zoe", "2"), fell("zoe", "2"),
			leased("zyd", "3"), fell("zyd", "3")),
		"it is silent":       act(listed("mia", zoe), on("lease mia 1", match.StatusSilent), leased("zoe", "2"), fell("zoe", "2")),
		"it searches":        act(listed("mia", zoe), on("lease mia 1", match.StatusSearching)),
		"it is claimed":      act(listed("mia", zoe), on("lease mia 1", match.StatusClaimed)),
		"it cannot be asked": act(listed("mia", zoe), on("lease mia 1", match.StatusOther, trouble1), on("log serve a waiting request: trouble 1")),
		"it is listed again having found nobody": act(listed("mia", zoe), leased("mia", "1"), fell("mia", "1", zoe),
			leased("zoe", "2", seen("mia", 1)), claims("zoe", "2", "mia")),
		"having met a rival": act(listed("mia", zoe), leased("mia", "1", seen("zoe", 1)), on("claim mia 1 zoe 5", match.StatusBusy),
			fell("mia", "1", zoe), leased("mia", "2", seen("zoe", 1)), claims("mia", "2", "zoe")),

		"somebody came meanwhile": act(listed("mia", ann), leased("ann", "1"), again("ann", "1"), leased("ann", "2", seen("mia", 1)),
			claims("ann", "2", "mia")),
		"and took the owner": act(listed("mia", ann), leased("ann", "1"), again("ann", "1", zoe), leased("zoe", "2", seen("ann", 1)),
			claims("zoe", "2", "ann")),
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, play)
			p.ends(p.Connect(t.Context(), session("mia")), nil)
		})
	}
}

// TestServingHasBounds: six searches, and sixteen requests looked at.
func TestServingHasBounds(t *testing.T) {
	var waiting []match.WaitingRequest
	var searched, looked lines
	for i := range 17 {
		w := waiter(fmt.Sprint("a", i), int64(i), 1)
		waiting = append(waiting, w)
		id := fmt.Sprint(i + 1)
		if i < 6 {
			searched = append(searched, act(leased(w.Owner.ID, id), fell(w.Owner.ID, id))...)
		}
		if i < 16 {
			looked = append(looked, on("lease "+w.Owner.ID+" "+id, match.StatusSilent)...)
		}
	}
	for _, play := range []lines{searched, looked} {
		p := perform(t, listed("mia", waiting...), play)
		p.ends(p.Connect(t.Context(), session("mia")), nil)
	}
}

// TestFallenRequestIsNotified: the owner of one that expired meanwhile.
func TestFallenRequestIsTold(t *testing.T) {
	over := gains(match.StatusNoMatch, longing())
	over.Connection, over.Changes = "ann1", []match.Change{{List: true, Epoch: 7}}
	p := perform(t, listed("mia", waiter("ann", 1, 1)), leased("ann", "1"), on("give_up ann 1 wait", over),
		on(`push ann1 {"type":"no_match","id":"m1","radius":500}`), on("apply ann +7"))
	p.ends(p.Connect(t.Context(), session("mia")), nil)
}
