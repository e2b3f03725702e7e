package match_test

import (
	"testing"
	"time"

	"waggle/internal/match"
)

// TestRivalsAskMissed: where everybody there was searching, for a second.
func TestRivalsAskAgain(t *testing.T) {
	met := func(id, rival string) lines { return on("claim mia "+id+" "+rival+" 5", match.StatusBusy) }
	begun := func(rivals ...string) lines {
		var all []match.Candidate
		var claims lines
		for i, name := range rivals {
			all = append(all, seen(name, float64(i)))
			claims = append(claims, met("1", name)...)
		}
		return act(on("begin mia1 1", gains(match.StatusOK, wish()), hits(all...)), claims)
	}
	waits := func(id string) lines {
		return act(on("give_up mia "+id+" wait", gains(match.StatusWaiting, wish())), on("apply mia"))
	}
	over := func(id string) lines {
		return act(on("give_up mia "+id, gains(match.StatusNoMatch, wish())), on("apply mia"))
	}
	sooner, later := on("sleep 15ms"), on("sleep 60ms")
	ok := gains(match.StatusOK, wish())
	again := act(on("lease mia 2", ok), on("search for mia", hits(seen("zoe", 1))))
	vain := func(id string) lines { return act(on("lease mia "+id, ok), on("search for mia", hits()), over(id)) }
	told := gains(match.StatusNoMatch, wish())
	told.Connection = "mia1"
	const rest = 940 * time.Millisecond // of the second, but for a pause

	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"the rival is larger":      {act(begun("zoe"), waits("1"), sooner, again, claims("mia", "2", "zoe")), nil},
		"the rival is smaller":     {act(begun("ann"), waits("1"), later, again, claims("mia", "2", "zoe")), nil},
		"one of them is":           {act(begun("zoe", "ann", "zyd"), waits("1"), later, again, claims("mia", "2", "zoe")), nil},
		"it is another rival then": {act(begun("ann"), waits("1"), later, again, met("2", "zoe"), waits("2"), sooner, vain("3")), nil},
		"those who were met while the request waited are not its rivals": {act(begun("zoe"),
			on("give_up mia 1 wait", gains(match.StatusWaiting, wish())), on("apply mia", []match.WaitingRequest{waiter("bea", 1, 1)}),
			leased("bea", "2", seen("ann", 1)), on("claim bea 2 ann 5", match.StatusBusy), fell("bea", "2"),
			sooner, vain("3")), nil},

		"the rival has gone": {act(begun("zoe"), waits("1"), sooner, vain("2")), nil},
		"the match is refused": {act(begun("zoe"), waits("1"), sooner, again, on("claim mia 2 zoe 5", match.StatusYours),
			on("commit mia 2 zoe", match.StatusRefused), on("release mia 2 zoe lost", match.StatusReleased), on("apply zoe")), nil},
		"a second is over": {act(begun("ann"), waits("1"), on("sleep 60ms", rest), again, met("2", "zoe"), over("2")), nil},
		"nearly":           {act(begun("ann"), waits("1"), on("sleep 60ms", rest-time.Millisecond), again, met("2", "zoe"), waits("2"), sooner, vain("3")), nil},

		"the request is over": {act(begun("zoe"), on("give_up mia 1 wait", gains(match.StatusNoMatch, wish())), on("apply mia")), nil},
		"it was answered":     {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", match.StatusOther), over("2")), nil},
		"it is claimed":       {act(begun("ann"), waits("1"), later, on("lease mia 2", match.StatusClaimed), later, vain("3")), nil},
		"it is claimed so long": {act(begun("ann"), waits("1"), later, on("lease mia 2", match.StatusClaimed, rest), later,
			on("lease mia 3", match.StatusClaimed), over("3")), nil},
		"and no longer": {act(begun("ann"), waits("1"), later, on("lease mia 2", match.StatusClaimed, rest-60*time.Millisecond),
			later, on("lease mia 3", match.StatusClaimed), later, vain("4")), nil},

		"it cannot fall":            {act(begun("zoe"), on("give_up mia 1 wait", gains(match.StatusWaiting, wish()), trouble1)), trouble1},
		"it cannot pause":           {act(begun("zoe"), waits("1"), on("sleep 15ms", trouble1)), trouble1},
		"it cannot be leased":       {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", trouble1)), trouble1},
		"it cannot be searched for": {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", ok), on("search for mia", trouble1)), trouble1},
		"it cannot fall at the end": {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", ok), on("search for mia", hits()),
			on("give_up mia 2", trouble1)), trouble1},
		"nor when it was answered": {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", match.StatusOther), on("give_up mia 2", trouble1)), trouble1},
		"and its time was over": {act(begun("zoe"), waits("1"), sooner, on("lease mia 2", match.StatusOther),
			on("give_up mia 2", told), on(`push mia1 {"type":"no_match","id":"m1","radius":500}`), on("apply mia")), nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, test.play)
			p.ends(p.Match(t.Context(), session("mia"), asks()), test.want)
		})
	}
}
