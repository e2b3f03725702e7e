package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/geo"
	"waggle/internal/match"
)

const (
	pushWaiting = `push ana1 {"type":"waiting","id":"m1","expiresAt":30001}`
	pushNoMatch = `push ana1 {"type":"no_match","id":"m1","radius":500}`
)

// givenUp is the result of GiveUp for ana, with her connection and a change of the index.
func givenUp(status match.Status) result {
	r := withRequest(status, waitingRequest())
	r.Connection, r.Changes = "ana1", []match.Change{{List: true, Epoch: 7}}
	return r
}

func TestARequestWaitsIfNobodyCanBeClaimed(t *testing.T) {
	registered := join(expect("register ana m1", hits()), expect("registered ana m1", true))
	waiting := join(expect("give_up ana 1 wait", givenUp(match.StatusWaiting)), expect(pushWaiting))
	zoe := []match.WaitingRequest{requestOf("zoe", 1, 1)}
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"nobody is found: it waits": {join(waiting, registered, expect("apply ana +7")), nil},
		"a rival is found: it waits": {join(expect("search for ana", hits(candidate("ben", 1))), expect("claim ana 1 ben 5", match.StatusBusy),
			waiting, registered, expect("apply ana +7")), nil},
		"it has expired: no match":                  {join(expect("give_up ana 1 wait", givenUp(match.StatusNoMatch)), expect(pushNoMatch), expect("apply ana +7")), nil},
		"it was answered meanwhile: nothing to say": {join(expect("give_up ana 1 wait", match.StatusOther), expect("apply ana")), nil},
		"the give-up fails: the error":              {join(expect("give_up ana 1 wait", givenUp(match.StatusWaiting), err1), retracted("ana")), err1},
		"a request waits for ana: it is served, ana's first": {join(waiting, registered, expect("apply ana +7", zoe),
			expect("lease ana 2", match.StatusOther), expect("lease zoe 3", match.StatusSearching)), nil},
		"the registration fails: the error": {join(waiting, expect("register ana m1", err1), expect("apply ana +7", zoe),
			expect("lease ana 2", match.StatusSearching)), err1},
		"the listing fails: the error":                           {join(waiting, registered, expect("apply ana +7", err1)), err1},
		"the registration and the listing fail: the first error": {join(waiting, expect("register ana m1", err1), expect("apply ana +7", err2)), err1},
	} {
		t.Run(name, func(t *testing.T) {
			begun := expect("begin ana1 1", withRequest(match.StatusOK, waitingRequest()))
			if test.steps[0].call != "search for ana" {
				begun = join(begun, expect("search for ana", hits()))
			}
			s := scripted(t, begun, test.steps)
			q := matchMessage()
			q.Wait = 30
			s.checkError(s.Match(t.Context(), session("ana"), q), test.want)
		})
	}
}

// The registration searches the cells too. Here a ping registers the request.
func TestARegistrationMakesAttemptsIfItFindsCandidates(t *testing.T) {
	route := &match.Route{State: match.Waiting, Request: waitingRequest()}
	smaller := []match.Candidate{candidate("lea", 1), candidate("jim", 2), candidate("kim", 3), candidate("ida", 4)}
	registered := func(found ...match.Candidate) script {
		return join(expect("register mia m1", hits(found...)), expect("registered mia m1", true))
	}
	for name, steps := range map[string]script{
		"nobody is found": registered(),
		"a larger id is found: an attempt for the caller":  join(registered(candidate("zoe", 1)), attempt("mia", "1", candidate("zoe", 1)), claimAndMatch("mia", "1", "zoe")),
		"a smaller id is found: an attempt for that first": join(registered(candidate("jim", 1)), expect("lease jim 1", match.StatusOther), attempt("mia", "2"), giveUp("mia", "2")),
		"a larger and a smaller id are found: an attempt for the smaller first": join(registered(candidate("zoe", 1), candidate("jim", 2)), expect("lease jim 1", match.StatusOther),
			attempt("mia", "2"), giveUp("mia", "2")),
		"many smaller ids are found: three attempts before the caller's": join(registered(smaller...), expect("lease lea 1", match.StatusSearching), attempt("jim", "2", candidate("lea", 1)),
			claimAndMatch("jim", "2", "lea"), expect("lease kim 3", match.StatusSilent), attempt("mia", "4"), giveUp("mia", "4")),
		"a smaller id claims the caller: no further attempts": join(registered(smaller...), attempt("lea", "1", candidate("mia", 1)), claimAndMatch("lea", "1", "mia")),
		"the attempt for a smaller id fails: logged, no further attempts": join(registered(smaller...), expect("lease lea 1", match.StatusOther, err1),
			expect("log serve a waiting request: error 1")),
		"the attempt for the caller fails: logged": join(registered(candidate("zoe", 1)), expect("lease mia 1", match.StatusOther, err1),
			expect("log serve a waiting request: error 1")),
		"a cell had to stop: an attempt for the caller": join(expect("register mia m1", []match.Hits{{Rest: "r"}}), expect("registered mia m1", true), attempt("mia", "1"), giveUp("mia", "1")),
		"the request is over: it is withdrawn":          join(expect("register mia m1", hits(candidate("zoe", 1))), expect("registered mia m1", false), expect("withdraw mia m1")),
		"the registration fails: logged":                join(expect("register mia m1", hits(candidate("zoe", 1)), err1), expect("log register a waiting request: error 1")),
		"the registration cannot be noted: logged":      join(expect("register mia m1", hits(candidate("zoe", 1))), expect("registered mia m1", true, err1), expect("log register a waiting request: error 1")),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, expect("read mia1", result{Status: match.StatusOK, Now: 9, Route: route}), expect(`push mia1 {"type":"pong","now":9}`), steps)
			s.checkError(s.Ping(t.Context(), session("mia"), ""), nil)
		})
	}
}

func TestARegistrationHasTheWholeRequest(t *testing.T) {
	r := waitingRequest()
	r.Radius, r.Tags = 8000, []string{"tall"}
	route := &match.Route{State: match.Waiting, Request: r}
	none := make([]match.Hits, len(geo.ShardsWithin(origin(), 8000)))
	s := scripted(t, expect("read mia1", result{Status: match.StatusOK, Route: route}), expect(`push mia1 {"type":"pong","now":0}`),
		expect("register mia m1", none), expect("registered mia m1", true))
	s.checkError(s.Ping(t.Context(), session("mia"), ""), nil)
	if diff := cmp.Diff(match.WaitingRequest{Owner: member("mia"), Request: r}, s.waiting); diff != "" {
		t.Errorf("request (-want +got)\n%s", diff)
	}
	if s.want != 4 {
		t.Errorf("it asks each cell for %d candidates, want 4", s.want)
	}
}
