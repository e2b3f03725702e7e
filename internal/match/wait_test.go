package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
)

const (
	toldWaiting = `push ana1 {"type":"waiting","id":"m1","expiresAt":30001}`
	toldNobody  = `push ana1 {"type":"no_match","id":"m1","radius":500}`
)

// falls is the answer to a search that ended, for ana's connection, with a change of the index.
func falls(status match.Status) says {
	a := gains(status, longing())
	a.Connection, a.Changes = "ana1", []match.Change{{List: true, Epoch: 7}}
	return a
}

// TestRequestIsLeftWaiting where nobody is there when it is asked.
func TestRequestIsLeftWaiting(t *testing.T) {
	registered := act(on("register ana m1", hits()), on("registered ana m1", true))
	waiting := act(on("give_up ana 1 wait", falls(match.StatusWaiting)), on(toldWaiting))
	zoe := []match.WaitingRequest{waiter("zoe", 1, 1)}
	for name, test := range map[string]struct {
		play lines
		want error
	}{
		"nobody is there": {act(waiting, registered, on("apply ana +7")), nil},
		"one who searches is": {act(on("search for ana", hits(seen("ben", 1))), on("claim ana 1 ben 5", match.StatusBusy),
			waiting, registered, on("apply ana +7")), nil},
		"its time is over": {act(on("give_up ana 1 wait", falls(match.StatusNoMatch)), on(toldNobody), on("apply ana +7")), nil},
		"it was answered":  {act(on("give_up ana 1 wait", match.StatusOther), on("apply ana")), nil},
		"it cannot fall":   {on("give_up ana 1 wait", falls(match.StatusWaiting), trouble1), trouble1},
		"somebody waits for ana": {act(waiting, registered, on("apply ana +7", zoe),
			on("lease ana 2", match.StatusOther), on("lease zoe 3", match.StatusSearching)), nil},
		"it cannot be registered": {act(waiting, on("register ana m1", trouble1), on("apply ana +7", zoe),
			on("lease ana 2", match.StatusSearching)), trouble1},
		"ana cannot be listed": {act(waiting, registered, on("apply ana +7", trouble1)), trouble1},
		"nor this nor that":    {act(waiting, on("register ana m1", trouble1), on("apply ana +7", trouble2)), trouble1},
	} {
		t.Run(name, func(t *testing.T) {
			begun := on("begin ana1 1", gains(match.StatusOK, longing()))
			if test.play[0].does != "search for ana" {
				begun = act(begun, on("search for ana", hits()))
			}
			p := perform(t, begun, test.play)
			q := asks()
			q.Wait = 30
			p.ends(p.Match(t.Context(), session("ana"), q), test.want)
		})
	}
}

// TestRequestIsRegistered with the cells of its circle, and served if somebody is there.
// A ping does so where a process that vanished had not.
func TestRequestIsRegistered(t *testing.T) {
	route := &match.Route{State: match.Waiting, Request: longing()}
	smaller := []match.Candidate{seen("lea", 1), seen("jim", 2), seen("kim", 3), seen("ida", 4)}
	all := func(found ...match.Candidate) lines {
		return act(on("register mia m1", hits(found...)), on("registered mia m1", true))
	}
	for name, play := range map[string]lines{
		"nobody is there":     all(),
		"somebody larger is":  act(all(seen("zoe", 1)), leased("mia", "1", seen("zoe", 1)), claims("mia", "1", "zoe")),
		"somebody smaller is": act(all(seen("jim", 1)), on("lease jim 1", match.StatusOther), leased("mia", "2"), fell("mia", "2")),
		"both are": act(all(seen("zoe", 1), seen("jim", 2)), on("lease jim 1", match.StatusOther),
			leased("mia", "2"), fell("mia", "2")),
		"many smaller are": act(all(smaller...), on("lease lea 1", match.StatusSearching), leased("jim", "2", seen("lea", 1)),
			claims("jim", "2", "lea"), on("lease kim 3", match.StatusSilent), leased("mia", "4"), fell("mia", "4")),
		"a smaller one takes it": act(all(smaller...), leased("lea", "1", seen("mia", 1)), claims("lea", "1", "mia")),
		"a smaller one cannot be served": act(all(smaller...), on("lease lea 1", match.StatusOther, trouble1),
			on("log serve a waiting request: trouble 1")),
		"it cannot be served": act(all(seen("zoe", 1)), on("lease mia 1", match.StatusOther, trouble1),
			on("log serve a waiting request: trouble 1")),
		"it is over":               act(on("register mia m1", hits(seen("zoe", 1))), on("registered mia m1", false), on("withdraw mia m1")),
		"it cannot be registered":  act(on("register mia m1", hits(seen("zoe", 1)), trouble1), on("log register a waiting request: trouble 1")),
		"nor can that it is noted": act(on("register mia m1", hits(seen("zoe", 1))), on("registered mia m1", true, trouble1), on("log register a waiting request: trouble 1")),
	} {
		t.Run(name, func(t *testing.T) {
			p := perform(t, on("read mia1", says{Status: match.StatusOK, Now: 9, Route: route}), on(`push mia1 {"type":"pong","now":9}`), play)
			p.ends(p.Ping(t.Context(), session("mia"), ""), nil)
		})
	}
}

// TestRegistrationSaysWhatIsWanted, in every cell that the circle touches.
func TestRegistrationSaysWhatIsWanted(t *testing.T) {
	r := longing()
	r.Radius, r.Tags = 8000, []string{"tall"}
	route := &match.Route{State: match.Waiting, Request: r}
	all := make([]match.Hits, len(geo.ShardsWithin(here(), 8000)))
	p := perform(t, on("read mia1", says{Status: match.StatusOK, Route: route}), on(`push mia1 {"type":"pong","now":0}`),
		on("register mia m1", all), on("registered mia m1", true))
	p.ends(p.Ping(t.Context(), session("mia"), ""), nil)
	if diff := cmp.Diff(match.WaitingRequest{Owner: member("mia"), Request: r}, p.waiting); diff != "" {
		t.Errorf("waiter (-want +got)\n%s", diff)
	}
	want := match.Query{Self: member("mia"), Point: here(), Radius: 8000, Tags: r.Tags, Want: 8}
	if diff := cmp.Diff(want, p.query); diff != "" {
		t.Errorf("query (-want +got)\n%s", diff)
	}
}
