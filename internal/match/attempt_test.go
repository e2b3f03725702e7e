package match_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

// rivalFound ends an attempt whose candidates were searching themselves.
func rivalFound() script {
	return join(expect("give_up ana 1 wait", match.StatusOther), expect("apply ana"))
}

// movedTo is the result of a claim on a member who has moved to north(times).
func movedTo(times float64, at int64) result {
	p := north(times, at)
	return result{Status: match.StatusMoved, Position: &p}
}

// claimedByDan is the result of a claim on a member whom dan claimed so many milliseconds ago.
func claimedByDan(age int64, confirmed bool) result {
	return result{Status: match.StatusClaimed, Now: cacheTime, Claim: &match.Claim{Matcher: member("dan"), Match: "d", At: cacheTime - age, Confirmed: confirmed}}
}

// releaseDansClaim releases dan's claim on ben, as dan's route does not have that match.
func releaseDansClaim() script {
	return join(expect("read dan"), expect("release dan d ben lost", match.StatusReleased), expect("apply ben"))
}

func TestAnAttemptClaimsTheNearestCandidate(t *testing.T) {
	ben, cyd, newer := candidate("ben", 1), candidate("cyd", 2), candidate("ben", 3)
	newer.At = 6
	for name, steps := range map[string]script{
		"the search finds nobody: the attempt gives up": join(beginFinds(), nobodyFound()),
		"the nearest can be claimed: it is matched":     join(beginFinds(ben, cyd), expect("claim ana 1 ben 5", match.StatusYours), makeMatch("ana", "1", "ben")),
		"the nearest cannot be claimed: the next is tried": join(beginFinds(cyd, ben), expect("claim ana 1 ben 5", match.StatusTaken),
			expect("claim ana 1 cyd 5", match.StatusUnavailable), nobodyFound()),
		"a member is listed twice: the newer listing is claimed": join(beginFinds(ben, cyd, newer), expect("claim ana 1 cyd 5", match.StatusTaken),
			expect("claim ana 1 ben 6", match.StatusTaken), nobodyFound()),

		"the nearest moved: it is claimed in its new order": join(beginFinds(ben, cyd), expect("claim ana 1 ben 5", movedTo(3, 6)), expect("claim ana 1 cyd 5", match.StatusTaken),
			expect("claim ana 1 ben 6", match.StatusYours), makeMatch("ana", "1", "ben")),
		"the nearest moved out of the circle: it is not claimed": join(beginFinds(ben), expect("claim ana 1 ben 5", movedTo(5, 6)), nobodyFound()),
		"a candidate moves four times: it is skipped": join(beginFinds(ben), expect("claim ana 1 ben 5", movedTo(1, 6)), expect("claim ana 1 ben 6", movedTo(1, 7)),
			expect("claim ana 1 ben 7", movedTo(1, 8)), expect("claim ana 1 ben 8", movedTo(1, 9)), nobodyFound()),
		"a candidate moves three times: it is matched": join(beginFinds(ben), expect("claim ana 1 ben 5", movedTo(1, 6)), expect("claim ana 1 ben 6", movedTo(1, 7)),
			expect("claim ana 1 ben 7", movedTo(1, 8)), expect("claim ana 1 ben 8", match.StatusYours), makeMatch("ana", "1", "ben")),
		"two candidates move: each is claimed in its new order": join(beginFinds(ben, cyd), expect("claim ana 1 ben 5", movedTo(1, 6)), expect("claim ana 1 ben 6", movedTo(1, 7)),
			expect("claim ana 1 ben 7", movedTo(3, 8)), expect("claim ana 1 cyd 5", movedTo(2, 6)), expect("claim ana 1 cyd 6", match.StatusTaken),
			expect("claim ana 1 ben 8", match.StatusTaken), nobodyFound()),

		"the candidate is searching: it is a rival": join(beginFinds(ben), expect("claim ana 1 ben 5", match.StatusBusy), rivalFound()),
		"one of two candidates is searching: it is a rival": join(beginFinds(ben, cyd), expect("claim ana 1 ben 5", match.StatusBusy),
			expect("claim ana 1 cyd 5", match.StatusTaken), rivalFound()),

		"the candidate was just claimed: it is skipped":    join(beginFinds(ben), expect("claim ana 1 ben 5", claimedByDan(3000, false)), nobodyFound()),
		"the candidate is in another match: it is skipped": join(beginFinds(ben), expect("claim ana 1 ben 5", claimedByDan(9000, true)), nobodyFound()),
		"the candidate has an abandoned claim: that is released and it is matched": join(beginFinds(ben), expect("claim ana 1 ben 5", claimedByDan(3001, false)), releaseDansClaim(),
			expect("claim ana 1 ben 5", match.StatusYours), makeMatch("ana", "1", "ben")),
		"the candidate has an abandoned claim and moved: it is matched": join(beginFinds(ben), expect("claim ana 1 ben 5", claimedByDan(3001, false)), releaseDansClaim(),
			expect("claim ana 1 ben 5", movedTo(2, 6)), expect("claim ana 1 ben 6", match.StatusYours), makeMatch("ana", "1", "ben")),
		"the candidate has another abandoned claim: it is skipped": join(beginFinds(ben), expect("claim ana 1 ben 5", claimedByDan(3001, false)), releaseDansClaim(),
			expect("claim ana 1 ben 5", claimedByDan(3001, false)), nobodyFound()),
	} {
		t.Run(name, func(t *testing.T) {
			s := scripted(t, steps)
			s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), nil)
		})
	}
}

// A cell that is searched again for more candidates returns the first ones too.
func TestAnAttemptClaimsEachCandidateOnce(t *testing.T) {
	ben, cyd := candidate("ben", 1), candidate("cyd", 2)
	s := scripted(t, expect("begin ana1 1", withRequest(match.StatusOK, request())), expect("search for ana", []match.Hits{{Candidates: []match.Candidate{ben}, Horizon: 150}}),
		expect("claim ana 1 ben 5", match.StatusTaken), expect("search for ana", hits(ben, cyd)), expect("claim ana 1 cyd 5", match.StatusTaken), nobodyFound())
	s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), nil)
}

func TestAnAttemptClaimsAtMost64Candidates(t *testing.T) {
	var found []match.Candidate
	var claims script
	for i := range 70 {
		c := candidate(fmt.Sprint("m", i), float64(i)/100)
		found = append(found, c)
		if i < 64 {
			claims = append(claims, expect(fmt.Sprintf("claim ana 1 %s 5", c.ID), match.StatusTaken)...)
		}
	}
	s := scripted(t, beginFinds(found...), claims, nobodyFound())
	s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), nil)
}

func TestTheSearchIsForTheRequestThatWasOpened(t *testing.T) {
	tall := request()
	tall.Tags = []string{"calm", "tall"}
	begun := expect("begin ana1 1", withRequest(match.StatusOK, tall))
	s := scripted(t, begun, expect("search for ana", hits(candidate("ben", 1))), expect("claim ana 1 ben 5 calm tall", match.StatusYours), makeMatch("ana", "1", "ben"))
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{ID: "m1", Radius: 500}), nil)
	want := match.Query{Self: member("ana"), Point: origin(), Radius: 500, Tags: tall.Tags, Want: 4}
	if diff := cmp.Diff(want, s.query); diff != "" {
		t.Errorf("query (-want +got)\n%s", diff)
	}

	s = scripted(t, begun, expect("search for ana", hits(candidate("ben", 1)), err1), retracted("ana"))
	s.checkError(s.Match(t.Context(), session("ana"), &protocol.Match{ID: "m1", Radius: 500}), err1)
}

func TestAnAttemptRepeatsOrUndoesAFailedStep(t *testing.T) {
	s := scripted(t, beginFinds(), expect("give_up ana 1", match.StatusOther, err1), retracted("ana"))
	s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), err1)

	notDone := fmt.Errorf("full: %w", match.ErrNotDone)
	fails := func(err error) script { return expect("claim ana 1 ben 5", match.StatusYours, err) }
	yours := expect("claim ana 1 ben 5", match.StatusYours)
	refused := join(yours, expect("commit ana 1 ben", match.StatusRefused))
	for name, test := range map[string]struct {
		steps script
		want  error
	}{
		"the claim's reply is lost: it is repeated":               {join(fails(err1), yours, makeMatch("ana", "1", "ben")), nil},
		"the repeated claim is refused: the candidate is skipped": {join(fails(err1), expect("claim ana 1 ben 5", match.StatusTaken), nobodyFound()), nil},
		"the repeated claim fails: it is undone": {join(fails(err1), fails(err2), expect("release ana 1 ben lost", match.StatusOther),
			expect("apply ben")), err1},
		"the claim cannot be undone: the error is logged": {join(fails(err1), fails(err2), expect("release ana 1 ben lost", err2),
			expect("log undo a claim: error 2")), err1},
		"the cache has not done the claim: it is neither repeated nor undone": {fails(notDone), notDone},
		"another matcher's route cannot be read: the attempt fails":           {join(expect("claim ana 1 ben 5", claimedByDan(3001, false)), expect("read dan", err1)), err1},

		"the commit's reply is lost: it is repeated":   {join(yours, expect("commit ana 1 ben", match.StatusRefused, err1), makeMatch("ana", "1", "ben")), nil},
		"the repeated commit fails: the attempt fails": {join(yours, expect("commit ana 1 ben", err1), expect("commit ana 1 ben", match.StatusYours, err2)), err2},
		"the commit is refused: the claim is released": {join(refused, expect("release ana 1 ben lost", match.StatusReleased),
			expect("apply ben")), nil},
		"the commit is refused and the release fails: the attempt fails": {join(refused, expect("release ana 1 ben lost", err1)), err1},
		"the confirm fails: the attempt fails": {join(yours, expect("commit ana 1 ben", withRequest(match.StatusYours, request())),
			expect("confirm ana 1 ben", err1)), err1},
	} {
		t.Run(name, func(t *testing.T) {
			if test.want != nil {
				test.steps = join(test.steps, retracted("ana"))
			}
			s := scripted(t, beginFinds(candidate("ben", 1)), test.steps)
			s.checkError(s.Match(t.Context(), session("ana"), matchMessage()), test.want)
		})
	}
}
